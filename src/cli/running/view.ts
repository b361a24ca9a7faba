import type { PoolSnapshot, WorkerSnapshot } from '../../events/index.ts';

/**
 * What commands read of the server's answers. Any member may be missing: the server may be of another version, or have switched
 * something off.
 */
export type PoolView = Partial<PoolSnapshot>;
export type WorkerView = Partial<WorkerSnapshot>;

/** `/api/state`. */
export interface StateView {
  readonly uptime_ms?: number;
  readonly pools?: Readonly<Record<string, PoolView>>;
}

/** `/health`. */
export interface LinksView {
  readonly links?: { readonly dashboard?: string };
}

/** `/health/detailed`. */
export interface HealthView {
  readonly status?: string;
  readonly checks?: readonly {
    readonly name?: string;
    readonly status?: string;
    readonly message?: string;
    readonly why?: string;
    readonly remedy?: string;
  }[];
  readonly pools?: Readonly<Record<string, PoolFigures>>;
  readonly system?: {
    readonly memory_mb?: number;
    readonly cpu_ratio?: number;
    readonly event_loop_lag_ms?: number;
  };
}

/** Figures of a pool over the last minute. */
export interface PoolFigures {
  readonly requests?: number;
  readonly requests_per_second?: number;
  readonly error_rate?: number;
  readonly p50_response_time_ms?: number;
  readonly p95_response_time_ms?: number;
  readonly p99_response_time_ms?: number;
  /** The same for each command, over several spans. */
  readonly commands?: Readonly<Record<string, { readonly '1m'?: PoolFigures }>>;
}

/** The pools of a state, by name. */
export const poolsOf = ({ pools }: StateView): readonly (readonly [string, PoolView])[] =>
  Object.entries(pools ?? {});

/** All workers of a pool: those that fill its slots, then those that come or go. */
export const workersOf = ({ workers, extra_workers }: PoolView): readonly WorkerView[] => [
  ...(workers ?? []),
  ...(extra_workers ?? []),
];
