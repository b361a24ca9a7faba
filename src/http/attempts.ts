/** Wrong tokens in a row before one has to wait. */
const BURST = 10;
/** What one more try costs then. Milliseconds. */
const EACH_MS = 6000;

/**
 * Bounds how often a token may be guessed at one server. All callers share it: behind a proxy, or in the thread of the listener, nobody
 * has an address of their own, and one count cannot grow.
 */
export class Attempts {
  readonly #now: () => number;
  #left = BURST;
  #since: number;

  constructor(now: () => number = () => performance.now()) {
    this.#now = now;
    this.#since = now();
  }

  /** How long to wait before the next try; 0: none. Milliseconds. */
  waitMs(): number {
    this.#refill();
    return this.#left >= 1 ? 0 : Math.ceil((1 - this.#left) * EACH_MS);
  }

  /** A try was wrong. */
  failed(): void {
    this.#refill();
    this.#left = Math.max(0, this.#left - 1);
  }

  #refill(): void {
    const now = this.#now();
    this.#left = Math.min(BURST, this.#left + (now - this.#since) / EACH_MS);
    this.#since = now;
  }
}
