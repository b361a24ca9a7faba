import { describe, expect, it } from 'vitest';
import { codeSpec, type ErrorCode, errorCodes, type RequestStatus } from '../../../src/errors/index.ts';
import { command, complete, failure, pool, rig, snapshotOf } from './fixtures.ts';

const predict = { pool_name: 'default', command: 'predict' };
const started = { pid: 1, python_version: '3.11.7', codec: 'msgpack' } as const;

describe('a request that ended', () => {
  it('is counted by pool, command and status, its times in seconds', async () => {
    const { bus, scrape } = rig();
    complete(bus);
    complete(bus, { measured: { duration_ms: 2500 }, about: { command: 'embed' } });
    const read = await scrape();
    expect(read.value('snakepit_requests_total', { ...predict, status: 'success' })).toBe(1);
    expect(read.value('snakepit_requests_total', { command: 'embed', status: 'success' })).toBe(1);
    expect(read.value('snakepit_request_duration_seconds_sum', predict)).toBe(0.15);
    expect(read.value('snakepit_request_queue_wait_seconds_sum', predict)).toBe(0.025);
    expect(read.value('snakepit_request_python_seconds_sum', predict)).toBe(0.1);
    expect(read.value('snakepit_request_python_cpu_seconds_sum', predict)).toBe(0.04);
    expect(read.value('snakepit_request_duration_seconds_bucket', { command: 'embed', le: '1' })).toBe(0);
    expect(read.value('snakepit_request_duration_seconds_bucket', { command: 'embed', le: '5' })).toBe(1);
  });

  it('has the buckets of the design and two beyond', async () => {
    const { bus, scrape } = rig();
    complete(bus);
    const bounds = (await scrape())
      .all('snakepit_request_duration_seconds_bucket')
      .map(({ labels }) => labels.le);
    expect(bounds).toEqual([
      '0.001',
      '0.005',
      '0.01',
      '0.05',
      '0.1',
      '0.5',
      '1',
      '5',
      '10',
      '30',
      '60',
      '+Inf',
    ]);
  });

  it.each<[ErrorCode, RequestStatus, boolean]>([
    ['python_exception', 'failure', true],
    ['timeout', 'timeout', true],
    ['queue_timeout', 'timeout', true],
    ['cancelled', 'cancelled', true],
    ['worker_crashed', 'crashed', true],
    ['queue_full', 'rejected', false],
  ])('with %s counts as %s, timed: %s', async (code, status, timed) => {
    const { bus, scrape } = rig();
    complete(bus, { measured: { python_ms: 0, python_cpu_ms: 0 }, about: { status, code } });
    const read = await scrape();
    expect(read.value('snakepit_requests_total', { ...predict, status })).toBe(1);
    expect(read.sum('snakepit_requests_total')).toBe(1);
    expect(read.value('snakepit_request_duration_seconds_count', predict)).toBe(timed ? 1 : undefined);
    expect(read.value('snakepit_request_queue_wait_seconds_count', predict)).toBe(timed ? 1 : undefined);
    const { category } = codeSpec(code);
    expect(read.value('snakepit_errors_total', { pool_name: 'default', category, code })).toBe(1);
    expect(read.sum('snakepit_errors_total')).toBe(1);
  });

  it('does not count times nobody measured', async () => {
    const { bus, scrape } = rig();
    complete(bus, {
      measured: { python_ms: 0, python_cpu_ms: 0 },
      about: { status: 'crashed', code: 'worker_crashed' },
    });
    const read = await scrape();
    expect(read.value('snakepit_request_python_seconds_count', predict)).toBe(0);
    expect(read.value('snakepit_request_python_cpu_seconds_count', predict)).toBe(0);
  });

  it('counts each start after the first as a retry', async () => {
    const { bus, scrape } = rig();
    complete(bus, { about: { attempts: 3 } });
    complete(bus, { about: { attempts: 1 } });
    complete(bus, { about: { attempts: 0, status: 'rejected', code: 'queue_full' } });
    expect((await scrape()).value('snakepit_request_retries_total', predict)).toBe(2);
  });

  it('begins every status at zero, so that the first failure has a rate', async () => {
    const { bus, scrape } = rig();
    complete(bus);
    const statuses = (await scrape()).all('snakepit_requests_total').map(({ labels }) => labels.status);
    expect(new Set(statuses)).toEqual(
      new Set(['success', 'failure', 'timeout', 'cancelled', 'rejected', 'crashed']),
    );
  });

  it('leaves its ids as exemplars, in OpenMetrics only', async () => {
    const { bus, metrics, scrape } = rig();
    complete(bus, { about: { request_id: 'req_7' } });
    const read = await scrape('application/openmetrics-text');
    const exemplar = {
      labels: { request_id: 'req_7', correlation_id: 'a'.repeat(32) },
      value: 0.15,
      timestamp: 1.7e9,
    };
    expect(read.value('snakepit_requests_total', { ...predict, status: 'success' })).toBe(1);
    expect(
      read.find('snakepit_request_duration_seconds_bucket', { ...predict, le: '0.5' })?.exemplar,
    ).toEqual(exemplar);
    expect(read.find('snakepit_requests_total', { ...predict, status: 'success' })?.exemplar?.value).toBe(1);
    expect((await metrics.render()).text).not.toContain('req_7');
  });
});

