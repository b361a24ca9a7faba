import type { PoolSnapshot, Snapshot, WorkerSnapshot } from '../../events/index.ts';
import type { PoolView } from './pools.ts';
import type { PoolHealth, PythonRow, WorkerRow } from './types.ts';
import type { WindowStats } from './window.ts';

const MEBIBYTE = 2 ** 20;

/** Three decimals are what the clocks behind the figures are good for. */
export const round = (value: number): number => Math.round(value * 1000) / 1000;

/** Bytes as MiB, one decimal as in the design. */
export const mebibytes = (bytes: number): number => Math.round((bytes / MEBIBYTE) * 10) / 10;

/** A row for every slot, and for every process beside those, pool by pool. */
export const workerRows = (snapshot: Snapshot): WorkerRow[] =>
  Object.values(snapshot.pools).flatMap((pool) =>
    [...pool.workers, ...pool.extra_workers].map((worker) => workerRow(pool, worker)),
  );

const workerRow = (pool: PoolSnapshot, worker: WorkerSnapshot): WorkerRow => ({
  pool_name: pool.name,
  worker_id: worker.id,
  worker_slot: worker.slot,
  state: worker.state,
  role: worker.role,
  pid: worker.pid,
  phase: worker.phase,
  uptime_seconds: round(worker.uptime_ms / 1000),
  requests: worker.requests,
  in_flight: worker.in_flight,
  memory_mb: worker.memory_bytes === null ? null : mebibytes(worker.memory_bytes),
  cpu_seconds: worker.cpu_seconds === null ? null : round(worker.cpu_seconds),
  restarts: worker.slot_restarts,
  python_version: worker.python_version,
  codec: worker.codec,
  current: worker.current,
  heartbeat_ms_ago: worker.heartbeat_ms_ago === null ? null : Math.round(worker.heartbeat_ms_ago),
  failures: worker.failures,
  last_exit: worker.last_exit,
});

/** The interpreter of each pool. */
export const pythonRows = (snapshot: Snapshot): Record<string, PythonRow> =>
  Object.fromEntries(
    Object.values(snapshot.pools).map((pool) => [
      pool.name,
      { path: pool.python_path, reason: pool.python_reason, version: pool.python_version },
    ]),
  );

/** The figures of one pool. */
export const poolHealth = (pool: PoolView, stats: WindowStats, observedSeconds: number): PoolHealth => ({
  total_workers: pool.levels?.workers.length ?? 0,
  available_workers: pool.levels?.available_workers ?? 0,
  busy_workers: pool.levels?.busy_workers ?? 0,
  queue_size: pool.levels?.queue_depth ?? 0,
  requests: stats.requests,
  requests_per_second: round(stats.requests / observedSeconds),
  error_rate: round(stats.errorRate),
  avg_response_time_ms: round(stats.averageMs),
  p50_response_time_ms: round(stats.p50Ms),
  p95_response_time_ms: round(stats.p95Ms),
  p99_response_time_ms: round(stats.p99Ms),
  crash_loop: pool.levels?.crash_loop ?? null,
  quarantined_requests: pool.levels?.quarantined_requests ?? [],
  memory_hints: pool.levels?.memory_hints ?? [],
});
