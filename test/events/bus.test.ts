import { describe, expect, it } from 'vitest';
import { EventBus, type SnakepitEvent, withContext } from '../../src/events/index.ts';
import { countsOf } from './support.ts';

const INLINE = { delivery: 'inline', sampled: false } as const;

/** Until what was put off to the end of the emitter's turn has run. */
const turn = (): Promise<void> => Promise.resolve();

describe('routing', () => {
  it.each([
    ['a.b', ['a.b']],
    ['a.*', ['a.b', 'a.c']],
    ['*.b', ['a.b', 'x.b']],
    ['a.**', ['a', 'a.b', 'a.c', 'a.c.d']],
    ['**', ['a', 'a.b', 'a.c', 'a.c.d', 'x.b']],
    ['a.*.d', ['a.c.d']],
    [['a', 'c', 'd'], ['a.c.d']],
    [{ patterns: ['a.b', 'a.*'] }, ['a.b', 'a.c']],
    [{ patterns: ['**'], except: ['a.c.**', 'x.*'] }, ['a', 'a.b']],
  ])('%j gets %j', (pattern, expected) => {
    const bus = new EventBus();
    const seen: string[] = [];
    bus.registerConsumer(pattern, ({ event_name }) => seen.push(event_name), INLINE);
    for (const name of ['a', 'a.b', 'a.c', 'a.c.d', 'x.b']) bus.emit(name);
    expect(seen).toEqual(expected);
  });

  it.each(['', 'a..b', 'a.**.b', 'a b', '**.a', 'a.b*'])('refuses the pattern %j', (pattern) => {
    expect(() => new EventBus().registerConsumer(pattern, () => {})).toThrow(TypeError);
  });

  it('follows consumers that come and go, on handles made before', () => {
    const bus = new EventBus();
    const handle = bus.event('my.event');
    expect(handle.wanted).toBe(false);
    const seen: unknown[] = [];
    const release = bus.registerConsumer('my.*', (event) => seen.push(event), INLINE);
    expect(handle.wanted).toBe(true);
    handle.emit({ n: 1 }, {});
    release();
    release();
    expect(handle.wanted).toBe(false);
    handle.emit({ n: 2 }, {});
    expect(seen).toMatchObject([{ event_name: 'my.event', measurements: { n: 1 } }]);
    expect(bus.counts()).toContainEqual({ event: 'my.event', count: 2 });
  });

  it('stamps events with the time and the correlation id in force, and leaves what the caller gave alone', () => {
    const bus = new EventBus();
    const seen: SnakepitEvent[] = [];
    bus.registerConsumer('**', (event) => seen.push(event), INLINE);
    const metadata = { of: 'me' };
    const before = Date.now();
    withContext({ correlation_id: 'c1' }, () => bus.emit('a', {}, metadata));
    bus.emit('b', {}, { correlation_id: 'mine', timestamp: 5 });
    expect(seen[0]?.metadata).toMatchObject({ of: 'me', correlation_id: 'c1' });
    expect(seen[0]?.metadata.timestamp).toBeGreaterThanOrEqual(before - 5);
    expect(seen[1]?.metadata).toEqual({ correlation_id: 'mine', timestamp: 5 });
    expect(metadata).toEqual({ of: 'me' });
  });

  it('counts what it cannot take, and throws nothing', () => {
    const bus = new EventBus();
    bus.registerConsumer('**', () => {});
    const hostile = {
      get boom() {
        throw new Error('boom');
      },
    };
    bus.emit('');
    bus.emit('a b');
    bus.emit('x'.repeat(201));
    bus.emit('a', hostile);
    bus.emit(7 as never);
    bus.emit(undefined as never);
    expect(bus.malformed).toBe(6);
  });

  it('lets a loop that invents names grow no memory', () => {
    const bus = new EventBus();
    for (let i = 0; i < 5000; i++) bus.emit(`n.x${i}`);
    expect(bus.counts().length).toBeLessThanOrEqual(2001);
    expect(bus.counts().reduce((sum, { count }) => sum + count, 0)).toBe(5000);
  });
});

describe('off', () => {
  it('nothing reaches anybody, nothing is counted, and it can be put on again', async () => {
    const bus = new EventBus();
    const seen: string[] = [];
    bus.registerConsumer('**', ({ event_name }) => seen.push(event_name), INLINE);
    const handle = bus.event('a');
    bus.enabled = false;
    bus.emit('a');
    bus.emit('never seen before');
    expect(handle.wanted).toBe(false);
    expect(bus.counts()).toEqual([{ event: 'a', count: 0 }]);
    expect(bus.malformed).toBe(0);
    bus.enabled = true;
    bus.emit('a');
    expect(seen).toEqual(['a']);
  });
});