describe('names from outside', () => {
  it('are no labels when the app does not define the command', async () => {
    const { bus, scrape } = rig();
    for (let i = 0; i < 500; i++) {
      complete(bus, {
        about: { command: `made up ${i}`, status: 'rejected', code: 'unknown_command', attempts: 0 },
      });
    }
    const read = await scrape();
    expect(read.value('snakepit_requests_total', { command: '(unknown)', status: 'rejected' })).toBe(500);
    expect(read.sum('snakepit_requests_total')).toBe(500);
    expect(new Set(read.all('snakepit_requests_total').map(({ labels }) => labels.command))).toEqual(
      new Set(['(unknown)']),
    );
  });

  it('are no labels when there is no such pool', async () => {
    const { bus, scrape } = rig();
    complete(bus, { about: { pool_name: 'made up', status: 'rejected', code: 'unknown_pool', attempts: 0 } });
    const read = await scrape();
    expect(
      read.value('snakepit_requests_total', {
        pool_name: '(unknown)',
        command: '(unknown)',
        status: 'rejected',
      }),
    ).toBe(1);
    expect(read.value('snakepit_errors_total', { pool_name: '(unknown)', code: 'unknown_pool' })).toBe(1);
  });

  it('are no labels when a full queue refuses a command the app does not define', async () => {
    const { bus, levels, scrape } = rig();
    levels.snapshot = () => snapshotOf(pool('default', { commands: [command('predict')] }));
    const refused = { status: 'rejected', code: 'queue_full', attempts: 0 } as const;
    complete(bus, { about: { ...refused, command: 'predict' } });
    complete(bus, { about: { ...refused, command: 'made up' } });
    const read = await scrape();
    expect(read.value('snakepit_requests_total', { command: 'predict', status: 'rejected' })).toBe(1);
    expect(read.value('snakepit_requests_total', { command: '(unknown)', status: 'rejected' })).toBe(1);
  });

  it('pass in small number while the app is still loading', async () => {
    const { bus, levels, scrape } = rig();
    levels.snapshot = () => snapshotOf(pool('default', { commands: [] }));
    for (let i = 0; i < 300; i++) {
      complete(bus, { about: { command: `c${i}`, status: 'timeout', code: 'queue_timeout', attempts: 0 } });
    }
    const read = await scrape();
    const commands = new Set(read.all('snakepit_requests_total').map(({ labels }) => labels.command));
    expect(commands).toContain('c0');
    expect(commands).toContain('(unknown)');
    expect(commands.size).toBe(51);
    expect(read.sum('snakepit_requests_total')).toBe(300);
  });

  it('become labels when a worker has started with a new app', async () => {
    const { bus, levels, scrape } = rig();
    const refused = { status: 'rejected', code: 'queue_full', attempts: 0, command: 'later' } as const;
    levels.snapshot = () => snapshotOf(pool('default', { commands: [command('predict')] }));
    complete(bus, { about: refused });
    levels.snapshot = () => snapshotOf(pool('default', { commands: [command('later')] }));
    bus.emit('snakepit.worker.started', { startup_ms: 1 }, { ...started, pool_name: 'default' });
    complete(bus, { about: refused });
    expect((await scrape()).value('snakepit_requests_total', { command: 'later', status: 'rejected' })).toBe(
      1,
    );
  });

  it('are counted even when the levels cannot be read', async () => {
    const { bus, levels, scrape } = rig();
    levels.snapshot = () => {
      throw new Error('not now');
    };
    complete(bus, { about: { status: 'rejected', code: 'no_workers', attempts: 0 } });
    expect((await scrape()).value('snakepit_requests_total', { ...predict, status: 'rejected' })).toBe(1);
  });

  it('share (other) past the limit, and no count is lost', async () => {
    const { bus, scrape } = rig({ maxSeries: 20 });
    for (let i = 0; i < 1000; i++) complete(bus, { about: { command: `c${i}` } });
    const read = await scrape();
    expect(read.all('snakepit_requests_total')).toHaveLength(21);
    expect(read.sum('snakepit_requests_total')).toBe(1000);
    expect(read.sum('snakepit_request_duration_seconds_count')).toBe(1000);
  });

  it('never are pushed out by series that only stand at zero', async () => {
    const { bus, levels, scrape } = rig({ maxSeries: 60 });
    levels.snapshot = () =>
      snapshotOf(pool('default', { commands: Array.from({ length: 50 }, (_, i) => command(`c${i}`)) }));
    await scrape();
    for (let i = 0; i < 25; i++) complete(bus, { about: { command: `c${49 - i}` } });
    const read = await scrape();
    expect(read.all('snakepit_requests_total').some(({ labels }) => labels.command === '(other)')).toBe(
      false,
    );
  });
});

