/**
 * What is preserved of a failure: the design's "error context", with what this implementation adds. Wire spelling, since it is
 * shown, logged and exported as it is.
 */
export interface ErrorContext {
  /** The code in PascalCase, e.g. `PythonException`. */
  error_type: string;
  /** For a Python exception `Class: message`. */
  error_message: string;
  /** Python's own traceback text. */
  python_traceback?: string;
  request_context?: {
    request_id: string;
    command: string;
    /** Arguments: shapes, and scalars of the keys in `errors.showArgs`; the rest is `[SANITIZED]`. */
    args?: unknown;
  };
  system_context?: {
    worker_id?: string;
    worker_slot?: number;
    pool_name: string;
    /** Resident memory of the worker, last reading, in MiB (2^20 bytes). */
    memory_mb?: number;
    /** Age of the worker. */
    uptime_seconds?: number;
  };
  correlation_id?: string;
  /** RFC 3339, UTC. */
  timestamp: string;
  /** The exception in parts, innermost frame last. */
  exception?: PythonException;
  /** Where in the arguments or the result the fault is: `$.items[3].name`. */
  path?: string;
  /** Which of the two `path` points into. */
  path_in?: 'arguments' | 'result';
  /** What gRPC said, where the workers are reached over it. */
  grpc?: GrpcStatus;
  /** How the worker process ended. */
  exit?: WorkerExit;
  /** The Python stack of the request when it was slow, or when its time was over; most recent call last. */
  python_stack?: string;
  /** The starts before the last one, where it was started again. */
  attempts?: FailedAttempt[];
}

/** The status of a call that failed. */
export interface GrpcStatus {
  /** By name, e.g. `UNAVAILABLE`. */
  status: string;
  details: string;
}

/** One start of a request that came to nothing. */
export interface FailedAttempt {
  /** 1 for the first. */
  attempt: number;
  worker_id: string;
  /** Error code, e.g. `worker_crashed`. */
  code: string;
  message: string;
  /** From its start to its end. Milliseconds. */
  duration_ms: number;
}

/** A Python exception in parts. */
export interface PythonException {
  type: string;
  module: string;
  message: string;
  frames: PythonFrame[];
  /** The exceptions behind this one, nearest first. */
  chain: { type: string; module: string; message: string; relation: 'cause' | 'context' }[];
}

/** One frame of a Python traceback. */
export interface PythonFrame {
  file: string;
  line: number;
  function: string;
  /** The source line, where Python could read it. */
  code: string | null;
}

/** The death certificate of a worker process. */
export interface WorkerExit {
  /** Exit code, or null when a signal ended it. */
  code: number | null;
  /** Signal name, or null. */
  signal: string | null;
  /** Whether the kernel ended it for want of memory, as far as counters tell. */
  oom: boolean;
  /** What speaks for that, in words. */
  oom_evidence?: string;
  /** The last lines the process wrote to standard error itself. */
  stderr_tail: string[];
  /** The last Python stack that was captured of it. */
  last_stack?: string;
  /** Request ids that were running in it. */
  in_flight: string[];
  /** Age of the process. */
  uptime_seconds: number;
  /** Requests it answered. */
  requests: number;
  /** Resident memory at the last readings, oldest first, in MiB (2^20 bytes). */
  memory_mb: number[];
  /** CPU time at the last reading. */
  cpu_seconds?: number;
}
