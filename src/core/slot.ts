import type { WorkerExit } from '../errors/index.ts';
import type { Timer } from '../events/index.ts';
import type { Replacement } from './replacement.ts';
import type { Worker } from './worker.ts';

/** What fills a slot, as one value. */
export type SlotState =
  /** Its next worker is about to be spawned, or none will come any more. */
  | { readonly kind: 'empty' }
  | { readonly kind: 'backoff'; readonly timer: Timer }
  | { readonly kind: 'filled'; readonly worker: Worker }
  /** The worker goes on until the successor is ready. */
  | { readonly kind: 'replacing'; readonly worker: Worker; readonly successor: Worker }
  | {
      readonly kind: 'quarantined';
      readonly timer: Timer;
      /** Monotonic milliseconds. */
      readonly since: number;
      readonly until: number;
      readonly why: string;
    };

export const EMPTY: SlotState = { kind: 'empty' };

/** What the workers of a slot have counted together. */
export interface SlotTotals {
  requests: number;
  busyMs: number;
  slotBusyMs: number;
  cpuSeconds: number;
  gcCollections: number;
}

/** Where counting begins. */
export const NOTHING: Readonly<SlotTotals> = {
  requests: 0,
  busyMs: 0,
  slotBusyMs: 0,
  cpuSeconds: 0,
  gcCollections: 0,
};

/** A place for a worker. Its counters go on while workers come and go, so that no sum of them ever falls. */
export class Slot {
  state: SlotState = EMPTY;
  /** Replaced workers that finish what they hold. */
  readonly leaving = new Set<Worker>();
  /** Replacements of a worker that was lost. */
  restarts = 0;
  /** Workers in a row that came to nothing. */
  failures = 0;
  /** The last of them did not even start. */
  startFailed = false;
  /** The last worker that ended without being asked to. */
  lastExit: (WorkerExit & { worker_id: string; at: number }) | undefined;
  /** The planned replacement under way. */
  replacement: Replacement | undefined;
  /** The pool has become smaller: no worker is started here any more. */
  retired = false;
  readonly #past: SlotTotals = { ...NOTHING };

  constructor(readonly index: number) {}

  /** The worker that fills it. */
  get worker(): Worker | undefined {
    const { state } = this;
    return state.kind === 'filled' || state.kind === 'replacing' ? state.worker : undefined;
  }

  get successor(): Worker | undefined {
    return this.state.kind === 'replacing' ? this.state.successor : undefined;
  }

  /** Every process it has now. */
  get workers(): Worker[] {
    return [this.worker, this.successor, ...this.leaving].filter((worker) => worker !== undefined);
  }

  /** Gives up the wait for the next start, if there is one. */
  stopWaiting(): void {
    if (this.state.kind !== 'backoff' && this.state.kind !== 'quarantined') return;
    this.state.timer.stop();
    this.state = EMPTY;
  }

  /** Takes over what a dead worker counted. */
  fold(worker: Worker, now: number): void {
    add(this.#past, countsOf(worker, now));
  }

  totals(now: number): SlotTotals {
    const totals = { ...this.#past };
    // The counts of a dead one were taken over; it is still seen here while its death is told.
    for (const worker of this.workers) if (worker.alive) add(totals, countsOf(worker, now));
    return totals;
  }
}

const countsOf = ({ load, lastStats }: Worker, now: number): SlotTotals => ({
  requests: load.finished,
  busyMs: load.busyMs(now),
  slotBusyMs: load.slotBusyMs(now),
  cpuSeconds: lastStats?.cpuSeconds ?? 0,
  gcCollections: lastStats?.gcCollections ?? 0,
});

/** Adds to the first what the second counted. */
export const add = (to: SlotTotals, what: SlotTotals): void => {
  to.requests += what.requests;
  to.busyMs += what.busyMs;
  to.slotBusyMs += what.slotBusyMs;
  to.cpuSeconds += what.cpuSeconds;
  to.gcCollections += what.gcCollections;
};
