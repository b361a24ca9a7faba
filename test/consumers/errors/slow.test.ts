import { expect, it, onTestFinished } from 'vitest';
import { type Clock, type Timer, useClock } from '../../../src/events/index.ts';
import { complete, fail, rig, slow } from './fixtures.ts';

const COMPLETED = 'snakepit.request.completed';

/** A clock that stands until it is told to go on. */
const manual = () => {
  let at = Date.UTC(2025, 0, 15);
  const timers = new Set<{ every: number; next: number; due: () => void }>();
  const start = (every: number, due: () => void): Timer => {
    const timer = { every, next: at + every, due };
    timers.add(timer);
    return { refresh: () => {}, stop: () => timers.delete(timer) };
  };
  const clock: Clock = { monotonic: () => at, wall: () => at, after: start, every: start };
  onTestFinished(useClock(clock));
  return {
    timers,
    forward: (ms: number) => {
      at += ms;
      for (const timer of timers) {
        if (timer.next > at) continue;
        timer.next = at + timer.every;
        timer.due();
      }
    },
  };
};

it('are kept with their stack and joined with how they ended', () => {
  manual();
  const test = rig();
  slow(test, 'r1');
  slow(test, 'r2', { worker_slot: 2, phase: 'queued', python_stack: undefined, worker_id: undefined });
  slow(test, 'r3');
  const { requests, totals } = test.errors.slow();
  expect(totals).toEqual({ seen: 3, kept: 3, running: 3 });
  expect(requests.map(({ request_id }) => request_id)).toEqual(['r3', 'r2', 'r1']);
  expect(requests[2]).toEqual({
    timestamp: '2025-01-15T00:00:00.000Z',
    request_id: 'r1',
    correlation_id: 'c-r1',
    pool: 'default',
    command: 'predict',
    worker_id: 'default-1-1',
    worker_slot: 1,
    phase: 'running',
    duration_ms: 30,
    threshold_ms: 25,
    python_stack: '  File "app.py", line 3 in predict',
    stack_at: '2025-01-15T00:00:00.000Z',
    status: 'running',
    code: null,
    total_ms: null,
  });
  expect(requests[1]).toMatchObject({ phase: 'queued', python_stack: null, worker_id: null });
  complete(test, 'other');
  complete(test, 'r1');
  complete(test, 'r2', { success: false, status: 'timeout', code: 'timeout' });
  const after = test.errors.slow();
  expect(after.totals).toMatchObject({ running: 1 });
  expect(after.requests.map(({ status, code, total_ms }) => [status, code, total_ms])).toEqual([
    ['running', null, null],
    ['timeout', 'timeout', 99],
    ['success', null, 99],
  ]);
  expect(test.errors.slow({ code: 'timeout' }).requests).toHaveLength(1);
  expect(test.errors.slow({ workerSlot: 1, limit: 1 }).requests).toMatchObject([{ request_id: 'r3' }]);
});

it('completions are asked for only while one runs, and a moment longer', () => {
  const { forward, timers } = manual();
  const test = rig();
  const wanted = () => test.bus.event(COMPLETED).wanted;
  expect(wanted()).toBe(false);
  slow(test, 'r1');
  expect(wanted()).toBe(true);
  forward(5000);
  expect(wanted()).toBe(true);
  complete(test, 'r1');
  expect(wanted()).toBe(true);
  forward(1000);
  expect(wanted()).toBe(false);
  expect(timers.size).toBe(0);
  slow(test, 'r2');
  expect(wanted()).toBe(true);
  complete(test, 'r2');
  expect(test.errors.slow().requests[0]).toMatchObject({ request_id: 'r2', status: 'success' });
  slow(test, 'r3');
  test.errors.close();
  expect(wanted()).toBe(false);
  expect(timers.size).toBe(0);
});

