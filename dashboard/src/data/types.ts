/** What the server sends, as the page uses it. Times are milliseconds since 1970; `_ms` are durations. */

export type Status = 'ok' | 'warning' | 'error';
export type RunState = 'starting' | 'running' | 'draining' | 'closed';

export const workerStates = ['starting', 'ready', 'busy', 'draining', 'backoff', 'quarantined'] as const;
export type WorkerState = (typeof workerStates)[number];
export type WorkerCounts = Readonly<Record<WorkerState, number>>;

export interface Figures {
  /** Over the last 5 s. */
  readonly requests_per_second: number | null;
  /** 0 to 1, over the last minute. */
  readonly error_rate: number | null;
  readonly p50_ms: number | null;
  readonly p95_ms: number | null;
  readonly p99_ms: number | null;
  readonly requests_1m: number | null;
  readonly in_flight: number | null;
  readonly queue_depth: number | null;
  readonly queue_capacity: number | null;
  readonly workers: WorkerCounts;
  readonly workers_desired: number | null;
  readonly slots: number | null;
  readonly available_workers: number | null;
  /** 0 to 1: share of the slots' time that requests took, over the last 5 s. */
  readonly utilisation: number | null;
  readonly restarts: number | null;
  readonly saturated_total: number | null;
}

export interface Bounds {
  readonly warning: number | null;
  readonly error: number | null;
}

export interface CommandFigures {
  readonly name: string;
  readonly kind: string;
  readonly requests_per_second: number | null;
  readonly error_rate: number | null;
  readonly p50_ms: number | null;
  readonly p95_ms: number | null;
  readonly p99_ms: number | null;
}

export const thresholdNames = [
  'response_time_ms',
  'error_rate',
  'queue_depth',
  'worker_availability',
] as const;
export type ThresholdName = (typeof thresholdNames)[number];

export interface PoolFrame extends Figures {
  readonly name: string;
  readonly state: string;
  readonly status: Status;
  readonly transport: string | null;
  readonly codec: string | null;
  readonly python_version: string | null;
  readonly crash_loop: { readonly why: string | null; readonly retry_in_ms: number | null } | null;
  readonly circuit: string | null;
  readonly start_error: string | null;
  readonly quarantined_requests: number;
  readonly critical: boolean;
  readonly thresholds: Readonly<Partial<Record<ThresholdName, Bounds>>>;
  readonly commands: readonly CommandFigures[];
}

export interface Reason {
  readonly name: string;
  readonly status: Status;
  readonly message: string;
  readonly why: string | null;
  readonly remedy: string | null;
}

export const countNames = [
  'errors',
  'slow',
  'slow_running',
  'config_version',
  'status_changes',
  'restarts',
  'dropped',
] as const;
export type CountName = (typeof countNames)[number];

export interface NowFrame {
  readonly at: number;
  readonly instance: string;
  readonly version: string;
  readonly started_at: number | null;
  readonly uptime_ms: number;
  readonly state: RunState;
  readonly status: Status;
  readonly ready: boolean;
  readonly reasons: readonly Reason[];
  readonly total: Figures;
  readonly pools: readonly PoolFrame[];
  readonly system: {
    readonly memory_bytes: number | null;
    readonly cpu_ratio: number | null;
    readonly event_loop_lag_ms: number | null;
  };
  readonly sessions: { readonly active: number; readonly capacity: number | null } | null;
  readonly counts: Readonly<Record<CountName, number>>;
}

export interface ExitSummary {
  readonly code: number | null;
  readonly signal: string | null;
  readonly oom: boolean;
  readonly at: number | null;
}

export interface WorkerRow {
  readonly pool_name: string;
  /** None while its slot waits for the next start. */
  readonly worker_id: string | null;
  readonly worker_slot: number;
  readonly state: WorkerState | string;
  readonly role: string | null;
  readonly pid: number | null;
  /** Of a worker that its host has not started. */
  readonly address: string | null;
  readonly phase: string | null;
  readonly uptime_seconds: number | null;
  readonly requests: number | null;
  readonly in_flight: number | null;
  readonly memory_mb: number | null;
  readonly cpu_seconds: number | null;
  readonly cpu_ratio: number | null;
  readonly restarts: number | null;
  readonly python_version: string | null;
  readonly codec: string | null;
  readonly current: CurrentRequest | null;
  readonly heartbeat_ms_ago: number | null;
  readonly failures: number | null;
  readonly last_exit: ExitSummary | null;
}

export interface CurrentRequest {
  readonly command: string;
  readonly request_id: string | null;
  readonly for_ms: number | null;
}

export interface WorkersFrame {
  readonly at: number;
  readonly pools: Readonly<Record<string, readonly WorkerRow[]>>;
}

export const sliceNumbers = [
  'requests',
  'failed',
  'rejected',
  'cancelled',
  'timeouts',
  'crashed',
  'p50_ms',
  'p95_ms',
  'p99_ms',
  'in_flight',
  'queue_depth',
  'workers_available',
  'workers_busy',
  'workers_desired',
  'workers_missing',
  'restarts',
  'queue_full',
  'utilisation',
  'memory_bytes',
  'cpu_ratio',
  'event_loop_lag_ms',
  'sessions',
  'session_operations',
] as const;
export type SliceKey = (typeof sliceNumbers)[number];
/** What happened in one step of the history. */
export type Slice = Readonly<Record<SliceKey, number | null>> & { readonly heat: readonly number[] | null };

export const markerKinds = ['restart', 'crash', 'recycle', 'config', 'status', 'drain', 'start'] as const;
export type MarkerKind = (typeof markerKinds)[number];

export interface Marker {
  readonly at: number;
  readonly kind: MarkerKind | string;
  readonly pool: string | null;
  readonly worker_id: string | null;
  readonly worker_slot: number | null;
  readonly text: string;
  readonly level: 'info' | 'warning' | 'error';
}

export interface SliceFrame {
  readonly at: number;
  readonly step_ms: number;
  readonly total: Slice | null;
  readonly pools: Readonly<Record<string, Slice>>;
  readonly markers: readonly Marker[];
}

export interface History {
  readonly instance: string;
  readonly step_ms: number;
  /** Start of the first slice. */
  readonly from: number;
  readonly slices: readonly (Slice | null)[];
  readonly heat: {
    /** Lower bound of each bin. */
    readonly bounds_ms: readonly number[];
    readonly counts: readonly (readonly number[] | null)[];
  };
  readonly markers: readonly Marker[];
  readonly pools: readonly string[];
  readonly commands: Readonly<Record<string, readonly string[]>>;
}
