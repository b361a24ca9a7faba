/**
 * The metrics consumer against prom-client: the same series, in one run, turn by turn.
 *
 *   npm run bench -- metrics
 *
 * Goals: updates at least 5 times as fast (a counter with three labels, a histogram with two); rendering 10,000 series at least 5 times as fast in all, with at most
 * 1/20 of its longest hold of the event loop; at most half the memory for each series.
 */
import { performance } from 'node:perf_hooks';
import { Counter, Histogram, Registry } from 'prom-client';
import { resolveOptions } from '../dist/config/index.js';
import { Metrics } from '../dist/consumers/metrics/index.js';
import { EventBus } from '../dist/events/index.js';

const ROUNDS = 15;
const UPDATES = 200_000;
const RENDERINGS = 15;
/** Half counters, half histograms. */
const SERIES = 10_000;
const BUCKETS = [0.001, 0.005, 0.01, 0.05, 0.1, 0.5, 1, 5, 10, 30, 60];
const COUNTER = ['pool_name', 'command', 'status'];
const HISTOGRAM = ['pool_name', 'command'];

const median = (values) => values.toSorted((a, b) => a - b)[values.length >> 1];
const gc = () => {
  for (let i = 0; i < 3; i++) globalThis.gc?.();
};

const ours = (native = false) => {
  const { metrics: options } = resolveOptions({
    pools: { none: { app: 'none' } },
    metrics: { maxSeries: SERIES, defaultMetrics: false, native },
  });
  const snapshot = () => ({ timestamp: Date.now(), uptime_ms: 0, pools: {} });
  const metrics = new Metrics({ options, bus: new EventBus(), snapshot, version: '0.0.0' });
  metrics.registerMetric({ type: 'counter', name: 'app_requests_total', help: 'Requests.', labels: COUNTER });
  metrics.registerMetric({
    type: 'histogram',
    name: 'app_request_duration_seconds',
    help: 'Duration.',
    labels: HISTOGRAM,
    buckets: BUCKETS,
  });
  return metrics;
};

const theirs = () => {
  const registry = new Registry();
  const registers = [registry];
  const counter = new Counter({
    name: 'app_requests_total',
    help: 'Requests.',
    labelNames: COUNTER,
    registers,
  });
  const histogram = new Histogram({
    name: 'app_request_duration_seconds',
    help: 'Duration.',
    labelNames: HISTOGRAM,
    buckets: BUCKETS,
    registers,
  });
  return { registry, counter, histogram };
};

/** Label values: the first is one of few, the second one of many. */
const labelsOf = (i) => ({ pool_name: `pool_${i % 10}`, command: `command_${Math.floor(i / 10)}` });
const statuses = ['success', 'failure', 'timeout', 'cancelled'];

/** Nanoseconds an update, each contender in turn, so that a busy machine is busy for all of them. */
const updates = (contenders) => {
  const rounds = contenders.map(() => []);
  for (let round = 0; round < ROUNDS + 3; round++) {
    contenders.forEach(([, update], i) => {
      const began = performance.now();
      for (let n = 0; n < UPDATES; n++) update(n);
      const took = ((performance.now() - began) * 1e6) / UPDATES;
      if (round >= 3) rounds[i].push(took);
    });
  }
  return contenders.map(([name], i) => ({ name, ns: median(rounds[i]) }));
};

const show = (rows) => {
  const base = rows.find(({ name }) => name.startsWith('prom-client')).ns;
  for (const { name, ns } of rows)
    console.log(
      `  ${name.padEnd(34)} ${ns.toFixed(0).padStart(6)} ns   ${(base / ns).toFixed(1)} times as fast`,
    );
};

const updating = () => {
  const metrics = ours();
  const withNative = ours({});
  const { counter, histogram } = theirs();
  const labels = Array.from({ length: 64 }, (_, i) => ({ ...labelsOf(i), status: statuses[i & 3] }));
  const pairs = Array.from({ length: 64 }, (_, i) => labelsOf(i));
  const values = Array.from({ length: 64 }, (_, i) => 0.0007 * 1.17 ** i);
  const counters = labels.map((of) => metrics.bind('counter', 'app_requests_total', of));
  const bind = (of) => (pair) => of.bind('histogram', 'app_request_duration_seconds', pair);
  const histograms = pairs.map(bind(metrics));
  const natives = pairs.map(bind(withNative));
  console.log('counter with three labels');
  show(
    updates([
      ['prom-client: inc(labels)', (n) => counter.inc(labels[n & 63])],
      ['updateCounter(name, labels)', (n) => metrics.updateCounter('app_requests_total', labels[n & 63])],
      ['a bound series', (n) => counters[n & 63].update(1)],
    ]),
  );
  console.log('histogram with two labels');
  show(
    updates([
      ['prom-client: observe(labels, v)', (n) => histogram.observe(pairs[n & 63], values[n & 63])],
      [
        'observeHistogram(name, labels, v)',
        (n) => metrics.observeHistogram('app_request_duration_seconds', pairs[n & 63], values[n & 63]),
      ],
      ['a bound series', (n) => histograms[n & 63].update(values[n & 63])],
      ['a bound series, native beside it', (n) => natives[n & 63].update(values[n & 63])],
    ]),
  );
};

