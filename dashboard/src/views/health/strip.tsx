import { now } from '../../data/store.ts';
import { changesOf, type Stretch, shareOf, stripOf } from '../../text/strip.ts';
import { clockTime, percent, plural } from '../../ui/format.ts';
import type { Detailed } from './types.ts';
import './strip.css';

const SPAN_MS = 15 * 60_000;

const worst = (stretches: readonly Stretch[]): string =>
  ['error', 'warning', 'ok']
    .flatMap((status) => {
      const share = shareOf(stretches, status);
      return share > 0 ? [`${status} ${percent(share)}`] : [];
    })
    .join(', ');

export interface StripProps {
  readonly report: Detailed;
  /** Null: the whole. */
  readonly check: string | null;
  readonly status: string;
}

/** How a status went over the last 15 minutes. */
export function Strip({ report, check, status }: StripProps) {
  const at = Date.parse(report.timestamp);
  const startedAt = now.value?.started_at ?? at - (report.system.uptime_seconds ?? 0) * 1000;
  const stretches = stripOf({ check, status, history: report.history, now: at, spanMs: SPAN_MS, startedAt });
  const changes = changesOf(report.history, check).filter((change) => Date.parse(change.at) >= at - SPAN_MS);
  const words = `The last 15 minutes: ${worst(stretches)}; ${plural(changes.length, 'change')}`;
  return (
    <div class="strip" role="img" aria-label={words} title={words}>
      {stretches.map(({ status: was, from, to }) => (
        <span
          key={from}
          class={`stretch ${was}`}
          style={{ flexGrow: to - from }}
          title={`${was === 'unknown' ? 'not known' : was} from ${clockTime(from)} to ${clockTime(to)}`}
        />
      ))}
    </div>
  );
}
