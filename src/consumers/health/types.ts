import type {
  HealthStatus,
  PoolSnapshot,
  StartPhase,
  WorkerSnapshot,
  WorkerState,
} from '../../events/index.ts';

/** One thing that was looked at. Wire spelling, since it is answered as it is. */
export interface HealthCheck {
  readonly name: string;
  readonly status: HealthStatus;
  /** The finding in a few words, with figures. */
  readonly message: string;
  /** Where it is not ok: the reason, with figures. */
  readonly why?: string;
  /** Where it is not ok: what would mend it. */
  readonly remedy?: string;
}

/** A check of something outside: one that was registered, or the canary of a pool. */
export interface DependencyRow extends HealthCheck {
  /** Whether readiness needs it. */
  readonly critical: boolean;
  /** What its last run took; at most its deadline. Null before the first has ended. */
  readonly latency_ms: number | null;
  /** When that ended, RFC 3339, UTC. */
  readonly checked_at: string | null;
  readonly age_ms: number | null;
}

/** A change of status, of one check or of the whole. */
export interface StatusChange {
  /** RFC 3339, UTC. */
  readonly at: string;
  /** Null: the overall status. */
  readonly check: string | null;
  readonly from: HealthStatus;
  readonly to: HealthStatus;
  readonly why: string;
}

/** How busy a pool is. Never a reason to be not ready, unless `health.readiness.whenSaturated` says so. */
export interface PoolLoad {
  readonly queue_size: number;
  readonly queue_capacity: number;
  /** Workers with every slot taken. */
  readonly busy_workers: number;
  /** The queue is full, or was and has not yet fallen below half. */
  readonly saturated: boolean;
}

/** Answer to a health question. `error` is the only status that means no. */
export interface HealthReport {
  /** The worst status of the checks. */
  readonly status: HealthStatus;
  readonly checks: readonly HealthCheck[];
  /** By pool, where load matters to the question. */
  readonly load?: Readonly<Record<string, PoolLoad>>;
}

/** Where everything stands, for those who look all the time. */
export interface Standing {
  readonly status: HealthStatus;
  readonly checks: readonly HealthCheck[];
  /** Whether traffic should come here. */
  readonly ready: boolean;
  /** It was asked to end. */
  readonly shutdown: boolean;
  /** Changes of status since the start, of the whole and of single checks. */
  readonly changes: number;
  /** By pool: the worst it is judged to be by itself. */
  readonly pools: Readonly<Record<string, HealthStatus>>;
}

/** How far a start has come. */
export interface StartupReport extends HealthReport {
  /** Every pool has had a ready worker once. Stays true. */
  readonly started: boolean;
  /** Workers on their way to ready. */
  readonly workers: readonly {
    readonly pool_name: string;
    readonly worker_slot: number;
    readonly worker_id: string | null;
    readonly phase: StartPhase | null;
    readonly elapsed_ms: number;
    readonly deadline_ms: number;
  }[];
}

/** One worker, as the pages about health list it. */
export interface WorkerRow {
  readonly pool_name: string;
  readonly worker_id: string | null;
  readonly worker_slot: number;
  readonly state: WorkerState;
  /** Beside the process that fills a slot there may be one that is to replace it, and one that was replaced and finishes. */
  readonly role: 'primary' | 'successor' | 'leaving';
  readonly pid: number | null;
  /** Where it is, of a worker that somebody else has started; null of one that this host has. */
  readonly address: string | null;
  readonly phase: StartPhase | null;
  readonly uptime_seconds: number;
  /** Requests this process has settled. */
  readonly requests: number;
  readonly in_flight: number;
  /** Resident memory at the last reading, MiB. */
  readonly memory_mb: number | null;
  readonly cpu_seconds: number | null;
  /** Replacements of a dead worker in this slot. */
  readonly restarts: number;
  readonly python_version: string | null;
  readonly codec: string | null;
  /** The oldest running request. */
  readonly current: { readonly command: string; readonly request_id: string; readonly for_ms: number } | null;
  /** Since it was last heard; null before its first word. */
  readonly heartbeat_ms_ago: number | null;
  /** Workers of this slot in a row that came to nothing. */
  readonly failures: number;
  /** The death certificate of the last worker of this slot that ended without being asked to. */
  readonly last_exit: WorkerSnapshot['last_exit'];
}

/** Which Python a pool runs on, and why that one. */
export interface PythonRow {
  readonly path: string;
  readonly reason: string;
  /** Null until a worker has said it. */
  readonly version: string | null;
}

/** What requests did over a span of time. */
export interface TrafficFigures {
  /** Requests settled in it; where it is 0, the figures below are 0 too and say nothing. */
  readonly requests: number;
  readonly requests_per_second: number;
  /** Share of failure, timeout and crashed among the requests that were neither cancelled nor rejected, 0 to 1. */
  readonly error_rate: number;
  /** Of all but the rejected. Quantiles are off by less than an eighth. */
  readonly avg_response_time_ms: number;
  readonly p50_response_time_ms: number;
  readonly p95_response_time_ms: number;
  readonly p99_response_time_ms: number;
}

/** Over 1, 5 and 15 minutes. */
export interface TrafficSpans {
  readonly '1m': TrafficFigures;
  readonly '5m': TrafficFigures;
  readonly '15m': TrafficFigures;
}

/** Figures of one pool in the detailed report. What {@link TrafficFigures} has looks back on the last minute. */
export interface PoolHealth extends TrafficFigures {
  /** Places for workers, whatever fills them now. */
  readonly total_workers: number;
  /** Workers with a free slot. */
  readonly available_workers: number;
  /** Workers with every slot taken. */
  readonly busy_workers: number;
  readonly queue_size: number;
  readonly rates: TrafficSpans;
  /** By command, to within five seconds; past 50 commands, `(other)`. */
  readonly commands: Readonly<Record<string, TrafficSpans>>;
  /** Set while the pool has stopped to start workers. */
  readonly crash_loop: PoolSnapshot['crash_loop'];
  /** Requests that are refused since they killed workers. */
  readonly quarantined_requests: PoolSnapshot['quarantined_requests'];
  /** Commands that seem to leave memory behind. */
  readonly memory_hints: PoolSnapshot['memory_hints'];
}

/** Figures of the process and its workers together. */
export interface SystemHealth {
  /** Resident memory of this process and, at their last reading, its workers. MiB. */
  readonly memory_mb: number;
  /** This process and its live workers. */
  readonly process_count: number;
  /** Open sockets of this process: listeners, connections, and the channels to its workers. */
  readonly port_count: number;
  readonly uptime_seconds: number;
  /** CPU time of this process and its workers since the last reading, as a share of what the CPUs it may use offered. */
  readonly cpu_ratio: number;
  /** How late timers of this process fired of late (half to all of the window of that criterion), 99th percentile. */
  readonly event_loop_lag_ms: number;
}

/** The design's health check response, with worker rows. */
export interface DetailedHealth extends HealthReport {
  /** RFC 3339, UTC. */
  readonly timestamp: string;
  readonly pools: Readonly<Record<string, PoolHealth>>;
  readonly system: SystemHealth;
  readonly workers: readonly WorkerRow[];
  /** What the checks of things outside found last; they are among `checks` too. */
  readonly dependencies: readonly DependencyRow[];
  /** The last 50 changes of status, the newest first. */
  readonly history: readonly StatusChange[];
}
