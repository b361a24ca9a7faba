import type { Duplex } from 'node:stream';

/** More threads than anybody reads the stacks of. */
const MAX_BYTES = 256 * 1024;
/** The dump has no end mark: it is over when nothing has come for so long … */
const QUIET_MS = 15;
/** … or so long, where it cannot be whole: on a busy machine the process may have to wait for a CPU while it writes. */
const UNFINISHED_MS = 100;
/** Python marks one thread so, as a rule the main thread, which comes last. */
const CURRENT = 'Current thread ';
const NEWLINE = 10;

interface Dump {
  readonly result: Promise<string>;
  take(chunk: Buffer): void;
  finish(): void;
}

/** The host's end of the descriptor to which a worker's `faulthandler` writes the stacks of all threads on SIGURG. */
export class StackPipe {
  readonly #stream: Duplex;
  #dump: Dump | undefined;

  constructor(stream: Duplex & { unref?: () => void }) {
    this.#stream = stream;
    stream.unref?.();
    // Read even when nobody waits, or the worker would one day hang in a full pipe, and its end never be seen.
    stream.on('data', (chunk: Buffer) => this.#dump?.take(chunk));
    stream.on('error', () => {});
  }

  /**
   * Sends the request and collects the answer; callers at the same time share it.
   *
   * @param ask - sends the signal; returns whether there was anybody to send it to
   * @returns what came, `''` when nothing did within `timeoutMs`
   */
  dump(ask: () => boolean, timeoutMs: number): Promise<string> {
    if (this.#dump !== undefined) return this.#dump.result;
    const dump = collect(timeoutMs);
    this.#dump = dump;
    if (this.#stream.destroyed || !ask()) dump.finish();
    return dump.result.finally(() => {
      if (this.#dump === dump) this.#dump = undefined;
    });
  }

  /** Hands on what came so far, and closes the descriptor. */
  close(): void {
    this.#dump?.finish();
    this.#stream.destroy();
  }
}

const collect = (timeoutMs: number): Dump => {
  const { promise, resolve } = deferred<string>();
  const chunks: Buffer[] = [];
  let size = 0;
  let current = false;
  let quiet: NodeJS.Timeout | undefined;
  const finish = () => {
    clearTimeout(limit);
    clearTimeout(quiet);
    resolve(Buffer.concat(chunks).toString('utf8', 0, MAX_BYTES));
  };
  // Keeps Node alive for that short while: everything else of a worker does not, and whoever asks shall get an answer.
  const limit = setTimeout(() => setImmediate(finish), timeoutMs);
  const take = (chunk: Buffer) => {
    if (size < MAX_BYTES) chunks.push(chunk);
    size += chunk.length;
    current ||= chunk.includes(CURRENT);
    const whole = current && chunk.at(-1) === NEWLINE;
    clearTimeout(quiet);
    const seen = size;
    // When this loop itself was held up, timers are run before what has come in the meantime is read: look once more.
    quiet = setTimeout(() => setImmediate(() => size === seen && finish()), whole ? QUIET_MS : UNFINISHED_MS);
    quiet.unref();
  };
  return { result: promise, take, finish };
};

const deferred = <T>() => {
  let resolve: (value: T) => void = () => {};
  const promise = new Promise<T>((done) => {
    resolve = done;
  });
  return { promise, resolve };
};
