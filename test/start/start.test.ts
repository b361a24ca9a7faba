import { existsSync } from 'node:fs';
import { dirname } from 'node:path';
import { expect, it } from 'vitest';
import { isAlive, Program, until } from './program.ts';

const FREE_PORTS = ['--port', '0', '--ops-port', '0'];

interface WorkerRow {
  readonly pid: number | null;
  readonly restarts: number;
}

/** Sees which processes the workers have until the program has ended. */
const watchWorkers = (opsUrl: string): { readonly pids: Set<number> } => {
  const pids = new Set<number>();
  const look = async (): Promise<void> => {
    try {
      const { workers } = (await (await fetch(`${opsUrl}/health/workers`)).json()) as {
        workers: WorkerRow[];
      };
      for (const { pid } of workers) if (pid !== null) pids.add(pid);
    } catch {
      return;
    }
    setTimeout(() => void look(), 50);
  };
  void look();
  return { pids };
};

const count = (text: string, pattern: RegExp): number => Number(pattern.exec(text)?.[1] ?? Number.NaN);

it('runs for the time given, can be looked at meanwhile, and ends with a summary and nothing left', async () => {
  const program = new Program('scripts/start.mjs', ['--for', '5', ...FREE_PORTS]);
  const opsUrl = (await program.says(/(http:\S+)\/metrics/)) as string;
  const gatewayUrl = (await program.says(/curl -s (http:\S+)\/v1\/commands\/search/)) as string;
  const log = (await program.says(/logs +(\S+)/)) as string;
  const workers = watchWorkers(opsUrl);

  const metrics = await (await fetch(`${opsUrl}/metrics`)).text();
  expect(metrics).toContain('snakepit_requests_total{pool_name="default",command="search"');
  const health = (await (await fetch(`${opsUrl}/health/detailed`)).json()) as { pools: object };
  expect(health.pools).toHaveProperty('default.total_workers', 4);
  const asked = await fetch(`${gatewayUrl}/v1/commands/search`, {
    method: 'POST',
    headers: { 'content-type': 'application/json' },
    body: '{"query": "the winter of despair"}',
  });
  expect(await asked.json()).toHaveProperty('result.0.title', 'tale-of-two-cities');
  expect(existsSync(log)).toBe(true);

  expect(await program.ended, program.err).toBe(0);
  const summary = program.out.slice(program.out.indexOf('How long the answered ones took'));
  expect(count(program.out, /([\d,]+) requests, \d+ a second/)).toBeGreaterThan(20);
  expect(summary).toMatch(/^ +all +\d+ +\d+ +[\d.]+ m?s +[\d.]+ m?s +[\d.]+ m?s$/m);
  for (const code of [
    'python_exception',
    'invalid_arguments',
    'unknown_command',
    'timeout',
    'cancelled',
    'worker_crashed',
  ]) {
    expect(count(summary, new RegExp(`^ +${code} +(\\d+)`, 'm')), code).toBeGreaterThan(0);
  }
  expect(count(summary, /restarts: (\d+)/)).toBeGreaterThan(0);
  expect(program.err).toBe('');

  // Four at the start and at least one that replaced a dead one.
  expect(workers.pids.size).toBeGreaterThan(4);
  expect([...workers.pids].filter(isAlive)).toEqual([]);
  expect(existsSync(dirname(log))).toBe(false);
});

it.each(['SIGINT', 'SIGTERM'] as const)('ends on %s with a summary', async (signal) => {
  const program = new Program('scripts/start.mjs', FREE_PORTS);
  const opsUrl = await program.says(/(http:\S+)\/metrics/);
  const workers = watchWorkers(opsUrl);
  await until(
    () => workers.pids.size > 0,
    () => 'a worker is listed',
  );
  program.signal(signal);
  expect(await program.ended, program.err).toBe(0);
  expect(program.out).toMatch(/^crashes: \d+, restarts: \d+/m);
  expect([...workers.pids].filter(isAlive)).toEqual([]);
});

it.each([
  [['--for', 'soon'], "--for: got 'soon'; allowed is a number of seconds above 0"],
  [['--ops-port', '70000'], "--ops-port: got '70000'; allowed is a whole number from 0 to 65535"],
  [['--fro', '2'], "Unknown option '--fro'"],
])('refuses %j and says what is allowed', async (args, message) => {
  const program = new Program('scripts/start.mjs', args);
  expect(await program.ended).toBe(2);
  expect(program.err).toContain(message);
  expect(program.err).toContain('Usage: npm start -- [options]');
});

it('says plainly when Python is missing', async () => {
  const program = new Program('scripts/start.mjs', FREE_PORTS, { SNAKEPIT_PYTHON: '/no/such/python' });
  expect(await program.ended).toBe(2);
  expect(program.err).toMatch(/^SNAKEPIT_PYTHON: got '\/no\/such\/python'; .*Python 3\.9 or later/);
  expect(program.err).not.toContain('    at ');
});
