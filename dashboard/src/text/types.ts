/** What the lists of errors, slow requests and events send. Wire spelling; times are RFC 3339, `_ms` are durations. */

/** One frame of a Python stack. */
export interface Frame {
  readonly file: string;
  readonly line: number;
  readonly function: string;
  readonly code: string | null;
}

/** An exception as Python's side took it apart. */
export interface PythonException {
  readonly type: string;
  readonly module: string;
  readonly message: string;
  readonly frames: readonly Frame[];
  /** Nearest first. */
  readonly chain: readonly ChainLink[];
}

export interface ChainLink {
  readonly type: string;
  readonly module: string;
  readonly message: string;
  readonly relation: 'cause' | 'context';
}

/** The death certificate of a worker. */
export interface WorkerExit {
  readonly code: number | null;
  readonly signal: string | null;
  readonly oom: boolean;
  readonly oom_evidence?: string;
  readonly stderr_tail: readonly string[];
  readonly last_stack?: string;
  readonly in_flight: readonly string[];
  readonly uptime_seconds: number;
  readonly requests: number;
  readonly memory_mb: readonly number[];
  readonly cpu_seconds?: number;
}

export interface FailedAttempt {
  readonly attempt: number;
  readonly worker_id: string;
  readonly code: string;
  readonly message: string;
  readonly duration_ms: number;
}

/** What was preserved of a failure. */
export interface ErrorContext {
  readonly error_type: string;
  readonly error_message: string;
  readonly python_traceback?: string;
  readonly request_context?: {
    readonly request_id: string;
    readonly command: string;
    readonly args?: unknown;
  };
  readonly system_context?: Readonly<Record<string, string | number | null>>;
  readonly correlation_id?: string;
  readonly timestamp: string;
  readonly exception?: PythonException;
  readonly path?: string;
  readonly path_in?: 'arguments' | 'result';
  readonly exit?: WorkerExit;
  readonly python_stack?: string;
  readonly attempts?: readonly FailedAttempt[];
}

export interface ErrorLine {
  readonly id: string;
  /** The `id` of its kind. */
  readonly group_id: string;
  readonly timestamp: string;
  readonly event: string;
  readonly pool: string | null;
  readonly command: string | null;
  readonly worker_id: string | null;
  readonly worker_slot: number | null;
  readonly request_id: string | null;
  readonly correlation_id: string | null;
  readonly code: string;
  readonly category: string;
  readonly message: string;
}

export interface ErrorGroup {
  /** The same in every process, so that a link outlives a restart. */
  readonly id: string;
  readonly code: string;
  readonly category: string;
  readonly pool: string | null;
  readonly command: string | null;
  readonly message: string;
  readonly count: number;
  readonly first_seen: string;
  readonly last_seen: string;
  readonly last_error_id: string;
  readonly per_minute: readonly number[];
}

export interface ErrorDetail extends ErrorLine {
  readonly retryable: boolean | null;
  readonly measurements: Readonly<Record<string, number>>;
  readonly error: ErrorContext | null;
  readonly group: ErrorGroup;
}

/** Requests that are refused since they killed workers. */
export interface QuarantinedRequest {
  readonly pool: string;
  readonly command: string;
  readonly args_hash?: string;
  /** Workers that died with it. */
  readonly deaths?: number;
  /** Epoch milliseconds. */
  readonly until?: number;
}

export interface ErrorList {
  readonly errors: readonly ErrorLine[];
  readonly groups: readonly ErrorGroup[];
  readonly quarantined: readonly QuarantinedRequest[];
  readonly totals: {
    readonly errors: number;
    readonly cancelled: number;
    readonly kept: number;
    readonly kept_bytes: number;
    readonly groups: number;
    readonly evicted: number;
  };
}

/** Where the time of a request went. What was not measured is left out. */
export interface Anatomy {
  readonly queue_ms: number;
  readonly serialise_ms?: number;
  readonly transport_ms?: number;
  readonly python_ms?: number;
  readonly python_cpu_ms?: number;
  readonly total_ms: number;
}

export interface SlowRequest {
  readonly timestamp: string;
  readonly request_id: string | null;
  readonly correlation_id: string | null;
  readonly pool: string | null;
  readonly command: string | null;
  readonly worker_id: string | null;
  readonly worker_slot: number | null;
  readonly phase: string | null;
  readonly duration_ms: number | null;
  readonly threshold_ms: number | null;
  readonly python_stack: string | null;
  readonly stack_at?: string | null;
  readonly status: string;
  readonly code: string | null;
  readonly total_ms: number | null;
  readonly anatomy?: Anatomy;
}

export interface SlowList {
  readonly requests: readonly SlowRequest[];
  readonly totals: { readonly seen: number; readonly kept: number; readonly running: number };
}

/** An event as the stream sends it. */
export interface LiveEvent {
  readonly event_name: string;
  readonly measurements: Readonly<Record<string, unknown>>;
  readonly metadata: Readonly<Record<string, unknown>> & { readonly timestamp: string };
  readonly sample_weight?: number;
}
