/** How a status went over a span of time. */

/** A change, as the health report lists it. */
export interface StatusChange {
  readonly at: string;
  /** Null: the whole. */
  readonly check: string | null;
  readonly from: string;
  readonly to: string;
  readonly why: string;
}

/** A stretch in which a status stayed the same. Milliseconds since 1970. */
export interface Stretch {
  readonly status: string;
  readonly from: number;
  readonly to: number;
}

export interface StripInit {
  /** Null: the whole. */
  readonly check: string | null;
  /** Newest first, as it comes. */
  readonly history: readonly StatusChange[];
  /** What it is now. */
  readonly status: string;
  readonly now: number;
  readonly spanMs: number;
  /** Before it there was nothing to know. */
  readonly startedAt?: number | undefined;
}

/** The report keeps so many changes; where as many are there, older ones may be missing. */
const MAX_KEPT = 50;

/** A check's changes, newest first. */
export const changesOf = (history: readonly StatusChange[], check: string | null): readonly StatusChange[] =>
  history.filter((change) => change.check === check);

const knownSince = ({ history, startedAt = 0 }: StripInit): number => {
  const oldest = history.length < MAX_KEPT ? undefined : history.at(-1);
  return Math.max(startedAt, oldest === undefined ? 0 : Date.parse(oldest.at));
};

/** The last `spanMs` in stretches, oldest first, without gaps. What is not known has the status `unknown`. */
export const stripOf = (init: StripInit): readonly Stretch[] => {
  const { history, check, now, spanMs } = init;
  const begin = now - spanMs;
  const stretches: Stretch[] = [];
  let [to, status] = [now, init.status];
  for (const change of changesOf(history, check)) {
    const at = Math.min(Date.parse(change.at), to);
    if (at <= begin) break;
    if (at < to) stretches.push({ status, from: at, to });
    [to, status] = [at, change.from];
  }
  const known = Math.min(Math.max(begin, knownSince(init)), to);
  if (known < to) stretches.push({ status, from: known, to });
  if (begin < known) stretches.push({ status: 'unknown', from: begin, to: known });
  return stretches.reverse();
};

/** How much of the time that is known had a status, 0 to 1. */
export const shareOf = (stretches: readonly Stretch[], status: string): number => {
  const sum = (those: readonly Stretch[]) => those.reduce((all, { from, to }) => all + to - from, 0);
  const known = sum(stretches.filter((stretch) => stretch.status !== 'unknown'));
  return known === 0 ? 0 : sum(stretches.filter((stretch) => stretch.status === status)) / known;
};
