import {
  monotonic,
  type PoolSnapshot,
  type WorkerSnapshot,
  type WorkerState,
  workerStates,
} from '../events/index.ts';
import type { Pool } from './pool.ts';
import type { Slot } from './slot.ts';
import type { Worker } from './worker.ts';

/** Reads the levels of a pool. Nothing is kept up to date for this: it is all derived when asked for. */
export const poolSnapshot = (pool: Pool): PoolSnapshot => {
  const { facts } = pool;
  const now = monotonic();
  const { slots } = pool.supervisor;
  const workers = slots.map((slot) => slotSnapshot(slot, pool, now));
  const introduction = pool.supervisor.workers.find(
    (worker) => worker.introduction !== undefined,
  )?.introduction;
  const byState = Object.fromEntries(workerStates.map((state) => [state, 0])) as Record<WorkerState, number>;
  for (const worker of workers) byState[worker.state]++;
  return {
    name: pool.name,
    state: pool.state,
    transport: facts.transport,
    codec: introduction?.codec ?? null,
    python_version: introduction?.pythonVersion ?? null,
    python_path: facts.pythonPath,
    python_reason: facts.pythonReason,
    commands: pool.commands,
    workers_desired: slots.length,
    workers,
    workers_by_state: byState,
    available_workers: byState.ready,
    busy_workers: byState.busy,
    slots: (byState.ready + byState.busy) * pool.options.concurrency,
    slot_busy_seconds_total: slots.reduce((sum, slot) => sum + slot.slotBusyMsTotal(now), 0) / 1000,
    queue_depth: pool.queue.depth,
    queue_capacity: pool.queue.capacity,
    requests_in_flight: pool.inFlight - pool.queue.depth,
    saturated_total: pool.queue.saturatedTotal,
    ready: pool.supervisor.serving,
    start_error: pool.startError?.context ?? null,
  };
};

const slotSnapshot = (slot: Slot, pool: Pool, now: number): WorkerSnapshot => {
  const { worker } = slot;
  const current = worker === undefined ? null : currentRequest(worker, now);
  return {
    id: worker?.id ?? null,
    slot: slot.index,
    state: stateOf(slot),
    pid: worker?.pid ?? null,
    phase: worker?.status.kind === 'starting' ? worker.status.phase : null,
    uptime_ms: worker === undefined ? 0 : now - worker.spawnedAt,
    start_timeout_ms: pool.options.startTimeoutMs,
    requests: worker?.load.finished ?? 0,
    slot_requests_total: slot.requestsTotal,
    slot_busy_seconds_total: slot.busyMsTotal(now) / 1000,
    slot_cpu_seconds_total: slot.cpuSecondsTotal,
    slot_restarts: slot.restarts,
    in_flight: worker?.load.running ?? 0,
    memory_bytes: worker?.lastStats?.rssBytes ?? null,
    cpu_seconds: worker?.lastStats?.cpuSeconds ?? null,
    python_version: worker?.introduction?.pythonVersion ?? null,
    codec: worker?.introduction?.codec ?? null,
    current,
  };
};

/** A slot without a worker waits for its next start. */
const stateOf = ({ worker }: Slot): WorkerState => {
  if (worker === undefined || worker.status.kind === 'exited') return 'backoff';
  return worker.status.kind;
};

const currentRequest = (worker: Worker, now: number): WorkerSnapshot['current'] => {
  for (const request of worker.load.open) {
    if (request.startedAt === 0) return null;
    return { command: request.command, request_id: request.requestId, for_ms: now - request.startedAt };
  }
  return null;
};
