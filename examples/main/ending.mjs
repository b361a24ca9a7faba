const SIGNALS = ['SIGINT', 'SIGTERM', 'SIGHUP'];
/** npm hands on a Ctrl-C that the terminal has sent already: what comes that soon after the first is the same wish. */
const ECHO_MS = 500;

/** Waits for whatever ends the run: time, a signal, or nobody left to read. A second signal ends the process at once. */
export class Ending {
  #controller = new AbortController();
  #at = 0;
  #timer;

  /** @param forMs - how long at most; undefined: until somebody ends it */
  constructor(forMs) {
    if (forMs !== undefined) this.#timer = setTimeout(() => this.#controller.abort(), forMs);
    for (const signal of SIGNALS) process.on(signal, this.#heard);
    process.stdout.on('error', this.#unread);
  }

  /** Aborted once it is time to end. */
  get signal() {
    return this.#controller.signal;
  }

  /** Resolves once it is time to end. */
  get reached() {
    const { signal } = this;
    if (signal.aborted) return Promise.resolve();
    return new Promise((resolve) => signal.addEventListener('abort', resolve, { once: true }));
  }

  dispose() {
    clearTimeout(this.#timer);
    for (const signal of SIGNALS) process.off(signal, this.#heard);
  }

  #heard = () => {
    if (!this.signal.aborted) {
      this.#at = performance.now();
      this.#controller.abort();
    } else if (performance.now() - this.#at > ECHO_MS) process.exit(1);
  };

  #unread = () => this.#controller.abort();
}
