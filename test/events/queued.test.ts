import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { type ConsumerOptions, EventBus, type SnakepitEvent, useClock } from '../../src/events/index.ts';
import { type ManualClock, manualClock } from '../../src/testing/manual-clock.ts';
import { conserves, countsOf } from './support.ts';

let time: ManualClock;
let restore: () => void;
beforeEach(() => {
  time = manualClock();
  restore = time.install();
});
afterEach(() => {
  vi.restoreAllMocks();
  restore();
});

/** A bus with one queued consumer named `x` on `a.**`, and what the bus says of it. */
const rig = (handle: (event: SnakepitEvent) => unknown, options?: ConsumerOptions) => {
  const bus = new EventBus();
  const told: SnakepitEvent[] = [];
  bus.registerConsumer(
    'snakepit.observability.**',
    { name: 'told', handle: (event) => told.push(event) },
    { delivery: 'inline', sampled: false },
  );
  const remove = bus.registerConsumer('a.**', { name: 'x', handle }, options);
  const emit = (n: number, from = 0) => {
    for (let i = from; i < from + n; i++) bus.emit(`a.e${i}`, { i });
  };
  return { bus, told, remove, emit, counts: () => countsOf(bus, 'x') };
};

const numberOf = (event: SnakepitEvent) => event.measurements.i as number;

describe('delivery', () => {
  it('comes when the emitter is done, in order, and before it goes on after an await', async () => {
    const seen: number[] = [];
    const { emit, counts } = rig((event) => seen.push(numberOf(event)));
    emit(3);
    expect(seen).toEqual([]);
    expect(counts()).toMatchObject({ offered: 3, pending: 3, delivered: 0 });
    await Promise.resolve();
    expect(seen).toEqual([0, 1, 2]);
    expect(counts()).toMatchObject({ offered: 3, pending: 0, delivered: 3 });
  });

  it('waits for a promise before the next', async () => {
    const running: (() => void)[] = [];
    const seen: number[] = [];
    const { emit, counts } = rig((event) => {
      seen.push(numberOf(event));
      return new Promise<void>((resolve) => running.push(resolve));
    });
    emit(2);
    await time.advance(0);
    expect(seen).toEqual([0]);
    running.shift()?.();
    await time.advance(0);
    expect(seen).toEqual([0, 1]);
    expect(counts()).toMatchObject({ delivered: 1, pending: 1 });
  });

  it('takes batches of what has come together', async () => {
    const bus = new EventBus();
    const batches: number[][] = [];
    const handleBatch = (events: readonly SnakepitEvent[]) => void batches.push(events.map(numberOf));
    bus.registerConsumer('a', { name: 'x', handleBatch }, { batch: { maxEvents: 3 } });
    for (let i = 0; i < 7; i++) bus.emit('a', { i });
    await time.advance(0);
    expect(batches).toEqual([[0, 1, 2], [3, 4, 5], [6]]);
    expect(countsOf(bus, 'x').delivered).toBe(7);
  });

  it('waits for a batch to fill, but not for ever', async () => {
    const bus = new EventBus();
    const sizes: number[] = [];
    bus.registerConsumer(
      'a',
      { name: 'x', handleBatch: (events) => void sizes.push(events.length) },
      { batch: { waitMs: 100 } },
    );
    bus.emit('a');
    await time.advance(99);
    bus.emit('a');
    expect(sizes).toEqual([]);
    await time.advance(1);
    expect(sizes).toEqual([2]);
  });

  it('tells the weight and gives a signal', async () => {
    const bus = new EventBus();
    let weight: number | undefined;
    let signal: AbortSignal | undefined;
    bus.registerConsumer(
      'a',
      (_, delivery) => {
        ({ weight, signal } = delivery);
        return new Promise(() => {});
      },
      { deadlineMs: 1000 },
    );
    bus.emit('a');
    await time.advance(999);
    expect(weight).toBe(1);
    expect(signal?.aborted).toBe(false);
    await time.advance(1);
    expect(signal?.aborted).toBe(true);
    expect(signal?.reason).toMatchObject({ message: 'It took longer than 1000 ms.' });
  });

  it('survives what only looks like a promise', async () => {
    const like = (then: PropertyDescriptor) => Object.defineProperty({}, 'then', then);
    const fail = () => {
      throw new Error('then');
    };
    const twice = (resolve: () => void) => {
      resolve();
      resolve();
    };
    const returned: unknown[] = [
      like({ value: 1 }),
      like({ get: fail }),
      like({ value: fail }),
      like({ value: twice }),
      Promise.reject(new Error('no')),
    ];
    const { emit, counts } = rig((event) => returned[numberOf(event)]);
    emit(returned.length);
    await time.advance(10);
    expect(counts()).toMatchObject({ offered: 5, pending: 0, delivered: 2, dropped: { failed: 3 } });
  });
});

