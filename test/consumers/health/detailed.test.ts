import { describe, expect, it } from 'vitest';
import { bench, pool, worker } from './fixtures.ts';

const check = (report: { checks: readonly { name: string }[] }, name: string) =>
  report.checks.find((each) => each.name === name);

describe('getDetailedHealth', () => {
  it("is the design's report", () => {
    const rig = bench([pool('default', [...Array(8).fill('ready'), 'busy', 'busy'])]);
    rig.now += 10_000;
    rig.complete('success', 98, 150);
    rig.complete('failure', 2, 150);
    const report = rig.health.getDetailedHealth();
    expect(report.status).toBe('ok');
    expect(report.timestamp).toBe('2025-01-15T10:30:10.000Z');
    expect(report.pools.default).toMatchObject({
      total_workers: 10,
      available_workers: 8,
      busy_workers: 2,
      queue_size: 0,
      error_rate: 0.02,
      avg_response_time_ms: 150,
      requests: 100,
      requests_per_second: 10,
    });
    for (const name of ['p50', 'p95', 'p99'] as const) {
      const value = report.pools.default?.[`${name}_response_time_ms`] as number;
      expect(Math.abs(value - 150)).toBeLessThan(150 / 8);
    }
    expect(report.checks).toEqual([
      { name: 'worker_availability', status: 'ok', message: '8/10 workers available' },
      { name: 'error_rate', status: 'ok', message: 'Error rate 2% below threshold' },
      { name: 'queue_depth', status: 'ok', message: 'Queue empty' },
      {
        name: 'response_time',
        status: 'ok',
        message: expect.stringMatching(/^Response time \d+ ms \(p95\)/),
      },
      { name: 'memory', status: 'ok', message: 'No memory limit is set' },
      { name: 'event_loop_lag', status: 'ok', message: 'Event loop 1 ms late (p99)' },
      { name: 'worker_restarts', status: 'ok', message: 'No worker died in 300 s' },
      { name: 'observability', status: 'ok', message: 'Every consumer gets its events' },
    ]);
    expect(report.workers).toHaveLength(10);
    expect(JSON.parse(JSON.stringify(report))).toEqual(report);
  });

  it('counts this process, its workers and its sockets', () => {
    const { health } = bench([pool('default', ['ready', 'starting', 'backoff'])]);
    const { system } = health.getDetailedHealth();
    expect(system.process_count).toBe(3);
    expect(system.uptime_seconds).toBe(86_400);
    expect(system.memory_mb).toBeGreaterThan(300);
    for (const value of Object.values(system)) expect(value).toBeGreaterThanOrEqual(0);
    expect(Object.keys(system)).toEqual([
      ...['memory_mb', 'process_count', 'port_count', 'uptime_seconds'],
      ...['cpu_ratio', 'event_loop_lag_ms'],
    ]);
  });

  it('names the pools where there are several', () => {
    const { health } = bench([pool('a', ['ready']), pool('b', ['ready', 'busy'])]);
    expect(check(health.getDetailedHealth(), 'worker_availability')).toEqual({
      name: 'worker_availability',
      status: 'ok',
      message: 'a: 1/1 workers available; b: 1/2 workers available',
    });
  });

  it('keeps the figures of pools apart and ignores pools nobody configured', () => {
    const rig = bench([pool('a', ['ready']), pool('b', ['ready'])]);
    rig.complete('success', 3, 10, 'a');
    rig.complete('failure', 4, 10, 'b');
    rig.complete('rejected', 5, 10, '(unknown)');
    const { pools } = rig.health.getDetailedHealth();
    expect(pools.a).toMatchObject({ requests: 3, error_rate: 0 });
    expect(pools.b).toMatchObject({ requests: 4, error_rate: 1 });
    expect(Object.keys(pools)).toEqual(['a', 'b']);
  });

  it('shows nothing of what is over', () => {
    const rig = bench([pool('default', ['ready'])]);
    rig.complete('failure', 100);
    expect(rig.health.getDetailedHealth().pools.default?.error_rate).toBe(1);
    rig.now += 60_000;
    expect(rig.health.getDetailedHealth().pools.default).toMatchObject({
      requests: 0,
      requests_per_second: 0,
      error_rate: 0,
      avg_response_time_ms: 0,
      p99_response_time_ms: 0,
    });
  });

  it('answers even when the core does not', () => {
    const rig = bench([pool('default', ['ready'])]);
    rig.snapshot = () => {
      throw new Error('gone');
    };
    expect(rig.health.getDetailedHealth()).toMatchObject({ status: 'error', pools: {}, workers: [] });
  });
});

