/**
 * How long do eight workers take to start, against one? The goal: at most 1.5 times what the CPUs force upon them.
 *
 *   npm run bench -- start
 */

import { availableParallelism } from 'node:os';
import { performance } from 'node:perf_hooks';
import { setTimeout as sleep } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import { createSnakepit } from '../dist/index.js';

const ROUNDS = Number(process.env.ROUNDS ?? 7);
const WORKERS = 8;
const app = fileURLToPath(new URL('app.py', import.meta.url));

/** Milliseconds until all are ready. */
const start = async (workers) => {
  const began = performance.now();
  const pit = await createSnakepit({
    waitFor: 'none',
    pools: { default: { app, workers, python: process.env.SNAKEPIT_PYTHON } },
  });
  while (pit.snapshot().pools.default.workers_by_state.ready < workers) await sleep(2);
  const took = performance.now() - began;
  await pit.close();
  return took;
};

const median = (values) => values.toSorted((a, b) => a - b)[values.length >> 1];

await start(1);
const one = [];
const all = [];
for (let round = 0; round < ROUNDS; round++) {
  one.push(await start(1));
  all.push(await start(WORKERS));
}
const ratio = median(all.map((took, round) => took / one[round]));
const forced = Math.ceil(WORKERS / availableParallelism());
console.log(
  `one worker ${median(one).toFixed(0)} ms, ${WORKERS} workers ${median(all).toFixed(0)} ms: ${ratio.toFixed(2)} times as long (${availableParallelism()} CPUs force ${forced} upon them, the goal is ${1.5 * forced})`,
);
