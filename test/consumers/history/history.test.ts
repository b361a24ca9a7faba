import { describe, expect, it } from 'vitest';
import type { Slice } from '../../../src/consumers/history/index.ts';
import { type ErrorCode, errorCodes, type RequestStatus } from '../../../src/errors/index.ts';
import { pool, worker } from '../health/fixtures.ts';
import { lifeOf, rig, STEP_MS } from './fixtures.ts';

const slicesOf = (slices: readonly (Slice | null)[]): Slice[] => slices.filter((slice) => slice !== null);
const sum = (slices: readonly (Slice | null)[], key: keyof Slice): number =>
  slicesOf(slices).reduce((all, slice) => all + (slice[key] ?? 0), 0);

describe('slices', () => {
  it('add up to what was counted, by pool, by command and in all', async () => {
    const { clock, complete, history } = rig({ names: ['default', 'gpu'] });
    const statuses: RequestStatus[] = [
      'success',
      'success',
      'failure',
      'timeout',
      'crashed',
      'cancelled',
      'rejected',
    ];
    let made = 0;
    for (let second = 0; second < 63; second++) {
      for (let i = 0; i <= second % 7; i++) {
        const status = statuses[made % 7] as RequestStatus;
        complete(status, {
          command: made % 3 === 0 ? 'a' : 'b',
          poolName: made % 5 === 0 ? 'gpu' : 'default',
          durationMs: made,
        });
        made++;
      }
      await clock.advance(1000);
    }
    const { slices, heat } = history.read();
    expect(slices).toHaveLength(180);
    expect(sum(slices, 'requests')).toBe(made);
    const of = (status: RequestStatus) =>
      Array.from({ length: made }, (_, i) => statuses[i % 7]).filter((each) => each === status).length;
    expect(sum(slices, 'failed')).toBe(of('failure') + of('timeout') + of('crashed'));
    expect(sum(slices, 'timeouts')).toBe(of('timeout'));
    expect(sum(slices, 'crashed')).toBe(of('crashed'));
    expect(sum(slices, 'cancelled')).toBe(of('cancelled'));
    expect(sum(slices, 'rejected')).toBe(of('rejected'));
    const counted = heat.counts.flatMap((counts) => counts ?? []).reduce((all, count) => all + count, 0);
    expect(counted).toBe(made - of('rejected'));
    const byPool = ['default', 'gpu'].map((name) => sum(history.read({ pool: name }).slices, 'requests'));
    expect(byPool).toEqual([made - Math.ceil(made / 5), Math.ceil(made / 5)]);
    // A refused request makes no command: it is counted where the command is known.
    const byCommand = ['a', 'b'].map((command) => sum(history.read({ command }).slices, 'requests'));
    expect((byCommand[0] as number) + (byCommand[1] as number)).toBe(made);
  });

  it('put each request into the slice of its time, and forget after a quarter of an hour', async () => {
    const { clock, complete, history } = rig();
    await clock.advance(STEP_MS - (clock.now() % STEP_MS) + 10);
    complete('success');
    await clock.advance(STEP_MS);
    complete('success');
    complete('success');
    const { slices, from } = history.read();
    expect(slices.slice(-2).map((slice) => slice?.requests)).toEqual([1, 2]);
    expect(from + 180 * STEP_MS).toBeGreaterThan(clock.now());
    await clock.advance(178 * STEP_MS);
    expect(history.read().slices[0]?.requests).toBe(1);
    await clock.advance(2 * STEP_MS);
    expect(sum(history.read().slices, 'requests')).toBe(0);
  });

  it('have the levels of their end, and are null before the start', async () => {
    const test = rig();
    const { clock, history } = test;
    await clock.advance(STEP_MS - (clock.now() % STEP_MS) + 10);
    test.pools = {
      default: pool('default', ['busy', 'ready'], { queue_depth: 7, slot_busy_seconds_total: 1 }),
    };
    await clock.advance(STEP_MS);
    test.pools = {
      default: pool('default', ['busy', 'busy'], { queue_depth: 9, slot_busy_seconds_total: 6 }),
    };
    await clock.advance(STEP_MS);
    const { slices } = history.read({ pool: 'default' });
    expect(slices.at(-3)).toMatchObject({ queue_depth: 7, workers_busy: 1, workers_available: 1 });
    // Five seconds of the ten that two slots had.
    expect(slices.at(-2)).toMatchObject({
      queue_depth: 9,
      in_flight: 2,
      utilisation: 0.5,
      memory_bytes: 200 * 2 ** 20,
    });
    expect(slices[0]).toBeNull();
    expect(history.read().slices.at(-2)).toMatchObject({ queue_depth: 9, event_loop_lag_ms: 3 });
    expect(history.completed()).toMatchObject({ step_ms: STEP_MS, pools: { default: { queue_depth: 9 } } });
  });

  it('leave a gap in the levels, not in the counts, where the core could not say', async () => {
    const test = rig();
    const { clock, complete, history } = test;
    complete('success');
    const { pools } = test;
    Object.defineProperty(test, 'pools', {
      configurable: true,
      get: () => {
        throw new Error('broken');
      },
    });
    await clock.advance(STEP_MS);
    Object.defineProperty(test, 'pools', { value: pools });
    await clock.advance(STEP_MS);
    const [gap, next] = slicesOf(history.read().slices);
    expect(gap).toMatchObject({ requests: 1, in_flight: null });
    expect(next).toMatchObject({ requests: 0, in_flight: 0 });
  });

  it('read null where nobody counts', async () => {
    const { clock, complete, history } = rig({ health: false });
    complete('success');
    await clock.advance(STEP_MS);
    const { slices, heat } = history.read();
    expect(slices.at(-2)).toMatchObject({
      requests: null,
      p95_ms: null,
      in_flight: 0,
      workers_missing: null,
      event_loop_lag_ms: null,
    });
    expect(heat).toEqual({ bounds_ms: [], counts: Array(180).fill(null) });
  });

  it('count restarts in their time', async () => {
    const { bus, clock, history } = rig();
    const about = { pool_name: 'default', worker_id: 'w', worker_slot: 0 };
    bus.emit('snakepit.worker.restarted', { startup_ms: 1, restarts: 1 }, about);
    await clock.advance(STEP_MS);
    bus.emit('snakepit.worker.restarted', { startup_ms: 1, restarts: 2 }, about);
    bus.emit('snakepit.worker.restarted', { startup_ms: 1, restarts: 3 }, about);
    expect(slicesOf(history.read().slices).map(({ restarts }) => restarts)).toEqual([1, 2]);
    expect(history.restarts).toBe(3);
  });
});

