import type { RecentTraffic, Standing } from '../../consumers/health/index.ts';
import type { History } from '../../consumers/history/index.ts';
import type { SnakepitEvent } from '../../events/index.ts';
import type { ConfigControl, ErrorFilter, HealthReader, OpsControl, OutgoingSanitizer } from '../ports.ts';
import type { Thresholds } from './frames.ts';

/** Health, as the page sees it. */
export interface PageHealth extends Pick<HealthReader, 'getDetailedHealth' | 'telemetry'> {
  standing(): Standing;
  eventLoopLagMs(): number;
  readonly traffic: {
    commands(pool: string): readonly string[];
    /** @param now - epoch milliseconds */
    recent(pools: readonly string[], command: string | undefined, now: number): RecentTraffic;
  };
}

/** The errors, as the page sees them. */
export interface PageErrors {
  counts(): { readonly errors: number; readonly slow: number; readonly slow_running: number };
  list(filter: ErrorFilter): { readonly errors: readonly { readonly id: string }[] };
  find(id: string): unknown;
  slow(filter: ErrorFilter): unknown;
}

/** Events that are kept. */
export interface PageEvents {
  recent(passes: (event: SnakepitEvent) => boolean, limit: number): readonly unknown[];
}

/** What the page is made from. Null: switched off. */
export interface PageSources {
  readonly version: string;
  readonly control: Pick<OpsControl, 'snapshot'>;
  readonly config: Pick<ConfigControl, 'instance' | 'version' | 'view'>;
  readonly history: History;
  readonly health: PageHealth | null;
  readonly errors: PageErrors | null;
  readonly events: PageEvents | null;
  /** Events that consumers should have got and did not. */
  readonly dropped: () => number;
  /** The pools' own settings, those in force. */
  readonly critical: (pool: string) => boolean;
  /** Those of health that are in force, by the name of the figure. */
  readonly thresholds: () => Readonly<
    Partial<Record<'response_time_ms' | 'error_rate' | 'queue_depth' | 'worker_availability', Thresholds>>
  >;
  readonly sanitizer: OutgoingSanitizer;
  /** How many may look at once. Default: 100. */
  readonly maxViewers?: number | undefined;
}
