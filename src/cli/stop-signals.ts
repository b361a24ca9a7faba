const SIGNALS = ['SIGTERM', 'SIGINT'] as const;
type StopSignal = (typeof SIGNALS)[number];
const NUMBERS: Readonly<Record<StopSignal, number>> = { SIGINT: 2, SIGTERM: 15 };

/** Listens for the signals that ask a server to end. The first asks, the second hurries, the third does not wait. */
export class StopSignals {
  readonly #stop = new AbortController();
  readonly #hurry = new AbortController();
  readonly #last: (code: number) => void;

  /** @param last - called with 128 + the signal's number on the third, by the habit of shells */
  constructor(last: (code: number) => void) {
    this.#last = last;
    for (const signal of SIGNALS) process.on(signal, this.#received);
  }

  /** Aborted by the first signal. */
  get stop(): AbortSignal {
    return this.#stop.signal;
  }

  /** Aborted by the second one. */
  get hurry(): AbortSignal {
    return this.#hurry.signal;
  }

  /** Gives the signals back to Node, which ends the process by them. */
  dispose(): void {
    for (const signal of SIGNALS) process.off(signal, this.#received);
  }

  readonly #received = (signal: StopSignal): void => {
    if (!this.#stop.signal.aborted) this.#stop.abort();
    else if (!this.#hurry.signal.aborted) this.#hurry.abort();
    else this.#last(128 + NUMBERS[signal]);
  };
}

/** Resolves once a signal is aborted. */
export const aborted = (signal: AbortSignal): Promise<void> =>
  signal.aborted
    ? Promise.resolve()
    : new Promise((resolve) => signal.addEventListener('abort', () => resolve(), { once: true }));
