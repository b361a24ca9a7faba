import { type Between, slotKey } from '../../consumers/history/index.ts';
import type { PoolSnapshot, Snapshot, WorkerSnapshot } from '../../events/index.ts';
import type { WorkerRow } from './frames.ts';

const MEBIBYTE = 2 ** 20;

export const round = (value: number): number => Math.round(value * 1000) / 1000;
/** NaN stands for what is not known. */
export const known = (value: number): number | null => (Number.isNaN(value) ? null : round(value));

const exitOf = ({ last_exit: exit }: WorkerSnapshot): WorkerRow['last_exit'] =>
  exit && { code: exit.code, signal: exit.signal, oom: exit.oom, at: Math.round(exit.at) };

/** Names that callers made up are not shown, as in metrics. */
const currentOf = ({ commands }: PoolSnapshot, { current }: WorkerSnapshot): WorkerRow['current'] =>
  current && {
    command: commands.some(({ name }) => name === current.command) ? current.command : '(unknown)',
    request_id: current.request_id,
    for_ms: Math.round(current.for_ms),
  };

const rowOf = (pool: PoolSnapshot, worker: WorkerSnapshot, between: Between): WorkerRow => ({
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
  memory_mb: worker.memory_bytes === null ? null : Math.round((worker.memory_bytes / MEBIBYTE) * 10) / 10,
  cpu_seconds: worker.cpu_seconds === null ? null : round(worker.cpu_seconds),
  cpu_ratio: known(between.slotCpu(slotKey(pool.name, worker.slot))),
  restarts: worker.slot_restarts,
  python_version: worker.python_version,
  codec: worker.codec,
  current: currentOf(pool, worker),
  heartbeat_ms_ago: worker.heartbeat_ms_ago === null ? null : Math.round(worker.heartbeat_ms_ago),
  failures: worker.failures,
  last_exit: exitOf(worker),
});

/** The rows of every pool: a row for each slot, and for each process beside those. */
export const workerRows = (snapshot: Snapshot, between: Between): Record<string, WorkerRow[]> =>
  Object.fromEntries(
    Object.values(snapshot.pools).map((pool) => [
      pool.name,
      [...pool.workers, ...pool.extra_workers].map((worker) => rowOf(pool, worker, between)),
    ]),
  );

/** What of the rows is news; uptimes and readings change all the time. */
export const rowsInShort = (pools: Readonly<Record<string, readonly WorkerRow[]>>): string =>
  Object.values(pools)
    .flat()
    .map(
      ({ worker_id, worker_slot, state, phase, requests, in_flight, restarts }) =>
        `${worker_slot} ${worker_id} ${state} ${phase} ${requests} ${in_flight} ${restarts}`,
    )
    .join();
