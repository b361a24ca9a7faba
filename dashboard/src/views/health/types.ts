import type { StatusChange } from '../../text/strip.ts';

/** What /health/detailed says, as far as it is shown. */
export interface Check {
  readonly name: string;
  readonly status: string;
  readonly message: string;
  readonly why?: string;
  readonly remedy?: string;
}

export interface Dependency extends Check {
  readonly critical: boolean;
  readonly latency_ms: number | null;
  readonly checked_at: string | null;
  readonly age_ms: number | null;
}

export interface Detailed {
  readonly status: string;
  readonly timestamp: string;
  readonly checks: readonly Check[];
  readonly dependencies: readonly Dependency[];
  readonly history: readonly StatusChange[];
  readonly system: {
    readonly memory_mb: number | null;
    readonly process_count: number | null;
    readonly port_count: number | null;
    readonly uptime_seconds: number | null;
    readonly cpu_ratio: number | null;
    readonly event_loop_lag_ms: number | null;
  };
}

/** What a probe says. */
export interface Report {
  readonly status: string;
  readonly checks?: readonly Check[];
  readonly started?: boolean;
}

export type Pythons = Readonly<
  Record<string, { readonly path: string; readonly reason: string; readonly version: string | null }>
>;
