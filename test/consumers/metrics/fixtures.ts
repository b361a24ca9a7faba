import { resolveOptions } from '../../../src/config/index.ts';
import { Metrics, type MetricsInit } from '../../../src/consumers/metrics/index.ts';
import {
  EventBus,
  type Measurements,
  type MetadataInput,
  type PoolSnapshot,
  type Snapshot,
  type Snapshotter,
  type WorkerSnapshot,
} from '../../../src/events/index.ts';
import { type Parsed, parse } from './parse.ts';

/** A moment all fixtures agree on, epoch milliseconds. */
export const MOMENT = 1_700_000_000_000;

export const worker = (slot: number, more: Partial<WorkerSnapshot> = {}): WorkerSnapshot => ({
  id: `worker_${slot}`,
  slot,
  state: 'ready',
  pid: 4000 + slot,
  phase: null,
  uptime_ms: 1000,
  start_timeout_ms: 300_000,
  requests: 0,
  slot_requests_total: 0,
  slot_busy_seconds_total: 0,
  slot_cpu_seconds_total: 0,
  slot_restarts: 0,
  in_flight: 0,
  memory_bytes: 1024,
  cpu_seconds: 0,
  python_version: '3.11.7',
  codec: 'msgpack',
  current: null,
  role: 'primary',
  heartbeat_ms_ago: 10,
  failures: 0,
  quarantined_until: null,
  last_exit: null,
  ...more,
});

export const pool = (name: string, more: Partial<PoolSnapshot> = {}): PoolSnapshot => ({
  name,
  state: 'running',
  transport: 'socket',
  codec: 'msgpack',
  python_version: '3.11.7',
  python_path: '/usr/bin/python3',
  python_reason: 'python3 on the PATH',
  commands: [],
  workers_desired: 1,
  workers: [worker(0)],
  workers_by_state: { starting: 0, ready: 1, busy: 0, draining: 0, backoff: 0, quarantined: 0 },
  available_workers: 1,
  busy_workers: 0,
  slots: 1,
  slot_busy_seconds_total: 0,
  queue_depth: 0,
  queue_capacity: 1000,
  requests_in_flight: 0,
  saturated_total: 0,
  ready: true,
  start_error: null,
  extra_workers: [],
  gone_slots: null,
  crash_loop: null,
  quarantined_requests: [],
  circuit: null,
  memory_hints: [],
  ...more,
});

export const command = (name: string): PoolSnapshot['commands'][number] => ({
  name,
  kind: 'plain',
  doc: null,
  parameters: [],
});

export const snapshotOf = (...pools: PoolSnapshot[]): Snapshot => ({
  timestamp: MOMENT,
  uptime_ms: 90_500,
  sessions: {
    store: 'memory',
    available: true,
    active: 3,
    capacity: 100,
    ttl_ms: 60_000,
    with_worker: 2,
    latency_ms: null,
    error: null,
  },
  pools: Object.fromEntries(pools.map((of) => [of.name, of])),
});

/** A real bus with the metrics consumer on it. `levels` may be replaced between scrapes. */
export const rig = (options: Partial<MetricsInit['options']> = {}, more: Partial<MetricsInit> = {}) => {
  const bus = new EventBus();
  const levels: { snapshot: Snapshotter } = { snapshot: () => snapshotOf() };
  const metrics = new Metrics({
    options: {
      buckets: {},
      maxSeries: 1000,
      limits: {},
      labels: {},
      custom: {},
      native: false,
      defaultMetrics: false,
      ...options,
    },
    environment: {},
    bus,
    snapshot: () => levels.snapshot(),
    version: '0.1.0',
    now: () => MOMENT,
    ...more,
  });
  const scrape = async (accept?: string): Promise<Parsed> => parse((await metrics.render(accept)).text);
  return { bus, metrics, levels, scrape };
};

type Completed = 'snakepit.request.completed';
interface Request {
  readonly measured?: Partial<Measurements<Completed>>;
  readonly about?: Partial<MetadataInput<Completed>>;
}

type MetricsOptions = NonNullable<Exclude<Parameters<typeof resolveOptions>[0]['metrics'], false>>;

/** As a configuration file has it: validated, with defaults. */
export const configured = (metrics: MetricsOptions, more = {}) => {
  const resolved = resolveOptions({
    pools: { p: { app: 'x' } },
    metrics: { defaultMetrics: false, ...metrics },
  });
  return rig(resolved.metrics || {}, more);
};

/** Emits the end of a request. */
export const complete = (bus: EventBus, { measured = {}, about = {} }: Request = {}): void => {
  const status = about.status ?? 'success';
  bus.event('snakepit.request.completed').emit(
    {
      duration_ms: 150,
      queue_time_ms: 25,
      python_ms: 100,
      python_cpu_ms: 40,
      serialise_ms: 1,
      transport_ms: 2,
      bytes_in: 10,
      bytes_out: 20,
      ...measured,
    },
    {
      timestamp: MOMENT,
      pool_name: 'default',
      command: 'predict',
      request_id: 'req_1',
      correlation_id: 'a'.repeat(32),
      success: status === 'success',
      status,
      attempts: 1,
      ...about,
    },
  );
};

/** Fields every failure event has. */
export const failure = (code: 'worker_crashed' | 'worker_stuck' | 'worker_start_failed') => ({
  code,
  category: 'worker' as const,
  message: 'it ended',
  retryable: false,
  error: {
    error_type: 'WorkerCrashed',
    error_message: 'it ended',
    timestamp: new Date(MOMENT).toISOString(),
  },
});

/** Stands for whatever a caller hands in that throws. */
export const boom = (): never => {
  throw new Error('no');
};

/** Label values that have broken other exporters. */
export const hostile = [
  '',
  ' ',
  '"',
  '\\',
  '\\n',
  '\n',
  '\r\n',
  'a,b="c"',
  '} 1\nx 2',
  '# EOF',
  '__proto__',
  'constructor',
  'hasOwnProperty',
  'NaN',
  '+Inf',
  'naïve 😀 日本語',
  '\u2028\u2029',
  '\0\u0001\u007f',
  '\ufeff',
  '\ud800',
  '\udfff\ud800',
  'x'.repeat(2000),
];