it('one that had failed before its stack came has that outcome and waits for nothing', () => {
  manual();
  const test = rig();
  fail(test, { event: 'snakepit.request.timed_out', code: 'timeout', requestId: 'r1' });
  slow(test, 'r1');
  expect(test.errors.slow().requests).toMatchObject([
    { status: 'timeout', code: 'timeout', total_ms: 12.5, python_stack: expect.any(String) },
  ]);
  expect(test.bus.event(COMPLETED).wanted).toBe(false);
});

it('one noticed twice stays one, and keeps its stack', () => {
  manual();
  const test = rig();
  slow(test, 'r1');
  slow(test, 'r2');
  slow(test, 'r1', { python_stack: undefined, phase: 'queued' });
  expect(test.errors.slow().totals).toEqual({ seen: 3, kept: 2, running: 2 });
  expect(test.errors.slow().requests[0]).toMatchObject({
    request_id: 'r1',
    phase: 'queued',
    python_stack: '  File "app.py", line 3 in predict',
  });
  complete(test, 'r1');
  slow(test, 'r1');
  expect(test.errors.slow().requests[0]).toMatchObject({ request_id: 'r1', status: 'success' });
  expect(test.errors.slow().totals.running).toBe(1);
});

it('are bounded, those that run too', () => {
  manual();
  const test = rig({ maxSlow: 3 });
  for (let i = 0; i < 10; i++) slow(test, `r${i}`);
  expect(test.errors.slow().totals).toEqual({ seen: 10, kept: 3, running: 3 });
  complete(test, 'r1');
  for (const id of ['r7', 'r8', 'r9']) complete(test, id);
  expect(test.errors.slow().totals.running).toBe(0);
});

it('one whose end was missed is unknown after an hour, and holds up nothing', () => {
  const { forward } = manual();
  const test = rig();
  slow(test, 'r1');
  slow(test, undefined as never);
  forward(1_800_000);
  slow(test, 'r2');
  forward(1_800_001);
  expect(test.errors.slow().requests.map(({ status }) => status)).toEqual(['running', 'unknown', 'unknown']);
  complete(test, 'r2');
  forward(1000);
  expect(test.bus.event(COMPLETED).wanted).toBe(false);
});

it('cuts endless stacks in the middle', () => {
  manual();
  const test = rig();
  slow(test, 'r1', { python_stack: `top ${'x'.repeat(100_000)} bottom` });
  expect(test.errors.slow().requests[0]?.python_stack).toMatch(/^top x+….*…x+ bottom$/);
  expect(test.errors.slow().requests[0]?.python_stack?.length).toBeLessThan(17_000);
});

it('says where the time went once it has ended, and nothing of what was not measured', () => {
  manual();
  const test = rig();
  slow(test, 'r1');
  slow(test, 'r2');
  const anatomyOf = (id: string) =>
    test.errors.slow().requests.find(({ request_id }) => request_id === id)?.anatomy;
  expect(anatomyOf('r1')).toBeUndefined();
  const times = { duration_ms: 100, queue_time_ms: 10, python_ms: 80, python_cpu_ms: 5 };
  const about = { success: true, status: 'success', attempts: 1 };
  test.bus.emit(COMPLETED, { ...times, serialise_ms: 2, transport_ms: 8, bytes_in: 1, bytes_out: 1 }, {
    ...about,
    request_id: 'r1',
  } as never);
  test.bus.emit(
    COMPLETED,
    {
      ...times,
      python_ms: 0,
      python_cpu_ms: 0,
      serialise_ms: 2,
      transport_ms: 88,
      bytes_in: 1,
      bytes_out: 0,
    },
    { ...about, request_id: 'r2', success: false, status: 'timeout', code: 'timeout' } as never,
  );
  expect(anatomyOf('r1')).toEqual({
    ...{ queue_ms: 10, serialise_ms: 2, transport_ms: 8 },
    ...{ python_ms: 80, python_cpu_ms: 5, total_ms: 100 },
  });
  // What Python took of the 90 is not known, and so neither is the rest.
  expect(anatomyOf('r2')).toEqual({ queue_ms: 10, serialise_ms: 2, total_ms: 100 });
});
