/** How far back the estimate looks: what was seen this long ago weighs 1/e. */
const WINDOW_MS = 10_000;
/** What is seen is weighed in portions of this length, so that most requests cost two additions. */
const PORTION_MS = 1000;

/** Bounds of what a caller is told to wait. */
const MIN_RETRY_MS = 1000;
const MAX_RETRY_MS = 60_000;

/** The stamps of a request that has begun. */
export interface Begun {
  readonly acceptedAt: number;
  readonly startedAt: number;
}

/**
 * How fast the workers of a pool work off its queue, from the stamps that requests have anyway.
 *
 * Only time during which something waited says how fast the workers are; at other times they begin what arrives. A request accepted before the last one
 * began has waited all the time since then, so that time counts; before any other request the queue may have been empty, so nothing is learned from it.
 */
export class DrainRate {
  #lastStart = Number.NEGATIVE_INFINITY;
  #begun = 0;
  #ms = 0;
  #pastBegun = 0;
  #pastMs = 0;

  /** A request has begun. */
  began(request: Begun): void {
    const { startedAt } = request;
    if (request.acceptedAt < this.#lastStart) {
      this.#begun++;
      this.#ms += startedAt - this.#lastStart;
      if (this.#ms >= PORTION_MS) this.#fold();
    }
    this.#lastStart = startedAt;
  }

  /**
   * Milliseconds until the requests ahead have begun, 1000 … 60000; 1000 when nothing is known yet.
   *
   * @param ahead - requests that wait
   * @param waitingSince - since when something has waited, or undefined when nothing does
   */
  retryAfterMs(ahead: number, waitingSince: number | undefined, now: number): number {
    const silentMs = waitingSince === undefined ? 0 : now - Math.max(this.#lastStart, waitingSince);
    const msEach = this.#msEach(silentMs);
    // Where nothing was ever seen to begin, the best guess is that it lasts as long again.
    const ms = msEach === undefined ? silentMs : ahead * msEach;
    return Math.min(MAX_RETRY_MS, Math.max(MIN_RETRY_MS, ms));
  }

  /** Time between two requests that begin, or undefined when none is known. */
  #msEach(silentMs: number): number | undefined {
    const weight = Math.exp(-this.#ms / WINDOW_MS);
    const begun = this.#pastBegun * weight + this.#begun;
    if (begun === 0) return undefined;
    const ms = this.#pastMs * weight + this.#ms;
    // A silence counts once it is longer than usual: as though the next request began now, which it does not.
    const aged = Math.exp(-silentMs / WINDOW_MS);
    return Math.max(ms / begun, (ms * aged + silentMs) / (begun * aged + 1));
  }

  #fold(): void {
    const weight = Math.exp(-this.#ms / WINDOW_MS);
    this.#pastBegun = this.#pastBegun * weight + this.#begun;
    this.#pastMs = this.#pastMs * weight + this.#ms;
    this.#begun = 0;
    this.#ms = 0;
  }
}
