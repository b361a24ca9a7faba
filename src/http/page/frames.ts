/**
 * What the live page is told, as it goes over the wire. The code of the page mirrors these types, since it knows the server only through HTTP.
 *
 * Times are epoch milliseconds, durations `_ms`. Null: not known, or not counted since what counts it is switched off.
 */
import type { CompleteSlice, HistoryList, Life, SlotReadings } from '../../consumers/history/index.ts';
import type { HealthStatus, PoolState, WorkerSnapshot, WorkerState } from '../../events/index.ts';

/** What can be looked at; the names of the frames. */
export const topics = ['now', 'workers', 'slice'] as const;
export type Topic = (typeof topics)[number];

/** How requests fare. Null, all of it, where health is off. */
export interface Rates {
  /** Over the last five seconds (of a command: five to ten). */
  readonly requests_per_second: number | null;
  /** Share of failure, timeout and crashed among what was neither cancelled nor rejected, 0 to 1, over the last minute. */
  readonly error_rate: number | null;
  /** Over the last minute; null where nothing was timed in it. */
  readonly p50_ms: number | null;
  readonly p95_ms: number | null;
  readonly p99_ms: number | null;
  readonly requests_1m: number | null;
}

/** Of a pool, or of all together. */
export interface Figures extends Rates {
  readonly in_flight: number;
  readonly queue_depth: number;
  readonly queue_capacity: number;
  readonly workers: Readonly<Record<WorkerState, number>>;
  readonly workers_desired: number;
  /** Workers past their start × concurrency. */
  readonly slots: number;
  /** With a free slot. */
  readonly available_workers: number;
  /** Share of the slots' time in which a request ran, over the last five seconds, 0 to 1; null while there are no slots. */
  readonly utilisation: number | null;
  /** Dead workers replaced, in the slots there are. */
  readonly restarts: number;
  /** How often the queue became full. */
  readonly saturated_total: number;
}

export interface CommandFigures extends Omit<Rates, 'requests_1m'> {
  readonly name: string;
  /** `plain`, `async`, `generator`, `async_generator`; null for `(other)` and what the app has no more. */
  readonly kind: string | null;
}

export interface Thresholds {
  readonly warning: number;
  readonly error: number;
}

export interface PoolFrame extends Figures {
  readonly name: string;
  readonly state: PoolState;
  /** By its readiness, and the health of what it is judged by alone. */
  readonly status: HealthStatus;
  readonly transport: string;
  readonly codec: string | null;
  readonly python_version: string | null;
  /** Set while it has stopped to start workers. */
  readonly crash_loop: { readonly since: number; readonly retry_in_ms: number; readonly why: string } | null;
  readonly circuit: 'closed' | 'half_open' | 'open' | null;
  /** Of the last failed start, while it has no ready worker: what the error says. */
  readonly start_error: string | null;
  /** How many requests are refused for having killed workers. */
  readonly quarantined_requests: number;
  /** Whether readiness under the policy `critical` needs it. */
  readonly critical: boolean;
  /** Of health; empty where that is off. `queue_depth` is a share of the capacity, `response_time_ms` is held against the 95th percentile. */
  readonly thresholds: {
    readonly response_time_ms?: Thresholds;
    readonly error_rate?: Thresholds;
    readonly queue_depth?: Thresholds;
    readonly worker_availability?: Thresholds;
  };
  /** At most 50, the busiest first. */
  readonly commands: readonly CommandFigures[];
}

/** A check that is not ok. */
export interface Reason {
  readonly name: string;
  readonly status: HealthStatus;
  readonly message: string;
  readonly why?: string;
  readonly remedy?: string;
}

/** `event: now` */
export interface NowFrame {
  readonly at: number;
  /** Another one after each start. */
  readonly instance: string;
  readonly version: string;
  readonly started_at: number;
  readonly uptime_ms: number;
  readonly state: PoolState;
  /** Of health. Where that is off, `ok`, or `error` while no pool is ready. */
  readonly status: HealthStatus;
  readonly ready: boolean;
  /** The worst first. */
  readonly reasons: readonly Reason[];
  readonly total: Figures;
  readonly pools: readonly PoolFrame[];
  readonly system: {
    /** Resident, of this process and its workers. */
    readonly memory_bytes: number;
    /** CPU time of both, as a share of what the CPUs offered over the last five seconds. */
    readonly cpu_ratio: number | null;
    readonly event_loop_lag_ms: number | null;
  };
  readonly sessions: { readonly active: number; readonly capacity: number | null } | null;
  /** When one changes, the list behind it has changed. */
  readonly counts: {
    /** Since the start, cancelled requests not among them. */
    readonly errors: number | null;
    readonly slow: number | null;
    /** Now. */
    readonly slow_running: number | null;
    readonly config_version: number;
    readonly status_changes: number | null;
    readonly restarts: number;
    /** Events that did not reach a consumer though they should have. */
    readonly dropped: number;
  };
}

/** A row of {@link WorkersFrame}: that of `/health/workers`, without the certificate's texts. */
export interface WorkerRow {
  readonly pool_name: string;
  readonly worker_id: string | null;
  readonly worker_slot: number;
  readonly state: WorkerState;
  readonly role: WorkerSnapshot['role'];
  readonly pid: number | null;
  readonly address: string | null;
  readonly phase: WorkerSnapshot['phase'];
  readonly uptime_seconds: number;
  readonly requests: number;
  readonly in_flight: number;
  readonly memory_mb: number | null;
  readonly cpu_seconds: number | null;
  /** Of one CPU, over the last five seconds; of the slot, whichever process filled it. */
  readonly cpu_ratio: number | null;
  readonly restarts: number;
  readonly python_version: string | null;
  readonly codec: string | null;
  readonly current: WorkerSnapshot['current'];
  readonly heartbeat_ms_ago: number | null;
  readonly failures: number;
  readonly last_exit: {
    readonly code: number | null;
    readonly signal: string | null;
    readonly oom: boolean;
    readonly at: number;
  } | null;
}

/** `event: workers` */
export interface WorkersFrame {
  readonly at: number;
  readonly pools: Readonly<Record<string, readonly WorkerRow[]>>;
}

/** `event: slice`: one every five seconds, when it is complete. */
export type SliceFrame = CompleteSlice;

/** `event: bye`: the last one. */
export interface ByeFrame {
  readonly reason: 'shutdown';
}

/** `GET /api/history` */
export interface HistoryAnswer extends HistoryList {
  readonly instance: string;
}

/** `GET /api/workers/{id}` */
export interface WorkerAnswer {
  /** Null: it is gone. */
  readonly worker: WorkerRow | null;
  readonly pool: string;
  readonly worker_slot: number;
  readonly worker_id: string;
  /** Of its slot, whichever process filled it. */
  readonly readings: SlotReadings;
  /** The processes of its slot, the newest first. */
  readonly lives: readonly Life[];
  /** The newest first. */
  readonly events: readonly unknown[];
}

/** What a recording holds: everything the page asks for, at one moment. Null: switched off. */
export interface IncidentData {
  readonly recorded_at: number;
  readonly now: NowFrame;
  readonly workers: WorkersFrame;
  readonly history: {
    readonly total: HistoryAnswer;
    readonly pools: Readonly<Record<string, HistoryAnswer>>;
  };
  readonly errors: unknown;
  readonly error_details: Readonly<Record<string, unknown>>;
  readonly slow: unknown;
  readonly health: unknown;
  readonly telemetry: unknown;
  readonly config: unknown;
  /** The oldest first. */
  readonly events: readonly unknown[];
}