describe('refusals', () => {
  const refuse = ({ bus }: ReturnType<typeof rig>, code: ErrorCode, pool_name = 'default') =>
    bus.emit('snakepit.request.rejected', { duration_ms: 0 }, {
      ...{ pool_name, request_id: 'r', command: 'predict', code, message: 'no' },
      ...{ category: errorCodes[code].category, retryable: true, error: null },
    } as never);

  it('by a full queue are told apart, by pool, in their time', async () => {
    const test = rig({ names: ['default', 'gpu'] });
    const { clock, history } = test;
    for (const code of ['queue_full', 'circuit_open', 'queue_full'] as const) refuse(test, code);
    refuse(test, 'queue_full', 'gpu');
    await clock.advance(STEP_MS);
    refuse(test, 'queue_full');
    const full = (filter: object) =>
      slicesOf(history.read(filter).slices).map(({ queue_full }) => queue_full);
    expect(full({})).toEqual([3, 1]);
    expect(full({ pool: 'default' })).toEqual([2, 1]);
    expect(full({ pool: 'gpu' })).toEqual([1, 0]);
    expect(full({ command: 'predict' })).toEqual([null, null]);
    expect(history.completed()).toMatchObject({
      total: { queue_full: 3 },
      pools: { gpu: { queue_full: 1 } },
    });
  });

  it('ask the core for its pools once a pool, and remember none that is not there', () => {
    const test = rig();
    const before = test.snapshots;
    for (let i = 0; i < 1000; i++) refuse(test, 'queue_full');
    expect(test.snapshots - before).toBe(1);
    for (let i = 0; i < 100; i++) refuse(test, 'queue_full', `made up ${i}`);
    expect(test.history.size.counted).toBe(1);
    test.pools = { next: pool('next', ['ready']) };
    refuse(test, 'queue_full', 'next');
    expect(test.history.size.counted).toBe(1);
    expect(sum(test.history.read().slices, 'queue_full')).toBe(1);
  });
});

