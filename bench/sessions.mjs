/**
 * What a session costs a request: the same command with and without one, in memory and in Redis, on one worker in one process, in turns. The handler does not touch
 * the data, so what is measured is the session alone; then with a handler that changes it.
 *
 *   npm run bench -- sessions       (with redis-server on the PATH: Redis too)
 */
import { spawn } from 'node:child_process';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createSnakepit } from '../dist/index.js';

const ROUNDS = Number(process.env.ROUNDS ?? 21);
const MS = Number(process.env.ROUND_MS ?? 300);
const IN_FLIGHT = 32;

const folder = mkdtempSync(join(tmpdir(), 'snakepit-bench-'));
const app = join(folder, 'app.py');
writeFileSync(
  app,
  `from snakepit import command, context

@command
def echo(text: str):
    return text

@command
def count():
    session = context().session
    session.data = (session.data or 0) + 1
    return session.data
`,
);

const freePort = () =>
  new Promise((resolve) => {
    const probe = createServer().listen(0, '127.0.0.1', () => {
      const { port } = probe.address();
      probe.close(() => resolve(port));
    });
  });

const startRedis = async () => {
  const port = await freePort();
  const child = spawn('redis-server', ['--port', String(port), '--bind', '127.0.0.1', '--save', ''], {
    stdio: 'ignore',
    cwd: folder,
  });
  const started = await new Promise((resolve) => {
    child.once('error', () => resolve(false));
    child.once('spawn', () => resolve(true));
  });
  return started ? { child, url: `redis://127.0.0.1:${port}` } : undefined;
};

const open = (sessions) => createSnakepit({ pools: { default: { app, workers: 1 } }, logs: false, sessions });

/** Host CPU of a call in microseconds, and calls a second. */
const measure = async (call) => {
  const end = performance.now() + MS;
  const began = performance.now();
  const cpu = process.cpuUsage();
  let calls = 0;
  const lane = async (n) => {
    while (performance.now() < end) {
      await call(n);
      calls++;
    }
  };
  await Promise.all(Array.from({ length: IN_FLIGHT }, (_, n) => lane(n)));
  const { user, system } = process.cpuUsage(cpu);
  return { rate: (calls / (performance.now() - began)) * 1000, cpu: (user + system) / calls };
};

const median = (values) => values.toSorted((a, b) => a - b)[values.length >> 1];

const redis = await startRedis();
const memory = await open({ store: 'memory' });
const shared = redis === undefined ? undefined : await open({ store: 'redis', url: redis.url });
const args = { text: 'hi' };
const kinds = {
  'no session': () => memory.execute('echo', args),
  'in memory, data untouched': (n) => memory.execute('echo', args, { sessionId: `s${n}` }),
  'in memory, data changed': (n) => memory.execute('count', {}, { sessionId: `c${n}` }),
  ...(shared !== undefined && {
    'in Redis, data untouched': (n) => shared.execute('echo', args, { sessionId: `s${n}` }),
    'in Redis, data changed': (n) => shared.execute('count', {}, { sessionId: `c${n}` }),
  }),
};
const found = Object.fromEntries(Object.keys(kinds).map((name) => [name, []]));
try {
  for (const call of Object.values(kinds)) await measure(call);
  for (let round = 0; round < ROUNDS; round++)
    for (const [name, call] of Object.entries(kinds)) found[name].push(await measure(call));
  console.log(`${IN_FLIGHT} in flight, one worker, median of ${ROUNDS} rounds of ${MS} ms`);
  for (const [name, rounds] of Object.entries(found)) {
    const more = median(rounds.map(({ cpu }, i) => cpu - found['no session'][i].cpu));
    console.log(
      `  ${name.padEnd(27)} ${Math.round(median(rounds.map(({ rate }) => rate)))
        .toLocaleString('en')
        .padStart(8)} calls/s  host CPU ${median(rounds.map(({ cpu }) => cpu))
        .toFixed(1)
        .padStart(6)} µs a call  (+${more.toFixed(2)} µs)`,
    );
  }
} finally {
  await Promise.all([memory.close(), shared?.close()]);
  redis?.child.kill('SIGKILL');
  rmSync(folder, { recursive: true, force: true });
}
