import type { ResolvedPool } from '../config/index.ts';
import { every, monotonic, type Timer } from '../events/index.ts';
import type { Worker } from './worker.ts';

/** What the heart tells the pool. */
export interface HeartListener {
  /** It did not answer before the next heartbeat. */
  missed(worker: Worker): void;
  /** It has been silent for `stuckAfterMs`. */
  stuck(worker: Worker): void;
}

/**
 * Asks every worker past its start, once in an interval, whether it lives. A start has a deadline of its own: importing a large model holds the GIL for as long as it takes,
 * and is no reason to kill anybody.
 */
export class Heart {
  readonly #options: Pick<ResolvedPool, 'heartbeatIntervalMs' | 'stuckAfterMs'>;
  readonly #workers: () => Iterable<Worker>;
  readonly #listener: HeartListener;
  #timer: Timer | undefined;

  constructor(
    options: Pick<ResolvedPool, 'heartbeatIntervalMs' | 'stuckAfterMs'>,
    workers: () => Iterable<Worker>,
    listener: HeartListener,
  ) {
    this.#options = options;
    this.#workers = workers;
    this.#listener = listener;
  }

  start(): void {
    this.#timer ??= every(this.#options.heartbeatIntervalMs, () => this.#beat());
  }

  stop(): void {
    this.#timer?.stop();
    this.#timer = undefined;
  }

  /** The interval is another now. */
  intervalChanged(): void {
    if (this.#timer === undefined) return;
    this.stop();
    this.start();
  }

  #beat(): void {
    const late: Worker[] = [];
    for (const worker of this.#workers()) {
      if (worker.readyAt === 0 || !worker.alive || worker.killed) continue;
      if (worker.pulse.open) late.push(worker);
      else worker.beat();
    }
    // If this process was the one that slept, the answers lie unread in its sockets, and timers come before them: they are read first.
    if (late.length > 0) setImmediate(() => this.#judge(late));
  }

  #judge(late: readonly Worker[]): void {
    for (const worker of late) {
      if (!worker.alive || worker.killed) continue;
      if (!worker.pulse.open) {
        worker.beat();
        continue;
      }
      worker.pulse.missed++;
      this.#listener.missed(worker);
      if (monotonic() - worker.pulse.heardAt >= this.#options.stuckAfterMs) this.#listener.stuck(worker);
    }
  }
}
