import { describe, expect, it } from 'vitest';
import type { ErrorDetail } from '../../../src/consumers/errors/index.ts';
import { fail, rig } from './fixtures.ts';

const T0 = Date.UTC(2025, 0, 15, 10, 30);
const messages = (lines: readonly { message: string }[]) => lines.map(({ message }) => message);

describe('single errors', () => {
  it('are kept with all that is known of them, newest first', () => {
    const test = rig();
    const context = { python_traceback: 'Traceback…', python_stack: 'File "app.py"' };
    fail(test, { message: 'ValueError: first', at: T0 });
    fail(test, {
      ...{ message: 'ValueError: second\nmore', at: T0 + 1, context, slot: 3 },
      ...{ requestId: 'r2', correlationId: 'c2', pool: 'gpu', command: 'embed' },
    });
    const { errors } = test.errors.list();
    expect(messages(errors)).toEqual(['ValueError: second', 'ValueError: first']);
    expect(errors[0]).toEqual({
      id: 'e2',
      group_id: expect.stringMatching(/^[0-9a-f]{12}$/),
      timestamp: '2025-01-15T10:30:00.001Z',
      event: 'snakepit.request.failed',
      pool: 'gpu',
      command: 'embed',
      worker_id: 'default-1-3',
      worker_slot: 3,
      request_id: 'r2',
      correlation_id: 'c2',
      code: 'python_exception',
      category: 'request',
      message: 'ValueError: second',
    });
    expect(test.errors.find('e2')).toEqual({
      ...errors[0],
      message: 'ValueError: second\nmore',
      retryable: false,
      measurements: { duration_ms: 12.5 },
      error: {
        error_type: 'PythonException',
        error_message: 'ValueError: second\nmore',
        timestamp: '2025-01-15T10:30:00.001Z',
        ...context,
      },
      group: expect.objectContaining({
        id: errors[0]?.group_id,
        message: 'ValueError: second more',
        last_error_id: 'e2',
      }),
    });
    expect(test.errors.find('e3')).toBeUndefined();
  });

  it.each([
    'snakepit.request.failed',
    'snakepit.request.timed_out',
    'snakepit.request.rejected',
    'snakepit.worker.crashed',
    'snakepit.worker.start_failed',
  ])('come from %s', (event) => {
    const test = rig();
    fail(test, { event });
    expect(test.errors.list().errors).toMatchObject([{ event, message: 'ValueError: nope' }]);
  });

  it('come from stuck and quarantined workers, with a context made for them', () => {
    const test = rig();
    const about = { pool_name: 'gpu', worker_id: 'gpu-1-1', worker_slot: 2 };
    test.bus.emit(
      ['snakepit', 'worker', 'stuck'],
      { silent_ms: 60_001.4 },
      { ...about, why: 'heartbeat', python_stack: 'File "spin.py"' },
    );
    test.bus.emit(['snakepit', 'worker', 'stuck'], { silent_ms: 5 }, { ...about, why: 'cancel' });
    test.bus.emit(
      ['snakepit', 'worker', 'quarantined'],
      { failures: 5, cool_down_ms: 60_000 },
      { pool_name: 'gpu', worker_slot: 2, why: 'ModuleNotFoundError: torch' },
    );
    expect(test.errors.list().errors.map(({ code, message }) => [code, message])).toEqual([
      [
        'crash_loop',
        '5 workers in a row came to nothing in slot 2; it is left empty for 60000 ms. The last: ModuleNotFoundError: torch',
      ],
      ['worker_stuck', 'Worker gpu-1-1 did not end a request when it had to, and is killed.'],
      ['worker_stuck', 'Worker gpu-1-1 answered no heartbeat for 60001 ms, and is killed.'],
    ]);
    expect(test.errors.find('e1')?.error).toMatchObject({
      error_type: 'WorkerStuck',
      system_context: { worker_id: 'gpu-1-1', worker_slot: 2, pool_name: 'gpu' },
      python_stack: 'File "spin.py"',
    });
    expect(test.errors.list().groups.map(({ message }) => message)).toContain(
      'Worker <id> answered no heartbeat for <n> ms, and is killed.',
    );
  });

  it('are not those the caller gave up; these are counted', () => {
    const test = rig();
    fail(test, { event: 'snakepit.request.cancelled', code: 'cancelled' });
    fail(test);
    const { errors, totals } = test.errors.list();
    expect(errors).toHaveLength(1);
    expect(totals).toMatchObject({ errors: 1, cancelled: 1, kept: 1, groups: 1, evicted: 0 });
  });

  it('survive events that lack everything, and contexts that JSON could not say', () => {
    const test = rig();
    const cyclic: Record<string, unknown> = { error_type: 'X' };
    cyclic.self = cyclic;
    test.bus.emit('snakepit.request.failed', {} as never, { timestamp: 1e300, error: cyclic } as never);
    test.bus.emit(
      'snakepit.request.failed',
      { duration_ms: 'x' } as never,
      { timestamp: -5, code: 7, error: null, worker_slot: Number.NaN, command: {} } as never,
    );
    const { errors } = test.errors.list();
    expect(errors[0]).toMatchObject({ code: 'unknown', message: '', worker_slot: null, command: null });
    expect(JSON.stringify(test.errors.find('e1'))).toContain('[circular]');
    expect(test.bus.consumers()[0]).toMatchObject({ offered: 2, delivered: 2 });
  });
});

