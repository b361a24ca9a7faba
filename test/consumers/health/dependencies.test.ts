import { afterEach, describe, expect, it } from 'vitest';
import { resolveOptions, type SnakepitOptions } from '../../../src/config/index.ts';
import { Health, type HealthOptions } from '../../../src/consumers/health/index.ts';
import { EventBus, type SnakepitEvent } from '../../../src/events/index.ts';
import { type ManualClock, manualClock } from '../../../src/testing/index.ts';
import { bench, pool, START } from './fixtures.ts';

const cleanups: (() => void)[] = [];
afterEach(() => {
  for (const fn of cleanups.splice(0).reverse()) fn();
});

/** Health with one pool, under a clock that the test moves, in the background as in earnest. */
const rig = (options: SnakepitOptions['health'] = {}) => {
  const time: ManualClock = manualClock({ startAt: START });
  cleanups.push(time.install());
  const bus = new EventBus();
  const resolved = resolveOptions({ pools: { default: { app: './app.py' } }, health: options });
  const levels = { ready: true };
  const sent: unknown[][] = [];
  const answers = { next: async (): Promise<unknown> => 'fine' };
  const health = new Health({
    options: resolved.health as HealthOptions,
    bus,
    pools: resolved.pools,
    snapshot: () => ({
      timestamp: time.now(),
      uptime_ms: 1000,
      sessions: null,
      pools: { default: pool('default', [levels.ready ? 'ready' : 'starting']) },
    }),
    lag: { read: () => ({ p99Ms: 1, samples: 100 }), close: () => {} },
    send: (...call) => {
      sent.push(call);
      return answers.next();
    },
  });
  cleanups.push(() => health.close());
  const events: SnakepitEvent[] = [];
  bus.registerConsumer(
    'snakepit.**',
    { name: 'recorder', handle: (event) => void events.push(event) },
    { delivery: 'inline' },
  );
  const failures = () =>
    events
      .filter((event) => event.event_name === 'snakepit.health.check_failed')
      .map(({ metadata }) => metadata);
  const row = (name: string) => health.getDetailedHealth().dependencies.find((each) => each.name === name);
  return { time, bus, health, resolved, levels, sent, answers, events, failures, row };
};

const never = () => new Promise<never>(() => {});

