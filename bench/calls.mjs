/**
 * How fast is a call? Ours, the limit, and python-shell, all on one worker in one process, in turns, so that a busy machine slows all of
 * them alike. Ratios are medians over the rounds.
 *
 *   npm run bench -- calls
 */
import { performance } from 'node:perf_hooks';
import { bare, pythonShell, snakepit } from './contenders.mjs';

const ROUNDS = Number(process.env.ROUNDS ?? 7);
const MS = Number(process.env.ROUND_MS ?? 700);
const args = { text: 'hi', top: 3 };

const rate = async ({ call }, inFlight) => {
  const end = performance.now() + MS;
  let calls = 0;
  const started = performance.now();
  const lane = async () => {
    while (performance.now() < end) {
      await call(args);
      calls++;
    }
  };
  await Promise.all(Array.from({ length: inFlight }, lane));
  return (calls / (performance.now() - started)) * 1000;
};

const median = (values) => values.toSorted((a, b) => a - b)[values.length >> 1];
const show = (value) => Math.round(value).toLocaleString('en').padStart(9);

const contenders = {
  'snakepit, MessagePack': await snakepit('msgpack'),
  'limit, MessagePack': await bare('msgpack'),
  'snakepit, JSON': await snakepit('json'),
  'limit, JSON': await bare('json'),
  'python-shell, JSON': await pythonShell(),
};

for (const inFlight of [1, 32]) {
  const rates = Object.fromEntries(Object.keys(contenders).map((name) => [name, []]));
  for (const contender of Object.values(contenders)) await rate(contender, inFlight);
  for (let round = 0; round < ROUNDS; round++) {
    for (const [name, contender] of Object.entries(contenders))
      rates[name].push(await rate(contender, inFlight));
  }
  const ratio = (a, b) => median(rates[a].map((value, i) => value / rates[b][i])).toFixed(2);
  console.log(`\n${inFlight} in flight (calls a second, median of ${ROUNDS} rounds of ${MS} ms)`);
  for (const [name, values] of Object.entries(rates))
    console.log(`  ${name.padEnd(24)} ${show(median(values))}`);
  console.log(`  ours / limit, MessagePack       ${ratio('snakepit, MessagePack', 'limit, MessagePack')}`);
  console.log(`  ours / limit, JSON              ${ratio('snakepit, JSON', 'limit, JSON')}`);
  console.log(`  ours, JSON / python-shell       ${ratio('snakepit, JSON', 'python-shell, JSON')}`);
  console.log(`  ours, MessagePack / python-shell ${ratio('snakepit, MessagePack', 'python-shell, JSON')}`);
}
for (const { close } of Object.values(contenders)) await close();