describe('the filter', () => {
  const filled = () => {
    const test = rig();
    fail(test, { message: 'a', at: T0 });
    fail(test, { message: 'b', at: T0 + 10, pool: 'gpu', slot: 1 });
    fail(test, { message: 'c', at: T0 + 20, command: 'embed', code: 'timeout' });
    fail(test, { message: 'd', at: T0 + 30, slot: 1 });
    return test.errors;
  };

  it.each([
    [{}, 'dcba'],
    [{ since: T0 + 10 }, 'dcb'],
    [{ pool: 'gpu' }, 'b'],
    [{ command: 'predict' }, 'dba'],
    [{ code: 'timeout' }, 'c'],
    [{ workerSlot: 1 }, 'db'],
    [{ workerSlot: 1, pool: 'default', since: T0 + 1 }, 'd'],
    [{ pool: 'none' }, ''],
  ])('%j', (filter, expected) => {
    const { errors, groups } = filled().list(filter);
    expect(messages(errors).join('')).toBe(expected);
    expect(messages(groups).join('')).toBe(expected);
  });

  it('limits the errors, to 100 where it does not say', () => {
    const errors = filled();
    expect(messages(errors.list({ limit: 2 }).errors)).toEqual(['d', 'c']);
    const test = rig();
    for (let i = 0; i < 120; i++) fail(test);
    expect(test.errors.list().errors).toHaveLength(100);
    expect(test.errors.list({ limit: 500 }).errors).toHaveLength(120);
  });
});

describe('groups', () => {
  it('hold what differs only in numbers and names', () => {
    const test = rig();
    fail(test, { message: "KeyError: 'a1'", at: T0 });
    fail(test, { message: "KeyError: 'b2'", at: T0 + 5000 });
    fail(test, { message: "KeyError: 'b2'", at: T0 + 6000, command: 'embed' });
    fail(test, { message: "KeyError: 'b2'", at: T0 + 7000, pool: 'gpu' });
    fail(test, { message: "KeyError: 'b2'", at: T0 + 8000, code: 'unserializable' });
    const { groups } = test.errors.list();
    expect(groups).toHaveLength(4);
    expect(groups.at(-1)).toMatchObject({
      code: 'python_exception',
      category: 'request',
      pool: 'default',
      command: 'predict',
      message: 'KeyError: <str>',
      count: 2,
      first_seen: '2025-01-15T10:30:00.000Z',
      last_seen: '2025-01-15T10:30:05.000Z',
      last_error_id: 'e2',
    });
  });

  it('are named by their errors, the same in another process, and differ between kinds', () => {
    const ids = () => {
      const test = rig();
      // Alike to whoever sees the first line alone.
      for (const place of ['kitchen', 'cellar', 'kitchen'])
        fail(test, { message: `KeyError: no cake\nin the ${place}` });
      fail(test, { message: 'KeyError: no cake\nin the cellar', command: 'embed' });
      const { errors, groups } = test.errors.list();
      expect(errors.map(({ group_id }) => groups.find(({ id }) => id === group_id)?.message)).toEqual(
        ['cellar', 'kitchen', 'cellar', 'kitchen'].map((place) => `KeyError: no cake in the ${place}`),
      );
      return errors.map(({ group_id }) => group_id);
    };
    expect(new Set(ids()).size).toBe(3);
    expect(ids()).toEqual(ids());
  });

  it('keep their name when they are forgotten and come back', () => {
    const test = rig({ maxGroups: 1 });
    for (const command of ['a', 'b', 'a']) fail(test, { command });
    const [last, other, first] = test.errors.list().errors;
    expect(first?.group_id).toBe(last?.group_id);
    expect(first?.group_id).not.toBe(other?.group_id);
    expect(test.errors.list().groups.map(({ id }) => id)).toEqual([last?.group_id]);
  });

  it('count by minute over the last fifteen', () => {
    const test = rig();
    // Well inside a minute, so that the test cannot cross into the next one within it.
    const now = Date.now();
    for (const [minutesAgo, count] of [
      [20, 9],
      [14, 2],
      [3, 5],
      [0, 1],
    ] as const) {
      for (let i = 0; i < count; i++) fail(test, { at: now - minutesAgo * 60_000 });
    }
    const [group] = test.errors.list().groups;
    const at = Math.floor(Date.now() / 60_000) - Math.floor(now / 60_000);
    const expected = [2, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 5, 0, 0, 1, 0, 0].slice(at, at + 15);
    expect(group?.per_minute).toEqual(expected);
    expect(group?.count).toBe(17);
  });

  it('show silence as zeros, and bear a clock set back', () => {
    const test = rig();
    fail(test, { at: T0 });
    expect(test.errors.list().groups[0]?.per_minute).toEqual(Array(15).fill(0));
    const set = rig();
    fail(set, { at: Date.now() });
    fail(set, { at: Date.now() - 3_600_000 });
    const [group] = set.errors.list().groups;
    expect(group?.per_minute.reduce((all, each) => all + each, 0)).toBe(2);
    expect(group?.last_seen.slice(0, 13)).toBe(new Date().toISOString().slice(0, 13));
  });

  it('are bounded: the one not seen for longest goes, and is counted', () => {
    const test = rig({ maxGroups: 3 });
    for (const command of ['a', 'b', 'c', 'a', 'd']) fail(test, { command });
    const { groups, totals } = test.errors.list();
    expect(groups.map(({ command }) => command)).toEqual(['d', 'a', 'c']);
    expect(totals).toMatchObject({ groups: 3, evicted: 1, errors: 5, kept: 5 });
    expect(test.errors.find('e2')?.group.command).toBe('b');
  });

  it('cannot be pushed out by callers who invent names', () => {
    const test = rig({ maxGroups: 3 });
    fail(test, { message: 'the real one' });
    const event = 'snakepit.request.rejected';
    for (let i = 0; i < 50; i++) {
      fail(test, { event, code: 'unknown_command', command: `c${'x'.repeat(i)}`, message: `No '${i}'.` });
      fail(test, { event, code: 'unknown_pool', pool: `p${'x'.repeat(i)}`, message: `No pool '${i}'.` });
    }
    expect(test.errors.list().groups.map(({ command, pool, count }) => [pool, command, count])).toEqual([
      ['(unknown)', 'predict', 50],
      ['default', '(unknown)', 50],
      ['default', 'predict', 1],
    ]);
  });
});