describe('registerCheck', () => {
  it('runs at once, in the background, and shows the last result with its age', async () => {
    const { time, health, row } = rig();
    let runs = 0;
    health.registerCheck('store', () => void runs++, { intervalMs: 1000 });
    expect(row('store')).toMatchObject({ status: 'warning', message: 'Not checked yet', latency_ms: null });
    await time.advance(0);
    expect(runs).toBe(1);
    expect(row('store')).toEqual({
      name: 'store',
      critical: false,
      status: 'ok',
      message: 'Passed',
      latency_ms: 0,
      checked_at: new Date(START).toISOString(),
      age_ms: 0,
    });
    await time.advance(3000);
    expect(runs).toBe(4);
    expect(health.getDetailedHealth().checks.at(-1)).toEqual({
      name: 'store',
      status: 'ok',
      message: 'Passed',
    });
  });

  it.each([
    [undefined, 'ok'],
    [true, 'ok'],
    ['ok', 'ok'],
    ['warning', 'warning'],
    [{ status: 'warning', message: 'slow' }, 'warning'],
    [false, 'error'],
    ['error', 'error'],
    ['PONG', 'error'],
    [42, 'error'],
    [null, 'error'],
    [{}, 'error'],
    [{ status: 'fine' }, 'error'],
  ])('takes %o for %s', async (answer, status) => {
    const { time, health, row } = rig();
    health.registerCheck('store', () => answer as never);
    await time.advance(0);
    expect(row('store')?.status).toBe(status);
    if (status !== 'ok') {
      expect(row('store')).toMatchObject({
        why: expect.stringMatching(/./),
        remedy: expect.stringMatching(/./),
      });
    }
  });

  it('takes what cannot even be read for nonsense', async () => {
    const { time, health, row, failures } = rig();
    const hostile = new Proxy(
      {},
      {
        // Promises ask for this one.
        get: (_, key) => {
          if (key === 'then') return undefined;
          throw new Error('no');
        },
      },
    );
    health.registerCheck('store', () => hostile as never);
    await time.advance(0);
    expect(row('store')?.status).toBe('error');
    expect(failures()).toMatchObject([{ reason: 'nonsense' }]);
  });

  it('a check that throws or rejects has failed, by its name, without its secrets', async () => {
    const { time, health, row, failures } = rig();
    health.registerCheck('sync', () => {
      throw new Error('no route to redis://user:hunter2@store:6379');
    });
    health.registerCheck('async', async () => {
      throw 'a text';
    });
    await time.advance(0);
    expect(row('sync')).toMatchObject({
      status: 'error',
      why: expect.stringContaining('Error: no route to'),
    });
    expect(JSON.stringify(health.getDetailedHealth())).not.toContain('hunter2');
    expect(row('async')?.status).toBe('error');
    expect(failures()).toMatchObject([
      { check: 'sync', reason: 'threw', critical: false },
      { check: 'async', reason: 'threw' },
    ]);
  });

  it('tells of a failure once, and again after it was well', async () => {
    const { time, health, failures } = rig();
    let works = false;
    health.registerCheck('store', () => works, { intervalMs: 1000 });
    await time.advance(5000);
    expect(failures()).toMatchObject([{ check: 'store', reason: 'said' }]);
    works = true;
    await time.advance(2000);
    works = false;
    await time.advance(2000);
    expect(failures()).toHaveLength(2);
    const { history } = health.getDetailedHealth();
    expect(history.filter(({ check }) => check === 'store').map(({ from, to }) => `${from}→${to}`)).toEqual([
      'ok→error',
      'error→ok',
    ]);
    expect((history[0]?.at ?? '') > (history.at(-1)?.at as string)).toBe(true);
  });

  it('a check that hangs fails at its deadline and holds up no other', async () => {
    const { time, health, row, failures } = rig();
    const signals: AbortSignal[] = [];
    health.registerCheck(
      'hung',
      ({ signal }) => {
        signals.push(signal);
        return never();
      },
      { timeoutMs: 500, intervalMs: 1000 },
    );
    let runs = 0;
    health.registerCheck('quick', () => void runs++, { intervalMs: 100 });
    await time.advance(450);
    expect(row('quick')).toMatchObject({ status: 'ok' });
    expect(runs).toBe(5);
    expect(row('hung')?.message).toBe('Not checked yet');
    await time.advance(50);
    expect(row('hung')).toMatchObject({ status: 'error', message: 'No answer in 0.5 s', latency_ms: 500 });
    expect(signals[0]?.aborted).toBe(true);
    expect(failures()).toMatchObject([{ check: 'hung', reason: 'timeout' }]);
    // Runs that never end are not piled up.
    await time.advance(60_000);
    expect(signals).toHaveLength(3);
    expect(row('hung')).toMatchObject({ status: 'error', message: 'Not tried: 3 runs have not ended' });
  });

  it('an old result is an error, never old truth', async () => {
    // Nothing falls due here, as in a process that was asleep or blocked.
    const asleep = bench([pool('default', ['ready'])]);
    const { health, bus } = asleep;
    const at = (ms: number) => {
      asleep.now = START + ms;
    };
    const reasons: unknown[] = [];
    bus.registerConsumer(
      'snakepit.health.check_failed',
      (event) => void reasons.push(event.metadata.reason),
      {
        delivery: 'inline',
      },
    );
    health.registerCheck('store', () => true, { critical: true });
    await health.refresh();
    const row = () => health.getDetailedHealth().dependencies[0];
    at(60_000);
    expect(row()).toMatchObject({ status: 'ok', age_ms: 60_000 });
    expect(health.checkReadiness().status).toBe('ok');
    at(60_001);
    expect(row()).toMatchObject({
      status: 'error',
      message: 'The last result is 60 s old',
      remedy: expect.stringContaining('blocked'),
    });
    expect(health.checkReadiness().status).toBe('error');
    expect(reasons).toEqual(['expired']);
    await health.refresh();
    expect(row()).toMatchObject({ status: 'ok', age_ms: 0 });
  });

  it('callers that come together share one run', async () => {
    const { time, health } = rig();
    let runs = 0;
    let release = () => {};
    health.registerCheck('store', () => {
      runs++;
      return new Promise<void>((resolve) => {
        release = resolve;
      });
    });
    await time.advance(0);
    const [one, other] = [health.refresh(), health.refresh(['store'])];
    await time.advance(0);
    expect(runs).toBe(1);
    release();
    expect((await one).dependencies[0]?.status).toBe('ok');
    await other;
    expect(runs).toBe(1);
    await expect(health.refresh(['stroe'])).rejects.toThrow(
      "There is no health check 'stroe' that can be run; there are: store.",
    );
  });

  it('is gone once it is taken away', async () => {
    const { time, health, row } = rig();
    let runs = 0;
    let seen: AbortSignal | undefined;
    const remove = health.registerCheck(
      'store',
      ({ signal }) => {
        runs++;
        seen = signal;
        return never();
      },
      { critical: true, intervalMs: 100 },
    );
    await time.advance(50);
    expect(health.checkReadiness().status).toBe('error');
    remove();
    expect(seen?.aborted).toBe(true);
    expect(row('store')).toBeUndefined();
    expect(health.checkReadiness().status).toBe('ok');
    await time.advance(10_000);
    expect(runs).toBe(1);
    // The name is free again, and removing twice takes nothing else away.
    health.registerCheck('store', () => true);
    remove();
    expect(row('store')).toBeDefined();
  });

  it('readiness needs those that are critical; liveness none', async () => {
    const { time, health } = rig();
    const works = { a: true, b: false };
    health.registerCheck('a', () => works.a, { critical: true, intervalMs: 1000 });
    health.registerCheck('b', () => works.b, { intervalMs: 1000 });
    expect(health.checkReadiness().status).toBe('error');
    await time.advance(0);
    expect(health.checkReadiness()).toMatchObject({ status: 'ok' });
    works.a = false;
    await time.advance(1000);
    const { status, checks } = health.checkReadiness();
    expect([status, checks.map(({ name }) => name)]).toEqual(['error', ['pool:default', 'a']]);
    expect(health.checkHealth().status).toBe('ok');
    expect(health.getDetailedHealth().status).toBe('error');
  });

  it('leaves no timer behind when health is closed', async () => {
    const { time, health } = rig();
    health.registerCheck('store', never);
    health.registerCheck('other', () => true);
    await time.advance(100);
    health.close();
    await time.advance(0);
    expect(time.pending).toBe(0);
  });

  it.each([
    ['', () => true, {}, 'A health check needs a name'],
    ['a b', () => true, {}, 'got a b'],
    ['error_rate', () => true, {}, "There is a health check 'error_rate' already"],
    ['twice', () => true, {}, "There is a health check 'twice' already; take another name"],
    ['pool:x', () => true, {}, "for Snakepit's own checks"],
    ['store', undefined, {}, "The health check 'store' needs a function; got undefined."],
    [
      'store',
      () => true,
      { timeoutMs: -1 },
      "timeoutMs of health check 'store': got -1; allowed: milliseconds, a whole number from 1",
    ],
    ['store', () => true, { intervalMs: 2 ** 31 }, 'intervalMs'],
    ['store', () => true, { critical: 'yes' }, 'allowed: true or false'],
    [
      'store',
      () => true,
      { timeoutms: 5 },
      "There is no option 'timeoutms' of health check 'store'; there are timeoutMs",
    ],
    ['store', () => true, { intervalMs: 1000, maxAgeMs: 10 }, 'at least intervalMs + timeoutMs (1000)'],
  ])('refuses %o', (name, fn, options, message) => {
    const { health } = rig();
    health.registerCheck('twice', () => true);
    expect(() => health.registerCheck(name, fn as never, options as never)).toThrow(message);
  });
});

