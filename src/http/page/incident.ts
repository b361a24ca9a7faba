import type { SnakepitEvent } from '../../events/index.ts';
import type { IncidentData } from './frames.ts';
import type { Page } from './page.ts';

const MAX_ERRORS = 200;
const MAX_EVENTS = 2000;
const MAX_SLOW = 200;

const all = (_: SnakepitEvent) => true;

/**
 * Everything the page asks for, at one moment, so that it can be looked at later. Bounded by what is kept, and sanitized as what is served.
 *
 * @returns what JSON can write; to be embedded in HTML, `<` must be escaped
 */
export const incidentData = (page: Page): IncidentData => {
  const { health, errors, events, config, sanitizer } = page.sources;
  const now = page.now();
  const listed = errors?.list({ limit: MAX_ERRORS });
  const details = listed?.errors.map(({ id }) => [id, errors?.find(id)] as const) ?? [];
  const data: IncidentData = {
    recorded_at: now.at,
    now,
    workers: page.workers(),
    history: {
      total: page.history(undefined, undefined),
      pools: Object.fromEntries(now.pools.map(({ name }) => [name, page.history(name, undefined)])),
    },
    errors: listed === undefined ? null : { ...listed, quarantined: quarantined(page) },
    error_details: Object.fromEntries(details.filter(([, detail]) => detail !== undefined)),
    slow: errors?.slow({ limit: MAX_SLOW }) ?? null,
    health: health?.getDetailedHealth() ?? null,
    telemetry: health?.telemetry?.() ?? null,
    config: config.view(),
    events: [...(events?.recent(all, MAX_EVENTS) ?? [])].reverse(),
  };
  const { canary } = sanitizer;
  if (canary !== undefined) canary.inspect('incident', JSON.stringify(data));
  return data;
};

const quarantined = ({ sources }: Page): readonly unknown[] =>
  Object.values(sources.control.snapshot().pools).flatMap(({ name, quarantined_requests }) =>
    quarantined_requests.map((row) => ({ pool: name, ...row })),
  );
