import { describe, expect, it } from 'vitest';
import { bench, pool } from './fixtures.ts';

const readiness = (policy: 'any' | 'all' | 'critical', whenSaturated: 'ready' | 'not_ready' = 'ready') => ({
  health: { readiness: { policy, whenSaturated } },
});

describe('checkReadiness', () => {
  it('is ready with a worker past its start, idle or busy', () => {
    expect(bench([pool('default', ['ready'])]).health.checkReadiness().status).toBe('ok');
    expect(bench([pool('default', ['busy'])]).health.checkReadiness()).toEqual({
      status: 'ok',
      checks: [{ name: 'pool:default', status: 'ok', message: '1 worker past the start' }],
      load: { default: { queue_size: 0, queue_capacity: 100, busy_workers: 1, saturated: false } },
    });
  });

  it('says why it is not, and what would mend it', () => {
    const { health } = bench([pool('default', ['starting', 'backoff'])]);
    const { status, checks } = health.checkReadiness();
    expect(status).toBe('error');
    expect(checks[0]).toEqual({
      name: 'pool:default',
      status: 'error',
      message: '0 workers past the start, 1 needed',
      why: '0 workers past the start, 1 needed; 1 starting (import for 12.3 s of 300 s); 1 waiting for the next start',
      remedy: expect.stringContaining('starts workers by itself'),
    });
  });

  it('shows the failed start', () => {
    const start_error = {
      error_type: 'WorkerStartFailed',
      error_message: "ModuleNotFoundError: No module named 'torch'",
      timestamp: '2025-01-15T10:30:00.000Z',
    };
    const { health } = bench([pool('default', ['backoff'], { start_error })]);
    const [check] = health.checkReadiness().checks;
    expect(check?.why).toContain("No module named 'torch'");
    expect(check?.remedy).toContain('Mend the failed start');
  });

  it('is asked anew each time', () => {
    const rig = bench([pool('default', ['ready'])]);
    expect(rig.health.checkReadiness().status).toBe('ok');
    rig.pools = { default: pool('default', ['backoff']) };
    expect(rig.health.checkReadiness().status).toBe('error');
    rig.pools = { default: pool('default', ['ready']) };
    expect(rig.health.checkReadiness().status).toBe('ok');
  });

  it('needs as many workers as minWorkers says', () => {
    const pools = { default: { app: './app.py', workers: 3, minWorkers: 2 } };
    expect(bench([pool('default', ['ready', 'starting'])], { pools }).health.checkReadiness().status).toBe(
      'error',
    );
    expect(bench([pool('default', ['ready', 'busy'])], { pools }).health.checkReadiness().status).toBe('ok');
  });

  it('does not take drained workers for ready ones', () => {
    const { health } = bench([pool('default', ['draining'])]);
    expect(health.checkReadiness().checks[0]?.why).toContain('1 draining');
    expect(health.checkReadiness().status).toBe('error');
  });

  describe.each([
    ['all', { up: 'error', down: 'error' }],
    ['any', { up: 'warning', down: 'error' }],
  ] as const)('under %s', (policy, expected) => {
    it('judges one pool down', () => {
      const { health } = bench([pool('a', ['ready']), pool('b', ['backoff'])], readiness(policy));
      expect(health.checkReadiness().status).toBe(expected.up);
    });
    it('judges all pools down', () => {
      const { health } = bench([pool('a', ['starting']), pool('b', ['backoff'])], readiness(policy));
      expect(health.checkReadiness().status).toBe(expected.down);
    });
  });

  it('needs only critical pools under critical', () => {
    const pools = { a: { app: './a.py' }, b: { app: './b.py', critical: false } };
    const options = { ...readiness('critical'), pools };
    const without = bench([pool('a', ['ready']), pool('b', ['backoff'])], options).health.checkReadiness();
    expect(without.status).toBe('warning');
    expect(without.checks[1]?.message).toContain("not needed under 'critical'");
    expect(
      bench([pool('a', ['backoff']), pool('b', ['ready'])], options).health.checkReadiness().status,
    ).toBe('error');
  });

  it('stays ready when saturated, with the load to see', () => {
    const full = pool('default', ['busy'], { queue_depth: 100 });
    const report = bench([full]).health.checkReadiness();
    expect(report.status).toBe('warning');
    expect(report.checks[0]?.why).toContain('100% full and 1 worker busy');
    expect(report.load).toEqual({
      default: { queue_size: 100, queue_capacity: 100, busy_workers: 1, saturated: true },
    });
  });

  it('is not ready when saturated, where that is asked for, until the queue falls below half', () => {
    const level = (queue_depth: number) => ({ default: pool('default', ['busy'], { queue_depth }) });
    const rig = bench([pool('default', ['busy'])], readiness('all', 'not_ready'));
    const status = (depth: number) => {
      rig.pools = level(depth);
      return rig.health.checkReadiness().status;
    };
    expect(status(99)).toBe('ok');
    expect(status(100)).toBe('error');
    rig.bus.emit(
      'snakepit.pool.saturated',
      { queue_size: 100, queue_capacity: 100, busy_workers: 1, available_workers: 0 },
      { pool_name: 'default' },
    );
    expect(status(60)).toBe('error');
    expect(status(49)).toBe('ok');
    expect(status(60)).toBe('ok');
  });

  it('is not ready while draining or closed', () => {
    for (const state of ['draining', 'closed'] as const) {
      const { health } = bench([pool('default', ['ready'], { state })]);
      expect(health.checkReadiness().status).toBe('error');
    }
  });

  it('is not ready once a shutdown is announced, though it serves', () => {
    const { health } = bench([pool('default', ['ready'])]);
    health.announceShutdown();
    const { status, checks } = health.checkReadiness();
    expect(status).toBe('error');
    expect(checks.map((check) => [check.name, check.status])).toEqual([
      ['shutdown', 'error'],
      ['pool:default', 'ok'],
    ]);
    expect(health.checkHealth().status).toBe('ok');
  });

  it('is not ready before the core knows its pools, nor when it does not answer', () => {
    const rig = bench([pool('default', ['ready'])]);
    rig.pools = {};
    expect(rig.health.checkReadiness().checks[0]?.why).toBe('the pool has not begun to start');
    rig.snapshot = () => {
      throw new Error('gone');
    };
    expect(rig.health.checkReadiness().checks[0]).toMatchObject({
      name: 'core',
      status: 'error',
      why: 'gone',
    });
  });
});
