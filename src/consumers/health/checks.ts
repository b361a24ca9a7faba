import type { ResolvedOptions } from '../../config/index.ts';
import type { HealthStatus, PoolSnapshot } from '../../events/index.ts';
import { describeShortage, mendShortage, type PoolView } from './pools.ts';
import type { HealthCheck } from './types.ts';
import { percent, plural, seconds, toCheck, type Verdict } from './verdict.ts';
import type { WindowStats } from './window.ts';

/** Options of the health room, once it is not switched off. */
export type HealthOptions = Exclude<ResolvedOptions['health'], false>;
type Criterion = HealthOptions['criteria']['error_rate'];

/** The checks that make the overall status. */
export const runChecks = (
  pools: readonly PoolView[],
  criteria: HealthOptions['criteria'],
  now: number,
): HealthCheck[] => [
  toCheck('worker_availability', pools.map(workerAvailability)),
  toCheck(
    'error_rate',
    pools.map((pool) => errorRate(pool, criteria.error_rate, now)),
  ),
  toCheck(
    'queue_depth',
    pools.map((pool) => queueDepth(pool, criteria.queue_depth)),
  ),
];

const workerAvailability = (pool: PoolView): Verdict => {
  const { name, levels, ready, options, established } = pool;
  const found = (status: HealthStatus, message: string): Verdict => ({
    pool: name,
    status,
    message,
    ...(status !== 'ok' && { why: describeShortage(pool), remedy: mendShortage(pool) }),
  });
  if (levels === undefined) return found('warning', 'Not started yet');
  const message = `${levels.available_workers}/${levels.workers.length} workers available`;
  if (levels.state === 'closed') return { pool: name, status: 'error', message: 'Closed', ...closed };
  if (levels.state === 'draining') return { pool: name, status: 'warning', message: 'Draining', ...draining };
  if (ready < options.minWorkers) {
    // A start under way is not a fault; one that failed, or workers lost after it, are.
    const startingUp = !established && levels.start_error === null;
    return found(startingUp ? 'warning' : 'error', message);
  }
  const { backoff, quarantined } = levels.workers_by_state;
  return found(backoff + quarantined > 0 ? 'warning' : 'ok', message);
};

const closed = { why: 'the pool was closed', remedy: 'Create a new instance.' };
const draining = {
  why: 'the pool finishes what it has and takes no new requests',
  remedy: 'None needed where the shutdown is meant.',
};

const levelOf = (value: number, { warning, error }: Pick<Criterion, 'warning' | 'error'>): HealthStatus => {
  // Nothing wrong at all is never a fault, even under a threshold of 0.
  if (value === 0) return 'ok';
  if (value >= error) return 'error';
  return value >= warning ? 'warning' : 'ok';
};

const errorRate = (pool: PoolView, criterion: Criterion, now: number): Verdict => {
  const stats = pool.window.read(now, criterion.windowMs);
  const { judged, errorRate: rate } = stats;
  if (judged < criterion.minVolume) {
    const message = `Error rate not judged: ${plural(judged, 'request')} in ${seconds(criterion.windowMs)}, ${criterion.minVolume} needed`;
    return { pool: pool.name, status: 'ok', message };
  }
  const status = levelOf(rate, criterion);
  if (status === 'ok') {
    return { pool: pool.name, status, message: `Error rate ${percent(rate)} below threshold` };
  }
  return {
    pool: pool.name,
    status,
    message: `Error rate ${percent(rate)}, ${status} from ${percent(criterion[status])}`,
    why: `${stats.failed} of ${plural(judged, 'request')} in ${seconds(criterion.windowMs)} failed (${failures(stats)})`,
    remedy: failureRemedy(stats),
  };
};

const failures = ({ byStatus }: WindowStats): string =>
  (['failure', 'timeout', 'crashed'] as const)
    .filter((status) => byStatus[status] > 0)
    .map((status) => `${status} ${byStatus[status]}`)
    .join(', ');

const failureRemedy = ({ byStatus: { failure, timeout, crashed } }: WindowStats): string => {
  if (crashed >= failure && crashed >= timeout) {
    return 'Workers die under requests: the crashed events tell exit code, memory and last words.';
  }
  if (timeout >= failure) {
    return 'Requests outlive their deadline: make the command faster, add workers, or raise timeoutMs.';
  }
  return 'Handlers raise: the failed events carry the Python tracebacks.';
};

const queueDepth = (pool: PoolView, criterion: Pick<Criterion, 'warning' | 'error'>): Verdict => {
  const { name, levels } = pool;
  if (levels === undefined || levels.queue_depth === 0) {
    return { pool: name, status: 'ok', message: 'Queue empty' };
  }
  const fill = levels.queue_capacity > 0 ? levels.queue_depth / levels.queue_capacity : 0;
  const status = levelOf(fill, criterion);
  const message = `${levels.queue_depth} of ${levels.queue_capacity} waiting (${percent(fill)})`;
  if (status === 'ok') return { pool: name, status, message };
  return {
    pool: name,
    status,
    message,
    why: `${levels.queue_depth} requests wait, ${status} from ${percent(criterion[status])}; ${queueCause(levels)}`,
    remedy: `Raise pools.${name}.workers, make the command faster, or send less; a full queue refuses requests with queue_full.`,
  };
};

const queueCause = (levels: PoolSnapshot): string =>
  `${levels.busy_workers} of ${plural(levels.workers.length, 'worker')} busy, ${levels.requests_in_flight} requests in flight`;
