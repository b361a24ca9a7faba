/**
 * What do viewers of the live events cost? Calls a second of an instance at which nobody has ever looked and of one with 100 viewers at `/api/events`, in one process and in turns, so that a busy machine slows both alike. The viewers read in a process of
 * their own, of the lowest priority: elsewhere they would have a machine of their own. Ratios are medians over the rounds; the goal is 0.99 for
 * a page that is left open. CPU is that of this process, all its threads: it tells more where the machine has other work.
 *
 *   npm run bench -- viewers
 */
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { get } from 'node:http';
import { setPriority } from 'node:os';
import { performance } from 'node:perf_hooks';
import { fileURLToPath } from 'node:url';

const ROUNDS = Number(process.env.ROUNDS ?? 11);
const MS = Number(process.env.ROUND_MS ?? 1000);
const VIEWERS = Number(process.env.VIEWERS ?? 100);
const IN_FLIGHT = 32;

/** In the other process: so many viewers, until it is told to end. */
const look = async (urls) => {
  setPriority(19);
  let bytes = 0;
  const readers = urls.map(async (url) => {
    const req = get(url, { agent: false });
    const [res] = await once(req, 'response');
    if (res.statusCode !== 200) throw new Error(`${url} answers ${res.statusCode}`);
    await once(res, 'data');
    res.on('data', (chunk) => {
      bytes += chunk.length;
    });
    return req;
  });
  const requests = await Promise.all(readers);
  process.send({ ready: true });
  await once(process, 'message');
  for (const req of requests) req.destroy();
  process.send({ bytes });
};

const viewers = async (urls) => {
  const child = spawn(process.execPath, [fileURLToPath(import.meta.url), ...urls], {
    stdio: ['ignore', 'inherit', 'inherit', 'ipc'],
  });
  await once(child, 'message');
  return async () => {
    child.send('end');
    const [{ bytes }] = await once(child, 'message');
    child.disconnect();
    await once(child, 'exit');
    return bytes;
  };
};

const rate = async (pit, [command, args]) => {
  const began = performance.now();
  const cpu = process.cpuUsage();
  const end = began + MS;
  let calls = 0;
  const lane = async () => {
    while (performance.now() < end) {
      await pit.execute(command, args);
      calls++;
    }
  };
  await Promise.all(Array.from({ length: IN_FLIGHT }, lane));
  const { user, system } = process.cpuUsage(cpu);
  return { perSecond: (calls / (performance.now() - began)) * 1000, cpu: (user + system) / calls };
};

const median = (values) => values.toSorted((a, b) => a - b)[values.length >> 1];

const { createSnakepit } = process.send === undefined ? await import('../dist/index.js') : {};
const app = fileURLToPath(new URL('app.py', import.meta.url));
const open = () =>
  createSnakepit({
    pools: { default: { app, workers: 1, python: process.env.SNAKEPIT_PYTHON } },
    ops: { port: 0 },
  });

const LOADS = { 'bare echo': ['echo', { text: 'hi', top: 3 }], 'handler of 1 ms': ['millisecond', {}] };
const KINDS = {
  'all of all but what every request brings': () => '?level=info',
  'all of everything': () => '',
  'each with a filter of its own, workers busy and idle among it': (i) =>
    `?pattern=snakepit.worker.**&pattern=mine.p${i}`,
};

const compare = async ([load, call], [kind, queryOf]) => {
  const [watched, quiet] = [await open(), await open()];
  const urls = Array.from({ length: VIEWERS }, (_, i) => `${watched.opsUrl}/api/events${queryOf(i)}`);
  const end = await viewers(urls);
  const began = performance.now();
  const ratios = [];
  const rates = { watched: [], quiet: [] };
  for (let round = -1; round < ROUNDS; round++) {
    // Whoever goes second must not always be the same.
    const order = round % 2 === 0 ? [watched, quiet] : [quiet, watched];
    const found = new Map();
    for (const pit of order) found.set(pit, await rate(pit, call));
    if (round < 0) continue;
    rates.watched.push(found.get(watched));
    rates.quiet.push(found.get(quiet));
    ratios.push(found.get(watched).perSecond / found.get(quiet).perSecond);
  }
  // It is busy for half of the time.
  const kibibytes = (await end()) / VIEWERS / ((performance.now() - began) / 2000) / 1024;
  await Promise.all([watched.close(), quiet.close()]);
  const spread = ratios.toSorted((a, b) => a - b);
  const [before, after] = [rates.quiet, rates.watched].map((all) => ({
    perSecond: median(all.map(({ perSecond }) => perSecond)),
    cpu: median(all.map(({ cpu }) => cpu)),
  }));
  const shown = ({ perSecond, cpu }) =>
    `${Math.round(perSecond)} calls/s at ${cpu.toFixed(1)} µs of CPU each`;
  console.log(
    `${load}, ${VIEWERS} viewers, ${kind} (${kibibytes.toFixed(0)} KiB/s each):\n  ${shown(before)} → ${shown(after)}; ` +
      `rate ${median(ratios).toFixed(3)} (rounds ${spread[0].toFixed(2)} to ${spread.at(-1).toFixed(2)})`,
  );
};

if (process.send !== undefined) await look(process.argv.slice(2));
else
  for (const load of Object.entries(LOADS))
    for (const kind of Object.entries(KINDS)) await compare(load, kind);
