import type { RequestStatus } from '../../errors/index.ts';
import { BINS, binOf, quantile } from './latency.ts';

const statuses = ['success', 'failure', 'timeout', 'cancelled', 'rejected', 'crashed'] as const;
const STATUSES = statuses.length;
const REJECTED = statuses.indexOf('rejected');

/** What happened in the time looked back on. */
export interface WindowStats {
  /** Requests settled, whichever way. */
  readonly requests: number;
  readonly byStatus: Readonly<Record<RequestStatus, number>>;
  /** Requests the error rate is a share of: neither cancelled (the caller's doing) nor rejected (never run). */
  readonly judged: number;
  /** Of those, the ones that failed: failure, timeout, crashed. */
  readonly failed: number;
  /** `failed / judged`, 0 to 1; 0 when there were none. */
  readonly errorRate: number;
  /** Of all but the rejected, as in the duration metric. Milliseconds; 0 when there were none. */
  readonly averageMs: number;
  /** Requests that the times below are of. */
  readonly timed: number;
  readonly p50Ms: number;
  readonly p95Ms: number;
  readonly p99Ms: number;
}

/** Slots beyond this many become longer instead, so that a window of a day costs no more memory than one of a quarter of an hour. */
const MAX_SLOTS = 900;
const SECOND = 1000;
/** Longer than this is no duration, and would drown the average. Milliseconds. */
const ABSURD = 1e12;

/** What happened in some slots of some windows, added up. */
export class Sums {
  readonly counts = new Float64Array(STATUSES);
  readonly bins = new Float64Array(BINS);
  /** Of all latencies. Milliseconds. */
  ms = 0;

  stats(): WindowStats {
    return summarise(this.counts, this.bins, this.ms);
  }
}

/**
 * Rolling statistics of one pool or command: a ring of slots of a second each. A slot carries the time it stands for, so what is too old is
 * not counted even if nothing has happened since: silence never shows old truth.
 *
 * Memory is fixed: about 1 KB a slot, 900 KB for a quarter of an hour by seconds.
 */
export class RollingWindow {
  readonly #slotMs: number;
  readonly #slots: number;
  /** Which slot of time each place of the ring holds. */
  readonly #stamps: Float64Array;
  readonly #counts: Uint32Array;
  readonly #sums: Float64Array;
  readonly #bins: Uint32Array;
  /** The place last written, and the time it covers: the usual event falls into it and costs two comparisons. */
  #at = 0;
  #from = 0;
  #until = 0;

  /**
   * @param windowMs - longest time that can be looked back on, in milliseconds
   * @param slotMs - how long a slot is at least, whole seconds in milliseconds. Default: one second
   */
  constructor(windowMs: number, slotMs = SECOND) {
    this.#slotMs = Math.max(slotMs, Math.ceil(windowMs / MAX_SLOTS / SECOND) * SECOND);
    this.#slots = Math.max(1, Math.ceil(windowMs / this.#slotMs));
    this.#stamps = new Float64Array(this.#slots).fill(-1);
    this.#counts = new Uint32Array(this.#slots * STATUSES);
    this.#sums = new Float64Array(this.#slots);
    this.#bins = new Uint32Array(this.#slots * BINS);
  }

  /** Whether it can look back so far. */
  reaches(windowMs: number): boolean {
    return this.#slots * this.#slotMs >= windowMs;
  }

  /** One that looks back further, with what this one knows. Beyond a quarter of an hour its slots are longer, and it begins empty. */
  longer(windowMs: number): RollingWindow {
    const longer = new RollingWindow(windowMs);
    if (longer.#slotMs === this.#slotMs) longer.#copy(this);
    return longer;
  }

  #copy(from: RollingWindow): void {
    for (let old = 0; old < from.#slots; old++) {
      const stamp = from.#stamps[old] as number;
      if (stamp < 0) continue;
      const at = stamp % this.#slots;
      this.#stamps[at] = stamp;
      this.#sums[at] = from.#sums[old] as number;
      this.#counts.set(from.#counts.subarray(old * STATUSES, (old + 1) * STATUSES), at * STATUSES);
      this.#bins.set(from.#bins.subarray(old * BINS, (old + 1) * BINS), at * BINS);
    }
  }

