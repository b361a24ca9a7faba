import type { WorkerExit } from '../../errors/index.ts';

/** What this consumer hands out. Wire spelling, since it is shown as it is; times are epoch milliseconds. Null: not known, or not counted. */

/** What requests did in a span of time. */
export interface SpanFigures {
  /** Requests settled, whichever way. */
  readonly requests: number | null;
  /** Failed in any way: `timeouts` and `crashed` are among them. */
  readonly failed: number | null;
  readonly rejected: number | null;
  readonly cancelled: number | null;
  readonly timeouts: number | null;
  readonly crashed: number | null;
  /** Of all but the rejected; null where there were none. */
  readonly p50_ms: number | null;
  readonly p95_ms: number | null;
  readonly p99_ms: number | null;
}

/** Counts requests; what answers is asked at the time of the question, so that counting costs nothing twice. */
export interface TrafficSource {
  /** Lower bounds of the bins of `heat`. Milliseconds. */
  readonly heatBoundsMs: readonly number[];
  /** Commands that have run in a pool. */
  commands(pool: string): readonly string[];
  /** What happened in `[from, until)`. */
  between(
    pools: readonly string[],
    command: string | undefined,
    from: number,
    until: number,
  ): SpanFigures & { readonly heat: readonly number[] | null };
}

/** Levels of a pool, or of all together, as they were at the end of a slice. */
export interface Levels {
  readonly in_flight: number | null;
  readonly queue_depth: number | null;
  /** Workers with a free slot. */
  readonly workers_available: number | null;
  readonly workers_busy: number | null;
  readonly workers_desired: number | null;
  /** Workers that ought to be there and are not, as the criterion `worker_availability` counts them. Null where health is off. */
  readonly workers_missing: number | null;
  /** Dead workers replaced in the slice. */
  readonly restarts: number | null;
  /** Requests refused in the slice since the queue was full; all that were refused are `rejected`. */
  readonly queue_full: number | null;
  /** Share of the time of all slots in which a request ran, 0 to 1. */
  readonly utilisation: number | null;
  /** Resident memory of the workers; in the total, of this process too. */
  readonly memory_bytes: number | null;
}

/** Of this process and its workers together, and of the sessions, which all pools share. */
export interface ProcessLevels {
  /** CPU time as a share of what the CPUs it may use offered. */
  readonly cpu_ratio: number | null;
  /** 99th percentile of late. Null where health is off. */
  readonly event_loop_lag_ms: number | null;
  /** Null where sessions are not used, or nobody knows how many there are. */
  readonly sessions: number | null;
  /** Reads and writes of the session store in the slice. Null where sessions are not used. */
  readonly session_operations: number | null;
}

/** One step of the history. */
export interface Slice extends SpanFigures, Levels, Partial<ProcessLevels> {}

/** A slice by itself has its latencies with it. */
export interface HeatedSlice extends Slice {
  /** Requests by latency; null where there were none. */
  readonly heat: readonly number[] | null;
}

/** A slice that is complete, of every pool. */
export interface CompleteSlice {
  /** Its start. */
  readonly at: number;
  readonly step_ms: number;
  readonly total: HeatedSlice;
  readonly pools: Readonly<Record<string, HeatedSlice>>;
  /** What happened in it, oldest first. */
  readonly markers: readonly Marker[];
}

/** A quarter of an hour, oldest first. */
export interface HistoryList {
  readonly step_ms: number;
  /** Start of the first slice. */
  readonly from: number;
  /** The last one is running. Null: before the start. */
  readonly slices: readonly (Slice | null)[];
  readonly heat: {
    /** Lower bounds of the bins; the last has no end. Empty where health is off. */
    readonly bounds_ms: readonly number[];
    /** By slice; null where nothing was timed. */
    readonly counts: readonly (readonly number[] | null)[];
  };
  /** Oldest first. */
  readonly markers: readonly Marker[];
  readonly pools: readonly string[];
  /** By pool: those the app has, and those that have run. */
  readonly commands: Readonly<Record<string, readonly string[]>>;
}

export type MarkerKind = 'restart' | 'crash' | 'recycle' | 'config' | 'status' | 'drain' | 'start';

/** Something that a curve may be explained by. */
export interface Marker {
  readonly at: number;
  readonly kind: MarkerKind;
  readonly pool?: string;
  readonly worker_id?: string;
  readonly worker_slot?: number;
  readonly text: string;
  readonly level: 'info' | 'warning' | 'error';
}

/** One process that filled a slot. */
export interface Life {
  readonly worker_id: string;
  readonly started_at: number;
  /** Null while it lives. */
  readonly ended_at: number | null;
  /** `stopped`, `crashed`, `oom`, `stuck`, `start_failed`, or why it was replaced: `recycled_age`, … */
  readonly reason: string | null;
  readonly requests: number;
  /** Its death certificate. */
  readonly exit: WorkerExit | null;
}

/** Readings of a slot over a quarter of an hour, oldest first, the running slice last. Null: nobody was there, or it was not read. */
export interface SlotReadings {
  readonly step_ms: number;
  readonly from: number;
  readonly memory_bytes: readonly (number | null)[];
  /** Of one CPU; may exceed 1. */
  readonly cpu_ratio: readonly (number | null)[];
  /** Settled in each slice. */
  readonly requests: readonly (number | null)[];
}
