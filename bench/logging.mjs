/**
 * What does logging a request cost? The canonical line of a completed request, event and sanitizing included, against the line pino writes of the same fields to the same
 * place, turn by turn in one run; then the same request with 1 % sampling. Goals: at most 1.3 times pino's own line; less than 100 ns a request at 1 %.
 *
 *   npm run bench -- logging
 */
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { performance } from 'node:perf_hooks';
import { pino } from 'pino';
import { resolveOptions } from '../dist/config/index.js';
import { createLogging } from '../dist/consumers/logging/index.js';
import { EventBus, epochOf, monotonic, newCorrelationId } from '../dist/events/index.js';

const ROUNDS = 60;
const LINES = 10_000;
const NAME = 'snakepit.request.completed';
const folder = mkdtempSync(join(tmpdir(), 'snakepit-bench-logging-'));

const { logs } = resolveOptions({ pools: { default: { app: 'app.py' } }, logs: { level: 'info' } });
const optionsFor = (more) => ({ ...logs, dest: join(folder, 'ours.log'), ...more });

const ids = Array.from({ length: 1024 }, newCorrelationId);
let n = 0;

/** As the core builds it. */
const complete = (handle) => {
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
      timestamp: epochOf(monotonic()),
      pool_name: 'default',
      request_id: id,
      correlation_id: id,
      worker_id: 'default-0-1',
      worker_slot: 0,
      command: 'predict',
      success: true,
      status: 'success',
      attempts: 1,
    },
  );
};

const ours = (more = {}) => {
  const bus = new EventBus();
  createLogging({ options: optionsFor(more), bus });
  return bus;
};

const theirs = (options) =>
  pino(
    {
      base: null,
      messageKey: 'message',
      timestamp: pino.stdTimeFunctions.isoTime,
      formatters: { level: (label) => ({ level: label }) },
    },
    pino.destination({ dest: join(folder, 'theirs.log'), ...options }),
  );

const pinoLine = (logger) => {
  const id = ids[n++ & 1023];
  logger.info(
    {
      logger: 'snakepit',
      event: NAME,
      correlation_id: id,
      request_id: id,
      pool_name: 'default',
      worker_id: 'default-0-1',
      worker_slot: 0,
      command: 'predict',
      duration_ms: 1.25,
      queue_time_ms: 0.125,
      python_ms: 0.5,
      python_cpu_ms: 0.5,
      serialise_ms: 0.01,
      transport_ms: 0.25,
      bytes_in: 100,
      bytes_out: 200,
      status: 'success',
      attempts: 1,
    },
    'predict success in 1.3 ms',
  );
};

const sampled = ours();
sampled.setSamplingRate('**', 0.01);
// Somebody who always wants the event, as metrics do: what logging adds is the difference.
const alone = new EventBus();
// And what sampling itself costs, which all who sample share: somebody who gets nothing but the decision.
const shared = new EventBus();
shared.registerConsumer(NAME, { name: 'viewer', handle: () => {} }, { delivery: 'inline' });
shared.setSamplingRate('**', 0.01);
for (const bus of [alone, sampled, shared])
  bus.registerConsumer(NAME, { name: 'exact', handle: () => {} }, { delivery: 'inline', sampled: false });

const [plainPino, syncPino] = [theirs({ sync: false, minLength: 4096 }), theirs({ sync: true })];
const handles = {
  plain: ours().event(NAME),
  ecs: ours({ fields: 'ecs' }).event(NAME),
  off: ours({ level: 'warn' }).event(NAME),
  sampled: sampled.event(NAME),
  alone: alone.event(NAME),
  shared: shared.event(NAME),
};
const contenders = {
  'pino, asynchronous': () => pinoLine(plainPino),
  'pino, as it comes (synchronous)': () => pinoLine(syncPino),
  'the canonical line': () => complete(handles.plain),
  'the same in the names of ECS': () => complete(handles.ecs),
  'the event, exact consumer alone': () => complete(handles.alone),
  'the event, and a viewer at 1 %': () => complete(handles.shared),
  'the event, and logs at 1 %': () => complete(handles.sampled),
  'a level that leaves it out': () => {
    if (handles.off.wanted) complete(handles.off);
    else handles.off.count++;
  },
};

const round = async (work) => {
  const began = performance.now();
  for (let i = 0; i < LINES; i++) {
    work();
    // As between requests: what is written in the background gets its turn.
    if (i % 200 === 199) await new Promise(setImmediate);
  }
  return ((performance.now() - began) * 1e6) / LINES;
};

const median = (values) => values.toSorted((a, b) => a - b)[values.length >> 1];
const times = Object.fromEntries(Object.keys(contenders).map((name) => [name, []]));
for (let i = -5; i < ROUNDS; i++) {
  for (const [name, work] of Object.entries(contenders)) {
    const ns = await round(work);
    if (i >= 0) times[name].push(ns);
  }
}
const middle = Object.fromEntries(Object.entries(times).map(([name, all]) => [name, median(all)]));
const base = middle['pino, asynchronous'];
console.log('ns a request'.padEnd(38), '  median  fastest   of pino');
for (const [name, all] of Object.entries(times)) {
  const figures = [middle[name], Math.min(...all)].map((ns) => ns.toFixed(0).padStart(8));
  console.log(`${name.padEnd(38)} ${figures.join(' ')} ${(middle[name] / base).toFixed(2).padStart(9)}`);
}
const pairs = (a, b) => median(times[a].map((ns, i) => ns - times[b][i]));
console.log(
  `\nthe canonical line: ${(middle['the canonical line'] / base).toFixed(2)} times pino's own (goal 1.3)`,
);
console.log(
  `sampling at 1 % adds ${pairs('the event, and a viewer at 1 %', 'the event, exact consumer alone').toFixed(0)} ns a request, shared by all who sample; logs on top of it ${pairs('the event, and logs at 1 %', 'the event, and a viewer at 1 %').toFixed(0)} ns`,
);
console.log(
  `logging at 1 % adds ${pairs('the event, and logs at 1 %', 'the event, exact consumer alone').toFixed(0)} ns a request (goal 100)`,
);
rmSync(folder, { recursive: true });
process.exit(0);