describe('a canary', () => {
  const canary = {
    default: { command: 'predict', args: { text: 'hi' }, intervalMs: 10_000, timeoutMs: 1000 },
  };

  it('sends its request once the pool has started, and then again and again', async () => {
    const { time, sent, row, levels, bus } = rig({ canary });
    levels.ready = false;
    await time.advance(0);
    expect(row('canary:default')).toMatchObject({ status: 'warning', message: 'Not tried yet' });
    levels.ready = true;
    bus.emit('snakepit.pool.started', { startup_ms: 1, workers: 1 }, { pool_name: 'default' } as never);
    await time.advance(0);
    expect(sent).toEqual([
      ['default', 'predict', { text: 'hi' }, { timeoutMs: 1000, signal: expect.any(AbortSignal) }],
    ]);
    expect(row('canary:default')).toMatchObject({
      status: 'ok',
      message: 'predict answered',
      critical: false,
    });
    await time.advance(20_000);
    expect(sent).toHaveLength(3);
  });

  it('fails when the request does, and when nothing comes back', async () => {
    const { time, row, answers, failures, health } = rig({
      canary: { default: { ...canary.default, critical: true } },
    });
    answers.next = () => Promise.reject(new Error('boom'));
    health.getDetailedHealth();
    await health.refresh();
    expect(row('canary:default')).toMatchObject({
      status: 'error',
      message: 'predict failed: Error: boom',
      remedy: expect.stringContaining('health.canary.default'),
    });
    expect(health.checkReadiness().status).toBe('error');
    answers.next = never;
    await time.advance(12_000);
    expect(row('canary:default')?.message).toBe('No answer in 1.5 s');
    expect(failures()).toHaveLength(1);
  });

  it('comes, changes and goes with the configuration', async () => {
    const { time, sent, health, row, resolved } = rig();
    const options = resolved.health as HealthOptions;
    health.getDetailedHealth();
    options.canary = { default: { ...canary.default, critical: false } };
    health.configure(options);
    await time.advance(0);
    expect(sent).toHaveLength(1);
    // Unchanged it goes on: nothing is sent for the sake of it.
    health.configure(options);
    await time.advance(0);
    expect(sent).toHaveLength(1);
    Object.assign(options.canary.default as object, { command: 'other' });
    health.configure(options);
    await time.advance(0);
    expect(sent.at(-1)?.[1]).toBe('other');
    options.canary = {};
    health.configure(options);
    expect(row('canary:default')).toBeUndefined();
  });
});

describe('in the background', () => {
  it('a threshold is passed and left without anybody asking', async () => {
    const { time, events, health, bus } = rig();
    health.getDetailedHealth();
    for (let i = 0; i < 30; i++) {
      bus.emit(
        'snakepit.request.completed',
        { duration_ms: 5 } as never,
        { pool_name: 'default', status: 'failure', command: 'x' } as never,
      );
    }
    await time.advance(5000);
    await time.advance(120_000);
    const names = events.filter(({ event_name }) => event_name.startsWith('snakepit.threshold.'));
    expect(names).toMatchObject([
      {
        event_name: 'snakepit.threshold.exceeded',
        measurements: { value: 1, threshold: 0.25 },
        metadata: { check: 'error_rate', level: 'error', pool_name: 'default' },
      },
      { event_name: 'snakepit.threshold.recovered', metadata: { check: 'error_rate', pool_name: 'default' } },
    ]);
  });
});
