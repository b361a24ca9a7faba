import type { Snapshot } from '../events/index.ts';

/** What one call may ask for. */
export interface CallOptions {
  /** Pool to run in. Default: `default`. */
  readonly pool?: string | undefined;
  /** Deadline in milliseconds, waiting in the queue included. Default: the pool's `timeoutMs`. For a stream it is the total. */
  readonly timeoutMs?: number | undefined;
  /** Gives the call up: Python is told, the call rejects with `cancelled`. */
  readonly signal?: AbortSignal | undefined;
  /** Ties the events of one business operation together. Default: that of `withContext`, the trace id of `traceparent`, or a new one. */
  readonly correlationId?: string | undefined;
  /** W3C trace context, passed on to Python unchanged. Default: that of `withContext`. */
  readonly traceparent?: string | undefined;
}

/** Where the time of a request went. */
export interface Timings {
  /** From acceptance to start. */
  readonly queueMs: number;
  /** Wall time in the Python handler. */
  readonly pythonMs: number;
  /** CPU time of the handler's thread. */
  readonly pythonCpuMs: number;
  /** From acceptance to settlement. */
  readonly totalMs: number;
  /** Size of the encoded request. */
  readonly bytesIn: number;
  /** Size of the encoded answer, chunks included. */
  readonly bytesOut: number;
}

/** A result with the facts around it. */
export interface CallResult<T> {
  readonly result: T;
  readonly requestId: string;
  readonly correlationId: string;
  readonly timings: Timings;
  /** How often it was started. */
  readonly attempts: number;
}

/** The chunks of a streaming command. Leaving the loop early cancels the Python generator. */
export interface CallStream<T> extends AsyncIterableIterator<T> {
  readonly requestId: string;
  readonly correlationId: string;
  /** Set once the stream has ended. */
  readonly timings: Timings | undefined;
}

/**
 * The narrow port through which the edges (HTTP, command line) reach the core; they know nothing else of it.
 */
export interface ControlPort {
  /**
   * Runs a command and resolves with its result and the facts around it.
   *
   * @throws SnakepitError, with the code that says what happened
   */
  call<T = unknown>(
    command: string,
    args?: Record<string, unknown>,
    options?: CallOptions,
  ): Promise<CallResult<T>>;
  /** Runs a command and yields its chunks as they come. Errors surface from the iteration. */
  stream<T = unknown>(command: string, args?: Record<string, unknown>, options?: CallOptions): CallStream<T>;
  /** The levels of this moment. */
  snapshot(): Snapshot;
}
