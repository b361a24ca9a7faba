import type { ResolvedOptions } from './config/index.ts';
import type { Pit } from './core/index.ts';
import type { DropReason, EventBus } from './events/index.ts';
import { Page, type PageSources } from './http/index.ts';
import type { Live } from './live.ts';
import type { Observers } from './observers.ts';
import type { InstanceSanitizer } from './sanitize/index.ts';
import { packageVersion } from './version.ts';

/** What {@link createPage} is made from. */
export interface PageInit {
  /** Those in force. */
  readonly options: ResolvedOptions;
  readonly bus: EventBus;
  readonly pit: Pit;
  readonly live: Live;
  readonly observers: Observers;
  readonly sanitizer: InstanceSanitizer;
}

/** Not delivered, though nobody asked for that. */
const losses: readonly DropReason[] = ['rate_limited', 'overflow', 'circuit_open', 'failed'];

const droppedOf = (bus: EventBus): number =>
  bus.consumers().reduce((sum, { dropped }) => losses.reduce((all, why) => all + dropped[why], sum), 0);

const thresholdsOf = ({ health }: ResolvedOptions): ReturnType<PageSources['thresholds']> => {
  if (health === false) return {};
  const { response_time, error_rate, queue_depth, worker_availability } = health.criteria;
  const limits = ({ warning, error }: typeof error_rate) => ({ warning, error });
  return {
    response_time_ms: limits(response_time),
    error_rate: limits(error_rate),
    queue_depth: limits(queue_depth),
    worker_availability: limits(worker_availability),
  };
};

/** What the live page of an instance reads; null where it is switched off. */
export const createPage = ({ options, bus, pit, live, observers, sanitizer }: PageInit): Page | null => {
  const { history, served } = observers;
  if (history === undefined) return null;
  const isOn = served.health !== null;
  return new Page({
    version: packageVersion(),
    control: pit,
    config: live,
    history,
    health: served.health,
    errors: served.errors,
    events: served.live,
    dropped: () => droppedOf(bus),
    critical: (pool) => options.pools[pool]?.critical === true,
    thresholds: () => (isOn ? thresholdsOf(options) : {}),
    sanitizer,
  });
};