  /** Counts a settled request. Hot: no allocation, no division while time stays within a slot. */
  record(timestamp: number, status: RequestStatus, durationMs: number): void {
    if (!(timestamp >= this.#from && timestamp < this.#until) && !this.#seek(timestamp)) return;
    const at = this.#at;
    const index = indexOf(status);
    if (index < 0) return;
    const count = at * STATUSES + index;
    this.#counts[count] = (this.#counts[count] as number) + 1;
    if (index === REJECTED || !(durationMs >= 0 && durationMs < ABSURD)) return;
    this.#sums[at] = (this.#sums[at] as number) + durationMs;
    const bin = at * BINS + binOf(durationMs);
    this.#bins[bin] = (this.#bins[bin] as number) + 1;
  }

  /**
   * What happened in the last `windowMs` before `now`, to the slot: the running one is counted as far as it has come.
   *
   * @param now - epoch milliseconds, the clock of the events
   */
  read(now: number, windowMs: number): WindowStats {
    const last = Math.floor(now / this.#slotMs);
    const first = last - Math.min(this.#slots, Math.ceil(windowMs / this.#slotMs)) + 1;
    const sums = new Sums();
    this.#collect(first, last, sums);
    return sums.stats();
  }

  /** Start of the slot that holds a moment. */
  startOf(timestamp: number): number {
    return Math.floor(timestamp / this.#slotMs) * this.#slotMs;
  }

  /**
   * Adds what happened in the slots that begin in a span of time: a slot longer than the span belongs to the one in which it begins, so that
   * spans side by side add up to the whole.
   *
   * @param from - epoch milliseconds
   * @param until - the same, not included
   */
  collect(from: number, until: number, into: Sums): void {
    const first = Math.ceil(from / this.#slotMs);
    const last = Math.ceil(until / this.#slotMs) - 1;
    this.#collect(Math.max(first, last - this.#slots + 1), last, into);
  }

  #collect(first: number, last: number, into: Sums): void {
    // The few slots asked for are looked up; going through the whole ring would cost more than adding them.
    for (let slot = Math.max(0, first); slot <= last; slot++) {
      const at = slot % this.#slots;
      // Another stamp: nothing happened then, or it was written before the clock was set back.
      if (this.#stamps[at] !== slot) continue;
      into.ms += this.#sums[at] as number;
      add(into.counts, this.#counts, at * STATUSES);
      add(into.bins, this.#bins, at * BINS);
    }
  }

  #seek(timestamp: number): boolean {
    if (!(timestamp >= 0)) return false;
    const slot = Math.floor(timestamp / this.#slotMs);
    const at = slot % this.#slots;
    if (this.#stamps[at] !== slot) {
      this.#stamps[at] = slot;
      this.#sums[at] = 0;
      this.#counts.fill(0, at * STATUSES, (at + 1) * STATUSES);
      this.#bins.fill(0, at * BINS, (at + 1) * BINS);
    }
    this.#at = at;
    this.#from = slot * this.#slotMs;
    this.#until = this.#from + this.#slotMs;
    return true;
  }
}

/** A switch over constants compares pointers; looking the word up in a table would hash it. */
const indexOf = (status: RequestStatus): number => {
  switch (status) {
    case 'success':
      return 0;
    case 'failure':
      return 1;
    case 'timeout':
      return 2;
    case 'cancelled':
      return 3;
    case 'rejected':
      return REJECTED;
    case 'crashed':
      return 5;
    default:
      return -1;
  }
};

const add = (into: Float64Array, from: Uint32Array, offset: number): void => {
  for (let i = 0; i < into.length; i++) into[i] = (into[i] as number) + (from[offset + i] as number);
};

const summarise = (counts: Float64Array, bins: Float64Array, sum: number): WindowStats => {
  const byStatus = Object.fromEntries(statuses.map((status, i) => [status, counts[i]])) as Record<
    RequestStatus,
    number
  >;
  const requests = counts.reduce((all, count) => all + count, 0);
  const timed = bins.reduce((all, count) => all + count, 0);
  const failed = byStatus.failure + byStatus.timeout + byStatus.crashed;
  const judged = byStatus.success + failed;
  return {
    requests,
    byStatus,
    judged,
    failed,
    errorRate: judged === 0 ? 0 : failed / judged,
    timed,
    averageMs: timed === 0 ? 0 : sum / timed,
    p50Ms: quantile(bins, timed, 0.5),
    p95Ms: quantile(bins, timed, 0.95),
    p99Ms: quantile(bins, timed, 0.99),
  };
};
