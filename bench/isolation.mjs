/**
 * Does a bad consumer hurt anybody else? The same load on one pool, in turns with a good one and with one that hangs, throws, is slow, or keeps every event. Shown are the p99 of the requests, and of the time from
 * an event to another consumer; ratios are medians over the rounds.
 *
 *   npm run bench -- isolation
 */
import { performance } from 'node:perf_hooks';
import { fileURLToPath } from 'node:url';
import { createSnakepit } from '../dist/index.js';

const ROUNDS = Number(process.env.ROUNDS ?? 9);
const MS = Number(process.env.ROUND_MS ?? 1000);
const IN_FLIGHT = 8;
const app = fileURLToPath(new URL('app.py', import.meta.url));

const spin = (ms) => {
  const end = performance.now() + ms;
  while (performance.now() < end);
};

const hoard = [];

/** Each as long as its circuit and its queue let it. */
const consumers = {
  good: () => {},
  hung: () => new Promise(() => {}),
  throwing: () => {
    throw new Error('no');
  },
  rejecting: async () => {
    throw new Error('no');
  },
  hoarding: (event) => void hoard.push({ event, room: new Array(1000) }),
  'slow (a promise of 20 ms)': () => new Promise((resolve) => setTimeout(resolve, 20)),
  'busy (60 ms each)': () => spin(60),
  'busy (0.1 ms each)': () => spin(0.1),
};

const pit = await createSnakepit({
  pools: { default: { app, workers: 1, python: process.env.SNAKEPIT_PYTHON } },
  logs: { level: 'silent' },
});
const lags = [];
pit.bus.registerConsumer('snakepit.request.completed', {
  name: 'other',
  handle: ({ metadata }) => void lags.push(performance.timeOrigin + performance.now() - metadata.timestamp),
});

const p99 = (values) => values.toSorted((a, b) => a - b)[Math.floor(values.length * 0.99)];
const median = (values) => values.toSorted((a, b) => a - b)[values.length >> 1];

const round = async (handle) => {
  const remove =
    handle === undefined
      ? () => {}
      : pit.bus.registerConsumer('snakepit.request.**', { name: 'bad', handle });
  lags.length = 0;
  const times = [];
  const end = performance.now() + MS;
  const lane = async () => {
    while (performance.now() < end) {
      const began = performance.now();
      await pit.execute('echo', { text: 'hi' });
      times.push(performance.now() - began);
    }
  };
  await Promise.all(Array.from({ length: IN_FLIGHT }, lane));
  remove();
  return { requests: p99(times), other: p99(lags), rate: times.length };
};

const names = Object.keys(consumers);
const results = Object.fromEntries(names.map((name) => [name, []]));
for (let i = -1; i < ROUNDS; i++) {
  for (const name of names) {
    const result = await round(consumers[name]);
    if (i >= 0) results[name].push(result);
  }
}
const of = (name, what) => median(results[name].map((result) => result[what]));
const ratio = (name, what) => median(results[name].map((result, i) => result[what] / results.good[i][what]));
console.log('consumer                     p99 request   ratio   p99 other   ratio   requests/s ratio');
for (const name of names) {
  const figures = ['requests', 'other'].map(
    (what) => `${of(name, what).toFixed(3).padStart(9)} ms ${ratio(name, what).toFixed(2).padStart(7)}`,
  );
  console.log(`${name.padEnd(28)} ${figures.join('')} ${ratio(name, 'rate').toFixed(2).padStart(12)}`);
}
await pit.close();
