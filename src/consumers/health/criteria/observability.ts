import type { ConsumerCounts } from '../../../events/index.ts';
import { percent } from '../verdict.ts';
import { type Criterion, type Finding, thresholdWords } from './finding.ts';

/** What became of the events of late. */
export interface BusReading {
  /** Consumers that get nothing at the moment since they kept failing. */
  readonly open: readonly string[];
  /** The consumer that lost the largest share; undefined where none was offered enough. */
  readonly worst: { readonly name: string; readonly lost: number; readonly offered: number } | undefined;
}

interface Totals {
  readonly at: number;
  readonly consumers: ReadonlyMap<string, { readonly offered: number; readonly lost: number }>;
}

/** Marks kept of a window; more would only make its beginning sharper. */
const MARKS = 12;

/** Compares what consumers have counted with what they had counted a while ago. */
export class BusWatch {
  readonly #consumers: () => readonly ConsumerCounts[];
  #marks: Totals[] = [];

  constructor(consumers: () => readonly ConsumerCounts[]) {
    this.#consumers = consumers;
  }

  /** @param at - the clock of durations */
  read(at: number, { windowMs, minVolume }: Criterion): BusReading {
    const counts = this.#consumers();
    const base = this.#base(at, windowMs, counts);
    const shares = counts.flatMap((count) => {
      const before = base.consumers.get(count.name) ?? { offered: 0, lost: 0 };
      const offered = count.offered - before.offered;
      return offered < minVolume ? [] : [{ name: count.name, offered, lost: lostOf(count) - before.lost }];
    });
    return {
      open: counts.filter(({ circuit }) => circuit === 'open').map(({ name }) => name),
      worst: shares.sort((a, b) => b.lost / b.offered - a.lost / a.offered)[0],
    };
  }

  /** The youngest mark that is at least a window old, else the oldest there is. */
  #base(at: number, windowMs: number, counts: readonly ConsumerCounts[]): Totals {
    const last = this.#marks.at(-1);
    if (last === undefined || at - last.at >= windowMs / MARKS)
      this.#marks.push({ at, consumers: totals(counts) });
    const begin = this.#marks.findLastIndex((mark) => at - mark.at >= windowMs);
    if (begin > 0) this.#marks = this.#marks.slice(begin);
    return this.#marks[0] as Totals;
  }
}

/** What it did not get against anybody's will. Sampling and rate limits are asked for. */
const lostOf = ({ dropped }: ConsumerCounts): number =>
  dropped.overflow + dropped.failed + dropped.circuit_open;

const totals = (counts: readonly ConsumerCounts[]) =>
  new Map(counts.map((count) => [count.name, { offered: count.offered, lost: lostOf(count) }]));

/** Whether what observes still sees. */
export const observability = ({ open, worst }: BusReading, criterion: Criterion): Finding => {
  const share = worst === undefined ? 0 : worst.lost / worst.offered;
  const lost = worst !== undefined && worst.lost > 0;
  const parts = [
    ...(open.length > 0 ? [`no events for ${open.join(', ')}`] : []),
    ...(lost ? [`${worst.name} lost ${worst.lost} of ${worst.offered} events (${percent(share)})`] : []),
  ];
  const message = parts.length === 0 ? 'Every consumer gets its events' : parts.join('; ');
  return {
    value: share,
    ...(open.length > 0 && { atLeast: 'warning', passed: 0 }),
    words: (status) =>
      status === 'ok'
        ? { message }
        : {
            message,
            why: [
              ...(open.length > 0
                ? [`these consumers failed so often in a row that they are left out for a while`]
                : []),
              ...(lost && share > 0 ? [`losses are a ${thresholdWords(status, share, criterion)}`] : []),
            ].join('; '),
            remedy:
              'See /health/telemetry: a consumer that fails must be mended, one that is slow needs a larger queue, fewer events or a sampling rate.',
          },
  };
};
