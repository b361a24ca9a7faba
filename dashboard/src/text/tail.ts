/** What a live list shows and what waits for it. Memory is bounded whatever comes. */
export interface TailState<T> {
  /** Oldest first. */
  readonly rows: readonly T[];
  readonly paused: boolean;
  /** Come since the pause and kept for when it ends. */
  readonly waiting: number;
  /** Come since the pause and lost, since more waited than is kept. They count among `trimmed` once it ends. */
  readonly overflowed: number;
  /** Rows that had to make room. */
  readonly trimmed: number;
}

/** The last rows of a list that never ends, with a pause. */
export class Tail<T> {
  readonly #max: number;
  readonly #maxWaiting: number;
  #rows: T[] = [];
  #waiting: T[] = [];
  #overflowed = 0;
  #trimmed = 0;
  #paused = false;

  /**
   * @param max - rows shown
   * @param maxWaiting - rows kept during a pause
   */
  constructor(max = 1000, maxWaiting = max) {
    this.#max = max;
    this.#maxWaiting = maxWaiting;
  }

  get state(): TailState<T> {
    return {
      rows: this.#rows,
      paused: this.#paused,
      waiting: this.#waiting.length,
      overflowed: this.#overflowed,
      trimmed: this.#trimmed,
    };
  }

  /** Adds what has come. */
  add(batch: readonly T[]): void {
    if (batch.length === 0) return;
    if (!this.#paused) {
      this.#show(batch);
      return;
    }
    const all = [...this.#waiting, ...batch];
    const over = Math.max(0, all.length - this.#maxWaiting);
    this.#overflowed += over;
    this.#waiting = over === 0 ? all : all.slice(over);
  }

  /** Holds what comes back. */
  pause(): void {
    this.#paused = true;
  }

  /** Shows what has waited. */
  resume(): void {
    if (!this.#paused) return;
    this.#paused = false;
    const waited = this.#waiting;
    this.#waiting = [];
    this.#trimmed += this.#overflowed;
    this.#overflowed = 0;
    this.#show(waited);
  }

  clear(): void {
    this.#rows = [];
    this.#waiting = [];
    this.#overflowed = 0;
    this.#trimmed = 0;
  }

  #show(batch: readonly T[]): void {
    const all = [...this.#rows, ...batch];
    const over = Math.max(0, all.length - this.#max);
    this.#trimmed += over;
    this.#rows = over === 0 ? all : all.slice(over);
  }
}
