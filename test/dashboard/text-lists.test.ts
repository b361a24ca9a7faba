import { describe, expect, it } from 'vitest';
import { type EventFilter, levelFrom, passesOf, queryOf } from '../../dashboard/src/text/event-filter.ts';
import { type EventRow, gapText, joined, rowOf } from '../../dashboard/src/text/event-rows.ts';
import { filterGroups, valuesOf } from '../../dashboard/src/text/groups.ts';
import { beganAt, inUrgency, slowKey, slowTone, tookMs, urgency } from '../../dashboard/src/text/slow.ts';
import {
  type Consumer,
  consumerTone,
  droppedOf,
  isBalanced,
  offeredOf,
  reasonsText,
  type Telemetry,
} from '../../dashboard/src/text/telemetry.ts';
import type { ErrorGroup, LiveEvent, SlowRequest } from '../../dashboard/src/text/types.ts';

const group = (message: string, more: Partial<ErrorGroup> = {}): ErrorGroup => ({
  ...{ id: message, code: 'python_exception', category: 'request', pool: 'default', command: 'search' },
  ...{ message, count: 1, first_seen: '', last_seen: '', last_error_id: 'e1', per_minute: [] },
  ...more,
});

describe('kinds of errors', () => {
  it('pass a filter of fields and words', () => {
    const all = [
      group('one'),
      group('two', { command: 'digest', code: 'timeout' }),
      group('three', { pool: null }),
    ];
    const none = { code: '', pool: '', command: '', text: '' };
    const of = (filter: object) => filterGroups(all, { ...none, ...filter }).map(({ message }) => message);
    expect(of({})).toEqual(['one', 'two', 'three']);
    expect(of({ code: 'timeout' })).toEqual(['two']);
    expect(of({ pool: 'default', command: 'search' })).toEqual(['one']);
    expect(of({ text: '  DIGEST two ' })).toEqual(['two']);
    expect(of({ text: 'digest one' })).toEqual([]);
    expect(valuesOf(all, 'pool')).toEqual(['default']);
    expect(valuesOf(all, 'command')).toEqual(['digest', 'search']);
  });
});

describe('slow requests', () => {
  const at = (seconds: number) => new Date(1_700_000_000_000 + seconds * 1000).toISOString();
  const slow = (id: string, seconds: number, more: Partial<SlowRequest> = {}): SlowRequest => ({
    ...{ timestamp: at(seconds), request_id: id, correlation_id: null, pool: 'default', command: 'c' },
    ...{ worker_id: null, worker_slot: null, phase: 'running', duration_ms: 1000, threshold_ms: 1000 },
    ...{ python_stack: null, status: 'success', code: null, total_ms: 1500 },
    ...more,
  });
  const now = 1_700_000_010_000;
  const running = { status: 'running', total_ms: null };

  it('that run come first, the longest first; then the newest', () => {
    const all = [slow('old', 1), slow('young', 8, running), slow('new', 9), slow('long', 2, running)];
    const order = ['long', 'young', 'new', 'old'];
    expect(inUrgency(all, now).map(slowKey)).toEqual(order);
    expect(all.toSorted((a, b) => urgency(b) - urgency(a)).map(slowKey)).toEqual(order);
  });

  it('have an age that grows while they run', () => {
    const one = slow('a', 4, running);
    expect(beganAt(one)).toBe(1_700_000_003_000);
    expect([tookMs(one, now), tookMs(one, now + 500)]).toEqual([7000, 7500]);
    expect(tookMs(one, 0)).toBe(1000);
    expect(tookMs(slow('b', 4), now)).toBe(1500);
    expect(tookMs(slow('c', 4, { ...running, duration_ms: null }), now)).toBeNull();
  });

  it('have a name though they have no id', () => {
    expect(slowKey(slow('a', 1, { request_id: null }))).toBe(at(1));
  });

  it.each([
    ['running', 'info'],
    ['success', 'ok'],
    ['cancelled', 'neutral'],
    ['unknown', 'neutral'],
    ['timeout', 'error'],
  ])('%s looks %s', (status, tone) => {
    expect(slowTone(status)).toBe(tone);
  });
});

const event = (name: string, metadata: object = {}): LiveEvent => ({
  event_name: name,
  measurements: {},
  metadata: { timestamp: '2025-01-15T10:30:00.000Z', ...metadata },
});

