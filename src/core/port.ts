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
  /** May be started again when a worker dies with it, without double effect. Default: whether the pool's `idempotent` names the command. */
  readonly idempotent?: boolean | undefined;
  /** −10 to 10; a higher one is begun first. Default: 0. */
  readonly priority?: number | undefined;
  /** Requests of one key take turns with those of other keys, so that one tenant's flood does not keep others waiting. Default: all that name none share one. */
  readonly fairnessKey?: string | undefined;
  /** The session the call belongs to: 1 to 128 characters of `A-Z a-z 0-9 . _ : -`. Its data is at hand in Python, and what the handler changes of it is kept with the result. */
  readonly sessionId?: string | undefined;
  /** Whether a session that does not exist is made. Default: true; where not, the call fails with `session_not_found`. */
  readonly create?: boolean | undefined;
  /** W3C trace context, passed on to Python unchanged. Default: that of `withContext`. */
  readonly traceparent?: string | undefined;
}

/** Where the time of a request went. */
export interface Timings {
  /** From acceptance to start. */
  readonly queueMs: number;
  /** Checking and encoding the arguments, on this side. */
  readonly serialiseMs: number;
  /** What is left of the time since the start: sockets, decoding, waiting for the other side. */
  readonly transportMs: number;
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
  /** Highest resident memory of the worker, where this request raised it: then it is this request's own. Bytes; undefined where unknown. */
  readonly peakRssBytes: number | undefined;
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

/** What became of the replacement of a worker. */
export interface Recycled {
  readonly slot: number;
  readonly old_worker_id: string;
  /** Null where the new one did not start; the old one goes on then. */
  readonly new_worker_id: string | null;
  readonly outcome: 'replaced' | 'start_failed';
  /** Of a failed start: why. */
  readonly error?: string;
  readonly duration_ms: number;
}

/** Python stacks of a worker at one moment. */
export interface WorkerStacks {
  readonly worker_id: string;
  readonly pid: number | null;
  /** Who told: the worker's control thread, a signal while it could not, or nobody. */
  readonly captured: 'control_thread' | 'signal' | 'none';
  readonly took_ms: number;
  /** All threads. */
  readonly threads: string;
  readonly requests: readonly {
    readonly request_id: string;
    readonly command: string;
    readonly for_ms: number;
    /** Most recent call last; empty where it could not be told apart. */
    readonly stack: string;
  }[];
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
  /**
   * Replaces a worker by a new one; what runs on it is finished first.
   *
   * @throws SnakepitError `no_workers` when no worker has that id
   */
  recycleWorker(workerId: string): Promise<Recycled>;
  /**
   * Replaces the workers of a pool one after the other. A start that fails ends it; the old workers go on.
   *
   * @throws SnakepitError `unknown_pool`
   */
  recyclePool(pool: string): Promise<readonly Recycled[]>;
  /**
   * The Python stacks of a worker, without stopping it.
   *
   * @throws SnakepitError `no_workers` when no worker has that id
   */
  stackOf(workerId: string): Promise<WorkerStacks>;
  /**
   * Lets quarantined slots start again and quarantined requests through.
   *
   * @throws SnakepitError `unknown_pool`
   */
  unquarantine(pool: string): { readonly slots: readonly number[]; readonly requests: number };
  /** Takes nothing new and waits for what runs and waits. Resolves with whether all of it was finished in time. */
  drain(withinMs?: number): Promise<boolean>;
  /**
   * Changes the number of workers. Those that are too many finish what they hold.
   *
   * @throws SnakepitError `unknown_pool`, `invalid_configuration`
   */
  resize(pool: string, workers: number): Promise<void>;
}
