import {
  epochOf,
  monotonic,
  type PoolSnapshot,
  type SessionsSnapshot,
  type WorkerSnapshot,
  type WorkerState,
  workerStates,
} from '../events/index.ts';
import type { Pool } from './pool.ts';
import type { Sessions } from './session/sessions.ts';
import type { Slot } from './slot.ts';
import type { Worker } from './worker.ts';

/** Reads the levels of a pool. Nothing is kept up to date for this: it is all derived when asked for. */
export const poolSnapshot = (pool: Pool): PoolSnapshot => {
  const { facts } = pool;
  const now = monotonic();
  const loop = pool.supervisor.crashLoop;
  const waiting = pool.queue.depth + pool.retries.waiting;
  const { slots } = pool.supervisor;
  const workers = slots.map((slot) => slotSnapshot(slot, pool, now));
  const living = [...pool.supervisor.workers];
  const introduction = living.find((worker) => worker.introduction !== undefined)?.introduction;
  const extra = living.flatMap((worker) => extraSnapshot(worker, pool, now) ?? []);
  const gone = pool.supervisor.goneTotals(now);
  const byState = Object.fromEntries(workerStates.map((state) => [state, 0])) as Record<WorkerState, number>;
  for (const worker of [...workers, ...extra]) byState[worker.state]++;
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
    extra_workers: extra,
    workers_by_state: byState,
    available_workers: byState.ready,
    busy_workers: byState.busy,
    slots: (byState.ready + byState.busy) * pool.options.concurrency,
    slot_busy_seconds_total:
      slots.reduce((sum, slot) => sum + slot.totals(now).slotBusyMs, gone?.slotBusyMs ?? 0) / 1000,
    gone_slots:
      gone === undefined
        ? null
        : {
            requests_total: gone.requests,
            busy_seconds_total: gone.busyMs / 1000,
            cpu_seconds_total: gone.cpuSeconds,
            gc_collections_total: gone.gcCollections,
          },
    queue_depth: waiting,
    queue_capacity: pool.queue.capacity,
    requests_in_flight: pool.inFlight - waiting,
    saturated_total: pool.queue.saturatedTotal,
    ready: pool.supervisor.serving,
    start_error: pool.admission.startError?.context ?? null,
    crash_loop:
      loop === undefined
        ? null
        : { since: epochOf(loop.since), retry_in_ms: loop.until - now, why: loop.why },
    quarantined_requests: pool.poison.quarantined,
    circuit: pool.breaker?.state ?? null,
    memory_hints: pool.leaks.hints,
  };
};

/** Reads the levels of the sessions. */
export const sessionsSnapshot = ({ state, ttlMs }: Sessions, pools: Iterable<Pool>): SessionsSnapshot => {
  const { kind: store, ...rest } = state;
  let with_worker = 0;
  for (const pool of pools) with_worker += pool.keeper.affinity.size;
  return { store, ttl_ms: ttlMs, with_worker, ...rest };
};

const slotSnapshot = (slot: Slot, pool: Pool, now: number): WorkerSnapshot =>
  snapshotOf(slot, slot.worker, 'primary', pool, now);

/** A process beside the one that fills its slot; undefined for that one. */
const extraSnapshot = (worker: Worker, pool: Pool, now: number): WorkerSnapshot | undefined => {
  const slot = pool.supervisor.slotOf(worker);
  if (slot === undefined || (slot.worker === worker && !slot.retired)) return undefined;
  return snapshotOf(slot, worker, slot.successor === worker ? 'successor' : 'leaving', pool, now);
};

const snapshotOf = (
  slot: Slot,
  worker: Worker | undefined,
  role: WorkerSnapshot['role'],
  pool: Pool,
  now: number,
): WorkerSnapshot => {
  const totals = slot.totals(now);
  return {
    id: worker?.id ?? null,
    slot: slot.index,
    state: stateOf(slot, worker),
    role,
    pid: worker?.pid ?? null,
    address: worker?.address ?? null,
    phase: worker?.status.kind === 'starting' ? worker.status.phase : null,
    uptime_ms: worker === undefined ? 0 : now - worker.spawnedAt,
    start_timeout_ms: pool.options.startTimeoutMs,
    requests: worker?.load.finished ?? 0,
    slot_requests_total: totals.requests,
    slot_busy_seconds_total: totals.busyMs / 1000,
    slot_cpu_seconds_total: totals.cpuSeconds,
    slot_gc_collections_total: totals.gcCollections,
    slot_restarts: slot.restarts,
    in_flight: worker?.load.running ?? 0,
    memory_bytes: worker?.lastStats?.rssBytes ?? null,
    cpu_seconds: worker?.lastStats?.cpuSeconds ?? null,
    readings: worker?.lastStats === undefined ? null : readingsOf(worker.lastStats),
    python_version: worker?.introduction?.pythonVersion ?? null,
    codec: worker?.introduction?.codec ?? null,
    current: worker === undefined ? null : currentRequest(worker, now),
    heartbeat_ms_ago: worker === undefined || worker.pulse.heardAt === 0 ? null : now - worker.pulse.heardAt,
    failures: slot.failures,
    quarantined_until: slot.state.kind === 'quarantined' ? epochOf(slot.state.until) : null,
    last_exit: slot.lastExit ?? null,
  };
};

/** A descriptor count of 0 means that nobody could count them. */
const readingsOf = ({ threads, openFds }: { readonly threads: number; readonly openFds: number }) => ({
  threads,
  open_fds: openFds === 0 ? null : openFds,
});

/** A slot without a worker waits for its next start. A worker that does not answer has no free slot to offer. */
const stateOf = (slot: Slot, worker: Worker | undefined): WorkerState => {
  if (worker === undefined) return slot.state.kind === 'quarantined' ? 'quarantined' : 'backoff';
  if (worker.status.kind === 'exited') return 'backoff';
  return worker.status.kind === 'ready' && worker.pulse.silent ? 'busy' : worker.status.kind;
};

const currentRequest = (worker: Worker, now: number): WorkerSnapshot['current'] => {
  for (const request of worker.load.open) {
    if (request.startedAt === 0) return null;
    return { command: request.command, request_id: request.requestId, for_ms: now - request.startedAt };
  }
  return null;
};