describe('rows of the live tail', () => {
  const message = (name: string, value: unknown) => ({ id: 'i-1', event: name, data: JSON.stringify(value) });

  it('are events, whatever their name', () => {
    expect(rowOf(message('dropped', event('dropped')))).toMatchObject({ kind: 'event' });
    expect(rowOf(message('my.event', event('my.event')))).toMatchObject({ kind: 'event', id: 'i-1' });
  });

  it('say where events are missing', () => {
    expect(rowOf(message('dropped', { count: 37 }))).toEqual({
      kind: 'gap',
      id: 'i-1',
      count: 37,
      why: 'dropped',
    });
    expect(rowOf(message('reset', { instance: 'x', reason: 'too_old' }))).toMatchObject({ why: 'too_old' });
    expect(rowOf(message('reset', { reason: 'other_instance' }))).toMatchObject({ why: 'other_instance' });
    expect(gapText({ count: 37, why: 'dropped' })).toMatch(/^37 events not shown: /);
    expect(gapText({ count: 1, why: 'dropped' })).toMatch(/^1 event not shown/);
    expect(gapText({ count: null, why: 'other_instance' })).toContain('another');
    expect(gapText({ count: null, why: 'too_old' })).toContain('missing');
  });

  it('are none of greetings, of what only machines read, and of what cannot be read', () => {
    expect(rowOf(message('hello', { instance: 'x' }))).toBeUndefined();
    expect(rowOf(message('python._metrics', event('python._metrics')))).toBeUndefined();
    expect(rowOf(message('dropped', { count: 0 }))).toBeUndefined();
    expect(rowOf({ id: '', event: 'x', data: '{"event_name":' })).toBeUndefined();
    expect(rowOf(message('x', { event_name: 'x', metadata: {} }))).toBeUndefined();
  });

  it('join gaps that follow each other, and lose no count', () => {
    const gap = (id: string, count: number): EventRow => ({ kind: 'gap', id, count, why: 'dropped' });
    const between: EventRow = { kind: 'event', id: 'e', event: event('x') };
    expect(joined([gap('1', 2), gap('2', 3), between, gap('3', 4)])).toEqual([
      gap('2', 5),
      between,
      gap('3', 4),
    ]);
  });
});

describe('a filter of events', () => {
  const none: EventFilter = { pattern: '', pool: '', command: '', correlationId: '', level: 'info' };

  it('is asked of the server', () => {
    expect(queryOf({ ...none, pattern: 'a.*, b', pool: 'p q', level: 'debug' }, '1h')).toBe(
      'pattern=a.*&pattern=b&pool=p+q&level=debug&since=1h',
    );
    expect(queryOf({ ...none, command: 'c', correlationId: 'd' }, '5m')).toBe(
      'command=c&correlation_id=d&level=info&since=5m',
    );
    expect([levelFrom('error', 'info'), levelFrom('nonsense', 'info'), levelFrom(null, 'debug')]).toEqual([
      'error',
      'info',
      'debug',
    ]);
  });

  it('lets the same through where events are here already', () => {
    const crash = event('snakepit.worker.crashed', { pool_name: 'a', command: 'c', correlation_id: 'd' });
    const idle = event('snakepit.worker.idle', { pool_name: 'a' });
    const passes = (filter: object, one: LiveEvent) => passesOf({ ...none, ...filter })(one);
    expect([passes({}, crash), passes({}, idle), passes({ level: 'debug' }, idle)]).toEqual([
      true,
      false,
      true,
    ]);
    expect([passes({ pool: 'a' }, crash), passes({ pool: 'b' }, crash)]).toEqual([true, false]);
    expect([passes({ command: 'x' }, crash), passes({ correlationId: 'd' }, crash)]).toEqual([false, true]);
    expect([passes({ pattern: 'snakepit.worker.*' }, crash), passes({ pattern: 'x' }, crash)]).toEqual([
      true,
      false,
    ]);
  });
});

describe('consumers', () => {
  const consumer = (more: Partial<Consumer> = {}): Consumer => ({
    ...{ name: 'a', offered: 10, delivered: 10, dropped: {}, pending: 0, circuit: 'closed' },
    ...more,
  });

  it('are well while nothing is lost that was not to be let go', () => {
    expect(consumerTone(consumer())).toBe('ok');
    expect(consumerTone(consumer({ dropped: { sampled: 5, rate_limited: 1 } }))).toBe('ok');
    expect(consumerTone(consumer({ dropped: { overflow: 1 } }))).toBe('warning');
    expect(consumerTone(consumer({ circuit: 'half_open' }))).toBe('warning');
    expect(consumerTone(consumer({ circuit: 'open' }))).toBe('error');
  });

  it('account for all they were offered', () => {
    const one = consumer({ delivered: 5, dropped: { sampled: 2, overflow: 1, failed: 0 }, pending: 2 });
    expect(droppedOf(one)).toEqual({ all: 3, lost: 1 });
    expect(isBalanced(one)).toBe(true);
    expect(isBalanced({ ...one, pending: 1 })).toBe(false);
    expect(reasonsText(one)).toBe('sampled 2, overflow 1');
    expect(offeredOf({ consumers: [one] } as unknown as Telemetry)).toEqual({ a: 10 });
  });
});
