import { onTestFinished } from 'vitest';
import { resolveOptions, type SnakepitOptions } from '../../../src/config/index.ts';
import type { LagReading } from '../../../src/consumers/health/criteria/process.ts';
import { Health, type HealthOptions, type MemoryReading } from '../../../src/consumers/health/index.ts';
import type { RequestStatus } from '../../../src/errors/index.ts';
import {
  EventBus,
  type PoolSnapshot,
  type SnakepitEvent,
  type Snapshot,
  useClock,
  type WorkerSnapshot,
  type WorkerState,
  workerStates,
} from '../../../src/events/index.ts';

export const worker = (
  slot: number,
  state: WorkerState,
  more: Partial<WorkerSnapshot> = {},
): WorkerSnapshot => ({
  id: state === 'backoff' ? null : `w${slot}`,
  slot,
  state,
  pid: state === 'backoff' ? null : 1000 + slot,
  phase: state === 'starting' ? 'import' : null,
  uptime_ms: 12_345,
  start_timeout_ms: 300_000,
  requests: 7,
  slot_requests_total: 7,
  slot_busy_seconds_total: 1,
  slot_cpu_seconds_total: 1,
  slot_restarts: 0,
  in_flight: state === 'busy' ? 1 : 0,
  memory_bytes: 100 * 2 ** 20,
  cpu_seconds: 1,
  python_version: '3.11.7',
  codec: 'json',
  current: null,
  role: 'primary',
  heartbeat_ms_ago: 10,
  failures: 0,
  quarantined_until: null,
  last_exit: null,
  ...more,
});

export const pool = (
  name: string,
  states: readonly WorkerState[],
  more: Partial<PoolSnapshot> = {},
): PoolSnapshot => {
  const count = (state: WorkerState) => states.filter((each) => each === state).length;
  return {
    name,
    state: 'running',
    transport: 'socket',
    codec: 'json',
    python_version: '3.11.7',
    python_path: '/usr/bin/python3',
    python_reason: 'found on PATH',
    commands: [],
    workers_desired: states.length,
    workers: states.map((state, slot) => worker(slot, state)),
    workers_by_state: Object.fromEntries(workerStates.map((state) => [state, count(state)])) as Record<
      WorkerState,
      number
    >,
    available_workers: count('ready'),
    busy_workers: count('busy'),
    slots: count('ready') + count('busy'),
    slot_busy_seconds_total: 1,
    queue_depth: 0,
    queue_capacity: 100,
    requests_in_flight: count('busy'),
    saturated_total: 0,
    ready: count('ready') + count('busy') > 0,
    start_error: null,
    extra_workers: [],
    gone_slots: null,
    crash_loop: null,
    quarantined_requests: [],
    circuit: null,
    memory_hints: [],
    ...more,
  };
};

export interface Bench {
  readonly bus: EventBus;
  readonly health: Health;
  /** The levels the next snapshot shows. */
  pools: Record<string, PoolSnapshot>;
  /** Replaces the snapshot where it must fail. */
  snapshot: () => Snapshot;
  /** Epoch milliseconds. */
  now: number;
  /** How late the event loop is. */
  lag: LagReading;
  memory: MemoryReading;
  /** Completes requests, now. */
  complete(status: RequestStatus, count?: number, durationMs?: number, poolName?: string): void;
  /** Every `status_changed` so far, as `from→to`. */
  readonly changes: string[];
  readonly changeEvents: SnakepitEvent[];
}

export const START = Date.UTC(2025, 0, 15, 10, 30);

/** Health over a real bus, levels of our making and a clock set by hand. */
export const bench = (pools: PoolSnapshot[], options: Partial<SnakepitOptions> = {}): Bench => {
  const bus = new EventBus();
  const names = Object.fromEntries(pools.map((each) => [each.name, { app: './app.py' }]));
  const resolved = resolveOptions({ pools: names, ...options });
  const changeEvents: SnakepitEvent[] = [];
  let elapsed = 0;
  const origin = Math.ceil(performance.now());
  const still = { refresh: () => {}, stop: () => {} };
  // Stands still until a test moves it; nothing ever falls due.
  const restore = useClock({
    monotonic: () => origin + elapsed,
    wall: () => START + elapsed,
    after: () => still,
    every: () => still,
  });
  onTestFinished(restore);
  const made = {
    bus,
    get now() {
      return START + elapsed;
    },
    set now(time: number) {
      elapsed = time - START;
    },
    lag: { p99Ms: 1, samples: 100 },
    memory: { usedBytes: 2 ** 30, limitBytes: 2 ** 32, source: 'host' } as MemoryReading,
    pools: Object.fromEntries(pools.map((each) => [each.name, each])),
    changeEvents,
    snapshot: (): Snapshot => ({
      timestamp: made.now,
      uptime_ms: 86_400_000,
      sessions: null,
      pools: made.pools,
    }),
    get changes() {
      return changeEvents.map(({ metadata }) => `${metadata.from}→${metadata.to}`);
    },
    complete(status: RequestStatus, count = 1, durationMs = 10, poolName = 'default') {
      for (let i = 0; i < count; i++) {
        bus.emit(
          'snakepit.request.completed',
          {
            duration_ms: durationMs,
            queue_time_ms: 0,
            python_ms: durationMs,
            python_cpu_ms: 0,
            bytes_in: 1,
            bytes_out: 1,
          },
          {
            timestamp: made.now,
            pool_name: poolName,
            request_id: `r${i}`,
            command: 'predict',
            success: status === 'success',
            status,
            attempts: 1,
          },
        );
      }
    },
  };
  const health = new Health({
    options: resolved.health as HealthOptions,
    bus,
    pools: resolved.pools,
    snapshot: () => made.snapshot(),
    lag: { read: () => made.lag, close: () => {} },
    memory: () => made.memory,
    background: false,
  });
  onTestFinished(() => health.close());
  bus.registerConsumer('snakepit.health.status_changed', (event) => changeEvents.push(event), {
    delivery: 'inline',
    sampled: false,
  });
  return Object.defineProperty(made, 'health', { value: health }) as Bench;
};

/** Until what was put off to the end of the emit has run. */
export const settled = (): Promise<void> => Promise.resolve();
