import { describe, expect, it } from 'vitest';
import { catalogEntries } from '../../../src/consumers/metrics/catalog.ts';
import { Feed } from '../../../src/consumers/metrics/feed/feed.ts';
import { metricCatalog } from '../../../src/consumers/metrics/index.ts';
import { RecordedFamilies } from '../../../src/consumers/metrics/record/recorded.ts';
import { complete, rig, snapshotOf } from './fixtures.ts';

const predict = { pool_name: 'default', command: 'predict' };
const started = { pid: 1, python_version: '3.11.7', codec: 'msgpack' } as const;

describe('the consumer', () => {
  it('is called metrics, and is offered only what it counts', () => {
    const { bus } = rig();
    for (const name of [
      'snakepit.request.queued',
      'snakepit.request.started',
      'snakepit.worker.busy',
      'snakepit.worker.idle',
      'my.own',
    ])
      bus.emit(name, {}, {});
    complete(bus);
    expect(bus.consumers()).toMatchObject([{ name: 'metrics', offered: 1, delivered: 1, pending: 0 }]);
    expect(bus.event('snakepit.request.started').wanted).toBe(false);
    expect(bus.event('snakepit.request.completed').wanted).toBe(true);
  });

  it('asks for exactly the events the catalogue names', () => {
    const setting = { maxSeries: 10, now: () => 0, onLimit: () => {} };
    const feed = new Feed(
      new RecordedFamilies(setting, {}),
      () => snapshotOf(),
      10,
      () => {},
    );
    const named = catalogEntries.flatMap(([, { from }]) => (from.kind === 'events' ? from.events : []));
    expect([...feed.wanted].sort()).toEqual([...new Set(named)].sort());
  });

  it('feeds every metric the catalogue says comes from events', async () => {
    const { bus, scrape } = rig();
    complete(bus, {
      measured: { peak_rss_mb: 1 },
      about: { attempts: 2, status: 'failure', code: 'python_exception', grpc_code: 'UNKNOWN' },
    });
    bus.emit('snakepit.request.slow', { duration_ms: 2, threshold_ms: 1 }, { ...predict, phase: 'running' });
    bus.emit('snakepit.worker.heartbeat_missed', { missed: 1, silent_ms: 1 }, { pool_name: 'default' });
    bus.emit('snakepit.stream.chunk', { bytes: 1, index: 0 }, predict);
    bus.emit('snakepit.stream.closed', { chunks: 1, first_chunk_ms: 1, duration_ms: 1 }, predict);
    bus.emit('snakepit.worker.started', { startup_ms: 1 }, { ...started, pool_name: 'default' });
    bus.emit('snakepit.worker.stopped', { uptime_ms: 1, requests: 0 }, { pool_name: 'default' });
    bus.emit('snakepit.session.expired', {}, { session_id: 's' });
    bus.emit('snakepit.session.accessed', { store_ms: 1 }, { session_id: 's', op: 'open' });
    const read = await scrape();
    for (const [name, { from, type }] of Object.entries(metricCatalog)) {
      if (from.kind !== 'events') continue;
      expect([name, read.sum(type === 'histogram' ? `${name}_count` : name)]).toEqual([name, 1]);
    }
  });

  it('counts events of our names that others emitted wrongly, and shows no NaN for them', async () => {
    const { bus, scrape } = rig();
    const emit = (name: string, measurements = {}, metadata = {}) =>
      bus.emit(name as 'x', measurements, metadata);
    emit('snakepit.request.completed');
    emit('snakepit.request.completed', {}, { ...predict, status: 'success' });
    emit(
      'snakepit.request.completed',
      { duration_ms: 'long' },
      { ...predict, status: 'success', attempts: {} },
    );
    emit('snakepit.request.completed', {}, { ...predict, status: '__proto__' });
    emit(
      'snakepit.request.completed',
      { duration_ms: 1, queue_time_ms: 0, python_ms: 0, python_cpu_ms: 0, bytes_in: 0 },
      { pool_name: 7, command: null, status: 'failure', code: 'no_such_code', attempts: 1 },
    );
    emit('snakepit.worker.started', {}, {});
    const read = await scrape();
    expect(read.value('snakepit_metrics_rejected_total', { reason: 'malformed_event' })).toBe(5);
    expect(
      read.value('snakepit_requests_total', {
        pool_name: '(unknown)',
        command: '(unknown)',
        status: 'failure',
      }),
    ).toBe(1);
    expect(read.value('snakepit_errors_total', { category: '(unknown)', code: '(unknown)' })).toBe(1);
    expect(read.samples.filter(({ value }) => Number.isNaN(value))).toEqual([]);
    expect(bus.consumers()[0]).toMatchObject({ offered: 6, delivered: 6, pending: 0 });
  });

  it('leaves the bus at close, and can be replaced', async () => {
    const first = rig();
    complete(first.bus);
    await first.metrics.close();
    await first.metrics.close();
    complete(first.bus);
    expect(first.bus.consumers()).toMatchObject([{ name: 'metrics', offered: 1 }]);
    expect((await first.scrape()).sum('snakepit_requests_total')).toBe(1);
    const second = rig({}, { bus: first.bus });
    complete(first.bus);
    expect((await second.scrape()).sum('snakepit_requests_total')).toBe(1);
  });

  it('can name several patterns, and gets an event that matches two of them once', () => {
    const { bus } = rig();
    const seen: string[] = [];
    const release = bus.registerConsumer(
      { patterns: ['snakepit.pool.*', ['snakepit', 'pool', 'stopped'], 'my.own'] },
      ({ event_name }) => seen.push(event_name),
      { delivery: 'inline', sampled: false },
    );
    const emitAll = () => {
      for (const name of ['snakepit.pool.stopped', 'my.own', 'my.other']) bus.emit(name, {}, {});
    };
    emitAll();
    release();
    emitAll();
    expect(seen).toEqual(['snakepit.pool.stopped', 'my.own']);
    expect(() => bus.registerConsumer({ patterns: ['a', '**.b'] }, () => {})).toThrow(TypeError);
  });

  it('cannot be on one bus twice', () => {
    const { bus } = rig();
    expect(() => rig({}, { bus })).toThrow("A consumer named 'metrics' is registered already");
  });
});
