const SIGNALS = ['SIGINT', 'SIGTERM', 'SIGHUP'];
/** npm hands on a Ctrl-C that the terminal has sent already: what comes that soon after the first is the same wish. */
const ECHO_MS = 500;
const ORPHAN_MS = 500;

/** Waits for whatever ends the run: time, a signal, the end of npm, or nobody left to read. A second signal ends the process at once. */
export class Ending {
  #controller = new AbortController();
  #at = 0;
  #timer;
  #parent = process.ppid;
  #orphans;

  constructor() {
    for (const signal of SIGNALS) process.on(signal, this.#heard);
    process.stdout.on('error', () => this.now());
    // A signal to npm alone ends npm and its shell; we hear nothing of it and would run on for ever.
    if (process.env.npm_lifecycle_event !== undefined) this.#orphans = setInterval(this.#look, ORPHAN_MS);
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

  /** Ends it after that time, unless something else does before. */
  after(ms) {
    this.#timer = setTimeout(() => this.now(), ms);
  }

  now() {
    this.#controller.abort();
  }

  dispose() {
    clearTimeout(this.#timer);
    clearInterval(this.#orphans);
    for (const signal of SIGNALS) process.off(signal, this.#heard);
  }

  #heard = () => {
    if (!this.signal.aborted) {
      this.#at = performance.now();
      this.now();
    } else if (performance.now() - this.#at > ECHO_MS) process.exit(1);
  };

  #look = () => {
    if (process.ppid !== this.#parent) this.now();
  };
}
