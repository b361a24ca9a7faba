import type { ErrorContext, WorkerExit } from '../errors/index.ts';

/**
 * Levels, pulled when somebody asks. They live in this room, not in the core, so that consumers can read them without knowing
 * the core.
 */

/** States of a worker, after the label `state` of `snakepit_pool_workers`. `ready`: a free slot; `busy`: every slot taken; `backoff`: the slot waits before its next start. */
export const workerStates = ['starting', 'ready', 'busy', 'draining', 'backoff', 'quarantined'] as const;
export type WorkerState = (typeof workerStates)[number];

/** One place for a worker and what fills it now. */
export interface WorkerSnapshot {
  /** Unique for ever. Null while the slot waits to start one. */
  readonly id: string | null;
  readonly slot: number;
  readonly state: WorkerState;
  /** The process that fills the slot, one that is to replace it, or one that was replaced and finishes what it holds. */
  readonly role: 'primary' | 'successor' | 'leaving';
  readonly pid: number | null;
  /** Where it is, of a worker that somebody else has started; null of one that this host has. */
  readonly address?: string | null;
  /** Of a starting worker: `spawn`, `import` or `on_start`. */
  readonly phase: StartPhase | null;
  /** Since spawn. */
  readonly uptime_ms: number;
  /** How long the start may take in all. */
  readonly start_timeout_ms: number;
  /** Requests this process has settled. */
  readonly requests: number;
  /** Requests settled in this slot, over all its workers. */
  readonly slot_requests_total: number;
  /** Time with at least one request running, this slot, over all its workers. */
  readonly slot_busy_seconds_total: number;
  readonly slot_cpu_seconds_total: number;
  /** Replacements of a dead worker in this slot. */
  readonly slot_restarts: number;
  readonly in_flight: number;
  /** Resident memory at the last reading. */
  readonly memory_bytes: number | null;
  readonly cpu_seconds: number | null;
  /** More of the last reading; null before the first. */
  readonly readings?: {
    readonly threads: number;
    /** Null where the system does not tell. */
    readonly open_fds: number | null;
  } | null;
  /** Garbage collections of all generations, this slot, over all its workers. */
  readonly slot_gc_collections_total?: number;
  readonly python_version: string | null;
  readonly codec: string | null;
  /** The oldest running request. */
  readonly current: { command: string; request_id: string; for_ms: number } | null;
  /** Since the worker answered a heartbeat or sent anything else on that way; null before its first. */
  readonly heartbeat_ms_ago: number | null;
  /** Workers of this slot in a row that came to nothing. */
  readonly failures: number;
  /** Of a quarantined slot: when it is tried again, epoch milliseconds. */
  readonly quarantined_until: number | null;
  /** The death certificate of the last worker of this slot that ended without being asked to. */
  readonly last_exit: (WorkerExit & { readonly worker_id: string; readonly at: number }) | null;
}

/** A request that is refused for what it has done. */
export interface QuarantinedRequest {
  readonly command: string;
  /** First 16 hex digits of SHA-256 over its arguments. */
  readonly args_hash: string;
  /** Workers that died with it. */
  readonly deaths: number;
  /** Epoch milliseconds. */
  readonly until: number;
}

/** Why a pool has stopped to start workers. */
export interface CrashLoop {
  /** Epoch milliseconds. */
  readonly since: number;
  readonly retry_in_ms: number;
  readonly why: string;
}

/** What a command seems to leave behind in memory. */
export interface MemoryHint {
  readonly command: string;
  /** Growth of resident memory for each request, over the readings in which only this command ran. */
  readonly rss_bytes_per_request: number;
  readonly requests: number;
}

export type StartPhase = 'spawn' | 'import' | 'on_start';
export type PoolState = 'starting' | 'running' | 'draining' | 'closed';

export interface PoolSnapshot {
  readonly name: string;
  readonly state: PoolState;
  readonly transport: 'socket' | 'grpc';
  readonly codec: string | null;
  readonly python_version: string | null;
  readonly python_path: string;
  /** Why that interpreter was chosen. */
  readonly python_reason: string;
  readonly commands: readonly CommandInfo[];
  readonly workers_desired: number;
  /** One row for each slot. */
  readonly workers: readonly WorkerSnapshot[];
  /** Workers beside those: starting to replace one, or replaced and finishing. */
  readonly extra_workers: readonly WorkerSnapshot[];
  /** All of both. */
  readonly workers_by_state: Readonly<Record<WorkerState, number>>;
  /** Workers with a free slot. */
  readonly available_workers: number;
  /** Workers with every slot taken. */
  readonly busy_workers: number;
  /** Workers past their start × concurrency. */
  readonly slots: number;
  readonly slot_busy_seconds_total: number;
  /** What slots have counted that are no more, since the pool became smaller; null where there never were any. */
  readonly gone_slots: {
    readonly requests_total: number;
    readonly busy_seconds_total: number;
    readonly cpu_seconds_total: number;
    readonly gc_collections_total?: number;
  } | null;
  readonly queue_depth: number;
  readonly queue_capacity: number;
  readonly requests_in_flight: number;
  readonly saturated_total: number;
  /** A worker past its start exists, idle or busy. */
  readonly ready: boolean;
  /** The last failed start, while the pool has no ready worker. */
  readonly start_error: ErrorContext | null;
  /** Set while every slot is quarantined. */
  readonly crash_loop: CrashLoop | null;
  readonly quarantined_requests: readonly QuarantinedRequest[];
  /** Null where the pool has no circuit breaker. */
  readonly circuit: 'closed' | 'half_open' | 'open' | null;
  readonly memory_hints: readonly MemoryHint[];
}

/** A command of an app, as the worker announced it. */
export interface CommandInfo {
  readonly name: string;
  readonly kind: 'plain' | 'async' | 'generator' | 'async_generator';
  readonly doc: string | null;
  readonly parameters: readonly {
    readonly name: string;
    readonly kind: string;
    readonly annotation: string | null;
    readonly required: boolean;
    readonly default: string | null;
  }[];
}

/** The levels of the sessions. */
export interface SessionsSnapshot {
  /** `memory` or `redis`. */
  readonly store: string;
  /** Whether it answers. */
  readonly available: boolean;
  /** Null while not known. */
  readonly active: number | null;
  readonly capacity: number | null;
  readonly ttl_ms: number;
  /** Of those, the ones that have a worker of this process. */
  readonly with_worker: number;
  /** What the last round trip to the store took; null where there is none. */
  readonly latency_ms: number | null;
  /** What went wrong last; null while it answers. */
  readonly error: string | null;
}

/** The levels of one moment. */
export interface Snapshot {
  /** Epoch milliseconds. */
  readonly timestamp: number;
  readonly uptime_ms: number;
  /** Null where nothing is known of them. */
  readonly sessions: SessionsSnapshot | null;
  readonly pools: Readonly<Record<string, PoolSnapshot>>;
}

/** Hands out the levels. */
export type Snapshotter = () => Snapshot;
