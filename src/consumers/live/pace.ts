import { after, monotonic, type Timer } from '../../events/index.ts';

/** One rhythm of flushes: the first event after a silence goes out at once, what follows it together. */
export class Pace {
  readonly #ms: number;
  readonly #flush: () => void;
  #timer: Timer | undefined;
  #last = Number.NEGATIVE_INFINITY;

  constructor(ms: number, flush: () => void) {
    this.#ms = ms;
    this.#flush = flush;
  }

  request(): void {
    if (this.#timer !== undefined) return;
    this.#timer = after(Math.max(0, this.#last + this.#ms - monotonic()), () => {
      this.#timer = undefined;
      this.#last = monotonic();
      this.#flush();
    });
  }

  stop(): void {
    this.#timer?.stop();
    this.#timer = undefined;
  }
}
