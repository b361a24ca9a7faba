/**
 * What do viewers cost? Calls a second of an instance at which nobody has ever looked and of one with 100 viewers at `/api/live` (the live page) or `/api/events`, in one process and in turns, so that a busy machine slows both alike. The viewers read in a process of
 * their own, of the lowest priority: elsewhere they would have a machine of their own. Ratios are medians over the rounds; the goal is 0.99 for
 * a page that is left open. CPU is that of this process, all its threads, and that of the main thread alone, which is what limits the rate: both tell more where the machine has other work.
 *
 *   npm run bench -- viewers
 *   ONLY=page npm run bench -- viewers   only what has this in its name
 */
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { readFileSync } from 'node:fs';
import { get } from 'node:http';
import { setPriority } from 'node:os';
import { performance } from 'node:perf_hooks';
import { setTimeout as sleep } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';

const ROUNDS = Number(process.env.ROUNDS ?? 11);
const MS = Number(process.env.ROUND_MS ?? 1000);
const VIEWERS = Number(process.env.VIEWERS ?? 100);
const IN_FLIGHT = 32;

/** In the other process: so many viewers, until it is told to end. */
const look = async (urls = []) => {
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

/** CPU time of the main thread in microseconds; where the kernel does not tell it, that of the process. */
const mainCpu = () => {
  try {
    return Number(readFileSync(`/proc/self/task/${process.pid}/schedstat`, 'utf8').split(' ')[0]) / 1000;
  } catch {
    const { user, system } = process.cpuUsage();
    return user + system;
  }
};

const rate = async (pit, [command, args]) => {
  const began = performance.now();
  const cpu = process.cpuUsage();
  const main = mainCpu();
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
  return {
    perSecond: (calls / (performance.now() - began)) * 1000,
    cpu: (user + system) / calls,
    main: (mainCpu() - main) / calls,
  };
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
  'the live page': () => '/api/live',
  'all events but what every request brings': () => '/api/events?level=info',
  'all events': () => '/api/events',
  'events, each with a filter of its own, workers busy and idle among it': (i) =>
    `/api/events?pattern=snakepit.worker.**&pattern=mine.p${i}`,
};
const ONLY = process.env.ONLY ?? '';

const compare = async ([load, call], [kind, pathOf]) => {
  const [watched, quiet] = [await open(), await open()];
  const urls = Array.from({ length: VIEWERS }, (_, i) => `${watched.opsUrl}${pathOf(i)}`);
  const end = await viewers(urls);
  const began = performance.now();
  const ratios = [];
  const mains = [];
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
    mains.push(found.get(quiet).main / found.get(watched).main);
  }
  // It is busy for half of the time.
  const kibibytes = (await end()) / VIEWERS / ((performance.now() - began) / 2000) / 1024;
  await Promise.all([watched.close(), quiet.close()]);
  const spread = ratios.toSorted((a, b) => a - b);
  const [before, after] = [rates.quiet, rates.watched].map((all) => ({
    perSecond: median(all.map(({ perSecond }) => perSecond)),
    cpu: median(all.map(({ cpu }) => cpu)),
    main: median(all.map(({ main }) => main)),
  }));
  const shown = ({ perSecond, cpu, main }) =>
    `${Math.round(perSecond)} calls/s at ${cpu.toFixed(1)} µs of CPU each, ${main.toFixed(1)} of them in the main thread`;
  console.log(
    `${load}, ${VIEWERS} viewers, ${kind} (${kibibytes.toFixed(0)} KiB/s each):\n  ${shown(before)} → ${shown(after)}; ` +
      `as many calls as before: ${median(mains).toFixed(3)} by the main thread's CPU, ${median(ratios).toFixed(3)} by the clock (rounds ${spread[0].toFixed(2)} to ${spread.at(-1).toFixed(2)})`,
  );
};

/** What the live page takes of the main thread, a second: the same few calls with viewers and without, in turns. Steadier than any rate on a machine that has other work. */
const share = async () => {
  const pit = await open();
  const calls = setInterval(() => pit.execute('echo', { text: 'hi', top: 3 }), 5);
  const took = { with: [], without: [] };
  for (let round = 0; round < ROUNDS; round++) {
    for (const kind of Object.keys(took)) {
      const urls = Array.from({ length: kind === 'with' ? VIEWERS : 0 }, () => `${pit.opsUrl}/api/live`);
      const end = await viewers(urls);
      await sleep(500);
      const [main, began] = [mainCpu(), performance.now()];
      await sleep(2 * MS);
      took[kind].push((mainCpu() - main) / (performance.now() - began));
      await end();
    }
  }
  clearInterval(calls);
  await pit.close();
  const [watched, quiet] = [median(took.with), median(took.without)];
  console.log(
    `200 calls a second: ${quiet.toFixed(1)} ms of the main thread a second, with ${VIEWERS} viewers of the live page ${watched.toFixed(1)}: ` +
      `it takes ${((watched - quiet) / 10).toFixed(2)} % of the thread`,
  );
};

if (process.send !== undefined) await look(process.argv.slice(2));
else {
  if ('the live page'.includes(ONLY)) await share();
  for (const load of Object.entries(LOADS))
    for (const kind of Object.entries(KINDS)) if (kind[0].includes(ONLY)) await compare(load, kind);
}
