import type { ErrorContext } from '../errors/index.ts';

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
  readonly pid: number | null;
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
  readonly python_version: string | null;
  readonly codec: string | null;
  /** The oldest running request. */
  readonly current: { command: string; request_id: string; for_ms: number } | null;
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
  readonly workers: readonly WorkerSnapshot[];
  readonly workers_by_state: Readonly<Record<WorkerState, number>>;
  /** Workers with a free slot. */
  readonly available_workers: number;
  /** Workers with every slot taken. */
  readonly busy_workers: number;
  /** Workers past their start × concurrency. */
  readonly slots: number;
  readonly slot_busy_seconds_total: number;
  readonly queue_depth: number;
  readonly queue_capacity: number;
  readonly requests_in_flight: number;
  readonly saturated_total: number;
  /** A worker past its start exists, idle or busy. */
  readonly ready: boolean;
  /** The last failed start, while the pool has no ready worker. */
  readonly start_error: ErrorContext | null;
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

/** The levels of one moment. */
export interface Snapshot {
  /** Epoch milliseconds. */
  readonly timestamp: number;
  readonly uptime_ms: number;
  readonly pools: Readonly<Record<string, PoolSnapshot>>;
}

/** Hands out the levels. */
export type Snapshotter = () => Snapshot;