describe('a full queue', () => {
  const hung = () => new Promise(() => {});
  // One is being delivered, for ever; the others wait.
  it.each([
    ['drop_oldest', [4, 5]],
    ['drop_newest', [1, 2]],
  ] as const)('%s', async (onFull, waiting) => {
    const { emit, counts, remove, bus } = rig(hung, { queue: { maxEvents: 2, onFull }, deadlineMs: 1000 });
    emit(1);
    await time.advance(0);
    emit(5, 1);
    expect(counts()).toMatchObject({ offered: 6, pending: 3, dropped: { overflow: 3 } });
    remove();
    const seen: number[] = [];
    bus.registerConsumer(
      'a.**',
      { name: 'x', handle: (event) => void seen.push(numberOf(event)) },
      { queue: { maxEvents: 2, onFull } },
    );
    emit(5, 1);
    await time.advance(0);
    expect(seen).toEqual(waiting);
  });

  it('block: waits outside for room, at most as long as it says', async () => {
    const running: (() => void)[] = [];
    const seen: number[] = [];
    const { emit, counts } = rig(
      (event) => {
        seen.push(numberOf(event));
        return new Promise<void>((resolve) => running.push(resolve));
      },
      { queue: { maxEvents: 2, onFull: 'block', blockMs: 100 }, deadlineMs: 10_000 },
    );
    emit(1);
    await time.advance(0);
    emit(6, 1);
    // Two wait inside, two outside, two find no room there either.
    expect(counts()).toMatchObject({ pending: 5, dropped: { overflow: 2 } });
    await time.advance(50);
    running.shift()?.();
    await time.advance(0);
    expect(counts()).toMatchObject({ pending: 4, delivered: 1 });
    await time.advance(50);
    expect(counts()).toMatchObject({ pending: 3, dropped: { overflow: 3 } });
    for (let i = 0; i < 3; i++) {
      running.shift()?.();
      await time.advance(0);
    }
    expect(seen).toEqual([0, 1, 2, 3]);
    expect(counts()).toMatchObject({ pending: 0, delivered: 4 });
  });

  it('is bounded in bytes too, and one event that is larger than all of it is let go', async () => {
    const bus = new EventBus();
    bus.registerConsumer('a', { name: 'x', handle: hung }, { queue: { maxBytes: 10_000 } });
    bus.emit('a', { text: 'x'.repeat(20_000) });
    expect(countsOf(bus, 'x')).toMatchObject({ pending: 0, dropped: { overflow: 1 } });
    for (let i = 0; i < 10; i++) bus.emit('a', { text: 'x'.repeat(3000) });
    expect(countsOf(bus, 'x')).toMatchObject({ pending: 3, dropped: { overflow: 8 } });
  });

  it('takes events that cannot be weighed', async () => {
    const seen: unknown[] = [];
    const { bus } = rig((event) => seen.push(event));
    const cycle: Record<string, unknown> = {};
    cycle.self = cycle;
    bus.emit('a.cycle', { cycle });
    bus.emit('a.proxy', {
      proxy: new Proxy(
        {},
        {
          ownKeys: () => {
            throw new Error('no');
          },
        },
      ),
    });
    await time.advance(0);
    expect(seen).toHaveLength(2);
  });

  it('is told of in one event for all of a while', async () => {
    const { emit, told } = rig(hung, { queue: { maxEvents: 1 }, deadlineMs: 100_000 });
    emit(1);
    await time.advance(0);
    emit(11, 1);
    await time.advance(4999);
    expect(told).toEqual([]);
    await time.advance(1);
    expect(told).toMatchObject([
      {
        event_name: 'snakepit.observability.dropped',
        measurements: { count: 10, window_ms: 5000 },
        metadata: { reason: 'overflow', consumer: 'x' },
      },
    ]);
    await time.advance(60_000);
    expect(told).toHaveLength(1);
  });
});

