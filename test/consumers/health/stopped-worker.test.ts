import { describe, expect, it, onTestFinished } from 'vitest';
import { errorOf, python, startPit, type TestPit, until } from '../../support/pit.ts';

/** A worker that is stopped (SIGSTOP) is alive and says nothing: what an operator sees of it, and in which order. */

const app = () => python`
  if is_open("broken"):
      wait_for("mended")

  @command
  def hold(gate: str):
      note(f"holding {gate}")
      wait_for(gate)
      return os.getpid()
`;

const start = (stuckAfterMs: number) =>
  startPit({
    pool: { app: app(), heartbeatIntervalMs: 50, stuckAfterMs, restartDelayMs: 1 },
    health: { criteria: { worker_availability: { dwellMs: 1 } } },
    ops: { port: 0 },
  });

/** Stops the only worker. It goes on, or is gone, when the test is over. */
const stop = (test: TestPit): number => {
  const [pid] = test.pids() as [number];
  process.kill(pid, 'SIGSTOP');
  onTestFinished(() => {
    try {
      process.kill(pid, 'SIGCONT');
    } catch {
      // It was killed, as it should be.
    }
  });
  return pid;
};

// biome-ignore lint/suspicious/noExplicitAny: bodies are looked into by path
const json = async (test: TestPit, path: string): Promise<any> =>
  (await fetch(`${test.pit.opsUrl}${path}`)).json();
const readiness = async (test: TestPit) => (await fetch(`${test.pit.opsUrl}/readyz`)).status;
const availability = async (test: TestPit) => {
  const { checks } = await json(test, '/health/detailed');
  return checks.find(({ name }: { name: string }) => name === 'worker_availability');
};

/** From the silence on; the same whether it held a request or not. */
const followToTheEnd = async (test: TestPit, pid: number): Promise<void> => {
  const missed = await test.events.first('snakepit.worker.heartbeat_missed');
  expect(missed.metadata).toMatchObject({ worker_slot: 0 });
  // It may still answer: C code that holds the GIL is as silent. So traffic still comes, and the row tells of the silence.
  const first = (await json(test, '/health/workers')).workers[0];
  expect(first).toMatchObject({ pid, state: 'busy', worker_slot: 0 });
  expect(first.heartbeat_ms_ago).toBeGreaterThanOrEqual(50);
  await until(async () => (await availability(test)).status === 'error', 'the silence is a finding');
  const check = await availability(test);
  expect(check.why).toMatch(
    new RegExp(
      `1 worker silent, up to [\\d.]+ s \\(\\S+ in slot 0, pid ${pid}\\); killed and replaced after`,
    ),
  );
  expect(check.remedy).toContain('kill -CONT');
  expect(test.events.named('snakepit.worker.stuck')).toEqual([]);
  expect(await readiness(test)).toBe(200);
};

describe('a worker that is stopped', () => {
  it.each(['while idle', 'while a request runs'])(
    '%s: missed, then a finding, then well again when it goes on',
    async (when) => {
      const test = await start(20_000);
      const held = when === 'while idle' ? undefined : test.pit.execute<number>('hold', { gate: 'go' });
      if (held !== undefined) await test.noted('holding go');
      const pid = stop(test);
      await followToTheEnd(test, pid);
      process.kill(pid, 'SIGCONT');
      await until(async () => (await availability(test)).status === 'ok', 'well again');
      test.open('go');
      if (held !== undefined) expect(await held).toBe(pid);
      expect(test.events.named('snakepit.worker.starting')).toHaveLength(1);
    },
  );

  it.each(['while idle', 'while a request runs'])(
    '%s: missed, stuck, killed, not ready, replaced',
    async (when) => {
      const test = await start(1000);
      const lost = when === 'while idle' ? undefined : errorOf(test.pit.execute('hold', { gate: 'go' }));
      if (lost !== undefined) await test.noted('holding go');
      test.open('broken');
      const pid = stop(test);
      await until(async () => (await readiness(test)) === 503, 'not ready');
      const crashed = await test.events.first('snakepit.worker.crashed');
      const order = test.events.all
        .map(({ event_name }) => event_name)
        .filter((name) => /worker\.(heartbeat_missed|stuck|crashed)$/.test(name));
      expect(order[0]).toBe('snakepit.worker.heartbeat_missed');
      // The last that was missed may be told after the end: its stack is looked for first.
      expect(order.filter((name) => !name.endsWith('_missed'))).toEqual([
        'snakepit.worker.stuck',
        'snakepit.worker.crashed',
      ]);
      expect(crashed.metadata).toMatchObject({ reason: 'stuck', code: 'worker_stuck' });
      if (lost !== undefined) expect((await lost).code).toBe('worker_stuck');
      expect(await availability(test)).toMatchObject({ status: 'error', message: '0/1 workers available' });
      expect((await json(test, '/health/workers')).workers[0].pid).not.toBe(pid);
      expect((await fetch(`${test.pit.opsUrl}/livez`)).status).toBe(200);
      test.open('mended');
      await until(async () => (await readiness(test)) === 200, 'ready again');
      await until(async () => (await availability(test)).status === 'ok', 'well again');
    },
  );
});
