import { describe, expect, it } from 'vitest';
import { catalogEntries } from '../../../src/consumers/metrics/catalog.ts';
import type { PoolSnapshot } from '../../../src/events/index.ts';
import { requirePythonModule, requireTool } from '../../support/tools.ts';
import { command, complete, failure, MOMENT, pool, rig, snapshotOf, worker } from './fixtures.ts';
import { promtoolFaults, strictFamilies } from './oracles.ts';

const OPENMETRICS = 'application/openmetrics-text;version=1.0.0';

/** Everything the catalogue has, at values that never change. */
const everything = () => {
  const of = rig(
    { maxSeries: 400 },
    {
      ready: () => true,
      health: () => [
        { check: 'worker_availability', status: 'ok' },
        { check: 'error_rate', status: 'warning' },
        { check: 'store', status: 'error' },
      ],
      canaryLeaks: () => 0,
      logs: () => ({ writeErrors: 1, losses: { overflow: 3, unwritable: 1 }, refusedHeaders: 2 }),
      reload: () => ({ successful: true, success_at: MOMENT }),
      environment: { OTEL_SERVICE_NAME: 'shop', OTEL_RESOURCE_ATTRIBUTES: 'deployment.environment=test' },
    },
  );
  const { bus, levels, metrics } = of;
  let gone: PoolSnapshot['gone_slots'] = null;
  let workers = [
    worker(0, {
      slot_requests_total: 9,
      slot_busy_seconds_total: 0.9,
      slot_cpu_seconds_total: 0.5,
      slot_gc_collections_total: 3,
      readings: { threads: 4, open_fds: 11 },
    }),
    worker(1, {
      slot_gc_collections_total: 2,
      readings: { threads: 4, open_fds: 11 },
      address: '10.0.0.7:7000',
    }),
  ];
  levels.snapshot = () =>
    snapshotOf(
      pool('default', {
        commands: [command('predict'), command('generate')],
        workers,
        gone_slots: gone,
        circuit: 'closed',
      }),
    );
  const about = { pool_name: 'default' };
  bus.emit(
    'snakepit.worker.started',
    { startup_ms: 1200 },
    { ...about, pid: 1, python_version: '3.11.7', codec: 'msgpack' },
  );
  bus.emit(
    'snakepit.worker.start_failed',
    { startup_ms: 5 },
    { ...about, ...failure('worker_start_failed') },
  );
  complete(bus, { measured: { peak_rss_mb: 100 }, about: { grpc_code: 'OK' } });
  bus.emit(
    'snakepit.request.slow',
    { duration_ms: 30, threshold_ms: 25 },
    { ...about, command: 'predict', phase: 'running' },
  );
  bus.emit('snakepit.worker.heartbeat_missed', { missed: 1, silent_ms: 2000 }, about);
  complete(bus, {
    measured: { duration_ms: 4 },
    about: { status: 'failure', code: 'python_exception', request_id: 'req_2' },
  });
  complete(bus, { about: { command: 'nosuch', status: 'rejected', code: 'unknown_command', attempts: 0 } });
  bus.emit('snakepit.stream.chunk', { bytes: 1, index: 0 }, { ...about, command: 'generate' });
  bus.emit(
    'snakepit.stream.closed',
    { chunks: 1, first_chunk_ms: 8, duration_ms: 9 },
    { ...about, command: 'generate', timestamp: 1.7e12, request_id: 'req_3' },
  );
  bus.emit('snakepit.session.expired', {}, { session_id: 's-1' });
  bus.emit('snakepit.session.deleted', {}, { session_id: 's-2', reason: 'evicted' });
  bus.emit('snakepit.session.accessed', { store_ms: 0.4 }, { ...about, session_id: 's-3', op: 'open' });
  metrics.registerMetric({
    type: 'gauge',
    name: 'app_temperature_celsius',
    help: 'Of the room.',
    labels: ['room'],
    unit: 'celsius',
  });
  metrics.registerMetric({ type: 'summary', name: 'app_wait_seconds', help: 'Waited.', unit: 'seconds' });
  for (let i = 1; i <= 100; i++) metrics.observeSummary('app_wait_seconds', {}, i);
  for (let i = 0; i < 401; i++)
    metrics.updateGauge('app_temperature_celsius', { room: String(i % 3 === 0 ? 'a' : i) }, 20);
  for (let i = 0; i < 401; i++) metrics.updateGauge('app_temperature_celsius', { room: `more ${i}` }, 20);
  return {
    ...of,
    shrink: () => {
      workers = workers.slice(1);
      gone = { requests_total: 9, busy_seconds_total: 0.9, cpu_seconds_total: 0.5, gc_collections_total: 3 };
    },
  };
};

/** What depends on the Node that runs the tests, and the application's many series, are taken out. */
const stable = (body: string) =>
  body
    .replace(process.version, 'v0.0.0')
    .replace(/(event_loop_seconds_total\{.*\}) .*/g, '$1 1')
    .split('\n')
    .filter((line) => !/^app_temperature_celsius\{room="(?!a"|\(other\))/.test(line))
    .join('\n');

describe('the whole exposition', () => {
  it('reads exactly so as Prometheus text', async () => {
    const { metrics, scrape, shrink } = everything();
    await scrape();
    shrink();
    await expect(stable((await metrics.render()).text)).toMatchFileSnapshot('golden/whole.txt');
  });

  it('reads exactly so as OpenMetrics', async () => {
    const { metrics, scrape, shrink } = everything();
    await scrape();
    shrink();
    await expect(stable((await metrics.render(OPENMETRICS)).text)).toMatchFileSnapshot(
      'golden/whole.openmetrics.txt',
    );
  });

  it('has every metric of the catalogue', async () => {
    const { scrape } = everything();
    const types = (await scrape()).types;
    for (const [name, { type }] of catalogEntries)
      expect([name, types.get(name)]).toEqual([name, type === 'info' ? 'gauge' : type]);
  });

  it.skipIf(!requireTool('promtool'))('pleases promtool, naming included', async () => {
    const { metrics } = everything();
    expect(promtoolFaults((await metrics.render()).text)).toBe('');
  });

  it.skipIf(!requirePythonModule('prometheus_client'))(
    'pleases the strict parser, which reads what the catalogue says',
    async () => {
      const { metrics } = everything();
      const families = strictFamilies((await metrics.render(OPENMETRICS)).text);
      const read = new Map(families.map(({ name, type, unit, help }) => [name, { type, unit, help }]));
      for (const [name, { type, unit = '', help }] of catalogEntries) {
        const family =
          type === 'counter'
            ? name.slice(0, -'_total'.length)
            : type === 'info'
              ? name.slice(0, -'_info'.length)
              : name;
        expect([family, read.get(family)]).toEqual([family, { type, unit, help }]);
      }
    },
  );

  it('never has an id for a label', async () => {
    const { scrape } = everything();
    const labels = new Set((await scrape()).samples.flatMap((sample) => Object.keys(sample.labels)));
    for (const label of labels) expect(label).not.toMatch(/(^|_)(id|pid)$/);
  });
});
