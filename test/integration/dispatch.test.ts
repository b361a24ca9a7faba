import { describe, expect, it } from 'vitest';
import { errorOf, python, startPit } from '../support/pit.ts';

const app = () => python`
  @command
  def hello(who: str = "world"):
      return who

  @command
  def mark(i: int):
      note(f"mark {i}")
      return i

  @command
  def hold(gate: str):
      note(f"holding {gate}")
      wait_for(gate)
      return os.getpid()

  barrier = threading.Barrier(4)

  @command
  def meet():
      barrier.wait(50)
      return threading.get_ident()

  arrived = []

  @command
  async def meet_later():
      arrived.append(1)
      while len(arrived) < 4:
          await asyncio.sleep(0.002)
      return len(arrived)
`;

const range = (n: number) => Array.from({ length: n }, (_, i) => i);

describe('the queue', () => {
  it('refuses what exceeds maxQueue, says so once, and says when it has room again', async () => {
    const test = await startPit({ pool: { app: app(), maxQueue: 2 } });
    const running = test.pit.execute('hold', { gate: 'go' });
    const waiting = [1, 2].map((i) => test.pit.execute('mark', { i }));
    const refused = await Promise.all([3, 4].map((i) => errorOf(test.pit.execute('mark', { i }))));
    for (const error of refused) {
      expect(error).toMatchObject({
        code: 'queue_full',
        category: 'system',
        status: 'rejected',
        httpStatus: 503,
        retryable: true,
        retryAfterMs: expect.any(Number),
      });
      expect(test.events.storyOf(error.requestId)).toEqual([
        'request.queued',
        'request.rejected',
        'request.completed',
      ]);
    }
    const saturated = test.events.named('snakepit.pool.saturated');
    expect(saturated.map(({ measurements }) => measurements)).toEqual([
      { queue_size: 2, queue_capacity: 2, busy_workers: 1, available_workers: 0 },
    ]);
    expect(test.events.named('snakepit.pool.recovered')).toEqual([]);
    test.open('go');
    await running;
    expect(await Promise.all(waiting)).toEqual([1, 2]);
    const [recovered] = test.events.named('snakepit.pool.recovered');
    expect(recovered?.measurements).toMatchObject({ queue_capacity: 2, saturated_ms: expect.any(Number) });
    expect(test.notes()).toEqual(['holding go', 'mark 1', 'mark 2']);
  });

  it('keeps the order of requests to one worker', async () => {
    const test = await startPit({ pool: { app: app() } });
    const results = await Promise.all(range(300).map((i) => test.pit.execute('mark', { i })));
    expect(results).toEqual(range(300));
    expect(test.notes()).toEqual(range(300).map((i) => `mark ${i}`));
  });

  it('tells in each event how it fared', async () => {
    const test = await startPit({ pool: { app: app() } });
    const running = test.pit.execute('hold', { gate: 'go' });
    const waiting = test.pit.call('mark', { i: 1 });
    await test.noted('holding go');
    expect(test.pit.snapshot().pools.default).toMatchObject({
      queue_depth: 1,
      busy_workers: 1,
      requests_in_flight: 1,
    });
    test.open('go');
    await running;
    const { requestId, timings } = await waiting;
    const [completed] = test.events
      .named('snakepit.request.completed')
      .filter((event) => event.metadata.request_id === requestId);
    expect(completed?.measurements).toMatchObject({
      queue_time_ms: timings.queueMs,
      duration_ms: timings.totalMs,
    });
    expect(test.pit.snapshot().pools.default).toMatchObject({
      queue_depth: 0,
      busy_workers: 0,
      requests_in_flight: 0,
    });
  });
});

