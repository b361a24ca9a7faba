import { describe, expect, it } from 'vitest';
import { resolveOptions } from '../../../src/config/index.ts';
import { type Bench, bench, pool, settled } from './fixtures.ts';

const check = (rig: Bench, name: string) =>
  rig.health.getDetailedHealth().checks.find((each) => each.name === name);
const crashed = (rig: Bench, poolName = 'default') =>
  rig.bus.emit('snakepit.worker.crashed', {} as never, { pool_name: poolName, timestamp: rig.now } as never);

describe('response_time', () => {
  it('goes by the 95th percentile, once enough was seen', () => {
    const rig = bench([pool('default', ['ready'])]);
    rig.complete('success', 19, 60_000);
    expect(check(rig, 'response_time')).toMatchObject({
      status: 'ok',
      message: expect.stringContaining('not judged'),
    });
    rig.complete('success', 1000, 5);
    expect(check(rig, 'response_time')).toMatchObject({ status: 'ok' });
    rig.complete('success', 100, 20_000);
    expect(check(rig, 'response_time')).toMatchObject({
      status: 'warning',
      message: expect.stringMatching(/^Response time \d+(\.\d)? s \(p95\), warning from 10 s$/),
      remedy: expect.stringContaining('health.criteria.response_time'),
    });
    rig.complete('timeout', 1000, 60_000);
    expect(check(rig, 'response_time')?.status).toBe('error');
  });
});

describe('memory', () => {
  it('is judged against the limit of a control group', () => {
    const rig = bench([pool('default', ['ready'])]);
    const use = (share: number, source: 'cgroup2' | 'host' = 'cgroup2') => {
      rig.memory = { usedBytes: share * 2 ** 30, limitBytes: 2 ** 30, source };
      rig.now += 60_000;
      return check(rig, 'memory');
    };
    expect(use(0.5)).toEqual({ name: 'memory', status: 'ok', message: '512 MiB of 1024 MiB used (50%)' });
    expect(use(0.8)).toMatchObject({ status: 'warning', why: expect.stringContaining('kernel') });
    expect(use(0.95)).toMatchObject({ status: 'error' });
    // The memory of the machine is not ours to judge.
    expect(use(0.99, 'host')).toMatchObject({ status: 'ok' });
  });

  it('that cannot be read says nothing', () => {
    const rig = bench([pool('default', ['ready'])]);
    Object.defineProperty(rig, 'memory', {
      get: () => {
        throw new Error('no /proc');
      },
    });
    expect(check(rig, 'memory')).toMatchObject({ status: 'ok', message: 'No memory limit is set' });
  });
});

describe('event_loop_lag', () => {
  it('is judged from enough samples', () => {
    const rig = bench([pool('default', ['ready'])]);
    const late = (p99Ms: number, samples = 100) => {
      rig.lag = { p99Ms, samples };
      rig.now += 60_000;
      return check(rig, 'event_loop_lag')?.status;
    };
    expect([late(400), late(600), late(6000), late(6000, 49)]).toEqual(['ok', 'warning', 'error', 'ok']);
  });
});

describe('worker_restarts', () => {
  it('counts deaths in its window, pool by pool', async () => {
    const rig = bench([pool('a', ['ready']), pool('b', ['ready'])]);
    for (let i = 0; i < 3; i++) crashed(rig, 'a');
    await settled();
    expect(check(rig, 'worker_restarts')).toMatchObject({
      status: 'warning',
      message: 'a: 3 workers died in 300 s, warning from 3; b: No worker died in 300 s',
      remedy: expect.stringContaining('snakepit.worker.crashed'),
    });
    for (let i = 0; i < 7; i++) crashed(rig, 'a');
    expect(check(rig, 'worker_restarts')?.status).toBe('error');
    rig.now += 300_001;
    expect(check(rig, 'worker_restarts')?.status).toBe('ok');
  });
});

