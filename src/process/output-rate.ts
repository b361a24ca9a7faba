/** How many lines a process may have handed on. */
export interface OutputRate {
  /** Lines a second in the long run. Default 500. */
  readonly perSecond: number;
  /** Lines at once after a silence. Default 2000. */
  readonly burst: number;
}

export const defaultOutputRate: OutputRate = { perSecond: 500, burst: 2000 };

const SUMMARY_MS = 1000;

/** Says of each line whether there is room for it (a token bucket), and at most once a second how many had none. */
export class LineLimit {
  readonly #rate: OutputRate;
  readonly #onSummary: (dropped: number) => void;
  #tokens: number;
  #filledAt = performance.now();
  #dropped = 0;
  #summary: NodeJS.Timeout | undefined;

  constructor(rate: OutputRate, onSummary: (dropped: number) => void) {
    this.#rate = rate;
    this.#onSummary = onSummary;
    this.#tokens = rate.burst;
  }

  /** Takes room for one line; false when there is none, and the line is counted as dropped. */
  take(): boolean {
    if (this.#tokens < 1) this.#fill();
    if (this.#tokens >= 1) {
      this.#tokens--;
      return true;
    }
    this.#dropped++;
    this.#summary ??= setTimeout(() => this.flush(), SUMMARY_MS).unref();
    return false;
  }

  /** Hands on now what would be said later. */
  flush(): void {
    clearTimeout(this.#summary);
    this.#summary = undefined;
    const dropped = this.#dropped;
    this.#dropped = 0;
    if (dropped > 0) this.#onSummary(dropped);
  }

  #fill(): void {
    const now = performance.now();
    const earned = ((now - this.#filledAt) / 1000) * this.#rate.perSecond;
    this.#tokens = Math.min(this.#rate.burst, this.#tokens + earned);
    this.#filledAt = now;
  }
}