describe('several workers', () => {
  it('work side by side, each in a process of its own', async () => {
    const test = await startPit({ pool: { app: app(), workers: 2 } });
    await test.serving(2);
    const both = ['a', 'b'].map((gate) => test.pit.execute<number>('hold', { gate }));
    await test.noted('holding a');
    await test.noted('holding b');
    test.open('a');
    test.open('b');
    expect(new Set(await Promise.all(both))).toEqual(new Set(test.pids()));
  });

  it.each([1, 2])(
    'a slow request strands no short ones that were given to its worker (concurrency %i)',
    async (concurrency) => {
      const test = await startPit({ pool: { app: app(), workers: 2, concurrency } });
      await test.serving(2);
      // From now on the workers are known to be quick, and get requests ahead of time.
      for (let round = 0; round < 5; round++)
        await Promise.all(range(100).map(() => test.pit.execute('hello')));
      const slow = test.pit.execute('hold', { gate: 'go' });
      const short = range(200).map((i) => test.pit.call<number>('mark', { i }));
      // The gate is shut until the last of them is done.
      const done = await Promise.all(short);
      expect(test.notes()).toContain('holding go');
      test.open('go');
      await slow;
      expect(done.map(({ result }) => result)).toEqual(range(200));
      expect(done.every(({ attempts }) => attempts === 1)).toBe(true);
      for (const i of range(200)) expect(test.count(`mark ${i}`)).toBe(1);
    },
  );

  it('a slow request that comes among short ones strands none either', async () => {
    const test = await startPit({ pool: { app: app(), workers: 2 } });
    await test.serving(2);
    for (let round = 0; round < 5; round++)
      await Promise.all(range(100).map(() => test.pit.execute('hello')));
    const before = range(20).map((i) => test.pit.execute('mark', { i }));
    const slow = test.pit.execute('hold', { gate: 'go' });
    const after = range(100).map((i) => test.pit.execute('mark', { i: 100 + i }));
    await Promise.all([...before, ...after]);
    await test.noted('holding go');
    test.open('go');
    await slow;
  });
});

describe('concurrency 4', () => {
  it('runs four blocking handlers side by side in threads of one process', async () => {
    const test = await startPit({ pool: { app: app(), concurrency: 4 } });
    const threads = await Promise.all(range(4).map(() => test.pit.execute('meet')));
    expect(new Set(threads).size).toBe(4);
    expect(test.pids()).toHaveLength(1);
    const busy = test.events.named('snakepit.worker.busy');
    expect(busy[0]?.measurements.in_flight).toBe(4);
  });

  it('runs four async handlers side by side', async () => {
    const { pit } = await startPit({ pool: { app: app(), concurrency: 4 } });
    await Promise.all(range(4).map(() => pit.execute('meet_later')));
  });

  it('runs no fifth before one is over', async () => {
    const test = await startPit({ pool: { app: app(), concurrency: 4 } });
    const held = range(4).map((i) => test.pit.execute('hold', { gate: `g${i}` }));
    for (const i of range(4)) await test.noted(`holding g${i}`);
    const fifth = test.pit.execute('mark', { i: 5 });
    expect(test.pit.snapshot().pools.default).toMatchObject({
      available_workers: 0,
      busy_workers: 1,
      queue_depth: 1,
    });
    expect(test.notes()).not.toContain('mark 5');
    test.open('g2');
    expect(await fifth).toBe(5);
    for (const i of range(4)) test.open(`g${i}`);
    await Promise.all(held);
    expect(test.notes().at(-1)).toBe('mark 5');
  });
});

describe('several pools', () => {
  it('run apps of their own, and neither waits for the other', async () => {
    const other = python`
      @command
      def hello(who: str = "other"):
          return f"{who} of the other pool"
    `;
    const test = await startPit({
      pool: { app: app() },
      morePools: { other: { app: other, codec: 'json' } },
    });
    const blocked = test.pit.execute('hold', { gate: 'go' });
    expect(await test.pit.execute('hello', { who: 'one' }, { pool: 'other' })).toBe('one of the other pool');
    expect((await errorOf(test.pit.execute('mark', { i: 1 }, { pool: 'other' }))).code).toBe(
      'unknown_command',
    );
    test.open('go');
    await blocked;
    expect(await test.pit.execute('hello')).toBe('world');
    const pools = test.events.named('snakepit.request.completed').map(({ metadata }) => metadata.pool_name);
    expect(pools).toEqual(['other', 'other', 'default', 'default']);
  });
});
