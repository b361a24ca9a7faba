import { describe, expect, it } from 'vitest';
import type { SnakepitEvent } from '../../../src/index.ts';
import { errorOf, type PitOptions, python, startPit, type TestPit, until } from '../../support/pit.ts';

/** Real workers, real sockets: what a prober, a scraper and a person at the terminal see. */

const app = () => python`
  while is_open("broken") and not is_open("mended"):
      time.sleep(0.01)

  @command
  def hello():
      return "hello"

  @command
  def fail():
      raise ValueError("wrong")

  @command
  def hold(gate: str):
      note(f"holding {gate}")
      wait_for(gate)
      return gate
`;

const ops = { port: 0 };
const start = (options: Partial<PitOptions> = {}, pool: object = {}) =>
  startPit({ ops, ...options, pool: { app: app(), restartDelayMs: 1, ...pool } });

const ask = (test: TestPit, path: string, accept = 'application/json') =>
  fetch(`${test.pit.opsUrl}${path}`, { headers: { accept } });
// biome-ignore lint/suspicious/noExplicitAny: bodies are looked into by path
const body = async (test: TestPit, path: string): Promise<any> => (await ask(test, path)).json();
const checkOf = async (test: TestPit, name: string) =>
  (await body(test, '/health/detailed')).checks.find((each: { name: string }) => each.name === name);

describe('kill -9', () => {
  it('of every worker shows in readiness, the checks, the metric and the history, never in liveness', async () => {
    const test = await start({}, { workers: 2 });
    await test.serving(2);
    test.open('broken');
    for (const pid of test.pids()) process.kill(pid, 'SIGKILL');
    await until(async () => (await ask(test, '/readyz')).status === 503, 'not ready');
    const down = await checkOf(test, 'worker_availability');
    expect(down).toMatchObject({ status: 'error', why: expect.any(String), remedy: expect.any(String) });
    expect((await ask(test, '/livez')).status).toBe(200);
    expect(await (await ask(test, '/metrics')).text()).toMatch(
      /^snakepit_health_status\{check="worker_availability"\} 2$/m,
    );
    const { checks, history } = await body(test, '/health/detailed');
    expect(checks.find(({ name }: { name: string }) => name === 'worker_restarts').message).toContain(
      '2 workers died',
    );
    expect(history.map(({ check, to }: { check: string; to: string }) => `${check} ${to}`)).toEqual(
      expect.arrayContaining(['worker_availability error', 'null error']),
    );
    const text = await (await ask(test, '/readyz', 'text/plain')).text();
    expect(text).toMatch(
      /^\[-\]pool:default failed: 0 workers past the start, 1 needed\nreadyz check failed\n$/,
    );
    expect((await ask(test, '/readyz?exclude=pool:default')).status).toBe(200);
    test.open('mended');
    await until(async () => (await ask(test, '/readyz')).status === 200, 'ready again');
  });
});

describe('a hung command', () => {
  it('shows on its worker row with its age, and on the canary, not in liveness', async () => {
    const canary = { default: { command: 'hello', intervalMs: 50, timeoutMs: 200 } };
    const test = await start({ health: { canary } });
    await until(async () => (await checkOf(test, 'canary:default'))?.status === 'ok', 'the canary answered');
    const held = test.pit.execute('hold', { gate: 'go' });
    await test.noted('holding go');
    await until(async () => (await checkOf(test, 'canary:default')).status === 'error', 'the canary failed');
    expect(await checkOf(test, 'canary:default')).toMatchObject({
      message: expect.stringContaining('timeout'),
      why: expect.any(String),
      remedy: expect.stringContaining('health.canary.default'),
    });
    const { workers } = await body(test, '/health/workers');
    expect(workers[0]).toMatchObject({
      state: 'busy',
      pid: test.pids()[0],
      current: { command: 'hold', for_ms: expect.any(Number) },
    });
    expect((await ask(test, '/livez')).status).toBe(200);
    expect((await ask(test, '/readyz')).status).toBe(200);
    const failed = test.events.named('snakepit.health.check_failed');
    expect(failed[0]?.metadata).toMatchObject({ check: 'canary:default', critical: false });
    test.open('go');
    await held;
    await until(
      async () => (await checkOf(test, 'canary:default')).status === 'ok',
      'the canary answers again',
    );
    // It goes the way of every request.
    expect(
      (await body(test, '/health/detailed')).pools.default.commands.hello['15m'].requests,
    ).toBeGreaterThan(1);
  });
});

describe('a full queue', () => {
  it('passes a threshold, tells whoever wants to know, and comes back', async () => {
    const told: SnakepitEvent[] = [];
    const test = await start(
      {
        health: { criteria: { queue_depth: { dwellMs: 0 } } },
        alerts: {
          onThreshold: (event) => {
            told.push(event);
            throw new Error('the pager is broken too');
          },
        },
      },
      { maxQueue: 2 },
    );
    const held = ['a', 'b', 'c'].map((gate) => test.pit.execute('hold', { gate }));
    await test.noted('holding a');
    expect((await errorOf(test.pit.execute('hello'))).code).toBe('queue_full');
    expect(await checkOf(test, 'queue_depth')).toMatchObject({
      status: 'error',
      message: '2 of 2 waiting (100%)',
      remedy: expect.stringContaining('pools.default.workers'),
    });
    const ready = await body(test, '/health/ready');
    expect([ready.status, ready.load.default.saturated]).toEqual(['warning', true]);
    for (const gate of ['a', 'b', 'c']) test.open(gate);
    await Promise.all(held);
    expect(await checkOf(test, 'queue_depth')).toMatchObject({ status: 'ok' });
    const names = () => told.map(({ event_name, metadata }) => [event_name, metadata.check, metadata.level]);
    await until(() => told.length >= 2, 'both were told');
    expect(names()).toEqual([
      ['snakepit.threshold.exceeded', 'queue_depth', 'error'],
      ['snakepit.threshold.recovered', 'queue_depth', undefined],
    ]);
    expect(await test.pit.execute('hello')).toBe('hello');
  });
});

