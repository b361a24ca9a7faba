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
  /** How the worker process ended. */
  exit?: WorkerExit;
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

/** How a worker process ended. */
export interface WorkerExit {
  /** Exit code, or null when a signal ended it. */
  code: number | null;
  /** Signal name, or null. */
  signal: string | null;
  /** The last lines the process wrote to standard error itself. */
  stderr_tail: string[];
  /** Request ids that were running in it. */
  in_flight: string[];
}
