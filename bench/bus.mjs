/**
 * What does an event cost? Nanoseconds for each emit, with everything its consumers do, in one run. The goals: off 10, nobody wants it 25, `request.completed` through metrics, health and errors 400, with logs and a
 * viewer that are sampled at 1 % besides 600.
 *
 *   npm run bench -- bus
 */
import { performance } from 'node:perf_hooks';
import { resolveOptions } from '../dist/config/index.js';
import { Errors } from '../dist/consumers/errors/index.js';
import { Health } from '../dist/consumers/health/index.js';
import { createLogging } from '../dist/consumers/logging/index.js';
import { Metrics } from '../dist/consumers/metrics/index.js';
import { EventBus, epochOf, monotonic, newCorrelationId } from '../dist/events/index.js';

const ROUNDS = 60;
const EMITS = 20_000;
const NAME = 'snakepit.request.completed';

const options = resolveOptions({
  pools: { default: { app: 'app.py' } },
  metrics: { defaultMetrics: false },
  logs: { level: 'info' },
});
const noLevels = () => ({ timestamp: Date.now(), uptime_ms: 0, pools: {} });

const observed = () => {
  const bus = new EventBus();
  const { pools } = options;
  new Metrics({ options: options.metrics, bus, snapshot: noLevels, version: '0' });
  new Health({ options: options.health, bus, snapshot: noLevels, pools });
  new Errors({ bus });
  return bus;
};

/** With logs to nowhere and a viewer of everything. */
const watched = () => {
  const bus = observed();
  createLogging({ options: { ...options.logs, dest: '/dev/null' }, bus });
  bus.registerConsumer('**', { name: 'live', handleBatch: () => {} });
  bus.setSamplingRate('**', 0.01);
  return bus;
};

const ids = Array.from({ length: 1024 }, newCorrelationId);
let n = 0;
/** As the core builds it. */
const complete = (handle) => {
  const at = monotonic();
  const id = ids[n++ & 1023];
  handle.emit(
    {
      duration_ms: 1.25,
      queue_time_ms: 0.125,
      python_ms: 0.5,
      python_cpu_ms: 0.5,
      serialise_ms: 0.01,
      transport_ms: 0.25,
      bytes_in: 100,
      bytes_out: 200,
      peak_rss_mb: undefined,
    },
    {
      timestamp: epochOf(at),
      pool_name: 'default',
      request_id: id,
      correlation_id: id,
      worker_id: 'w1',
      worker_slot: 0,
      command: 'predict',
      success: true,
      status: 'success',
      attempts: 1,
    },
  );
};

const off = new EventBus();
off.enabled = false;
const idle = new EventBus();
idle.registerConsumer('other.**', () => {});
const [exact, all] = [observed(), watched()];
const measurements = { n: 1 };
const metadata = { of: 'me' };
const kept = { idle: idle.event('my.event'), exact: exact.event(NAME), all: all.event(NAME) };

const contenders = {
  'off, emit(name)': { goal: 10, work: () => off.emit('my.event', measurements, metadata) },
  'nobody wants it, emit(name)': { goal: 25, work: () => idle.emit('my.event', measurements, metadata) },
  'nobody wants it, handle': { goal: 25, work: () => kept.idle.emit(measurements, metadata) },
  'metrics, health, errors': { goal: 400, work: () => complete(kept.exact) },
  'those, and logs and a viewer at 1 %': { goal: 600, work: () => complete(kept.all) },
};

const round = async ({ work }) => {
  const began = performance.now();
  for (let i = 0; i < EMITS; i++) {
    work();
    // What is put off to the end of the turn belongs to the price.
    if (i % 1000 === 999) await undefined;
  }
  await new Promise(setImmediate);
  return ((performance.now() - began) * 1e6) / EMITS;
};

const median = (values) => values.toSorted((a, b) => a - b)[values.length >> 1];
const times = Object.fromEntries(Object.keys(contenders).map((name) => [name, []]));
for (let i = -3; i < ROUNDS; i++) {
  for (const [name, contender] of Object.entries(contenders)) {
    const ns = await round(contender);
    if (i >= 0) times[name].push(ns);
  }
}
console.log('ns an event'.padEnd(38), '  median  fastest   goal');
for (const [name, { goal }] of Object.entries(contenders)) {
  const figures = [median(times[name]), Math.min(...times[name])].map((ns) => ns.toFixed(1).padStart(8));
  console.log(`${name.padEnd(38)} ${figures.join(' ')} ${String(goal).padStart(6)}`);
}
process.exit(0);