describe('a dependency', () => {
  it('that is down turns readiness where it is critical, with the reason and its latency, and mends by itself', async () => {
    const test = await start();
    let up = true;
    const remove = test.pit.health.registerCheck(
      'store',
      async () => {
        if (!up) throw new Error('connect ECONNREFUSED redis://user:hunter2@store:6379');
      },
      { critical: true, intervalMs: 20 },
    );
    await until(async () => (await ask(test, '/readyz')).status === 200, 'ready');
    up = false;
    await until(async () => (await ask(test, '/readyz')).status === 503, 'not ready');
    const { dependencies } = await body(test, '/health/detailed');
    expect(dependencies).toMatchObject([
      {
        name: 'store',
        status: 'error',
        critical: true,
        latency_ms: expect.any(Number),
        why: expect.stringContaining('ECONNREFUSED'),
      },
    ]);
    expect(JSON.stringify(dependencies)).not.toContain('hunter2');
    const draft = await (await ask(test, '/health/detailed', 'application/health+json')).json();
    expect(draft).toMatchObject({
      status: 'fail',
      checks: { store: [{ status: 'fail', output: expect.stringContaining('ECONNREFUSED') }] },
      dependencies: [{ status: 'fail' }],
    });
    expect((await ask(test, '/health')).status).toBe(200);
    up = true;
    await until(async () => (await ask(test, '/readyz')).status === 200, 'ready again');
    up = false;
    await until(async () => (await ask(test, '/readyz')).status === 503, 'not ready again');
    remove();
    await until(async () => (await ask(test, '/readyz')).status === 200, 'ready without it');
  });

  it('that hangs holds up neither a probe nor another check', async () => {
    const test = await start();
    let runs = 0;
    test.pit.health.registerCheck('hung', () => new Promise<never>(() => {}), {
      timeoutMs: 30,
      intervalMs: 10,
    });
    test.pit.health.registerCheck('quick', () => void runs++, { intervalMs: 5 });
    await until(async () => (await checkOf(test, 'hung'))?.status === 'error', 'the hung one failed');
    const before = runs;
    await until(() => runs > before + 5, 'the quick one goes on');
    expect(await checkOf(test, 'quick')).toMatchObject({ status: 'ok' });
    expect((await ask(test, '/readyz')).status).toBe(200);
  });
});

describe('failing requests', () => {
  it('turn readiness off where that is asked for, live', async () => {
    const test = await start({ health: { criteria: { error_rate: { minVolume: 5 } } } });
    for (let i = 0; i < 6; i++) await errorOf(test.pit.execute('fail'));
    expect(await checkOf(test, 'error_rate')).toMatchObject({
      status: 'error',
      why: expect.stringContaining('failure 6'),
    });
    expect((await ask(test, '/readyz')).status).toBe(200);
    test.pit.observability.configure({ health: { readiness: { checks: ['error_rate'] } } });
    await until(async () => (await ask(test, '/readyz')).status === 503, 'not ready');
    test.pit.observability.configure({
      health: { criteria: { error_rate: { warning: 1.1, error: 1.2, dwellMs: 0 } } },
    });
    await until(async () => (await ask(test, '/readyz')).status === 200, 'ready by other thresholds');
  });
});

describe('live changes', () => {
  it('bring and take a canary, and are refused where they make no sense', async () => {
    const test = await start();
    const { observability } = test.pit;
    const configure = (health: object) => () => observability.configure({ health });
    configure({ canary: { default: { command: 'hello', intervalMs: 20 } } })();
    await until(async () => (await checkOf(test, 'canary:default'))?.status === 'ok', 'the canary answered');
    configure({ canary: { default: null } })();
    expect(await checkOf(test, 'canary:default')).toBeUndefined();
    expect(configure({ criteria: { memory: { error: 0.1 } } })).toThrow(
      /health\.criteria\.memory.*raise error or lower warning/,
    );
    expect(configure({ canary: { nowhere: { command: 'hello' } } })).toThrow(
      /health\.canary\.nowhere.*name of a pool/,
    );
    expect(configure({ criteria: { memory: { windowMs: -5 } } })).toThrow(
      /health\.criteria\.memory\.windowMs: got -5/,
    );
    expect(configure({ criteria: { memry: {} } })).toThrow(/Did you mean 'memory'/);
  });
});

describe('/health/telemetry', () => {
  it('shows what became of the events, and the log', async () => {
    const test = await start({ observability: { sampling: { 'snakepit.request.*': 0.5 } } });
    await test.pit.execute('hello');
    const told = await body(test, '/health/telemetry');
    expect(told).toMatchObject({
      sampling: { 'snakepit.request.*': 0.5 },
      rate_limits: {},
      keep: { per_second: 100 },
      logs: expect.any(Object),
    });
    for (const { offered, delivered, pending, dropped } of told.consumers) {
      const lost = Object.values<number>(dropped).reduce((sum, count) => sum + count, 0);
      expect(offered).toBe(delivered + lost + pending);
    }
    expect((await body(test, '/health')).links.telemetry).toBe('/health/telemetry');
  });
});
