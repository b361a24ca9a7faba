import { monotonic } from '../../events/index.ts';
import { HEAT_BOUNDS_MS, heatOf } from './latency.ts';
import type { PoolMemory } from './pools.ts';
import { round } from './rows.ts';
import { type RollingWindow, Sums } from './window.ts';

/** What requests did in a span of time. Wire spelling, since it is shown as it is. */
export interface SpanTraffic {
  /** Settled, whichever way. */
  readonly requests: number;
  /** Failed in any way: those that timed out or went down with a worker are among them. */
  readonly failed: number;
  readonly rejected: number;
  readonly cancelled: number;
  readonly timeouts: number;
  readonly crashed: number;
  /** Of all but the rejected; null where there were none. */
  readonly p50_ms: number | null;
  readonly p95_ms: number | null;
  readonly p99_ms: number | null;
  /** Requests by latency, on the scale of {@link Traffic.heatBoundsMs}; null where there were none. */
  readonly heat: readonly number[] | null;
}

/** How requests fare now. */
export interface RecentTraffic {
  /** Over the last five seconds, and as much of the running second. */
  readonly requests_per_second: number;
  /** The rest is over the last minute. Quantiles are 0 where nothing was timed. */
  readonly error_rate: number;
  readonly p50_ms: number;
  readonly p95_ms: number;
  readonly p99_ms: number;
  readonly requests_1m: number;
}

const RATE_MS = 5000;
const MINUTE_MS = 60_000;
const SLOT_MS = 1000;

/** What the windows of health know of requests, for those who show more of it than health does. Reading costs; counting has been done. */
export class Traffic {
  /** Lower bounds of the bins of {@link SpanTraffic.heat}. */
  readonly heatBoundsMs = HEAT_BOUNDS_MS;
  readonly #memory: ReadonlyMap<string, PoolMemory>;
  readonly #createdAt: number;

  /** @param createdAt - since when anybody has counted, by the clock of durations */
  constructor(memory: ReadonlyMap<string, PoolMemory>, createdAt: number) {
    this.#memory = memory;
    this.#createdAt = createdAt;
  }

  /** Commands that have run in a pool; past 50, `(other)` stands for the rest. */
  commands(pool: string): readonly string[] {
    return [...(this.#memory.get(pool)?.commands.entries() ?? [])].map(([name]) => name);
  }

  /**
   * What happened in a span of time, in some pools together.
   *
   * @param command - undefined: all of them
   * @param from - epoch milliseconds, a multiple of five seconds; a quarter of an hour back at most
   */
  between(pools: readonly string[], command: string | undefined, from: number, until: number): SpanTraffic {
    const sums = new Sums();
    for (const window of this.#windows(pools, command)) window.collect(from, until, sums);
    const { requests, failed, byStatus, timed, p50Ms, p95Ms, p99Ms } = sums.stats();
    const { rejected, cancelled, timeout: timeouts, crashed } = byStatus;
    const ms = (value: number) => (timed === 0 ? null : round(value));
    return {
      ...{ requests, failed, rejected, cancelled, timeouts, crashed },
      ...{ p50_ms: ms(p50Ms), p95_ms: ms(p95Ms), p99_ms: ms(p99Ms) },
      heat: timed === 0 ? null : heatOf(sums.bins),
    };
  }

  /** How requests fare at a moment. @param now - epoch milliseconds */
  recent(pools: readonly string[], command: string | undefined, now: number): RecentTraffic {
    const windows = this.#windows(pools, command);
    const { requests, errorRate, p50Ms, p95Ms, p99Ms } = this.#lastMinute(windows, now).stats();
    return {
      requests_per_second: round(this.#rate(windows, now)),
      error_rate: round(errorRate),
      ...{ p50_ms: round(p50Ms), p95_ms: round(p95Ms), p99_ms: round(p99Ms) },
      requests_1m: requests,
    };
  }

  #lastMinute(windows: readonly RollingWindow[], now: number): Sums {
    const sums = new Sums();
    for (const window of windows) window.collect(window.startOf(now - MINUTE_MS + SLOT_MS), now + 1, sums);
    return sums;
  }

  /** Whole slots and the running one, over the time they have really taken. */
  #rate(windows: readonly RollingWindow[], now: number): number {
    const observedMs = Math.max(SLOT_MS, monotonic() - this.#createdAt);
    return windows.reduce((sum, window) => {
      const from = window.startOf(now - RATE_MS);
      const sums = new Sums();
      window.collect(from, now + 1, sums);
      const requests = sums.counts.reduce((all, count) => all + count, 0);
      return sum + requests / (Math.min(observedMs, Math.max(1, now - from)) / 1000);
    }, 0);
  }

  #windows(pools: readonly string[], command: string | undefined): RollingWindow[] {
    return pools.flatMap((name) => {
      const pool = this.#memory.get(name);
      return (command === undefined ? pool?.window : pool?.commands.get(command)) ?? [];
    });
  }
}
