import { clock } from '../data/store.ts';
import { ago, clockTime, dateTime } from './format.ts';

export interface TimeProps {
  /** Milliseconds since 1970, or RFC 3339. */
  readonly at: number | string | null | undefined;
  readonly mode?: 'ago' | 'clock' | 'both';
}

/** A moment: how long ago, at what time; the other one is in its title. */
export function Time({ at, mode = 'ago' }: TimeProps) {
  const moment = typeof at === 'string' ? Date.parse(at) : (at ?? Number.NaN);
  if (!Number.isFinite(moment)) return <span class="muted">–</span>;
  const elapsed = mode === 'clock' ? '' : ago(clock.value - moment);
  const shown =
    mode === 'ago' ? elapsed : mode === 'clock' ? clockTime(moment) : `${clockTime(moment)} · ${elapsed}`;
  return (
    <time dateTime={new Date(moment).toISOString()} title={dateTime(moment)}>
      {shown}
    </time>
  );
}