describe('failures', () => {
  it('past the deadline are failures, even if it succeeds later', async () => {
    const running: (() => void)[] = [];
    const { emit, counts } = rig(() => new Promise<void>((resolve) => running.push(resolve)), {
      deadlineMs: 100,
    });
    emit(2);
    await time.advance(100);
    expect(counts()).toMatchObject({ pending: 1, delivered: 0, dropped: { failed: 1 } });
    running[0]?.();
    await time.advance(0);
    expect(counts()).toMatchObject({ pending: 1, delivered: 0, dropped: { failed: 1 } });
    running[1]?.();
    await time.advance(0);
    expect(counts()).toMatchObject({ pending: 0, delivered: 1 });
  });

  it('open the circuit, which half-opens after a while and closes on success', async () => {
    // Chance takes nothing off.
    vi.spyOn(Math, 'random').mockReturnValue(0);
    let broken = true;
    const seen: number[] = [];
    const { emit, counts, told } = rig(
      (event) => {
        seen.push(numberOf(event));
        if (broken) throw new Error('down');
      },
      { circuit: { failures: 3, openMs: 1000 } },
    );
    emit(5);
    await time.advance(0);
    expect(seen).toEqual([0, 1, 2]);
    expect(counts()).toMatchObject({ circuit: 'open', pending: 2, dropped: { failed: 3 } });
    emit(4, 5);
    expect(counts()).toMatchObject({ pending: 2, dropped: { circuit_open: 4 } });
    // The first trial fails: it stays open for twice as long.
    await time.advance(999);
    expect(seen).toHaveLength(3);
    await time.advance(1);
    expect(seen).toEqual([0, 1, 2, 3]);
    expect(counts()).toMatchObject({ circuit: 'open', pending: 1 });
    broken = false;
    await time.advance(1999);
    expect(seen).toHaveLength(4);
    await time.advance(1);
    expect(counts()).toMatchObject({ circuit: 'closed', pending: 0, delivered: 1 });
    const names = told.map(({ event_name }) => event_name.split('.').at(-1));
    expect(names.filter((name) => name?.startsWith('circuit'))).toEqual(['circuit_opened', 'circuit_closed']);
  });

  it('that are transient are tried again, after a growing wait', async () => {
    const calls: number[] = [];
    let failures = 2;
    const { emit, counts } = rig(
      async () => {
        calls.push(time.now());
        if (failures-- > 0) throw Object.assign(new Error('reset'), { code: 'ECONNRESET' });
      },
      { retry: { attempts: 3, backoffMs: 100 } },
    );
    emit(1);
    await time.advance(0);
    expect(counts()).toMatchObject({ pending: 1, dropped: { failed: 0 } });
    await time.advance(1000);
    expect(counts()).toMatchObject({ pending: 0, delivered: 1, dropped: { failed: 0 } });
    expect(calls).toHaveLength(3);
    const [first, second] = [
      (calls[1] as number) - (calls[0] as number),
      (calls[2] as number) - (calls[1] as number),
    ];
    expect(first).toBeGreaterThanOrEqual(50);
    expect(first).toBeLessThanOrEqual(100);
    expect(second).toBeGreaterThanOrEqual(100);
    expect(second).toBeLessThanOrEqual(200);
  });

  it.each([
    ['is not transient', () => new TypeError('bug'), 1],
    ['stays', () => Object.assign(new Error('x'), { cause: { code: 'ETIMEDOUT' } }), 3],
    ['says so', () => Object.assign(new Error('x'), { transient: true }), 3],
  ])('that %s: tried %#', async (_, error, attempts) => {
    let calls = 0;
    const { emit, counts } = rig(
      () => {
        calls++;
        throw error();
      },
      { retry: { attempts: 2, backoffMs: 10 } },
    );
    emit(1);
    await time.advance(100);
    expect(calls).toBe(attempts);
    expect(counts()).toMatchObject({ pending: 0, dropped: { failed: 1 } });
  });

  it('of a whole batch count for all of it', async () => {
    const bus = new EventBus();
    bus.registerConsumer('a', { name: 'x', handleBatch: () => Promise.reject(new Error('no')) });
    for (let i = 0; i < 4; i++) bus.emit('a');
    await time.advance(0);
    expect(countsOf(bus, 'x')).toMatchObject({
      offered: 4,
      pending: 0,
      dropped: { failed: 4 },
      circuit: 'closed',
    });
  });
});

it('comes back earlier by chance, by a quarter at most, so that consumers that failed together do not all come back at once', async () => {
  vi.spyOn(Math, 'random').mockReturnValue(0.999);
  let calls = 0;
  const { emit } = rig(
    () => {
      calls++;
      throw new Error('down');
    },
    { circuit: { failures: 1, openMs: 1000 } },
  );
  emit(2);
  await time.advance(750);
  expect(calls).toBe(1);
  await time.advance(1);
  expect(calls).toBe(2);
});

describe('the thread', () => {
  it('is taken by a consumer for no more than its share, however much waits for it', async () => {
    // Each event takes 0.1 ms of it.
    let worked = 0;
    const undo = useClock({ ...time.clock, monotonic: () => time.clock.monotonic() + worked });
    const { counts, bus } = rig(
      () => {
        worked += 0.1;
      },
      { share: 0.25, queue: { maxEvents: 100_000 } },
    );
    for (let i = 0; i < 20_000; i++) bus.emit('a.x');
    await time.advance(100);
    const passed = 100 + worked;
    expect(worked).toBeGreaterThan(passed * 0.15);
    expect(worked).toBeLessThan(passed * 0.25 + 0.5);
    expect(conserves(counts())).toBe(true);
    // In the end it may hurry.
    const closed = bus.close(60_000);
    for (let i = 0; i < 30; i++) await time.advance(0);
    expect(await closed).toEqual([]);
    expect(counts().delivered).toBe(20_000);
    undo();
  });

  it('held too long by one event opens the circuit, though the events are delivered', async () => {
    let worked = 0;
    const undo = useClock({ ...time.clock, monotonic: () => time.clock.monotonic() + worked });
    const { emit, counts } = rig(
      () => {
        worked += 60;
      },
      { circuit: { failures: 3 }, maxBlockMs: 50 },
    );
    emit(10);
    await time.advance(2000);
    expect(counts()).toMatchObject({ circuit: 'open', dropped: { failed: 0 } });
    expect(counts().delivered).toBeLessThan(10);
    undo();
  });
});

