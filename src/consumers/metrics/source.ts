import type { ConsumerCounts, EventName, HealthStatus, Snapshot } from '../../events/index.ts';
import type { FamilySpec, MetricType, Row } from './family.ts';

/** Totals of one slot; `worker_slot` is `gone` for the sum of those that are no more. */
export interface SlotTotals {
  readonly pool_name: string;
  readonly worker_slot: string;
  readonly cpu_seconds: number;
  readonly requests: number;
  readonly busy_seconds: number;
  readonly gc_collections: number;
}

/** What the bus has counted. */
export interface BusReading {
  readonly events: readonly { readonly event: string; readonly count: number }[];
  readonly consumers: readonly ConsumerCounts[];
  readonly malformed: number;
}

/** What can be read at a scrape, and where it is read from. */
export interface Levels {
  readonly snapshot: Snapshot;
  readonly slots: readonly SlotTotals[];
  readonly bus: BusReading;
  readonly ready: boolean;
  readonly health: readonly { readonly check: string; readonly status: HealthStatus }[];
  /** Time the event loop has spent, in seconds. */
  readonly loop: { readonly active: number; readonly idle: number };
  readonly build: { readonly version: string; readonly nodeVersion: string };
  readonly reload: ConfigReload;
  /** Fake secrets that reached a sink. */
  readonly canary: number;
  readonly logs: LogReading;
}

/** What became of log lines that could not be written. */
export interface LogReading {
  readonly writeErrors: number;
  /** Lines lost, by reason. */
  readonly losses: Readonly<Record<string, number>>;
  /** Headers that asked for a request to be logged fully and were of no use. */
  readonly refusedHeaders: number;
}

/** How the configuration was read last. */
export interface ConfigReload {
  readonly successful: boolean;
  /** When it succeeded last, epoch milliseconds. */
  readonly success_at: number;
}

/** Reads the series of a family from one kind of levels. */
export type LevelSource = {
  readonly [K in keyof Levels]: {
    readonly kind: 'level';
    readonly level: K;
    readonly rows: (levels: Levels[K]) => readonly Row[];
  };
}[keyof Levels];

/** Where a metric's values come from: events as they happen, levels read at the scrape, or the metrics consumer's own doings. */
export type Source =
  | { readonly kind: 'events'; readonly events: readonly EventName[] }
  | { readonly kind: 'own' }
  | LevelSource;

/** One row of the catalogue: all of a family but its name, which is the key, and where it comes from. */
export interface CatalogEntry extends Omit<FamilySpec, 'name' | 'type'> {
  readonly type: MetricType;
  readonly from: Source;
  /** Whether its cells remember the request they counted last, for OpenMetrics. */
  readonly exemplars?: true;
}

/** Values come from these events. */
export const events = (...names: EventName[]) => ({ kind: 'events', events: names }) as const;
/** Values are counted by the metrics consumer about itself. */
export const own = { kind: 'own' } as const;
/** Values are read at the scrape. */
export const level = <K extends keyof Levels>(name: K, rows: (levels: Levels[K]) => readonly Row[]) =>
  ({ kind: 'level', level: name, rows }) as unknown as LevelSource;
