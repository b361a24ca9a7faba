import { isSnakepitError } from '../errors/index.ts';
import { type Failure, UnserializableValue } from '../runtime.ts';

/** How a fake worker is to end. */
export interface CrashOptions {
  /** Exit code. Default: 1, unless a signal ends it. */
  readonly code?: number;
  /** The signal that ends it. Default: none. */
  readonly signal?: NodeJS.Signals;
  /** What it writes to standard error before. Default: nothing. */
  readonly stderr?: string;
}

/** Thrown by a fake command: its worker dies with everything that runs in it, as a Python process that crashes. See {@link crash}. */
export class WorkerCrash extends Error {
  override readonly name = 'WorkerCrash';
  readonly code: number | null;
  readonly signal: NodeJS.Signals | null;
  readonly stderr: string;

  constructor({ code, signal, stderr = '' }: CrashOptions = {}) {
    super('The fake worker is to crash.');
    this.signal = signal ?? null;
    this.code = signal === undefined ? (code ?? 1) : null;
    this.stderr = stderr;
  }
}

/** Thrown by a fake command: it never ends by itself. See {@link hang}. */
export class WorkerHang extends Error {
  override readonly name = 'WorkerHang';
  /** Whether its worker still answers heartbeats. */
  readonly heartbeats: boolean;

  constructor({ heartbeats = true }: { readonly heartbeats?: boolean } = {}) {
    super('The fake worker is to hang.');
    this.heartbeats = heartbeats;
  }
}

/**
 * Ends the worker a command runs in, as a crash of its process would.
 *
 * @throws WorkerCrash, which the worker catches
 * @example
 * ```ts
 * commands: { predict: () => crash({ signal: 'SIGSEGV', stderr: 'Fatal Python error: Segmentation fault' }) }
 * ```
 */
export const crash = (options?: CrashOptions): never => {
  throw new WorkerCrash(options);
};

/**
 * Leaves the command unfinished for ever, also when it is cancelled: its worker is killed in the end, as one whose handler swallows cancellation.
 *
 * @param options - `heartbeats: false`: the worker answers nothing any more, as when C code holds the GIL. Default: true
 * @throws WorkerHang, which the worker catches
 */
export const hang = (options?: { readonly heartbeats?: boolean }): never => {
  throw new WorkerHang(options);
};

/** A failure without an exception. */
export const failure = (code: string, message: string, path: string | null = null): Failure => ({
  code,
  message,
  traceback: null,
  exception: null,
  path,
});

/** What a thrown value becomes on its way to the host. */
export const failureOf = (error: unknown): Failure => {
  if (isSnakepitError(error)) return failure(error.code, error.message, error.context.path ?? null);
  if (error instanceof UnserializableValue)
    return failure('unserializable', `the result cannot be sent: ${error.message}`, error.path);
  const { type, message } = named(error);
  return {
    code: 'python_exception',
    message: message === '' ? type : `${type}: ${message}`,
    traceback: error instanceof Error ? (error.stack ?? null) : null,
    exception: { type, module: 'javascript', message, frames: [], chain: chainOf(error) },
    path: null,
  };
};

const named = (error: unknown): { type: string; message: string } =>
  error instanceof Error
    ? { type: error.name, message: error.message }
    : { type: typeof error, message: String(error) };

type Chain = NonNullable<Failure['exception']>['chain'];

/** The causes of an error, nearest first. */
const chainOf = (error: unknown): Chain => {
  const chain: Chain = [];
  const seen = new Set([error]);
  for (let cause = causeOf(error); cause !== undefined && !seen.has(cause); cause = causeOf(cause)) {
    seen.add(cause);
    chain.push({ ...named(cause), module: 'javascript', relation: 'cause' });
  }
  return chain;
};

const causeOf = (error: unknown): unknown => (error instanceof Error ? error.cause : undefined);
