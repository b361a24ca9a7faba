import { describe, expect, it } from 'vitest';
import { Breaker } from '../../src/core/breaker.ts';
import type { ErrorCode } from '../../src/errors/index.ts';

const options = { failureRatio: 0.5, minVolume: 4, windowMs: 1000, openMs: 500 };

/** A breaker with the requests that pass it, each of which may fail. */
const setup = () => {
  const breaker = new Breaker(options);
  return {
    breaker,
    /** A request that passes, runs and ends; or does not pass. */
    run: (code: ErrorCode | undefined, now: number, began = true): number | undefined => {
      const request = {};
      const wait = breaker.refuses(request, now);
      breaker.settled(request, wait === undefined ? code : 'circuit_open', began && wait === undefined, now);
      return wait;
    },
  };
};

const opened = () => {
  const test = setup();
  for (let i = 0; i < 4; i++) expect(test.run('worker_crashed', 100)).toBeUndefined();
  expect(test.breaker.state).toBe('open');
  return test;
};

describe('the circuit breaker', () => {
  it('opens when enough requests failed, and says when to come again', () => {
    const { run } = opened();
    expect(run(undefined, 100)).toBe(500);
    expect(run(undefined, 350)).toBe(250);
  });

  it('needs a minimum of requests, and the ratio', () => {
    const { breaker, run } = setup();
    for (let i = 0; i < 3; i++) run('worker_crashed', 100);
    expect(breaker.state).toBe('closed');
    const mixed = setup();
    for (let i = 0; i < 20; i++) mixed.run(i % 3 === 2 ? 'timeout' : undefined, 100);
    expect(mixed.breaker.state).toBe('closed');
    for (let i = 0; i < 7; i++) mixed.run('timeout', 100);
    expect(mixed.breaker.state).toBe('closed');
    mixed.run('timeout', 100);
    expect(mixed.breaker.state).toBe('open');
  });

  it('forgets what lies behind its window', () => {
    const { breaker, run } = setup();
    for (let i = 0; i < 3; i++) run('worker_crashed', 100);
    run('worker_crashed', 1100);
    expect(breaker.state).toBe('closed');
    for (let i = 0; i < 3; i++) run('worker_crashed', 1100);
    expect(breaker.state).toBe('open');
  });

  it.each(['worker_crashed', 'worker_stuck', 'protocol_error', 'transport_error', 'timeout'] as const)(
    'blames the workers for %s',
    (code) => {
      const { breaker, run } = setup();
      for (let i = 0; i < 4; i++) run(code, 100);
      expect(breaker.state).toBe('open');
    },
  );

  it.each(['python_exception', 'invalid_arguments', 'cancelled'] as const)('does not for %s', (code) => {
    const { breaker, run } = setup();
    for (let i = 0; i < 20; i++) run(code, 100);
    expect(breaker.state).toBe('closed');
  });

  it('takes what was refused before it began for neither success nor failure', () => {
    const { breaker, run } = setup();
    for (let i = 0; i < 100; i++) run('queue_full', 100, false);
    for (let i = 0; i < 4; i++) run('worker_crashed', 100);
    expect(breaker.state).toBe('open');
  });

  it('lets one request through to try after its time, and closes when that succeeds', () => {
    const { breaker, run } = opened();
    const trial = {};
    expect(breaker.refuses(trial, 600)).toBeUndefined();
    expect(breaker.state).toBe('half_open');
    for (let i = 0; i < 3; i++) expect(run(undefined, 610)).toBe(500);
    expect(breaker.state).toBe('half_open');
    breaker.settled(trial, undefined, true, 620);
    expect(breaker.state).toBe('closed');
    expect(run(undefined, 620)).toBeUndefined();
  });

  it('is open again for as long when that fails', () => {
    const { breaker, run } = opened();
    expect(run('worker_crashed', 600)).toBeUndefined();
    expect(breaker.state).toBe('open');
    expect(run(undefined, 700)).toBe(400);
    expect(run(undefined, 1100)).toBeUndefined();
    expect(breaker.state).toBe('closed');
  });

  it('lets another one try when the first was given up before it began', () => {
    const { breaker, run } = opened();
    expect(run('cancelled', 600, false)).toBeUndefined();
    expect(breaker.state).toBe('half_open');
    expect(run(undefined, 610)).toBeUndefined();
    expect(breaker.state).toBe('closed');
  });

  it('learns nothing from requests of before, whichever way they end', () => {
    const { breaker } = opened();
    const trial = {};
    breaker.refuses(trial, 600);
    breaker.settled({}, undefined, true, 610);
    expect(breaker.state).toBe('half_open');
    breaker.settled({}, 'worker_crashed', true, 610);
    expect(breaker.state).toBe('half_open');
    breaker.settled(trial, undefined, true, 620);
    expect(breaker.state).toBe('closed');
  });

  it('begins to count anew when it closes', () => {
    const { breaker, run } = opened();
    run(undefined, 600);
    for (let i = 0; i < 3; i++) run('worker_crashed', 600);
    expect(breaker.state).toBe('closed');
  });
});
