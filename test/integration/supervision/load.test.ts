import { describe, expect, it } from 'vitest';
import { errorOf, python, sharedPit, startPit, type TestPit, until } from '../../support/pit.ts';

const app = () => python`
  @command
  def echo(i: int = 0):
      note(f"echo {i}")
      return i

  @command
  def work(i: int, ms: float):
      note(f"work {i}")
      end = time.monotonic() + ms / 1000
      while time.monotonic() < end:
          pass
      return i

  @command
  def nap(ms: float):
      time.sleep(ms / 1000)

  @command
  def hold(gate: str):
      note(f"holding {gate}")
      wait_for(gate)

  @command
  def swell(mb: int):
      block = bytearray(os.urandom(1 << 20) * mb)
      time.sleep(0.01)
      return len(block)

  @command
  def size(text: str):
      return len(text)
`;

const range = (n: number) => Array.from({ length: n }, (_, i) => i);

describe('the queue', () => {
  const shared = sharedPit({ pool: { app: app(), maxQueue: 20 } });

  /** What runs in which order once the only worker, which is blocked meanwhile, is free. */
  const orderOf = async (calls: { priority?: number; fairnessKey?: string }[]): Promise<number[]> => {
    const gate = `order ${Math.random()}`;
    const blocker = shared.pit.execute('hold', { gate });
    await shared.noted(`holding ${gate}`);
    const from = shared.notes().length;
    const running = calls.map((options, i) => shared.pit.execute('echo', { i }, options));
    shared.open(gate);
    await Promise.all([blocker, ...running]);
    return shared
      .notes()
      .slice(from)
      .map((line) => Number(line.slice('echo '.length)));
  };

  it('begins what has a higher priority first, and else what came first', async () => {
    const priorities = [0, -10, 5, 0, 10, 5, -1];
    expect(await orderOf(priorities.map((priority) => ({ priority })))).toEqual([4, 2, 5, 0, 3, 6, 1]);
  });

  it('lets keys take turns: a flood of one delays no other by more than its share', async () => {
    const keys = ['a', 'a', 'a', 'a', 'a', 'a', 'b', 'b', 'c'];
    const order = await orderOf(keys.map((fairnessKey) => ({ fairnessKey })));
    expect(order.map((i) => keys[i]).join('')).toBe('abcabaaaa');
    // Within a key, in the order they came.
    expect(order.filter((i) => keys[i] === 'a')).toEqual([0, 1, 2, 3, 4, 5]);
  });

  it('what has no key shares the turns of one', async () => {
    const order = await orderOf([{}, {}, {}, { fairnessKey: 'a' }, { fairnessKey: 'b' }]);
    expect(order.indexOf(3)).toBeLessThan(3);
    expect(order.indexOf(4)).toBeLessThan(4);
  });

  it.each([
    { priority: 11 },
    { priority: -11 },
    { priority: 0.5 },
    { priority: Number.NaN },
    { priority: '1' as never },
    { fairnessKey: 5 as never },
    { fairnessKey: null as never },
  ])('refuses %o', async (options) => {
    const error = await errorOf(shared.pit.execute('echo', { i: 999 }, options));
    expect(error).toMatchObject({ code: 'invalid_arguments', httpStatus: 422 });
    expect(error.message).toContain(Object.keys(options)[0]);
    expect(shared.count('echo 999')).toBe(0);
  });

  it('that is full says when to come again', async () => {
    const blocker = shared.pit.execute('hold', { gate: 'full' });
    await shared.noted('holding full');
    const waiting = range(20).map((i) => shared.pit.execute('echo', { i }));
    const error = await errorOf(shared.pit.execute('echo', { i: 20 }, { priority: 10 }));
    expect(error).toMatchObject({ code: 'queue_full', httpStatus: 503, retryable: true });
    expect(error.retryAfterMs).toBeGreaterThanOrEqual(1000);
    expect(error.retryAfterMs).toBeLessThanOrEqual(60_000);
    shared.open('full');
    await Promise.all([blocker, ...waiting]);
  });
});

/** Sums that must never fall, from the snapshot and from the exposition. */
const totals = async (test: TestPit) => {
  const pool = test.pit.snapshot().pools.default;
  const { body } = await test.pit.metrics.render();
  const sum = (metric: string) =>
    [...String(body).matchAll(new RegExp(`^${metric}\\{.*\\} (\\S+)$`, 'gm'))].reduce(
      (total, [, value]) => total + Number(value),
      0,
    );
  return {
    requests:
      (pool?.workers ?? []).reduce((total, worker) => total + worker.slot_requests_total, 0) +
      (pool?.gone_slots?.requests_total ?? 0),
    slotBusy: pool?.slot_busy_seconds_total ?? 0,
    exposed: sum('snakepit_worker_requests_total'),
    exposedBusy: sum('snakepit_worker_busy_seconds_total'),
    exposedCpu: sum('snakepit_worker_cpu_seconds_total'),
  };
};

