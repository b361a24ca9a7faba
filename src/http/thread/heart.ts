import { BEAT_MS, type Shared } from './shared.ts';

/**
 * How long the main thread has not run, as the listener's thread sees it.
 *
 * Counted is only time in which this thread ran itself: after a suspended machine or a stopped process has been woken, both threads have
 * been silent, and neither is stuck.
 */
export class Heart {
  readonly #shared: Shared;
  #seen: number;
  #tickedAt: number;
  #silentMs = 0;

  constructor(shared: Shared, clock: () => number = () => performance.now()) {
    this.#shared = shared;
    this.#clock = clock;
    this.#seen = shared.beats;
    this.#tickedAt = clock();
  }

  readonly #clock: () => number;

  get silentMs(): number {
    return this.#silentMs;
  }

  /** To be called every {@link BEAT_MS}. */
  tick(): void {
    const now = this.#clock();
    const { beats } = this.#shared;
    this.#silentMs = beats === this.#seen ? this.#silentMs + Math.min(now - this.#tickedAt, 2 * BEAT_MS) : 0;
    this.#seen = beats;
    this.#tickedAt = now;
  }
}