describe('removing', () => {
  it('drops what waits and what is being delivered, and aborts that', async () => {
    let signal: AbortSignal | undefined;
    const bus = new EventBus();
    const remove = bus.registerConsumer('a', {
      name: 'x',
      handle: (_, delivery) => {
        signal = delivery.signal;
        return new Promise(() => {});
      },
    });
    for (let i = 0; i < 3; i++) bus.emit('a');
    await time.advance(0);
    remove();
    expect(countsOf(bus, 'x')).toMatchObject({ offered: 3, pending: 0, dropped: { removed: 3 } });
    expect(signal?.aborted).toBe(true);
    expect(time.pending).toBe(0);
  });

  it.each([
    ['fails', 'snakepit.observability.consumer_failed', 1, { dropped: { failed: 1, removed: 1 } }],
    [
      'has its circuit opened',
      'snakepit.observability.circuit_opened',
      1,
      { dropped: { failed: 1, removed: 1 } },
    ],
    ['works again', 'snakepit.observability.circuit_closed', 1, { delivered: 1, dropped: { failed: 1 } }],
  ])('one that %s, when the bus says so, counts nothing twice', async (_, name, failures, expected) => {
    for (const batches of [false, true]) {
      const bus = new EventBus();
      let calls = 0;
      const handle = () => {
        if (++calls <= failures) throw new Error('no');
      };
      const remove = bus.registerConsumer(
        'a',
        batches ? { name: 'x', handleBatch: handle } : { name: 'x', handle },
        { circuit: { failures: 1, openMs: 100 }, batch: { maxEvents: 1 } },
      );
      bus.registerConsumer(name, () => remove(), { delivery: 'inline', sampled: false });
      bus.emit('a');
      bus.emit('a');
      await time.advance(200);
      const counts = countsOf(bus, 'x');
      expect(counts).toMatchObject({ offered: 2, pending: 0, ...expected });
      expect(conserves(counts)).toBe(true);
    }
  });

  it('itself from inside its own function counts nothing twice', async () => {
    const bus = new EventBus();
    for (const asynchronous of [false, true]) {
      const remove = bus.registerConsumer('a', {
        name: 'x',
        handle: () => {
          remove();
          return asynchronous ? Promise.resolve() : undefined;
        },
      });
      bus.emit('a');
      bus.emit('a');
      await time.advance(0);
    }
    expect(countsOf(bus, 'x')).toMatchObject({
      offered: 4,
      pending: 0,
      delivered: 0,
      dropped: { removed: 4 },
    });
  });
});

describe('closing', () => {
  it('delivers what waits, in order', async () => {
    const seen: number[] = [];
    const { bus, emit, counts } = rig(async (event) => {
      await Promise.resolve();
      seen.push(numberOf(event));
    });
    emit(50);
    const closed = bus.close(1000);
    bus.emit('a.late', { i: 99 });
    await time.advance(1000);
    expect(await closed).toEqual([]);
    expect(seen).toEqual(Array.from({ length: 50 }, (_, i) => i));
    expect(counts()).toMatchObject({ offered: 50, delivered: 50, pending: 0 });
    expect(time.pending).toBe(0);
  });

  it('gives up at its deadline, and says what was lost', async () => {
    const { bus, emit, counts } = rig(() => new Promise(() => {}));
    emit(10);
    await time.advance(0);
    const closed = bus.close(300);
    await time.advance(300);
    expect(await closed).toEqual([{ consumer: 'x', events: 10 }]);
    expect(counts()).toMatchObject({ pending: 0, dropped: { shutdown: 10 } });
    expect(time.pending).toBe(0);
  });

  it('does not wait for a circuit that stays open for longer', async () => {
    const { bus, emit, counts } = rig(() => Promise.reject(new Error('down')), {
      circuit: { failures: 1, openMs: 60_000 },
    });
    emit(3);
    await time.advance(0);
    expect(await bus.close(1000)).toEqual([{ consumer: 'x', events: 2 }]);
    expect(conserves(counts())).toBe(true);
  });
});
