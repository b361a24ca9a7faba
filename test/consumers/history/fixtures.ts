import { onTestFinished } from 'vitest';
import { resolveOptions } from '../../../src/config/index.ts';
import { Health, type HealthOptions } from '../../../src/consumers/health/index.ts';
import { History } from '../../../src/consumers/history/index.ts';
import type { RequestStatus } from '../../../src/errors/index.ts';
import { EventBus, type PoolSnapshot, type SessionsSnapshot } from '../../../src/events/index.ts';
import { createInstanceSanitizer } from '../../../src/sanitize/index.ts';
import { manualClock } from '../../../src/testing/manual-clock.ts';
import { pool } from '../health/fixtures.ts';

export const STEP_MS = 5000;

/** History over a real bus, counts of the real health, levels of our making and a clock moved by hand. */
export const rig = ({ health: withHealth = true, names = ['default'] } = {}) => {
  const clock = manualClock();
  onTestFinished(clock.install());
  const bus = new EventBus();
  const options = resolveOptions({
    pools: Object.fromEntries(names.map((name) => [name, { app: './app.py' }])),
  });
  const made = {
    clock,
    bus,
    snapshots: 0,
    sessions: null as SessionsSnapshot | null,
    pools: Object.fromEntries(names.map((name) => [name, pool(name, ['ready', 'ready'])])) as Record<
      string,
      PoolSnapshot
    >,
  };
  const snapshot = () => {
    made.snapshots++;
    return { timestamp: clock.now(), uptime_ms: 60_000, sessions: made.sessions, pools: made.pools };
  };
  const health = new Health({
    options: options.health as HealthOptions,
    bus,
    pools: options.pools,
    snapshot,
    lag: { read: () => ({ p99Ms: 3, samples: 100 }), close: () => {} },
    background: false,
  });
  const history = new History({
    bus,
    snapshot,
    sanitizer: createInstanceSanitizer(),
    ...(withHealth && {
      traffic: health.traffic,
      lagMs: () => health.eventLoopLagMs(),
      missing: (levels) => health.missingWorkers(levels),
    }),
  });
  onTestFinished(() => {
    history.close();
    health.close();
  });
  let requests = 0;
  const complete = (
    status: RequestStatus,
    { command = 'predict', poolName = 'default', durationMs = 10 } = {},
  ) =>
    bus.emit(
      'snakepit.request.completed',
      {
        ...{ duration_ms: durationMs, queue_time_ms: 0, python_ms: durationMs, python_cpu_ms: 0 },
        ...{ serialise_ms: 0, transport_ms: 0, bytes_in: 1, bytes_out: 1 },
      },
      {
        ...{ pool_name: poolName, request_id: `r${++requests}`, command },
        ...{ success: status === 'success', status, attempts: 1 },
      },
    );
  return Object.assign(made, { health, history, complete });
};

/** The events of one worker's life. */
export const lifeOf = (
  bus: EventBus,
  id: string,
  slot: number,
  more: { stderr?: string[]; pool?: string } = {},
) => {
  const about = { pool_name: more.pool ?? 'default', worker_id: id, worker_slot: slot };
  bus.emit('snakepit.worker.starting', { attempt: 0 }, { ...about, pid: 1 });
  bus.emit(
    'snakepit.worker.crashed',
    { uptime_ms: 10, requests: 3, in_flight: 1 },
    {
      ...about,
      ...{ code: 'worker_crashed', category: 'worker', retryable: false, reason: 'crashed' },
      message: `Worker ${id} ended with SIGKILL.`,
      exit: {
        ...{ code: null, signal: 'SIGKILL', oom: false, stderr_tail: more.stderr ?? [], in_flight: [] },
        ...{ uptime_seconds: 1, requests: 3, memory_mb: [10] },
      },
    },
  );
};
