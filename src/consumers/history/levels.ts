import type { PoolSnapshot, Snapshot } from '../../events/index.ts';
import type { Between } from './readings.ts';
import { Ring, shown } from './ring.ts';
import type { Levels, ProcessLevels } from './types.ts';

/** Restarts are counted as they happen; the rest is sampled at the end of a slice. */
export type SampledLevels = Omit<Levels, 'restarts'>;

/** The figures of a slice, in the order in which they are kept. */
const names = [
  'in_flight',
  'queue_depth',
  'workers_available',
  'workers_busy',
  'workers_desired',
  'utilisation',
  'memory_bytes',
] as const satisfies readonly (keyof SampledLevels)[];
const processNames = ['cpu_ratio', 'event_loop_lag_ms'] as const satisfies readonly (keyof ProcessLevels)[];

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

/** The levels of a pool, in order. */
export const poolValues = (pool: PoolSnapshot, between: Between): number[] => [
  pool.requests_in_flight,
  pool.queue_depth,
  pool.available_workers,
  pool.busy_workers,
  pool.workers_desired,
  between.utilisation(pool),
  memoryOf(pool),
];

/** The levels of all pools together, and of this process. */
export const totalValues = (
  snapshot: Snapshot,
  between: Between,
  { cpus, lagMs }: { readonly cpus: number; readonly lagMs: number },
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
    slots === 0 ? Number.NaN : Math.min(1, busy / slots),
    process.memoryUsage.rss() + sum((pool) => memoryOf(pool) || 0),
    between.cpuRatio(cpus),
    lagMs,
  ];
};

export const poolLevels = (values: Float64Array | readonly number[] | undefined): SampledLevels =>
  objectOf(names, values);

export const totalLevels = (
  values: Float64Array | readonly number[] | undefined,
): SampledLevels & ProcessLevels => objectOf([...names, ...processNames], values);

export const poolRing = (): Ring => new Ring(names.length);
export const totalRing = (): Ring => new Ring(names.length + processNames.length);
