/** More than this many in a window are as bad as this many. */
const KEPT = 1000;

/** When something happened, for things that are rare. Bounded: of more than a thousand the oldest are forgotten. */
export class Occurrences {
  #times: number[] = [];

  /** @param at - epoch milliseconds */
  add(at: number): void {
    if (!Number.isFinite(at)) return;
    this.#times.push(at);
    if (this.#times.length > 2 * KEPT) this.#times = this.#times.slice(-KEPT);
  }

  /** How many from that moment on. */
  since(at: number): number {
    return this.#times.filter((time) => time >= at).length;
  }
}
