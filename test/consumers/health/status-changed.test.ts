import { describe, expect, it } from 'vitest';
import { bench, pool, settled } from './fixtures.ts';

const crashed = (rig: ReturnType<typeof bench>) =>
  rig.bus.emit(
    'snakepit.worker.crashed',
    { uptime_ms: 1, requests: 1, in_flight: 0 },
    {
      pool_name: 'default',
      reason: 'crashed',
      code: 'worker_crashed',
      category: 'worker',
      message: 'killed',
      retryable: false,
      error: { error_type: 'WorkerCrashed', error_message: 'killed', timestamp: '2025-01-15T10:30:00Z' },
    },
  );

describe('snakepit.health.status_changed', () => {
  it('comes when a lifecycle event changed the status, after the levels followed', async () => {
    const rig = bench([pool('default', ['ready'])]);
    rig.health.getDetailedHealth();
    crashed(rig);
    rig.pools = { default: pool('default', ['backoff']) };
    await settled();
    expect(rig.changes).toEqual(['ok→error']);
    expect(rig.changeEvents[0]?.metadata.why).toContain('worker_availability: 0 workers past the start');
    rig.pools = { default: pool('default', ['ready']) };
    rig.health.getDetailedHealth();
    expect(rig.changes).toEqual(['ok→error']);
    rig.now += 10_000;
    rig.health.getDetailedHealth();
    expect(rig.changes).toEqual(['ok→error', 'error→ok']);
    expect(rig.changeEvents[1]?.metadata.why).toBe('every check is ok');
  });

  it('does not come without a change, nor for the first look', async () => {
    const rig = bench([pool('default', ['starting'])]);
    rig.health.getDetailedHealth();
    rig.health.getDetailedHealth();
    crashed(rig);
    crashed(rig);
    await settled();
    expect(rig.changes).toEqual([]);
  });

  it('is looked for at most once a second while requests complete', async () => {
    const rig = bench([pool('default', ['ready'])]);
    let looks = 0;
    const { snapshot } = rig;
    rig.snapshot = () => {
      looks++;
      return snapshot();
    };
    for (let i = 0; i < 100; i++) {
      rig.complete('failure', 10);
      rig.now += 20;
      await settled();
    }
    expect(looks).toBeLessThanOrEqual(3);
    expect(looks).toBeGreaterThanOrEqual(2);
  });

  it('comes when requests begin to fail', async () => {
    const rig = bench([pool('default', ['ready'])]);
    rig.complete('success', 100);
    await settled();
    rig.now += 1000;
    rig.complete('failure', 100);
    await settled();
    rig.now += 1000;
    rig.complete('failure', 1);
    await settled();
    expect(rig.changes).toEqual(['ok→error']);
  });

  it('is found by a question, when nothing happens any more', () => {
    const rig = bench([pool('default', ['ready'])]);
    rig.complete('failure', 100);
    rig.health.getDetailedHealth();
    rig.now += 60_000;
    rig.health.checkHealth();
    expect(rig.changes).toEqual(['error→ok']);
  });

  it('survives a core that fails to answer in between', async () => {
    const rig = bench([pool('default', ['ready'])]);
    rig.health.getDetailedHealth();
    rig.snapshot = () => {
      throw new Error('gone');
    };
    crashed(rig);
    await settled();
    expect(rig.changes).toEqual(['ok→error']);
    expect(rig.changeEvents[0]?.metadata.why).toBe('core: gone');
  });
});

describe('as a consumer', () => {
  it('wants no event that comes with every request but the last one', () => {
    const { bus } = bench([pool('default', ['ready'])]);
    const wanted = (name: string) => bus.event(name).wanted;
    expect(wanted('snakepit.request.completed')).toBe(true);
    for (const name of ['request.queued', 'request.started', 'worker.busy', 'worker.idle', 'stream.chunk']) {
      expect(wanted(`snakepit.${name}`)).toBe(false);
    }
  });

  it('takes events of any content without failing', () => {
    const { bus, health } = bench([pool('default', ['ready'])]);
    for (const name of ['snakepit.request.completed', 'snakepit.worker.crashed', 'snakepit.pool.saturated']) {
      bus.emit(name);
      bus.emit(name, { duration_ms: 'long' }, { pool_name: 'default', status: {}, timestamp: Number.NaN });
      bus.emit(name, {}, { pool_name: Symbol('x') });
    }
    expect(bus.consumers().find((consumer) => consumer.name === 'health')).toMatchObject({
      offered: 9,
      delivered: 9,
    });
    expect(health.getDetailedHealth().pools.default?.error_rate).toBe(0);
  });

  it('leaves the bus on close and looks no more', async () => {
    const rig = bench([pool('default', ['ready'])]);
    rig.health.getDetailedHealth();
    crashed(rig);
    rig.health.close();
    rig.pools = { default: pool('default', ['backoff']) };
    await settled();
    expect(rig.changes).toEqual([]);
    expect(rig.bus.event('snakepit.request.completed').wanted).toBe(false);
    expect(rig.health.checkReadiness().status).toBe('error');
  });
});
