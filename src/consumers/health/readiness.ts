import type { HealthOptions } from './criteria/finding.ts';
import type { CheckState } from './dependencies/check.ts';
import { describeShortage, isSaturated, mendShortage, type PoolView } from './pools.ts';
import type { HealthCheck, HealthReport, PoolLoad } from './types.ts';
import { percent, plural, worstOf } from './verdict.ts';

/**
 * Whether traffic should come here: each pool the policy needs has workers past their start. Load alone is no reason to say no,
 * unless `whenSaturated` asks for it. Pools the policy does not need only warn.
 */
export const judgeReadiness = (
  pools: readonly PoolView[],
  { policy, whenSaturated }: Pick<HealthOptions['readiness'], 'policy' | 'whenSaturated'>,
): HealthReport => {
  const checks = pools.map((pool) => checkPool(pool, whenSaturated));
  const oneServes = checks.some((check) => check.status !== 'error');
  const needed = (pool: PoolView): boolean => {
    if (policy === 'any') return !oneServes;
    return policy === 'all' || pool.options.critical;
  };
  const judged = pools.map((pool, i) => {
    const check = checks[i] as HealthCheck;
    if (check.status !== 'error' || needed(pool)) return check;
    return {
      ...check,
      status: 'warning' as const,
      message: `${check.message}; not needed under '${policy}'`,
    };
  });
  return { status: worstOf(judged), checks: judged, load: loadOf(pools) };
};

/** The checks outside that readiness needs: each must have passed, and lately. One that has not ended a run yet has not. */
export const neededDependencies = (states: readonly CheckState[]): HealthCheck[] =>
  states
    .filter(({ row }) => row.critical)
    .map(({ row: { name, status, message, why, remedy }, pending }) => ({
      name,
      status: pending ? ('error' as const) : status,
      message,
      ...(why !== undefined && { why }),
      ...(remedy !== undefined && { remedy }),
    }));

const checkPool = (pool: PoolView, whenSaturated: 'ready' | 'not_ready'): HealthCheck => {
  const name = `pool:${pool.name}`;
  const { levels, ready } = pool;
  if (levels?.state === 'draining' || levels?.state === 'closed') {
    return {
      name,
      status: 'error',
      message: levels.state === 'closed' ? 'Closed' : 'Draining',
      why: 'the pool takes no new requests',
      remedy: 'None needed where the shutdown is meant; another instance takes the traffic.',
    };
  }
  // `ready` of the snapshot is the core's own word; minWorkers may ask for more than one.
  if (levels === undefined || !levels.ready || ready < pool.options.minWorkers) {
    const message = `${plural(ready, 'worker')} past the start, ${pool.options.minWorkers} needed`;
    return { name, status: 'error', message, why: describeShortage(pool), remedy: mendShortage(pool) };
  }
  if (!isSaturated(pool)) return { name, status: 'ok', message: `${plural(ready, 'worker')} past the start` };
  return {
    name,
    status: whenSaturated === 'not_ready' ? 'error' : 'warning',
    message: `Saturated: ${levels.queue_depth} of ${levels.queue_capacity} waiting`,
    why: `the queue is ${percent(levels.queue_depth / levels.queue_capacity)} full and ${plural(levels.busy_workers, 'worker')} busy; it counts as saturated until it falls below half`,
    remedy: `Raise pools.${pool.name}.workers, or send less.`,
  };
};

const loadOf = (pools: readonly PoolView[]): Record<string, PoolLoad> =>
  Object.fromEntries(
    pools.flatMap((pool): [string, PoolLoad][] =>
      pool.levels === undefined
        ? []
        : [
            [
              pool.name,
              {
                queue_size: pool.levels.queue_depth,
                queue_capacity: pool.levels.queue_capacity,
                busy_workers: pool.levels.busy_workers,
                saturated: isSaturated(pool),
              },
            ],
          ],
    ),
  );