describe('bounds', () => {
  it('keep so many errors, the newest', () => {
    const test = rig({ keep: 10 });
    for (let i = 0; i < 25; i++) fail(test, { message: `m${'x'.repeat(i)}` });
    const { errors, totals } = test.errors.list();
    expect(errors.map(({ id }) => id)).toEqual(['ep', 'eo', 'en', 'em', 'el', 'ek', 'ej', 'ei', 'eh', 'eg']);
    expect(totals).toMatchObject({ errors: 25, kept: 10 });
    expect(test.errors.find('ef')).toBeUndefined();
    expect(test.errors.find('eg')?.message).toHaveLength(16);
  });

  it('a flood of one kind does not wash out the one crash behind it', () => {
    const test = rig({ keep: 10 });
    fail(test, { event: 'snakepit.worker.crashed', code: 'worker_crashed', message: 'Killed.' });
    for (let i = 0; i < 1000; i++) fail(test, { code: 'queue_full', message: 'The queue is full.' });
    const { errors } = test.errors.list();
    expect(errors).toHaveLength(10);
    expect(errors.at(-1)).toMatchObject({ id: 'e1', code: 'worker_crashed' });
    expect(errors[0]?.id).toBe(`e${(1001).toString(36)}`);
  });

  it('keep so many bytes', () => {
    const test = rig({ maxBytes: 1_000_000 });
    for (let i = 0; i < 100; i++) fail(test, { context: { python_traceback: `${i}`.padEnd(50_000, 'x') } });
    const { kept, kept_bytes } = test.errors.list().totals;
    expect(kept_bytes).toBeLessThanOrEqual(1_000_000);
    expect(kept).toBe(Math.floor(1_000_000 / (kept_bytes / kept)));
    expect(kept).toBeGreaterThan(15);
  });

  it('shorten a single error that would take more than its share', () => {
    const test = rig({ maxBytes: 400_000 });
    fail(test, { message: 'the small one' });
    const huge = { python_traceback: `begin ${'x'.repeat(10_000_000)} end` };
    fail(test, { context: huge });
    const wide = { request_context: { request_id: 'r', command: 'c', args: Array(200_000).fill(1) } };
    fail(test, { context: wide, message: 'wide' });
    const [, second] = test.errors.list().errors;
    const { error } = test.errors.find(second?.id as string) as ErrorDetail;
    expect(error?.python_traceback).toMatch(/^begin x+… \[\d+ characters cut\] …x+ end$/);
    expect(test.errors.list().totals.kept).toBe(3);
    expect(test.errors.list().totals.kept_bytes).toBeLessThan(400_000);
  });
});

describe('cost', () => {
  it('while nothing fails, no event is even built for it', () => {
    const { bus, errors } = rig();
    for (const name of ['queued', 'started', 'completed'])
      expect(bus.event(['snakepit', 'request', name]).wanted, name).toBe(false);
    expect(bus.event('snakepit.request.failed').wanted).toBe(true);
    expect(bus.consumers()).toMatchObject([{ name: 'errors', offered: 0 }]);
    errors.close();
    expect(bus.event('snakepit.request.failed').wanted).toBe(false);
  });
});