describe('workers', () => {
  it('are counted as they start and end', async () => {
    const { bus, scrape } = rig();
    const about = { pool_name: 'default' };
    bus.emit('snakepit.worker.started', { startup_ms: 2500 }, { ...about, ...started });
    bus.emit('snakepit.worker.stopped', { uptime_ms: 1, requests: 1 }, about);
    bus.emit(
      'snakepit.worker.start_failed',
      { startup_ms: 1 },
      { ...about, ...failure('worker_start_failed') },
    );
    const lost = { uptime_ms: 1, requests: 1, in_flight: 2 };
    bus.emit('snakepit.worker.crashed', lost, { ...about, ...failure('worker_crashed'), reason: 'crashed' });
    bus.emit('snakepit.worker.crashed', lost, { ...about, ...failure('worker_stuck'), reason: 'stuck' });
    const read = await scrape();
    const exits = Object.fromEntries(
      read.all('snakepit_worker_exits_total').map(({ labels, value }) => [labels.reason, value]),
    );
    expect(exits).toEqual({ stopped: 1, start_failed: 1, crashed: 1, stuck: 1 });
    expect(read.value('snakepit_worker_starts_total', { result: 'ok' })).toBe(1);
    expect(read.value('snakepit_worker_starts_total', { result: 'failed' })).toBe(1);
    expect(read.value('snakepit_worker_startup_seconds_sum')).toBe(2.5);
    expect(read.sum('snakepit_errors_total')).toBe(3);
    expect(read.value('snakepit_errors_total', { code: 'worker_stuck', category: 'worker' })).toBe(1);
  });

  it('begin at zero in every pool there is, before anything happens', async () => {
    const { levels, scrape } = rig();
    levels.snapshot = () => snapshotOf(pool('a', { commands: [command('predict')] }), pool('b'));
    const read = await scrape();
    for (const pool_name of ['a', 'b']) {
      expect(read.value('snakepit_worker_starts_total', { pool_name, result: 'failed' })).toBe(0);
      expect(read.value('snakepit_worker_exits_total', { pool_name, reason: 'crashed' })).toBe(0);
      for (const code of Object.keys(errorCodes).filter((word) => word !== 'unknown_pool')) {
        expect(read.value('snakepit_errors_total', { pool_name, code })).toBe(0);
      }
    }
    expect(
      read.value('snakepit_requests_total', { pool_name: 'a', command: 'predict', status: 'crashed' }),
    ).toBe(0);
  });
});

describe('streams', () => {
  it('count chunks as they come, and the time to the first', async () => {
    const { bus, scrape } = rig();
    for (const index of [0, 1, 2]) bus.emit('snakepit.stream.chunk', { bytes: 5, index }, predict);
    expect((await scrape()).value('snakepit_stream_chunks_total', predict)).toBe(3);
    bus.emit('snakepit.stream.closed', { chunks: 3, first_chunk_ms: 40, duration_ms: 90 }, predict);
    bus.emit('snakepit.stream.closed', { chunks: 0, duration_ms: 90 }, { ...predict, command: 'none' });
    const read = await scrape();
    expect(read.value('snakepit_stream_first_chunk_seconds_sum', predict)).toBe(0.04);
    expect(read.all('snakepit_stream_first_chunk_seconds_count')).toHaveLength(1);
  });
});