describe('worker_availability', () => {
  const status = (...args: Parameters<typeof pool>) => {
    const { health } = bench([pool(...args)]);
    return check(health.getDetailedHealth(), 'worker_availability');
  };

  it('warns of a start under way, and is an error once one failed', () => {
    const start_error = { error_type: 'X', error_message: 'no torch', timestamp: '2025-01-15T10:30:00Z' };
    expect(status('default', ['starting'])).toMatchObject({ status: 'warning' });
    expect(status('default', ['starting'], { start_error })).toMatchObject({
      status: 'error',
      why: expect.stringContaining('no torch'),
    });
  });

  it('is an error when workers are lost after the start', () => {
    const rig = bench([pool('default', ['ready'])]);
    rig.health.getDetailedHealth();
    rig.pools = { default: pool('default', ['starting']) };
    expect(check(rig.health.getDetailedHealth(), 'worker_availability')).toMatchObject({ status: 'error' });
  });

  it('warns of a slot that waits after a failure, of draining; closed is an error', () => {
    expect(status('default', ['ready', 'backoff'])).toMatchObject({
      status: 'warning',
      message: '1/2 workers available',
      why: expect.stringContaining('1 waiting for the next start'),
    });
    expect(status('default', ['ready'], { state: 'draining' })).toMatchObject({ status: 'warning' });
    expect(status('default', [], { state: 'closed' })).toMatchObject({ status: 'error' });
  });

  it('does not mind every worker being busy', () => {
    expect(status('default', ['busy', 'busy'])).toMatchObject({
      status: 'ok',
      message: '0/2 workers available',
    });
  });

  it('tells of workers configured below minWorkers', () => {
    const pools = { default: { app: './app.py', workers: 1, minWorkers: 2 } };
    const one = pool('default', ['ready'], { workers: [worker(0, 'ready')] });
    const { health } = bench([one], { pools });
    expect(check(health.getDetailedHealth(), 'worker_availability')).toMatchObject({
      remedy: 'Set pools.default.workers to at least minWorkers (2).',
    });
  });
});

describe('error_rate', () => {
  const judge = (complete: (rig: ReturnType<typeof bench>) => void) => {
    const rig = bench([pool('default', ['ready'])]);
    complete(rig);
    return check(rig.health.getDetailedHealth(), 'error_rate');
  };

  it('judges nothing below minVolume', () => {
    expect(judge((rig) => rig.complete('failure', 19))).toEqual({
      name: 'error_rate',
      status: 'ok',
      message: 'Error rate not judged: 19 requests in 60 s, 20 needed',
    });
  });

  it('warns and fails from its thresholds on, with figures', () => {
    const warning = judge((rig) => {
      rig.complete('success', 95);
      rig.complete('failure', 3);
      rig.complete('timeout', 2);
    });
    expect(warning).toEqual({
      name: 'error_rate',
      status: 'warning',
      message: 'Error rate 5%, warning from 5%',
      why: '5 of 100 requests in 60 s failed (failure 3, timeout 2)',
      remedy: expect.stringContaining('Handlers raise'),
    });
    const error = judge((rig) => {
      rig.complete('success', 75);
      rig.complete('crashed', 25);
    });
    expect(error).toMatchObject({ status: 'error', remedy: expect.stringContaining('Workers die') });
  });

  it('counts neither cancelled nor rejected', () => {
    const found = judge((rig) => {
      rig.complete('success', 100);
      rig.complete('cancelled', 100);
      rig.complete('rejected', 100);
    });
    expect(found).toMatchObject({ status: 'ok', message: 'Error rate 0% below threshold' });
  });
});

describe('queue_depth', () => {
  const at = (queue_depth: number) => {
    const { health } = bench([pool('default', ['busy'], { queue_depth })]);
    return check(health.getDetailedHealth(), 'queue_depth');
  };

  it('goes by the fill of the queue', () => {
    expect(at(10)).toEqual({ name: 'queue_depth', status: 'ok', message: '10 of 100 waiting (10%)' });
    expect(at(50)).toMatchObject({
      status: 'warning',
      why: '50 requests wait, warning from 50%; 1 of 1 worker busy, 1 requests in flight',
    });
    expect(at(90)).toMatchObject({ status: 'error', remedy: expect.stringContaining('queue_full') });
  });
});
