import { describe, expect, it } from 'vitest';
import type { WorkerSnapshot } from '../../../src/events/index.ts';
import { complete, pool, rig, snapshotOf, worker } from './fixtures.ts';

const totals = (requests: number): Partial<WorkerSnapshot> => ({
  slot_requests_total: requests,
  slot_busy_seconds_total: requests / 10,
  slot_cpu_seconds_total: requests / 100,
});
const of = { pool_name: 'default' };

describe('levels of a pool', () => {
  it('status of each health check, as a number', async () => {
    const { scrape } = rig(
      {},
      {
        health: () => [
          { check: 'error_rate', status: 'warning' },
          { check: 'store', status: 'error' },
          { check: 'memory', status: 'ok' },
        ],
      },
    );
    const of = async (check: string) => (await scrape()).value('snakepit_health_status', { check });
    expect([await of('memory'), await of('error_rate'), await of('store')]).toEqual([0, 1, 2]);
  });

  it('are those of the snapshot', async () => {
    const { levels, scrape } = rig({}, { ready: () => true });
    levels.snapshot = () =>
      snapshotOf(
        pool('default', {
          workers_desired: 6,
          workers_by_state: { starting: 1, ready: 2, busy: 3, draining: 0, backoff: 4, quarantined: 0 },
          available_workers: 2,
          busy_workers: 3,
          slots: 10,
          slot_busy_seconds_total: 12.5,
          queue_depth: 7,
          queue_capacity: 100,
          requests_in_flight: 5,
          saturated_total: 8,
        }),
      );
    const read = await scrape();
    const single = {
      snakepit_pool_workers_desired: 6,
      snakepit_pool_available_workers: 2,
      snakepit_pool_busy_workers: 3,
      snakepit_pool_slots: 10,
      snakepit_pool_slot_busy_seconds_total: 12.5,
      snakepit_pool_queue_depth: 7,
      snakepit_pool_queue_capacity: 100,
      snakepit_requests_in_flight: 5,
      snakepit_pool_saturated_total: 8,
    };
    for (const [name, value] of Object.entries(single))
      expect([name, read.value(name, of)]).toEqual([name, value]);
    const states = read.all('snakepit_pool_workers').map(({ labels, value }) => [labels.state, value]);
    expect(Object.fromEntries(states)).toEqual({
      starting: 1,
      ready: 2,
      busy: 3,
      draining: 0,
      backoff: 4,
      quarantined: 0,
    });
    expect(read.find('snakepit_pool_info')?.labels).toEqual({
      ...of,
      transport: 'socket',
      codec: 'msgpack',
      python_version: '3.11.7',
    });
    expect(read.value('snakepit_uptime_seconds')).toBe(90.5);
    expect(read.find('snakepit_build_info')?.labels).toEqual({
      version: '0.1.0',
      node_version: process.version,
    });
    expect(read.value('snakepit_ready')).toBe(1);
  });

  it('say nothing of codec and Python before a worker has', async () => {
    const { levels, scrape } = rig();
    levels.snapshot = () => snapshotOf(pool('default', { codec: null, python_version: null }));
    expect((await scrape()).all('snakepit_pool_info')).toEqual([]);
    levels.snapshot = () => snapshotOf(pool('default', { codec: null }));
    expect((await scrape()).find('snakepit_pool_info')?.labels.codec).toBe('(unknown)');
  });
});

describe('readiness', () => {
  it('is 0, 1, or not there when nobody knows', async () => {
    let ready = false;
    const known = rig({}, { ready: () => ready });
    expect((await known.scrape()).value('snakepit_ready')).toBe(0);
    ready = true;
    expect((await known.scrape()).value('snakepit_ready')).toBe(1);
    expect((await rig().scrape()).value('snakepit_ready')).toBeUndefined();
  });
});

