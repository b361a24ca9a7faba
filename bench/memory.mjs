/**
 * Does memory stay? Heap and resident memory of the host after each 50,000 requests, collected garbage apart.
 *
 *   npm run bench -- memory
 */
import { setTimeout as sleep } from 'node:timers/promises';
import { snakepit } from './contenders.mjs';

const TOTAL = Number(process.env.TOTAL ?? 200_000);
const STEP = TOTAL / 4;
const { call, close, pit } = await snakepit('auto');
const mib = (bytes) => (bytes / 2 ** 20).toFixed(1).padStart(7);

const requests = async (count) => {
  let left = count;
  const lane = async () => {
    while (left-- > 0) await call({ text: 'hi', top: 3 });
  };
  await Promise.all(Array.from({ length: 32 }, lane));
};

const report = async (done) => {
  // Twice, with a turn between: what the first sweep frees may hold more.
  globalThis.gc();
  await sleep(50);
  globalThis.gc();
  const { heapUsed, rss } = process.memoryUsage();
  const { body } = await pit.metrics.render();
  const series = body.split('\n').filter((line) => line !== '' && !line.startsWith('#')).length;
  console.log(
    `  ${String(done).padStart(8)} requests   heap ${mib(heapUsed)} MiB   resident ${mib(rss)} MiB   ${series} samples exposed`,
  );
};

console.log('\nMemory of the host');
await requests(20_000);
await report('warm-up');
for (let done = STEP; done <= TOTAL; done += STEP) {
  await requests(STEP);
  await report(done);
}
await close();
