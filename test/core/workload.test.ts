import { describe, expect, it } from 'vitest';
import { Request } from '../../src/core/request.ts';
import { Workload } from '../../src/core/workload.ts';

const waiter = { resolve: () => {}, reject: () => {} };
const request = (): Request =>
  new Request({
    requestId: 'r',
    correlationId: 'c',
    traceparent: undefined,
    command: 'x',
    rawArgs: {},
    timeoutMs: 1000,
    slowAfterMs: 500,
    idempotent: false,
    priority: 0,
    fairnessKey: undefined,
    acceptedAt: 0,
    waiter,
  });

const setup = (concurrency: number, maxPrefetch = 32) => {
  const parked = { count: 0 };
  const began: Request[] = [];
  const load = new Workload({ concurrency, maxPrefetch, parked }, (one) => began.push(one));
  return { parked, began, load };
};

const add = (load: Workload, count: number): Request[] =>
  Array.from({ length: count }, () => {
    const one = request();
    load.add(one, 0);
    return one;
  });

describe('the workload of a worker', () => {
  it('runs as many as its concurrency and holds the rest in order', () => {
    const { load, began, parked } = setup(2);
    const [a, b, c, d] = add(load, 4) as [Request, Request, Request, Request];
    expect([load.running, load.parked, parked.count]).toEqual([2, 2, 2]);
    load.finish(b, 1, 5);
    load.advance(5);
    expect(began).toEqual([a, b, c]);
    expect(c.startedAt).toBe(5);
    expect([load.running, load.parked, parked.count]).toEqual([2, 1, 1]);
    expect(d.phase).toBe('assigned');
  });

  it('takes more ahead only while requests are short', () => {
    const { load } = setup(1);
    const [first] = add(load, 1) as [Request];
    expect(load.feedable).toBe(false);
    load.finish(first, 0.01, 1);
    expect(load.feedable).toBe(true);
    const [slow] = add(load, 1) as [Request];
    load.finish(slow, 50, 60);
    expect(load.feedable).toBe(false);
  });

  it('holds about a millisecond of work ahead', () => {
    const { load } = setup(1);
    const [first] = add(load, 1) as [Request];
    load.finish(first, 0.3, 1);
    add(load, 3);
    expect(load.feedable).toBe(true);
    add(load, 1);
    expect(load.feedable).toBe(false);
  });

  it('gives back what the worker says it has not begun', () => {
    const { load, parked } = setup(1);
    const [a, b, c] = add(load, 3) as [Request, Request, Request];
    expect(load.takeBack([c.wireId, 99], 0)).toEqual([c]);
    expect(load.takeBack([c.wireId], 0)).toEqual([]);
    expect([...load.open]).toEqual([a, b]);
    expect(parked.count).toBe(1);
  });

  it('gives back what seemed to run already, since the answer before it came sooner than the word of the worker', () => {
    const { load, parked, began } = setup(1);
    const [a, b, c] = add(load, 3) as [Request, Request, Request];
    load.finish(a, 1, 5);
    load.advance(5);
    expect([b.phase, b.attempts, load.running]).toEqual(['running', 1, 1]);
    expect(load.takeBack([b.wireId, c.wireId], 7)).toEqual([b, c]);
    expect([b.attempts, b.startedAt, load.running, load.empty, parked.count]).toEqual([0, 0, 0, true, 0]);
    expect([load.busyMs(9), load.slotBusyMs(9), load.finished]).toEqual([7, 7, 1]);
    expect(began).toEqual([a, b]);
  });

  it('tells after a death what may have begun, by the word of the process itself', () => {
    const { load, parked } = setup(1);
    const [a, b, c, d] = add(load, 4) as [Request, Request, Request, Request];
    a.phase = 'settled';
    expect(load.takeAll([b.wireId])).toEqual({ begun: [b], untouched: [c, d] });
    expect(parked.count).toBe(0);
  });

  it('compares ids across their wrap', () => {
    const { load } = setup(1);
    const [a] = add(load, 1) as [Request];
    a.wireId = 1;
    // The process noted 2^32 − 1 last, so 1 comes after it and has not begun; `running` alone would say so too, hence assigned.
    a.phase = 'assigned';
    expect(load.takeAll([0xffffffff])).toEqual({ begun: [], untouched: [a] });
  });

  it('lets go of a request cancelled before it began without touching a slot', () => {
    const { load, parked } = setup(1);
    const [, b] = add(load, 2) as [Request, Request];
    load.finish(b, 0, 1);
    expect([load.running, load.parked, parked.count]).toEqual([1, 0, 0]);
  });

  it('adds up busy time by worker and by slot', () => {
    const { load } = setup(2);
    const [a, b] = add(load, 2) as [Request, Request];
    load.finish(a, 1, 10);
    expect([load.busyMs(12), load.slotBusyMs(12)]).toEqual([12, 10]);
    b.startedAt = 4;
    load.finish(b, 1, 20);
    expect([load.busyMs(50), load.slotBusyMs(50)]).toEqual([20, 26]);
  });
});