describe('observability', () => {
  it('warns of an open circuit and of events that are lost', async () => {
    const rig = bench([pool('default', ['ready'])]);
    expect(check(rig, 'observability')).toMatchObject({
      status: 'ok',
      message: 'Every consumer gets its events',
    });
    rig.bus.registerConsumer(
      'my.event',
      {
        name: 'broken',
        handle: () => {
          throw new Error('broken');
        },
      },
      { delivery: 'inline' },
    );
    for (let i = 0; i < 200; i++) rig.bus.emit('my.event');
    const found = check(rig, 'observability');
    expect(found).toMatchObject({
      status: 'warning',
      message: 'no events for broken; broken lost 200 of 200 events (100%)',
      remedy: expect.stringContaining('/health/telemetry'),
    });
    // What was lost long ago does not count.
    rig.bus.consumers();
    rig.now += 70_000;
    check(rig, 'observability');
    rig.now += 70_000;
    expect(check(rig, 'observability')?.message).toBe('no events for broken');
  });
});

describe('thresholds', () => {
  it('tell when they are passed and left, in words of the pool', () => {
    const rig = bench([pool('default', ['ready'])]);
    const seen: unknown[] = [];
    rig.bus.registerConsumer(
      'snakepit.threshold.*',
      ({ event_name, measurements, metadata }) => {
        const { timestamp: _, ...about } = metadata;
        seen.push([event_name.slice('snakepit.threshold.'.length), measurements, about]);
      },
      { delivery: 'inline' },
    );
    const fill = (queue_depth: number) => {
      rig.pools = { default: pool('default', ['busy'], { queue_depth }) };
      return check(rig, 'queue_depth');
    };
    fill(50);
    fill(95);
    rig.now += 9000;
    expect(fill(0)).toMatchObject({
      status: 'error',
      message: 'Queue empty; still error for 1 s',
      why: expect.stringContaining('9 s ago'),
      remedy: 'None needed unless it comes again.',
    });
    rig.now += 1000;
    expect(fill(0)?.status).toBe('ok');
    expect(seen).toEqual([
      [
        'exceeded',
        { value: 0.5, threshold: 0.5 },
        { check: 'queue_depth', level: 'warning', pool_name: 'default' },
      ],
      [
        'exceeded',
        { value: 0.95, threshold: 0.9 },
        { check: 'queue_depth', level: 'error', pool_name: 'default' },
      ],
      ['recovered', { value: 0, threshold: 0.5 }, { check: 'queue_depth', pool_name: 'default' }],
    ]);
  });

  it('a value just below one that was passed says until when it counts', () => {
    const rig = bench([pool('default', ['busy'], { queue_depth: 50 })]);
    rig.health.getDetailedHealth();
    rig.pools = { default: pool('default', ['busy'], { queue_depth: 46 }) };
    rig.now += 60_000;
    expect(check(rig, 'queue_depth')).toMatchObject({
      status: 'warning',
      why: expect.stringContaining('warning from 50%, and until it is below 45%'),
    });
  });

  it('coming down from error to warning tells nothing, only leaving both does', () => {
    const rig = bench([pool('default', ['ready'])]);
    const seen: string[] = [];
    rig.bus.registerConsumer(
      'snakepit.threshold.*',
      ({ event_name, metadata }) => void seen.push(`${event_name.slice(19)} ${metadata.level}`),
      { delivery: 'inline' },
    );
    const statuses = [95, 60, 0].map((queue_depth) => {
      rig.pools = { default: pool('default', ['busy'], { queue_depth }) };
      rig.health.getDetailedHealth();
      rig.now += 10_000;
      return check(rig, 'queue_depth')?.status;
    });
    expect(statuses).toEqual(['error', 'warning', 'ok']);
    expect(seen).toEqual(['exceeded error', 'recovered undefined']);
  });

  it('a check that fails itself is an error by its name, and no other fails with it', () => {
    const rig = bench([pool('default', ['ready'])]);
    rig.pools = { default: { ...pool('default', ['ready']), workers: undefined as never } };
    const status = (name: string) => rig.health.statuses().find((each) => each.check === name)?.status;
    expect([status('worker_availability'), status('error_rate')]).toEqual(['error', 'ok']);
    expect(rig.health.checkReadiness().status).toBe('ok');
    expect(rig.health.checkHealth().status).toBe('ok');
  });

  it('a shutdown tells nothing any more', () => {
    const rig = bench([pool('default', ['ready'])]);
    rig.health.getDetailedHealth();
    rig.health.announceShutdown();
    let told = 0;
    rig.bus.registerConsumer('snakepit.**', () => void told++, { delivery: 'inline' });
    rig.pools = { default: pool('default', ['backoff'], { queue_depth: 100 }) };
    rig.health.getDetailedHealth();
    expect(told).toBe(0);
  });
});

