import { beforeEach, describe, expect, it } from 'vitest';
import { RequestQueue } from '../../src/core/queue.ts';
import { Request } from '../../src/core/request.ts';
import { EventBus } from '../../src/events/index.ts';

const request = (more: { priority?: number; fairnessKey?: string; acceptedAt?: number } = {}): Request =>
  new Request({
    requestId: 'req_1',
    correlationId: 'cor_1',
    traceparent: undefined,
    command: 'predict',
    rawArgs: {},
    timeoutMs: 1000,
    slowAfterMs: 500,
    idempotent: false,
    priority: 0,
    fairnessKey: undefined,
    acceptedAt: 0,
    waiter: { resolve: () => {}, reject: () => {} },
    ...more,
  });

describe('a request queue', () => {
  const parked = { count: 0 };
  let said: string[];
  let queue: RequestQueue;

  beforeEach(() => {
    parked.count = 0;
    said = [];
    const bus = new EventBus();
    for (const name of ['snakepit.pool.saturated', 'snakepit.pool.recovered'] as const) {
      bus.registerConsumer(name, ({ measurements }) => said.push(`${name} ${measurements.queue_size}`), {
        delivery: 'inline',
        sampled: false,
      });
    }
    queue = new RequestQueue(4, {
      bus,
      poolName: 'default',
      parked,
      load: () => ({ busy_workers: 1, available_workers: 0 }),
    });
  });

  const fill = (count: number): Request[] => {
    const requests = Array.from({ length: count }, () => request());
    for (const one of requests) queue.push(one);
    return requests;
  };

  it('counts what workers hold unbegun, and says once that it is full and once that it is not', () => {
    const [first, second] = fill(3) as [Request, Request];
    expect(queue.hasRoom()).toBe(true);
    parked.count = 1;
    expect(queue.depth).toBe(4);
    expect([queue.hasRoom(), queue.hasRoom()]).toEqual([false, false]);
    expect(queue.shift()).toBe(first);
    expect(queue.hasRoom()).toBe(true);
    parked.count = 0;
    queue.remove(second);
    queue.shift();
    expect(said).toEqual(['snakepit.pool.saturated 4', 'snakepit.pool.recovered 1']);
    expect(queue.saturatedTotal).toBe(1);
    expect(queue.empty).toBe(true);
  });

  it('takes back what a worker did not begin, before the rest and in its order', () => {
    const [a, b, c] = fill(3) as [Request, Request, Request];
    expect([queue.shift(), queue.shift()]).toEqual([a, b]);
    a.phase = 'assigned';
    queue.putBack([a, b]);
    expect(a).toMatchObject({ phase: 'queued', worker: undefined });
    expect([queue.shift(), queue.shift(), queue.shift(), queue.shift()]).toEqual([a, b, c, undefined]);
  });

  it('ignores the end of a request that never waited, or waits no more', () => {
    const [first] = fill(2) as [Request];
    queue.shift();
    queue.remove(first);
    queue.remove(request());
    expect(queue.depth).toBe(1);
  });

  it('goes by priority and key, and knows how much of a key waits', () => {
    const flood = Array.from({ length: 3 }, () => request({ fairnessKey: 'flood' }));
    const other = request({ fairnessKey: 'other' });
    const urgent = request({ priority: 1, fairnessKey: 'flood' });
    for (const one of [...flood, other, urgent]) queue.push(one);
    expect(['flood', 'other', 'none', undefined].map((key) => queue.countOf(key))).toEqual([4, 1, 0, 0]);
    expect([queue.shift(), queue.shift(), queue.shift()]).toEqual([urgent, flood[0], other]);
  });

  it('tells how long what waits will take, from how fast requests begin', () => {
    expect(queue.retryAfterMs(0)).toBe(1000);
    for (let i = 0; i < 10; i++) {
      const one = request({ acceptedAt: i === 0 ? 0 : 1 });
      one.startedAt = i * 2000 + 2;
      queue.drainRate.began(one);
    }
    for (let i = 0; i < 3; i++) queue.push(request({ acceptedAt: 18_002 }));
    parked.count = 1;
    expect(queue.retryAfterMs(18_002)).toBeCloseTo(8000);
    expect(queue.retryAfterMs(48_002)).toBe(60_000);
    for (let i = 0; i < 3; i++) queue.shift();
    // Nothing is left to be silent about.
    expect(queue.retryAfterMs(48_002)).toBeCloseTo(2000);
  });
});
