import type { HealthStatus } from '../../../events/index.ts';
import { describeShortage, mendShortage, type PoolView, silentWorkers } from '../pools.ts';
import type { Criterion, Finding, Words } from './finding.ts';

/** Whether the lack of `minWorkers` is a fault. A start under way is none; one that failed, or workers lost after it, are. */
const hasTooFew = ({ levels, ready, options, established }: PoolView): boolean =>
  ready < options.minWorkers && (established || levels?.start_error != null);

/** Workers that a pool ought to have and has not: what this criterion judges, before it is made a share of `workers_desired`. */
export const missingWorkers = (pool: PoolView): number => {
  const { levels, ready } = pool;
  if (levels === undefined) return Number.NaN;
  if (hasTooFew(pool)) return Math.max(0, Math.max(1, levels.workers_desired) - ready);
  const { backoff, quarantined } = levels.workers_by_state;
  return backoff + quarantined + silentWorkers(pool).length;
};

/** Places for workers that are left empty, or whose workers have long been silent, and whether there are `minWorkers`. */
export const workerAvailability = (pool: PoolView, _: Criterion): Finding => {
  const { name, levels, ready, options } = pool;
  if (levels === undefined) return fixed(name, 'warning', { message: 'Not started yet', ...shortage(pool) });
  const message = `${levels.available_workers}/${levels.workers.length} workers available`;
  if (levels.state === 'closed') return fixed(name, 'error', { message: 'Closed', ...closed });
  if (levels.state === 'draining') return fixed(name, 'warning', { message: 'Draining', ...draining });
  const tooFew = hasTooFew(pool);
  if (!tooFew && ready < options.minWorkers) return fixed(name, 'warning', { message, ...shortage(pool) });
  const words = (status: HealthStatus): Words => ({ message, ...(status !== 'ok' && shortage(pool)) });
  const wanted = Math.max(1, levels.workers_desired);
  if (tooFew) {
    const passed = Math.max(0, 1 - options.minWorkers / wanted);
    return { pool: name, value: missingWorkers(pool) / wanted, atLeast: 'error', passed, words };
  }
  return { pool: name, value: Math.min(1, missingWorkers(pool) / wanted), words };
};

const fixed = (pool: string, status: HealthStatus, words: Words): Finding => ({
  pool,
  value: null,
  fixed: status,
  words: () => words,
});

const shortage = (pool: PoolView) => ({ why: describeShortage(pool), remedy: mendShortage(pool) });

const closed = { why: 'the pool was closed', remedy: 'Create a new instance.' };
const draining = {
  why: 'the pool finishes what it has and takes no new requests',
  remedy: 'None needed where the shutdown is meant.',
};
