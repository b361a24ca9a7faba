import type { PoolSnapshot, Snapshot, WorkerSnapshot } from '../../events/index.ts';
import type { PoolView } from './pools.ts';
import type { PoolHealth, PythonRow, TrafficFigures, TrafficSpans, WorkerRow } from './types.ts';
import type { RollingWindow } from './window.ts';

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
  address: worker.address ?? null,
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

const SPANS = { '1m': 60_000, '5m': 300_000, '15m': 900_000 } as const;
/** Longest time that is looked back on. */
export const LONGEST_SPAN_MS = SPANS['15m'];

const trafficOf = (
  window: RollingWindow,
  now: number,
  spanMs: number,
  observedMs: number,
): TrafficFigures => {
  const stats = window.read(now, spanMs);
  // What has run for ten seconds has no minute to divide by.
  const observedSeconds = Math.min(spanMs, Math.max(1000, observedMs)) / 1000;
  return {
    requests: stats.requests,
    requests_per_second: round(stats.requests / observedSeconds),
    error_rate: round(stats.errorRate),
    avg_response_time_ms: round(stats.averageMs),
    p50_response_time_ms: round(stats.p50Ms),
    p95_response_time_ms: round(stats.p95Ms),
    p99_response_time_ms: round(stats.p99Ms),
  };
};

const spansOf = (window: RollingWindow, now: number, observedMs: number): TrafficSpans => ({
  '1m': trafficOf(window, now, SPANS['1m'], observedMs),
  '5m': trafficOf(window, now, SPANS['5m'], observedMs),
  '15m': trafficOf(window, now, SPANS['15m'], observedMs),
});

/**
 * The figures of one pool.
 *
 * @param now - epoch milliseconds
 * @param observedMs - how long there has been anybody to see
 */
export const poolHealth = (pool: PoolView, now: number, observedMs: number): PoolHealth => {
  const rates = spansOf(pool.window, now, observedMs);
  return {
    total_workers: pool.levels?.workers.length ?? 0,
    available_workers: pool.levels?.available_workers ?? 0,
    busy_workers: pool.levels?.busy_workers ?? 0,
    queue_size: pool.levels?.queue_depth ?? 0,
    ...rates['1m'],
    rates,
    commands: Object.fromEntries(
      [...pool.commands.entries()].map(([command, window]) => [command, spansOf(window, now, observedMs)]),
    ),
    crash_loop: pool.levels?.crash_loop ?? null,
    quarantined_requests: pool.levels?.quarantined_requests ?? [],
    memory_hints: pool.levels?.memory_hints ?? [],
  };
};