describe('readiness.checks', () => {
  it('names the criteria that readiness heeds', () => {
    const options = { health: { readiness: { checks: ['error_rate' as const] } } };
    const failing = (rig: Bench) => {
      rig.complete('failure', 100);
      rig.health.getDetailedHealth();
      return rig.health.checkReadiness();
    };
    const heeded = failing(bench([pool('default', ['ready'])], options));
    expect([heeded.status, heeded.checks.at(-1)?.name]).toEqual(['error', 'error_rate']);
    expect(failing(bench([pool('default', ['ready'])])).status).toBe('ok');
  });
});

describe('liveness.failWhile', () => {
  it('fails in the phases named', () => {
    const options = { health: { liveness: { failWhile: ['starting' as const, 'draining' as const] } } };
    const rig = bench([pool('default', ['starting'])], options);
    expect(rig.health.checkHealth()).toMatchObject({
      status: 'error',
      checks: [{ name: 'core' }, { name: 'starting', why: expect.stringContaining('failWhile') }],
    });
    rig.pools = { default: pool('default', ['ready']) };
    expect(rig.health.checkHealth().status).toBe('ok');
    rig.health.announceShutdown();
    expect(rig.health.checkHealth().checks[1]?.name).toBe('draining');
  });
});

describe('the detailed report', () => {
  it('has figures over 1, 5 and 15 minutes, by pool and by command', () => {
    const rig = bench([pool('default', ['ready'])]);
    rig.now += 3_600_000;
    rig.complete('failure', 10, 100);
    rig.now += 240_000;
    rig.complete('success', 30, 10);
    const { rates, commands, requests } = rig.health.getDetailedHealth().pools.default as NonNullable<
      ReturnType<Bench['health']['getDetailedHealth']>['pools'][string]
    >;
    expect(requests).toBe(30);
    expect(rates['1m']).toMatchObject({
      requests: 30,
      requests_per_second: 0.5,
      error_rate: 0,
      avg_response_time_ms: 10,
    });
    expect(rates['5m']).toMatchObject({ requests: 40, error_rate: 0.25 });
    expect(rates['15m']).toMatchObject({ requests: 40, requests_per_second: 0.044 });
    expect(commands.predict?.['5m']).toMatchObject({ requests: 40, error_rate: 0.25 });
    rig.now += 720_000;
    expect(rig.health.getDetailedHealth().pools.default?.rates['15m'].requests).toBe(30);
    rig.now += 900_000;
    expect(rig.health.getDetailedHealth().pools.default?.commands.predict?.['15m'].requests).toBe(0);
  });

  it('does not grow with the commands callers invent', () => {
    const rig = bench([pool('default', ['ready'])]);
    const settle = (command: string, status: string) =>
      rig.bus.emit(
        'snakepit.request.completed',
        { duration_ms: 1 } as never,
        { pool_name: 'default', command, status, timestamp: rig.now } as never,
      );
    for (let i = 0; i < 500; i++) settle(`invented${i}`, 'rejected');
    expect(rig.health.getDetailedHealth().pools.default?.commands).toEqual({});
    for (let i = 0; i < 500; i++) settle(`real${i}`, 'success');
    const commands = rig.health.getDetailedHealth().pools.default?.commands ?? {};
    expect(Object.keys(commands)).toHaveLength(51);
    expect(commands['(other)']?.['1m'].requests).toBe(450);
  });

  it('remembers the last changes, the newest first, and no more than fifty', () => {
    const rig = bench([pool('default', ['ready'])]);
    rig.health.getDetailedHealth();
    for (let i = 0; i < 60; i++) {
      rig.now += 60_000;
      rig.pools = { default: pool('default', ['busy'], { queue_depth: i % 2 === 0 ? 95 : 0 }) };
      rig.health.getDetailedHealth();
    }
    const { history } = rig.health.getDetailedHealth();
    expect(history).toHaveLength(50);
    expect(history.slice(0, 2)).toMatchObject([
      { check: null, from: 'error', to: 'ok', why: 'every check is ok' },
      { check: 'queue_depth', from: 'error', to: 'ok', at: new Date(rig.now).toISOString() },
    ]);
  });
});

