import { describe, expect, it } from 'vitest';
import { bench, pool, worker } from './fixtures.ts';

describe('checkHealth', () => {
  it.each(['starting', 'running', 'draining'] as const)('is ok while %s', (state) => {
    const { health } = bench([pool('default', ['starting'], { state })]);
    expect(health.checkHealth()).toEqual({
      status: 'ok',
      checks: [{ name: 'core', status: 'ok', message: 'Answering, up 86400 s' }],
    });
  });

  it('is not once the core is closed or does not answer', () => {
    const rig = bench([pool('default', [], { state: 'closed' })]);
    expect(rig.health.checkHealth().status).toBe('error');
    rig.snapshot = () => {
      throw new Error('gone');
    };
    expect(rig.health.checkHealth().checks[0]?.why).toBe('gone');
  });
});

describe('startup', () => {
  it('lists the workers on their way', () => {
    const { health } = bench([pool('default', ['starting', 'backoff'], { state: 'starting' })]);
    const report = health.startup();
    expect(report).toMatchObject({ started: false, status: 'error' });
    expect(report.workers).toEqual([
      {
        pool_name: 'default',
        worker_slot: 0,
        worker_id: 'w0',
        phase: 'import',
        elapsed_ms: 12_345,
        deadline_ms: 300_000,
      },
    ]);
    expect(report.checks[0]?.why).toContain('1 waiting for the next start');
  });

  it('waits for every pool, and stays started whatever happens later', () => {
    const rig = bench([pool('a', ['ready']), pool('b', ['starting'])]);
    expect(rig.health.startup().started).toBe(false);
    rig.pools = { a: pool('a', ['backoff']), b: pool('b', ['ready']) };
    expect(rig.health.startup()).toMatchObject({ started: true, status: 'ok' });
    rig.pools = { a: pool('a', ['backoff']), b: pool('b', ['backoff']) };
    expect(rig.health.startup().started).toBe(true);
  });

  it('notices a worker that was ready only between two questions', () => {
    const rig = bench([pool('default', ['starting'])]);
    rig.bus.emit(
      'snakepit.worker.started',
      { startup_ms: 5 },
      { pid: 1, python_version: '3.11', codec: 'json', pool_name: 'default' },
    );
    rig.pools = { default: pool('default', ['backoff']) };
    expect(rig.health.startup().started).toBe(true);
  });
});

describe('workers and python', () => {
  it('has a row for every worker', () => {
    const { health } = bench([
      pool('default', ['busy'], {
        workers: [worker(0, 'busy', { current: { command: 'predict', request_id: 'r1', for_ms: 20 } })],
      }),
    ]);
    expect(health.workers()).toEqual([
      {
        pool_name: 'default',
        worker_id: 'w0',
        worker_slot: 0,
        state: 'busy',
        pid: 1000,
        address: null,
        phase: null,
        uptime_seconds: 12.345,
        requests: 7,
        in_flight: 1,
        memory_mb: 100,
        cpu_seconds: 1,
        restarts: 0,
        python_version: '3.11.7',
        codec: 'json',
        current: { command: 'predict', request_id: 'r1', for_ms: 20 },
        role: 'primary',
        heartbeat_ms_ago: 10,
        failures: 0,
        last_exit: null,
      },
    ]);
  });

  it('tells each pool’s interpreter and why it was chosen', () => {
    expect(bench([pool('default', ['ready'])]).health.python()).toEqual({
      default: { path: '/usr/bin/python3', reason: 'found on PATH', version: '3.11.7' },
    });
  });
});
