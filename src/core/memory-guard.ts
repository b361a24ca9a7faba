import type { ResolvedOptions } from '../config/index.ts';
import { type EventBus, every, monotonic, type Timer } from '../events/index.ts';
import type { MemoryUse } from '../process/index.ts';
import type { Pool } from './pool.ts';
import type { Worker } from './worker.ts';

type GuardOptions = Exclude<ResolvedOptions['memoryGuard'], false>;

const LOOK_EVERY_MS = 2000;
/** It must fall this far below a threshold before the threshold counts as left, so that it does not flap. */
const HYSTERESIS = 0.05;
/** Where a worker does not come back, the others are left alone for so long: an app that does not start any more would lose them all. */
const AFTER_FAILURE_MS = 60_000;
/** Pause after a replacement: what it gained shows by then. */
const AFTER_SUCCESS_MS = 10_000;

/**
 * Watches the memory limit of the control group, where there is one. Reached, the kernel kills whom it likes, or the container as a whole; replacing the
 * largest worker in time costs one start.
 */
export class MemoryGuard {
  readonly #options: GuardOptions;
  readonly #pools: () => Iterable<Pool>;
  readonly #read: () => MemoryUse;
  readonly #bus: EventBus;
  #timer: Timer | undefined;
  #over: 'warning' | 'error' | undefined;
  #recycling = false;
  #notBefore = 0;

  constructor(init: {
    options: GuardOptions;
    pools: () => Iterable<Pool>;
    read: () => MemoryUse;
    bus: EventBus;
  }) {
    this.#options = init.options;
    this.#pools = init.pools;
    this.#read = init.read;
    this.#bus = init.bus;
  }

  /** Does nothing where there is no limit: limits are not set on a living process. */
  start(): void {
    if (this.#read().limitBytes === null) return;
    this.#timer = every(LOOK_EVERY_MS, () => this.look());
  }

  stop(): void {
    this.#timer?.stop();
  }

  /** Looks once; {@link start} does it every two seconds. */
  look(): void {
    const { usedBytes, limitBytes } = this.#read();
    if (limitBytes === null) return;
    const ratio = usedBytes / limitBytes;
    this.#judge(ratio);
    if (ratio < this.#options.recycleRatio || this.#recycling || monotonic() < this.#notBefore) return;
    void this.#recycleLargest();
  }

  #judge(ratio: number): void {
    const { warnRatio, recycleRatio } = this.#options;
    const over = (threshold: number, already: boolean) => ratio >= threshold - (already ? HYSTERESIS : 0);
    const isError = over(recycleRatio, this.#over === 'error');
    const isWarning = isError || over(warnRatio, this.#over !== undefined);
    const level = isError ? 'error' : isWarning ? 'warning' : undefined;
    if (level === this.#over) return;
    // From error to warning it has come down, but is over a threshold still: that was said.
    if (level !== undefined && this.#over !== 'error') {
      const threshold = level === 'error' ? recycleRatio : warnRatio;
      this.#bus
        .event('snakepit.threshold.exceeded')
        .emit({ value: ratio, threshold }, { check: 'memory_guard', level });
    }
    if (level === undefined) {
      this.#bus
        .event('snakepit.threshold.recovered')
        .emit({ value: ratio, threshold: warnRatio }, { check: 'memory_guard' });
    }
    this.#over = level;
  }

  async #recycleLargest(): Promise<void> {
    let largest: { pool: Pool; worker: Worker; rss: number } | undefined;
    for (const pool of this.#pools()) {
      for (const worker of pool.supervisor.workers) {
        const rss = worker.serving ? (worker.lastStats?.rssBytes ?? 0) : 0;
        if (rss > (largest?.rss ?? 0)) largest = { pool, worker, rss };
      }
    }
    if (largest === undefined) return;
    this.#recycling = true;
    // There is no room for two: the old one goes first.
    const { outcome } = await largest.pool.recycler.one(largest.worker, 'recycled_memory', 'stop_first');
    // If that did not help, workers are not what fills the memory: another one is not spent on it at once.
    const pauseMs = outcome === 'start_failed' ? AFTER_FAILURE_MS : AFTER_SUCCESS_MS;
    this.#notBefore = monotonic() + pauseMs;
    this.#recycling = false;
  }
}
