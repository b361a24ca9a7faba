/**
 * What probes cost the main thread, and how soon readiness follows the last worker's death.
 *
 * Another process asks `/livez` and `/readyz` 10,000 times a second over connections that are kept. Shown is how much of one CPU the
 * main thread uses, by the kernel's account: idle, then under the probes, then with the same endpoints mounted in the main thread.
 *
 *   npm run bench -- probes
 */
import { fork } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { createServer } from 'node:http';
import { connect } from 'node:net';
import { performance } from 'node:perf_hooks';
import { fileURLToPath } from 'node:url';
import { createOpsHandler, createSnakepit } from '../dist/index.js';

const RATE = Number(process.env.RATE ?? 10_000);
const MS = Number(process.env.ROUND_MS ?? 5000);
const KILLS = Number(process.env.KILLS ?? 10);
const CONNECTIONS = 32;

const sleep = (ms) => new Promise((resolve) => setTimeout(resolve, ms));
const percentile = (values, share) =>
  values.toSorted((a, b) => a - b)[Math.floor((values.length - 1) * share)];

/** Asks at the rate, each connection one at a time; what finds none free is asked as soon as one is. */
const load = async (port) => {
  const paths = ['/livez', '/readyz'];
  const times = [];
  const statuses = {};
  const free = [];
  let asked = 0;
  let closing = false;
  for (let i = 0; i < CONNECTIONS; i++) {
    const socket = connect({ port, host: '127.0.0.1', noDelay: true });
    socket.on('data', (data) => {
      times.push(performance.now() - socket.askedAt);
      const status = data.toString('latin1', 9, 12);
      statuses[status] = (statuses[status] ?? 0) + 1;
      free.push(socket);
      if (closing) socket.destroy();
    });
    await new Promise((resolve) => socket.once('connect', resolve));
    free.push(socket);
  }
  const began = performance.now();
  while (performance.now() - began < MS) {
    const due = ((performance.now() - began) * RATE) / 1000;
    while (asked < due && free.length > 0) {
      const socket = free.shift();
      socket.askedAt = performance.now();
      socket.write(`GET ${paths[asked++ % 2]} HTTP/1.1\r\nHost: 127.0.0.1:${port}\r\n\r\n`);
    }
    // Leaves its CPU to those that are measured.
    await sleep(1);
  }
  const seconds = (performance.now() - began) / 1000;
  closing = true;
  for (const socket of free) socket.destroy();
  return {
    rate: times.length / seconds,
    p50: percentile(times, 0.5),
    p99: percentile(times, 0.99),
    statuses,
  };
};

if (process.argv[2] === 'load') {
  process.send(await load(Number(process.argv[3])), () => process.exit());
} else {
  await main();
}

/** Time of the main thread on a CPU, as the kernel counts it. Milliseconds; undefined where it cannot be read. */
function mainCpuMs() {
  try {
    const [onCpu] = readFileSync(`/proc/self/task/${process.pid}/schedstat`, 'utf8').split(' ');
    return Number(onCpu) / 1e6;
  } catch {
    return undefined;
  }
}

async function measured(work) {
  const began = performance.now();
  const cpu = mainCpuMs();
  const all = process.cpuUsage();
  const loop = performance.eventLoopUtilization();
  const result = await work();
  const ms = performance.now() - began;
  const { user, system } = process.cpuUsage(all);
  return {
    result,
    main: cpu === undefined ? Number.NaN : (mainCpuMs() - cpu) / ms,
    process: (user + system) / 1000 / ms,
    loop: performance.eventLoopUtilization(loop).utilization,
  };
}

async function underLoad(port) {
  const child = fork(fileURLToPath(import.meta.url), ['load', String(port)], { execArgv: [] });
  return new Promise((resolve, reject) => {
    child.once('message', resolve);
    child.once('exit', (code) => reject(new Error(`The load ended with ${code}.`)));
  });
}

/** From the kill of the last worker to the first answer that says no. */
async function killToNotReady() {
  const pit = await createSnakepit(options());
  const { port } = new URL(pit.opsUrl);
  const socket = connect({ port, host: '127.0.0.1', noDelay: true });
  await new Promise((resolve) => socket.once('connect', resolve));
  const ask = () =>
    new Promise((resolve) => {
      socket.once('data', (data) => resolve(data.toString('latin1', 9, 12)));
      socket.write(`GET /readyz HTTP/1.1\r\nHost: 127.0.0.1:${port}\r\n\r\n`);
    });
  while ((await ask()) !== '200') await sleep(5);
  const [{ pid }] = pit.snapshot().pools.default.workers;
  const killed = performance.now();
  process.kill(pid, 'SIGKILL');
  while ((await ask()) !== '503') await sleep(1);
  const ms = performance.now() - killed;
  socket.destroy();
  await pit.close();
  return ms;
}

function options() {
  const app = fileURLToPath(new URL('app.py', import.meta.url));
  return {
    pools: { default: { app, workers: 1, python: process.env.SNAKEPIT_PYTHON, restartDelayMs: 2000 } },
    logs: { level: 'silent' },
    ops: { port: 0 },
  };
}

async function main() {
  const pit = await createSnakepit(options());
  const percent = (share) => `${(100 * share).toFixed(2)} %`;
  const show = (name, { main, process: all, loop, result }) => {
    console.log(
      `${name.padEnd(34)} main thread ${percent(main).padStart(8)}   whole process ${percent(all).padStart(8)}   event loop ${percent(loop).padStart(8)}`,
    );
    if (result === undefined) return;
    const { rate, p50, p99, statuses } = result;
    console.log(
      `${''.padEnd(34)} ${Math.round(rate)} answers/s, p50 ${p50.toFixed(2)} ms, p99 ${p99.toFixed(2)} ms, by status ${JSON.stringify(statuses)}`,
    );
  };
  const { port } = new URL(pit.opsUrl);
  await underLoad(port);
  const idle = await measured(() => sleep(MS));
  show('idle', idle);
  const thread = await measured(() => underLoad(port));
  show(`${RATE} probes/s at the thread`, thread);
  const handler = createOpsHandler(pit);
  const mounted = createServer(handler.node);
  await new Promise((resolve) => mounted.listen(0, '127.0.0.1', resolve));
  show(`${RATE} probes/s at the main thread`, await measured(() => underLoad(mounted.address().port)));
  mounted.closeAllConnections();
  mounted.close();
  console.log(
    `The probes cost the main thread ${percent(thread.main - idle.main)} of a CPU (goal: at most 1 %).`,
  );

  await pit.close();
  const times = [];
  for (let i = 0; i < KILLS; i++) times.push(await killToNotReady());
  console.log(
    `SIGKILL of the last worker to 503 at /readyz: p50 ${percentile(times, 0.5).toFixed(1)} ms, most ${Math.max(...times).toFixed(1)} ms of ${KILLS} (goal: 250 ms)`,
  );
}