/** How long something takes, and how long the event loop was held at most meanwhile. Milliseconds. */
const watched = async (work) => {
  let longest = 0;
  let over = false;
  let last = performance.now();
  const turn = () => {
    const now = performance.now();
    longest = Math.max(longest, now - last);
    last = now;
    if (!over) setImmediate(turn);
  };
  await new Promise((resolve) => setImmediate(resolve));
  last = performance.now();
  setImmediate(turn);
  const began = performance.now();
  const result = await work();
  const took = performance.now() - began;
  // What held the loop to the end shows at the next turn only.
  await new Promise((resolve) => setImmediate(resolve));
  longest = Math.max(longest, performance.now() - last);
  over = true;
  return { took, longest, result };
};

const fill = (count, observe) => {
  for (let i = 0; i < count / 2; i++) {
    const of = labelsOf(i);
    observe({ ...of, status: statuses[i & 3] }, of, 0.001 * (1 + (i % 977)));
  }
};
const fillOurs = (metrics, count) =>
  fill(count, (three, two, value) => {
    metrics.updateCounter('app_requests_total', three, value);
    metrics.observeHistogram('app_request_duration_seconds', two, value);
  });
const fillTheirs = ({ counter, histogram }, count) =>
  fill(count, (three, two, value) => {
    counter.inc(three, value);
    histogram.observe(two, value);
  });

const rendering = async () => {
  const metrics = ours();
  const withNative = ours({});
  const theirOwn = theirs();
  fillOurs(metrics, SERIES);
  fillOurs(withNative, SERIES);
  fillTheirs(theirOwn, SERIES);
  const contenders = [
    ['prom-client', async () => Buffer.byteLength(await theirOwn.registry.metrics())],
    ['text', async () => (await metrics.render()).byteLength],
    ['OpenMetrics', async () => (await metrics.render('application/openmetrics-text')).byteLength],
    ['protobuf', async () => (await metrics.render('application/vnd.google.protobuf')).byteLength],
    [
      'protobuf with native histograms',
      async () => (await withNative.render('application/vnd.google.protobuf')).byteLength,
    ],
  ];
  const rounds = contenders.map(() => []);
  for (let round = 0; round < RENDERINGS + 2; round++) {
    for (const [i, [, work]] of contenders.entries()) {
      // No collection is forced in between: it would throw away optimised code too.
      const of = await watched(work);
      if (round >= 2) rounds[i].push(of);
    }
  }
  console.log(`rendering ${SERIES} series, half of them histograms of ${BUCKETS.length + 1} buckets`);
  const took = (i) => median(rounds[i].map((of) => of.took));
  const held = (i) => median(rounds[i].map((of) => of.longest));
  contenders.forEach(([name], i) => {
    const size = (rounds[i][0].result / 2 ** 20).toFixed(1);
    const worst = Math.max(...rounds[i].map((of) => of.longest));
    const ratios = `${(took(0) / took(i)).toFixed(1)} times as fast, loop held 1/${(held(0) / held(i)).toFixed(0)}`;
    console.log(
      `  ${name.padEnd(34)} ${took(i).toFixed(0).padStart(6)} ms   loop held ${held(i).toFixed(1)} ms (at worst ${worst.toFixed(1)})   ${size} MiB   ${ratios}`,
    );
  });
};

const memory = () => {
  const { heapUsed, arrayBuffers } = process.memoryUsage();
  return heapUsed + arrayBuffers;
};

const kept = [];
/** Bytes for each series, once there are many. */
const costOf = (make, fillWith) => {
  const it = make();
  fillWith(it, 2);
  gc();
  const before = memory();
  fillWith(it, SERIES);
  gc();
  kept.push(it);
  return (memory() - before) / SERIES;
};

const remembering = () => {
  costOf(theirs, fillTheirs);
  costOf(ours, fillOurs);
  const them = costOf(theirs, fillTheirs);
  const us = costOf(ours, fillOurs);
  const native = costOf(() => ours({}), fillOurs);
  console.log(`memory for each of ${SERIES} series`);
  console.log(`  ${'prom-client'.padEnd(34)} ${them.toFixed(0).padStart(6)} bytes`);
  console.log(
    `  ${'classic'.padEnd(34)} ${us.toFixed(0).padStart(6)} bytes   ${(us / them).toFixed(2)} of it`,
  );
  console.log(
    `  ${'with native histograms'.padEnd(34)} ${native.toFixed(0).padStart(6)} bytes   ${(native / them).toFixed(2)} of it`,
  );
};

remembering();
updating();
await rendering();
