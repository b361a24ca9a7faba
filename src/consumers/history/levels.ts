import type { PoolSnapshot, SessionsSnapshot, Snapshot } from '../../events/index.ts';
import type { CountName } from './counts.ts';
import type { Between } from './readings.ts';
import { Ring, shown } from './ring.ts';
import type { Levels, ProcessLevels } from './types.ts';

/** Restarts and refusals are counted as they happen; the rest is sampled at the end of a slice. */
export type SampledLevels = Omit<Levels, CountName>;

/** What nobody but the levels' source knows. */
export interface Beside {
  readonly cpus: number;
  readonly lagMs: number;
  /** Workers that a pool ought to have and has not. */
  readonly missing: (pool: PoolSnapshot) => number;
  /** Reads and writes of the session store since the last slice. */
  readonly operations: number;
}

/** The figures of a slice, in the order in which they are kept. */
const names = [
  'in_flight',
  'queue_depth',
  'workers_available',
  'workers_busy',
  'workers_desired',
  'workers_missing',
  'utilisation',
  'memory_bytes',
] as const satisfies readonly (keyof SampledLevels)[];
const processNames = [
  'cpu_ratio',
  'event_loop_lag_ms',
  'sessions',
  'session_operations',
] as const satisfies readonly (keyof ProcessLevels)[];

const objectOf = <N extends string>(
  keys: readonly N[],
  values: Float64Array | readonly number[] | undefined,
): Record<N, number | null> =>
  Object.fromEntries(keys.map((key, i) => [key, shown(values?.[i])])) as Record<N, number | null>;

/** Resident memory of the workers of a pool at their last readings; NaN before the first. Bytes. */
const memoryOf = ({ workers, extra_workers }: PoolSnapshot): number => {
  let [bytes, read] = [0, false];
  for (const { memory_bytes } of [...workers, ...extra_workers]) {
    if (memory_bytes === null) continue;
    bytes += memory_bytes;
    read = true;
  }
  return read ? bytes : Number.NaN;
};

/** Sessions that are kept; NaN where that is not known. */
const activeOf = (sessions: SessionsSnapshot | null): number => sessions?.active ?? Number.NaN;

/** The levels of a pool, in order. */
export const poolValues = (pool: PoolSnapshot, between: Between, { missing }: Beside): number[] => [
  pool.requests_in_flight,
  pool.queue_depth,
  pool.available_workers,
  pool.busy_workers,
  pool.workers_desired,
  missing(pool),
  between.utilisation(pool),
  memoryOf(pool),
];

/** The levels of all pools together, and of this process. */
export const totalValues = (
  snapshot: Snapshot,
  between: Between,
  { cpus, lagMs, missing, operations }: Beside,
): number[] => {
  const pools = Object.values(snapshot.pools);
  const sum = (of: (pool: PoolSnapshot) => number) => pools.reduce((all, pool) => all + of(pool), 0);
  const slots = sum((pool) => pool.slots);
  const busy = sum((pool) => between.busy(pool.name));
  return [
    sum((pool) => pool.requests_in_flight),
    sum((pool) => pool.queue_depth),
    sum((pool) => pool.available_workers),
    sum((pool) => pool.busy_workers),
    sum((pool) => pool.workers_desired),
    sum(missing),
    slots === 0 ? Number.NaN : Math.min(1, busy / slots),
    process.memoryUsage.rss() + sum((pool) => memoryOf(pool) || 0),
    between.cpuRatio(cpus),
    lagMs,
    activeOf(snapshot.sessions),
    snapshot.sessions === null ? Number.NaN : operations,
  ];
};

export const poolLevels = (values: Float64Array | readonly number[] | undefined): SampledLevels =>
  objectOf(names, values);

export const totalLevels = (
  values: Float64Array | readonly number[] | undefined,
): SampledLevels & ProcessLevels => objectOf([...names, ...processNames], values);

export const poolRing = (): Ring => new Ring(names.length);
export const totalRing = (): Ring => new Ring(names.length + processNames.length);