describe('sessions', () => {
  it('have their number at the end of a slice and what was done in the store', async () => {
    const test = rig();
    const { bus, clock, history } = test;
    await clock.advance(STEP_MS - (clock.now() % STEP_MS) + 10);
    expect(history.read().slices.at(-1)).toMatchObject({ sessions: null, session_operations: null });
    const store = { store: 'memory', available: true, capacity: 10, ttl_ms: 1000, with_worker: 0 };
    test.sessions = { ...store, active: 3, latency_ms: null, error: null };
    const accessed = bus.event('snakepit.session.accessed');
    // As the core does where nobody wants the event.
    accessed.count += 5;
    await clock.advance(STEP_MS);
    accessed.count += 2;
    expect(history.read().slices.slice(-2)).toMatchObject([
      { sessions: 3, session_operations: 5 },
      { sessions: 3, session_operations: 2 },
    ]);
    expect(history.read({ pool: 'default' }).slices.at(-2)).not.toHaveProperty('sessions');
    test.sessions = { ...test.sessions, active: null };
    await clock.advance(STEP_MS);
    expect(history.read().slices.at(-2)).toMatchObject({ sessions: null, session_operations: 2 });
  });
});

describe('missing workers', () => {
  it('are those that health counts, silent ones among them', async () => {
    const test = rig({ names: ['default', 'gpu'] });
    const { clock, history } = test;
    const silent = worker(0, 'ready', { heartbeat_ms_ago: 10 * 60_000 });
    test.pools = {
      default: pool('default', ['ready', 'backoff'], { workers: [silent, worker(1, 'backoff')] }),
      gpu: pool('gpu', ['ready', 'starting']),
    };
    await clock.advance(STEP_MS);
    const { total, pools } = history.completed() ?? {};
    expect(pools).toMatchObject({ default: { workers_missing: 2 }, gpu: { workers_missing: 0 } });
    expect(total).toMatchObject({ workers_missing: 2 });
  });
});

describe('a slot', () => {
  it('has readings that go on when its worker is replaced', async () => {
    const test = rig();
    const { clock, history } = test;
    await clock.advance(STEP_MS - (clock.now() % STEP_MS) + 10);
    for (const [total, cpu] of [
      [10, 1],
      [35, 2],
      [36, 2],
    ] as const) {
      const row = worker(0, 'ready', { slot_requests_total: total, slot_cpu_seconds_total: cpu });
      test.pools = { default: pool('default', ['ready'], { workers: [row] }) };
      await clock.advance(STEP_MS);
    }
    const { requests, cpu_ratio, memory_bytes } = history.readings({ pool: 'default', slot: 0 });
    expect(requests.slice(-4)).toEqual([3, 25, 1, 0]);
    expect(cpu_ratio.slice(-3)).toEqual([0.2, 0, 0]);
    expect(memory_bytes.at(-1)).toBe(100 * 2 ** 20);
  });

  it('keeps the last ten lives, each with its certificate', () => {
    const { bus, history } = rig();
    for (let i = 0; i < 25; i++) lifeOf(bus, `w${i}`, 0);
    bus.emit(
      'snakepit.worker.starting',
      { attempt: 0 },
      { pool_name: 'default', worker_id: 'w25', worker_slot: 0, pid: 1 },
    );
    const place = history.placeOf('w24');
    expect(place).toEqual({ pool: 'default', slot: 0 });
    const lives = history.lives({ pool: 'default', slot: 0 });
    expect(lives.map(({ worker_id }) => worker_id)).toEqual(
      Array.from({ length: 10 }, (_, i) => `w${25 - i}`),
    );
    expect(lives[0]).toMatchObject({ ended_at: null, exit: null });
    expect(lives[1]).toMatchObject({ reason: 'crashed', requests: 3, exit: { signal: 'SIGKILL' } });
    expect(history.placeOf('w3')).toBeUndefined();
  });
});