describe('telemetry', () => {
  it('shows the accounts of the consumers and the rules in force', () => {
    const rig = bench([pool('default', ['ready'])]);
    rig.complete('success', 3);
    rig.bus.setSamplingRate('snakepit.request.*', 0.25);
    rig.bus.setRateLimit('python.**', { perSecond: 5, key: 'command' });
    const told = rig.health.telemetry();
    expect(told).toMatchObject({
      sampling: { 'snakepit.request.*': 0.25 },
      rate_limits: { 'python.**': { per_second: 5, burst: null, key: 'command' } },
      keep: { per_second: 100, burst: 1000 },
      hold: { max_events: 4096, max_age_ms: 300_000 },
      logs: null,
    });
    expect(told.consumers.find(({ name }) => name === 'health')).toMatchObject({
      offered: 3,
      delivered: 3,
      pending: 0,
      circuit: 'closed',
    });
  });
});

describe('the options', () => {
  const refusal = (health: unknown): string => {
    try {
      resolveOptions({ pools: { default: { app: './app.py' } }, health } as never);
    } catch (error) {
      return (error as Error).message;
    }
    return 'accepted';
  };
  const criterion = (of: object) => ({ criteria: { error_rate: of } });

  it.each([
    [
      criterion({ warning: 0.5 }),
      'health.criteria.error_rate: got an object with warning; allowed: an error threshold not below the warning threshold, but error is 0.25 and warning 0.5 (what is not given has its default): raise error or lower warning.',
    ],
    [criterion({ warning: 0.3, error: 0.2 }), 'error is 0.2 and warning 0.3'],
    [
      criterion({ windowMs: -1 }),
      'health.criteria.error_rate.windowMs: got -1; allowed: a whole number from 1 to',
    ],
    [criterion({ dwellMs: -1 }), 'health.criteria.error_rate.dwellMs: got -1'],
    [
      { criteria: { eror_rate: {} } },
      "health.criteria.eror_rate is not an option. Did you mean 'error_rate'?",
    ],
    [{ readiness: { checks: ['latency'] } }, 'one of worker_availability, error_rate'],
    [{ liveness: { failWhile: ['tired'] } }, 'one of starting, draining'],
    [{ canary: { default: {} } }, 'health.canary.default.command is missing'],
    [{ canary: { nowhere: { command: 'x' } } }, 'health.canary.nowhere'],
    [{ checks: { timeoutMs: 0 } }, 'health.checks.timeoutMs: got 0'],
  ])('%j is refused with the key and what is allowed', (health, message) => {
    expect(refusal(health)).toContain(message);
  });

  it('take equal thresholds, and one level alone', () => {
    expect(refusal(criterion({ warning: 0.2, error: 0.2 }))).toBe('accepted');
    expect(refusal(criterion({ warning: 2, error: 2 }))).toBe('accepted');
  });
});
