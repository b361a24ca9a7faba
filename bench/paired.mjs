/**
 * Has a change cost anything? This build against another one, in one process and in turns, so that a busy machine slows both alike.
 * Ratios are medians over the rounds; below 1 this build is slower.
 *
 *   npm run bench -- paired <checkout with a build>
 */

import { join, resolve } from 'node:path';
import { performance } from 'node:perf_hooks';
import { fileURLToPath, pathToFileURL } from 'node:url';

const other = process.argv[2];
if (other === undefined) {
  console.error(
    'Name the checkout to compare with, in which `npm run build` has run: npm run bench -- paired ../before',
  );
  process.exit(2);
}
const ROUNDS = Number(process.env.ROUNDS ?? 15);
const MS = Number(process.env.ROUND_MS ?? 500);
const IN_FLIGHT = 32;
const app = fileURLToPath(new URL('app.py', import.meta.url));

const open = async (dist) => {
  const { createSnakepit } = await import(pathToFileURL(join(dist, 'index.js')).href);
  return createSnakepit({ pools: { default: { app, workers: 1, python: process.env.SNAKEPIT_PYTHON } } });
};

const rate = async (pit, command, args) => {
  const end = performance.now() + MS;
  let calls = 0;
  const started = performance.now();
  const lane = async () => {
    while (performance.now() < end) {
      await pit.execute(command, args);
      calls++;
    }
  };
  await Promise.all(Array.from({ length: IN_FLIGHT }, lane));
  return (calls / (performance.now() - started)) * 1000;
};

const median = (values) => values.toSorted((a, b) => a - b)[values.length >> 1];

const now = await open(fileURLToPath(new URL('../dist', import.meta.url)));
const before = await open(join(resolve(other), 'dist'));
for (const [name, command, args] of [
  ['bare echo', 'echo', { text: 'hi', top: 3 }],
  ['handler of 1 ms', 'millisecond', {}],
]) {
  for (const pit of [now, before]) await rate(pit, command, args);
  const ratios = [];
  for (let round = 0; round < ROUNDS; round++) {
    // Whoever goes second must not always be the same.
    const order = round % 2 === 0 ? [now, before] : [before, now];
    const rates = new Map();
    for (const pit of order) rates.set(pit, await rate(pit, command, args));
    ratios.push(rates.get(now) / rates.get(before));
  }
  const spread = ratios.toSorted((a, b) => a - b);
  console.log(
    `${name.padEnd(16)} ${IN_FLIGHT} in flight: now / before ${median(ratios).toFixed(3)} (rounds ${spread[0].toFixed(2)} to ${spread.at(-1).toFixed(2)})`,
  );
}
await Promise.all([now.close(), before.close()]);