describe('slots', () => {
  const show = async ({ scrape }: ReturnType<typeof rig>, name = 'snakepit_worker_requests_total') =>
    Object.fromEntries((await scrape()).all(name).map(({ labels, value }) => [labels.worker_slot, value]));

  it('go on counting across restarts', async () => {
    const it_ = rig();
    it_.levels.snapshot = () =>
      snapshotOf(pool('default', { workers: [worker(0, totals(10)), worker(1, totals(20))] }));
    expect(await show(it_)).toEqual({ 0: 10, 1: 20 });
    expect(await show(it_, 'snakepit_worker_busy_seconds_total')).toEqual({ 0: 1, 1: 2 });
    expect(await show(it_, 'snakepit_worker_cpu_seconds_total')).toEqual({ 0: 0.1, 1: 0.2 });
    it_.levels.snapshot = () =>
      snapshotOf(
        pool('default', { workers: [worker(0, { ...totals(11), id: 'another' }), worker(1, totals(20))] }),
      );
    expect(await show(it_)).toEqual({ 0: 11, 1: 20 });
  });

  it('that are no more add up under gone', async () => {
    const it_ = rig();
    it_.levels.snapshot = () =>
      snapshotOf(
        pool('default', {
          workers: [worker(0, totals(10))],
          gone_slots: { requests_total: 25, busy_seconds_total: 2.5, cpu_seconds_total: 0.25 },
        }),
      );
    expect(await show(it_)).toEqual({ 0: 10, gone: 25 });
    expect(await show(it_, 'snakepit_worker_busy_seconds_total')).toEqual({ 0: 1, gone: 2.5 });
    expect(await show(it_, 'snakepit_worker_cpu_seconds_total')).toEqual({ 0: 0.1, gone: 0.25 });
  });

  it('lose their gauges with the worker', async () => {
    const it_ = rig();
    it_.levels.snapshot = () =>
      snapshotOf(
        pool('default', {
          workers: [
            worker(0, { memory_bytes: 2048 }),
            worker(1, { memory_bytes: null }),
            worker(2, { id: null, state: 'backoff', memory_bytes: 4096 }),
          ],
        }),
      );
    expect(await show(it_, 'snakepit_worker_memory_bytes')).toEqual({ 0: 2048 });
    expect(Object.keys(await show(it_))).toEqual(['0', '1', '2']);
  });

  it('of two pools are kept apart', async () => {
    const it_ = rig();
    it_.levels.snapshot = () =>
      snapshotOf(
        pool('a', { workers: [worker(0, totals(1))] }),
        pool('b', { workers: [worker(0, totals(2))] }),
      );
    const read = await it_.scrape();
    expect(read.value('snakepit_worker_requests_total', { pool_name: 'a', worker_slot: '0' })).toBe(1);
    expect(read.value('snakepit_worker_requests_total', { pool_name: 'b', worker_slot: '0' })).toBe(2);
  });
});

describe('the bus', () => {
  it('is read at the scrape: every event, wanted or not', async () => {
    const { bus, scrape } = rig();
    complete(bus);
    bus.emit('snakepit.request.queued', { queue_size: 1 }, {});
    bus.emit('snakepit.request.queued', { queue_size: 1 }, {});
    bus.emit('not a name');
    const read = await scrape();
    expect(read.value('snakepit_events_total', { event: 'snakepit.request.queued' })).toBe(2);
    expect(read.value('snakepit_events_total', { event: 'snakepit.request.completed' })).toBe(1);
    expect(read.value('snakepit_events_malformed_total')).toBe(1);
  });

  it('accounts for every event offered to a consumer', async () => {
    const { bus, scrape } = rig();
    bus.registerConsumer(
      'snakepit.**',
      {
        name: 'moody "one"\n',
        handle: ({ measurements }) => {
          if ((measurements.duration_ms as number) > 100) throw new Error('too long');
        },
      },
      { delivery: 'inline', sampled: false },
    );
    for (let i = 0; i < 10; i++) complete(bus, { measured: { duration_ms: i * 25 } });
    const read = await scrape();
    const consumer = 'moody "one"\n';
    const dropped = read.value('snakepit_events_dropped_total', { consumer, reason: 'failed' }) ?? Number.NaN;
    expect(dropped).toBeGreaterThanOrEqual(5);
    for (const { labels } of read.all('snakepit_events_offered_total')) {
      const sum = (name: string) => read.sum(name, { consumer: labels.consumer as string });
      expect(sum('snakepit_events_offered_total')).toBe(
        sum('snakepit_events_delivered_total') +
          sum('snakepit_events_dropped_total') +
          sum('snakepit_events_pending'),
      );
    }
  });
});