describe('registering', () => {
  it.each([
    [{ delivery: 'later' }, "'delivery' is one of queued, inline, got later"],
    [{ queue: { maxEvents: 0 } }, "'queue.maxEvents' is a whole number from 1, got 0"],
    [{ queue: { onFull: 'explode' } }, "'queue.onFull' is one of drop_oldest, drop_newest, block"],
    [{ deadlineMs: '1s' }, "'deadlineMs' is a number, got string"],
    [{ quue: {} }, "no consumer option 'quue'; there are delivery"],
    [{ retry: { attempts: 1.5 } }, "'retry.attempts' is a whole number from 0, got 1.5"],
    [{ queue: null }, "'queue' is an object, got null"],
  ])('refuses %j', (options, message) => {
    expect(() => new EventBus().registerConsumer('a', () => {}, options as never)).toThrow(message);
  });

  it('refuses what cannot be called, and a name taken', () => {
    const bus = new EventBus();
    for (const bad of [undefined, null, 5, {}, { name: 'x' }, { handle: 1 }]) {
      expect(() => bus.registerConsumer('a', bad as never)).toThrow('A consumer is a function');
    }
    bus.registerConsumer('a', { name: 'x', handle: () => {} });
    expect(() => bus.registerConsumer('b', { name: 'x', handle: () => {} })).toThrow(
      "named 'x' is registered already",
    );
    const batches = { name: 'y', handleBatch: () => {} };
    expect(() => bus.registerConsumer('b', batches, { delivery: 'inline' })).toThrow('takes batches');
  });

  it('finds names for those that have none, whoever has gone meanwhile', () => {
    const bus = new EventBus();
    const releases = [1, 2].map(() =>
      bus.registerConsumer(
        'a',
        Object.defineProperty(() => {}, 'name', { value: '' }),
      ),
    );
    releases[0]?.();
    expect(() =>
      bus.registerConsumer(
        'a',
        Object.defineProperty(() => {}, 'name', { value: '' }),
      ),
    ).not.toThrow();
  });

  it('keeps the counts of a consumer that is gone, and goes on with them when it is back', () => {
    const bus = new EventBus();
    const consumer = { name: 'x', handle: () => {} };
    bus.registerConsumer('a', consumer, INLINE)();
    const release = bus.registerConsumer('a', consumer, INLINE);
    bus.emit('a');
    release();
    expect(countsOf(bus, 'x')).toMatchObject({ offered: 1, delivered: 1 });
    bus.registerConsumer('a', consumer, INLINE);
    bus.emit('a');
    expect(countsOf(bus, 'x')).toMatchObject({ offered: 2, delivered: 2 });
  });

  it('lets a program that invents consumers grow no metrics, and loses none of their counts', () => {
    const bus = new EventBus();
    for (let i = 0; i < 1000; i++) {
      const release = bus.registerConsumer('a', { name: `c${i}`, handle: () => {} }, INLINE);
      bus.emit('a');
      release();
    }
    const all = bus.consumers();
    expect(all.length).toBeLessThanOrEqual(501);
    expect(all.reduce((sum, { delivered }) => sum + delivered, 0)).toBe(1000);
  });

  it('switches consumers off and on by name', () => {
    const bus = new EventBus();
    const seen: string[] = [];
    bus.registerConsumer('**', { name: 'x', handle: ({ event_name }) => seen.push(event_name) }, INLINE);
    bus.configure({ consumers: { x: false } });
    bus.emit('a');
    bus.configure({ consumers: {} });
    bus.emit('b');
    expect(seen).toEqual(['b']);
  });
});

describe('an inline consumer', () => {
  it('that throws keeps nothing from the others, and gets nothing for a while after the fifth time', () => {
    const bus = new EventBus();
    const seen: string[] = [];
    bus.registerConsumer(
      'a',
      {
        name: 'bad',
        handle: () => {
          throw new Error('bad');
        },
      },
      INLINE,
    );
    bus.registerConsumer('**', ({ event_name }) => seen.push(event_name), INLINE);
    for (let i = 0; i < 8; i++) bus.emit('a');
    expect(countsOf(bus, 'bad')).toMatchObject({
      offered: 8,
      delivered: 0,
      circuit: 'open',
      dropped: { failed: 5, circuit_open: 3 },
    });
    expect(seen.filter((name) => name === 'a')).toHaveLength(8);
    expect(seen.filter((name) => name !== 'a')).toEqual([
      'snakepit.observability.consumer_failed',
      'snakepit.observability.circuit_opened',
    ]);
  });

  it('never gets what is said about itself', () => {
    const bus = new EventBus();
    const seen: string[] = [];
    bus.registerConsumer(
      '**',
      {
        name: 'bad',
        handle: ({ event_name }) => {
          seen.push(event_name);
          throw new Error('bad');
        },
      },
      INLINE,
    );
    for (let i = 0; i < 5; i++) bus.emit('a');
    expect(seen).toEqual(['a', 'a', 'a', 'a', 'a']);
  });

  it('that emits in its turn ends somewhere', () => {
    const bus = new EventBus();
    let calls = 0;
    const talk = (other: string) => () => {
      calls++;
      bus.emit(other);
      throw new Error('again');
    };
    bus.registerConsumer('a', { name: 'x', handle: talk('b') }, INLINE);
    bus.registerConsumer('b', { name: 'y', handle: talk('a') }, INLINE);
    bus.emit('a');
    expect(calls).toBeGreaterThan(2);
  });
});