describe('resizing', () => {
  it('up and down under load loses no request, and no total falls', async () => {
    const test = await startPit({ pool: { app: app(), statsIntervalMs: 20, restartDelayMs: 5 } });
    const seen: Awaited<ReturnType<typeof totals>>[] = [];
    let done = false;
    const watching = (async () => {
      while (!done) seen.push(await totals(test));
    })();
    const calls: Promise<number>[] = [];
    const send = (count: number) => {
      for (const _ of range(count)) {
        const i = calls.length;
        calls.push(test.pit.execute<number>('work', { i, ms: (i * 7) % 4 }));
      }
    };
    for (const workers of [3, 1, 2, 1]) {
      send(60);
      await test.pit.resize('default', workers);
      expect(test.pit.snapshot().pools.default?.workers_desired).toBe(workers);
      send(40);
      await test.serving(workers);
      await Promise.all(calls);
    }
    await until(() => test.pit.snapshot().pools.default?.extra_workers.length === 0, 'the others are gone');
    // A death with something running is no reason to fall either.
    const running = errorOf(test.pit.execute('hold', { gate: 'never' }));
    await test.noted('holding never');
    seen.push(await totals(test));
    process.kill(test.pids()[0] as number, 'SIGKILL');
    expect((await running).code).toBe('worker_crashed');
    seen.push(await totals(test));
    done = true;
    await watching;
    seen.push(await totals(test));

    expect(await Promise.all(calls)).toEqual(range(400));
    const worked = test.notes().filter((line) => line.startsWith('work '));
    expect(worked).toHaveLength(400);
    expect(new Set(worked).size).toBe(400);
    expect(seen.at(-1)).toMatchObject({ requests: 400, exposed: 400 });
    expect(seen.length).toBeGreaterThan(10);
    for (const key of ['requests', 'slotBusy', 'exposed', 'exposedBusy', 'exposedCpu'] as const) {
      const values = seen.map((of) => of[key]);
      for (let i = 1; i < values.length; i++) {
        expect(values[i], `${key} at ${i}`).toBeGreaterThanOrEqual((values[i - 1] ?? 0) - 1e-9);
      }
      expect(values.at(-1)).toBeGreaterThan(0);
    }
    const pids = test.events.named('snakepit.worker.stopped');
    expect(pids.map(({ metadata }) => metadata.exit)).toMatchObject(
      pids.map(() => ({ code: 0, signal: null, in_flight: [] })),
    );
    expect(pids).toHaveLength(3);
  });

  it('down lets a worker finish what it runs', async () => {
    const test = await startPit({ pool: { app: app(), workers: 2 } });
    await test.serving(2);
    const running = ['a', 'b'].map((gate) => test.pit.execute('hold', { gate }));
    await test.noted('holding a');
    await test.noted('holding b');
    await test.pit.resize('default', 1);
    expect(test.pit.snapshot().pools.default).toMatchObject({
      workers_desired: 1,
      workers_by_state: { busy: 1, draining: 1 },
      extra_workers: [{ role: 'leaving', slot: 1 }],
    });
    test.open('a');
    test.open('b');
    await Promise.all(running);
    await test.events.first('snakepit.worker.stopped');
    expect(test.pit.snapshot().pools.default).toMatchObject({
      workers: [{ slot: 0 }],
      extra_workers: [],
      gone_slots: { requests_total: 1 },
    });
  });

  it.each([0, -1, 1.5, Number.NaN, 1025])('refuses %f', async (workers) => {
    const test = await startPit({ pool: { app: app() } });
    expect((await errorOf(test.pit.resize('default', workers))).code).toBe('invalid_configuration');
    expect((await errorOf(test.pit.resize('nowhere', 1))).code).toBe('unknown_pool');
    expect(test.pit.snapshot().pools.default?.workers_desired).toBe(1);
  });
});

describe('the receipt of a request', () => {
  const shared = sharedPit({ pool: { app: app(), workers: 1 } });

  it.each([
    ['one', 1, 'echo', {}],
    ['many at once, most of which wait', 200, 'echo', {}],
    ['many that take their time', 30, 'work', { i: 0, ms: 3 }],
    ['many that wait for something', 10, 'nap', { ms: 5 }],
    ['large arguments', 5, 'size', { text: 'x'.repeat(3_000_000) }],
  ])('%s: no part is counted twice', async (_, count, command, args) => {
    // Once its requests have been short, the worker is given some ahead of time, and begins those before that is seen here.
    for (let round = 0; round < 3; round++)
      await Promise.all(range(60).map(() => shared.pit.execute('size', { text: '' })));
    const receipts = await Promise.all(range(count).map(() => shared.pit.call(command, args)));
    for (const { timings } of receipts) {
      const { queueMs, serialiseMs, transportMs, pythonMs, pythonCpuMs, totalMs } = timings;
      for (const part of [queueMs, serialiseMs, transportMs, pythonMs, pythonCpuMs]) {
        expect(part).toBeGreaterThanOrEqual(0);
      }
      expect(queueMs + serialiseMs + transportMs + pythonMs).toBeLessThanOrEqual(totalMs + 1);
      expect(timings.bytesIn).toBeGreaterThan(0);
      expect(timings.bytesOut).toBeGreaterThan(0);
    }
    const asked = (args as { ms?: number }).ms ?? 0;
    expect(Math.min(...receipts.map(({ timings }) => timings.pythonMs))).toBeGreaterThanOrEqual(asked * 0.99);
  });

  it('with the memory of one that needs much, and of no other', async () => {
    const { timings, result } = await shared.pit.call<number>('swell', { mb: 50 });
    expect(result).toBe(50 * 2 ** 20);
    expect(timings.peakRssBytes).toBeGreaterThan(50 * 2 ** 20);
    expect(timings.peakRssBytes).toBeLessThan(500 * 2 ** 20);
    const small = await shared.pit.call('nap', { ms: 5 });
    expect(small.timings.peakRssBytes).toBeUndefined();
    const [completed] = shared.events
      .named('snakepit.request.completed')
      .filter(({ metadata }) => metadata.command === 'swell');
    expect(completed?.measurements.peak_rss_mb).toBeCloseTo((timings.peakRssBytes ?? 0) / 2 ** 20, 5);
    expect(completed?.measurements).toMatchObject({
      serialise_ms: timings.serialiseMs,
      transport_ms: timings.transportMs,
    });
  });
});