describe('memory', () => {
  it('stays bounded after thousands of workers, pools and certificates', async () => {
    const test = rig();
    const { bus, clock, history } = test;
    const stderr = Array.from({ length: 50 }, () => 'x'.repeat(500));
    for (let round = 0; round < 40; round++) {
      test.pools = { [`p${round}`]: pool(`p${round}`, Array(100).fill('ready')) };
      for (let i = 0; i < 100; i++) lifeOf(bus, `w${round}-${i}`, i, { stderr, pool: `p${round}` });
      bus.emit(
        'snakepit.worker.restarted',
        { startup_ms: 1, restarts: 1 },
        { pool_name: `p${round}`, worker_id: 'w', worker_slot: 0 },
      );
      await clock.advance(STEP_MS);
    }
    const { pools, slots, counted, lives, bytes } = history.size;
    expect({ pools, slots, counted }).toEqual({ pools: 1, slots: 100, counted: 1 });
    expect(lives).toBeLessThanOrEqual(1000);
    expect(bytes).toBeLessThanOrEqual(4 * 2 ** 20);
    expect(history.markers(0)).toHaveLength(200);
    test.pools = {};
    await clock.advance(STEP_MS);
    expect(history.size).toMatchObject({ pools: 0, slots: 0 });
  });

  it('has no room for one giant certificate', () => {
    const { bus, history } = rig();
    lifeOf(bus, 'w1', 0, { stderr: ['x'.repeat(2 ** 20)] });
    expect(history.size.bytes).toBeLessThan(64 * 1024);
    expect(history.lives({ pool: 'default', slot: 0 })[0]?.exit).toMatchObject({
      signal: 'SIGKILL',
      stderr_tail: [],
    });
  });

  it('bounds commands: past fifty they are counted together', () => {
    const { complete, history } = rig();
    for (let i = 0; i < 3000; i++) complete('success', { command: `c${i}` });
    const { commands } = history.read();
    expect(commands.default).toHaveLength(51);
    expect(sum(history.read({ pool: 'default', command: '(other)' }).slices, 'requests')).toBe(2950);
  });
});

describe('markers', () => {
  it('say what happened, with secrets masked', () => {
    const { bus, history } = rig();
    lifeOf(bus, 'w1', 2);
    bus.emit(
      'snakepit.health.status_changed',
      {},
      { from: 'ok', to: 'warning', why: 'password=hunter2hunter2' },
    );
    bus.emit(
      'snakepit.observability.config_changed',
      { version: 3 },
      { who: 'code', applied: ['logs.level'], restart_required: [], changes: [] },
    );
    const [crash, status, config] = history.markers(0);
    expect(crash).toMatchObject({
      kind: 'crash',
      level: 'error',
      pool: 'default',
      worker_id: 'w1',
      worker_slot: 2,
    });
    expect(status).toMatchObject({ kind: 'status', level: 'warning' });
    expect(status?.text).not.toContain('hunter2');
    expect(config).toMatchObject({
      kind: 'config',
      text: 'The configuration was changed (version 3): logs.level.',
    });
    // What is of no pool concerns them all.
    expect(history.read({ pool: 'default' }).markers).toHaveLength(3);
  });
});

it('looks at nothing but once a slice, and at no request', async () => {
  const test = rig({ health: false });
  const { clock, complete } = test;
  const before = test.snapshots;
  for (let i = 0; i < 100; i++) complete('success');
  await clock.advance(10 * STEP_MS);
  // Health, which is there for the counts, looks when requests complete; that is not ours.
  const ours = test.snapshots - before;
  expect(ours).toBeLessThanOrEqual(11);
  test.history.close();
  const closed = test.snapshots;
  await clock.advance(10 * STEP_MS);
  expect(test.snapshots).toBe(closed);
});
