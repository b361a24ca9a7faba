/** Longest wait a timer can have. */
const FOREVER_MS = 2 ** 31 - 1;

/**
 * Keeps Node running while there is something to wait for, and only then: a program whose pit is idle ends by itself.
 */
export class KeepAlive {
  #holders = 0;
  #timer: NodeJS.Timeout | undefined;

  hold(): void {
    if (this.#holders++ === 0) {
      this.#timer ??= setInterval(() => {}, FOREVER_MS);
      this.#timer.ref();
    }
  }

  release(): void {
    if (--this.#holders === 0) this.#timer?.unref();
  }

  /** Ends it for good. */
  stop(): void {
    clearInterval(this.#timer);
    this.#timer = undefined;
  }
}
