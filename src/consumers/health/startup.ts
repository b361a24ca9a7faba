import { describeShortage, mendShortage, type PoolView } from './pools.ts';
import type { HealthCheck, StartupReport } from './types.ts';
import { worstOf } from './verdict.ts';

/** How far the start has come: done once every pool has had a ready worker, whatever happened to it later. */
export const judgeStartup = (pools: readonly PoolView[]): StartupReport => {
  const checks = pools.map((pool): HealthCheck => {
    const name = `pool:${pool.name}`;
    if (pool.started) return { name, status: 'ok', message: 'Started' };
    return {
      name,
      status: 'error',
      message: 'No worker has been ready yet',
      why: describeShortage(pool),
      remedy: mendShortage(pool),
    };
  });
  const workers = pools.flatMap(({ name, levels }) =>
    (levels?.workers ?? [])
      .filter((worker) => worker.state === 'starting')
      .map((worker) => ({
        pool_name: name,
        worker_slot: worker.slot,
        worker_id: worker.id,
        phase: worker.phase,
        elapsed_ms: Math.round(worker.uptime_ms),
        deadline_ms: worker.start_timeout_ms,
      })),
  );
  return { status: worstOf(checks), checks, started: pools.every((pool) => pool.started), workers };
};