describe('a span', () => {
  const recorded = () => {
    const bus = new EventBus();
    const seen: SnakepitEvent[] = [];
    bus.registerConsumer('**', (event) => seen.push(event), INLINE);
    return { bus, seen };
  };

  it('emits start and completed, and returns what the function does', () => {
    const { bus, seen } = recorded();
    expect(bus.span('my.work', () => 7, { of: 'me' })).toBe(7);
    expect(seen).toMatchObject([
      { event_name: 'my.work.start', metadata: { of: 'me' } },
      {
        event_name: 'my.work.completed',
        measurements: { duration_ms: expect.any(Number) },
        metadata: { of: 'me' },
      },
    ]);
  });

  it('emits failed with the class of what is thrown, and throws it on', async () => {
    const { bus, seen } = recorded();
    const error = new RangeError('secret');
    expect(() =>
      bus.span('a', () => {
        throw error;
      }),
    ).toThrow(error);
    await expect(bus.span('b', () => Promise.reject(error))).rejects.toBe(error);
    expect(seen.map(({ event_name }) => event_name)).toEqual(['a.start', 'a.failed', 'b.start', 'b.failed']);
    expect(seen[3]?.metadata.error).toBe('RangeError');
    expect(JSON.stringify(seen)).not.toContain('secret');
  });

  it('follows a promise to its end', async () => {
    const { bus, seen } = recorded();
    const { promise, resolve } = deferred<number>();
    const result = bus.span('a', () => promise);
    expect(seen).toHaveLength(1);
    resolve(3);
    expect(await result).toBe(3);
    expect(seen[1]?.event_name).toBe('a.completed');
  });

  it('is not taken for failed because an observer is', () => {
    const bus = new EventBus();
    let runs = 0;
    bus.registerConsumer(
      '**',
      () => {
        throw new Error('observer');
      },
      INLINE,
    );
    expect(bus.span('a', () => ++runs)).toBe(1);
    expect(runs).toBe(1);
  });
});

describe('listening', () => {
  it('yields events as they come, until the loop is left', async () => {
    const bus = new EventBus();
    const seen: string[] = [];
    const loop = (async () => {
      for await (const { event_name } of bus.listen('a.**')) {
        seen.push(event_name);
        if (event_name === 'a.last') break;
      }
    })();
    bus.emit('a.1');
    await turn();
    bus.emit('a.2');
    bus.emit('b');
    bus.emit('a.last');
    bus.emit('a.after');
    await loop;
    expect(seen).toEqual(['a.1', 'a.2', 'a.last']);
    expect(countsOf(bus, 'listener')).toMatchObject({
      offered: 4,
      delivered: 3,
      pending: 0,
      dropped: { removed: 1 },
    });
    expect(bus.event('a.1').wanted).toBe(false);
  });

  it('ends with its signal, and with the bus', async () => {
    const bus = new EventBus();
    const controller = new AbortController();
    const count = async (events: AsyncIterable<unknown>) => {
      let n = 0;
      for await (const _ of events) n++;
      return n;
    };
    const first = count(bus.listen('**', { signal: controller.signal }));
    const second = count(bus.listen('**'));
    bus.emit('a');
    await turn();
    controller.abort();
    bus.emit('b');
    await turn();
    await bus.close();
    expect(await Promise.all([first, second])).toEqual([1, 2]);
    expect(await count(bus.listen('**', { signal: controller.signal }))).toBe(0);
  });

  it('holds what comes too fast within bounds', async () => {
    const bus = new EventBus();
    const events = bus.listen('**', { queue: { maxEvents: 3 } });
    for (const name of ['a', 'b', 'c', 'd', 'e']) bus.emit(name);
    expect(countsOf(bus, 'listener')).toMatchObject({ offered: 5, pending: 3, dropped: { overflow: 2 } });
    expect((await events.next()).value?.event_name).toBe('c');
    await events.return();
  });
});

const deferred = <T>() => {
  let resolve!: (value: T) => void;
  const promise = new Promise<T>((done) => {
    resolve = done;
  });
  return { promise, resolve };
};
