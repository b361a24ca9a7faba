import { describe, expect, it } from 'vitest';
import type { Request } from '../../src/core/request.ts';
import { Retries } from '../../src/core/retries.ts';
import { type ErrorCode, SnakepitError } from '../../src/errors/index.ts';
import { fakeRequest, loneWorker, manualClock } from './fakes.ts';

const options = { max: 2, delayMs: 100, budget: 0.2 };

const setup = (over: Partial<typeof options> = {}) => {
  const clock = manualClock();
  const again: Request[] = [];
  const state = { begun: 0 };
  const retries = new Retries(
    { ...options, ...over },
    () => state.begun,
    (request) => again.push(request),
  );
  const offer = (request: Request, code: ErrorCode = 'worker_crashed') =>
    retries.offer(request, new SnakepitError(code, 'It died.'), clock.now());
  return { clock, again, state, retries, offer };
};

/** One that has begun so many times and whose worker has just died. */
const lost = (attempts = 1, over: Parameters<typeof fakeRequest>[0] = {}): Request => {
  const request = fakeRequest({ idempotent: true, ...over });
  request.attempts = attempts;
  request.worker = loneWorker();
  request.phase = 'running';
  return request;
};

describe('an idempotent request whose worker died', () => {
  it('is started again after a wait that doubles, half of it left to chance', () => {
    const { clock, again, retries, offer } = setup();
    const first = lost();
    const delay = offer(first) as number;
    expect(delay).toBeGreaterThanOrEqual(50);
    expect(delay).toBeLessThanOrEqual(100);
    expect(first.phase).toBe('retrying');
    expect(retries.waiting).toBe(1);
    clock.forward(delay - 1);
    expect(again).toEqual([]);
    clock.forward(1.001);
    expect(again).toEqual([first]);
    expect(retries.waiting).toBe(0);
    const delays = Array.from({ length: 5 }, () => offer(lost(2)) as number);
    expect(Math.min(...delays)).toBeGreaterThanOrEqual(100);
    expect(Math.max(...delays)).toBeLessThanOrEqual(200);
  });

  it('is started again `max` times and no more', () => {
    const { offer } = setup();
    expect(offer(lost(2))).toBeDefined();
    expect(offer(lost(3))).toBeUndefined();
    expect(setup({ max: 0 }).offer(lost(1))).toBeUndefined();
  });

  it('keeps what its attempts came to', () => {
    const { clock, offer } = setup();
    const request = lost();
    request.startedAt = clock.now();
    clock.forward(5);
    offer(request);
    expect(request.failedAttempts).toEqual([
      { attempt: 1, worker_id: 'w1', code: 'worker_crashed', message: 'It died.', duration_ms: 5 },
    ]);
  });

  it('is not started again when its deadline would pass before', () => {
    const { clock, offer } = setup();
    expect(offer(lost(1, { timeoutMs: 49, acceptedAt: clock.now() }))).toBeUndefined();
    expect(offer(lost(1, { timeoutMs: 101, acceptedAt: clock.now() }))).toBeDefined();
  });

  it('that is settled while it waits is not started again', () => {
    const { clock, again, retries, offer } = setup();
    const request = lost();
    offer(request);
    retries.remove(request);
    clock.forward(1000);
    expect(again).toEqual([]);
    expect([retries.waiting, clock.timers()]).toEqual([0, 0]);
  });

  it('is handed back when the pool ends', () => {
    const { clock, again, retries, offer } = setup();
    const waiting = [lost(), lost()];
    for (const request of waiting) offer(request);
    expect(retries.stop()).toEqual(waiting);
    clock.forward(1000);
    expect(again).toEqual([]);
  });
});

describe('no retry', () => {
  it('without idempotence', () => {
    const { retries, offer } = setup();
    const request = lost(1, { idempotent: false });
    expect(offer(request)).toBeUndefined();
    expect(request.failedAttempts).toBeUndefined();
    expect(retries.waiting).toBe(0);
  });

  it.each(['worker_crashed', 'worker_stuck', 'protocol_error', 'transport_error'] as const)(
    'but after %s',
    (code) => expect(setup().offer(lost(), code)).toBeDefined(),
  );

  it.each(['python_exception', 'timeout', 'cancelled', 'queue_full', 'draining'] as const)(
    'after %s',
    (code) => expect(setup().offer(lost(), code)).toBeUndefined(),
  );
});

describe('the budget', () => {
  it('lets ten through without any traffic, and no more', () => {
    const { offer } = setup();
    const granted = Array.from({ length: 30 }, () => offer(lost())).filter((delay) => delay !== undefined);
    expect(granted).toHaveLength(10);
  });

  it('grows with the requests that have begun, and is new every ten seconds', () => {
    const { clock, state, offer } = setup();
    const grant = () => Array.from({ length: 100 }, () => offer(lost())).filter(Boolean).length;
    expect(grant()).toBe(10);
    state.begun = 100;
    expect(grant()).toBe(20);
    clock.forward(9999);
    expect(grant()).toBe(0);
    clock.forward(1);
    expect(grant()).toBe(10);
  });
});
