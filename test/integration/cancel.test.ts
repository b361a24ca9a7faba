import { getEventListeners } from 'node:events';
import { describe, expect, it } from 'vitest';
import { errorOf, python, startPit, until } from '../support/pit.ts';

const app = () => python`
  @command
  def hello(who: str = "world"):
      note(f"hello {who}")
      return os.getpid()

  @command
  def hold(gate: str = "never"):
      note("running")
      try:
          wait_for(gate)
      except BaseException as error:
          note(f"saw {type(error).__name__}, cancelled {context().cancelled}")
          raise
      finally:
          note("finally")

  @command
  async def hold_later(gate: str = "never"):
      note("running")
      try:
          while not is_open(gate):
              await asyncio.sleep(0.004)
      except BaseException as error:
          note(f"saw {type(error).__name__}, cancelled {context().cancelled}")
          raise
      finally:
          note("finally")

  @command
  def hold_in_stream():
      yield "running"
      note("running")
      try:
          wait_for("never")
      except BaseException as error:
          note(f"saw {type(error).__name__}, cancelled {context().cancelled}")
          raise
      finally:
          note("finally")

  @command
  async def hold_in_stream_later():
      yield "running"
      note("running")
      try:
          while True:
              await asyncio.sleep(0.004)
      except BaseException as error:
          note(f"saw {type(error).__name__}, cancelled {context().cancelled}")
          raise
      finally:
          note("finally")

  @command
  def look():
      note("running")
      while not context().cancelled:
          try:
              time.sleep(0.004)
          except Cancelled:
              pass
      note("left by itself")

  @command
  def count(n: int):
      try:
          for i in range(n):
              note(f"made {i}")
              yield i
      finally:
          note("finally")

  @command
  def work(i: int, ms: float):
      end = time.monotonic() + ms / 1000
      while time.monotonic() < end:
          pass
      return [i, context().request_id]

  @command
  def nap(i: int, ms: float):
      time.sleep(ms / 1000)
      return [i, context().request_id]

  @command
  async def nap_later(i: int, ms: float):
      await asyncio.sleep(ms / 1000)
      return [i, context().request_id]

  @command
  def burst(n: int):
      yield from range(n)
      wait_for("go")
      yield n

  @command
  async def burst_later(n: int):
      for i in range(n):
          yield i
      while not is_open("go"):
          await asyncio.sleep(0.004)
      yield n

  @command
  async def count_later(n: int):
      try:
          for i in range(n):
              note(f"made {i}")
              yield i
              await asyncio.sleep(0)
      finally:
          note("finally")
`;

const cancelled = { code: 'cancelled', category: 'request', status: 'cancelled', httpStatus: 499 };

describe('an AbortSignal', () => {
  it('that is aborted already: the command is never run', async () => {
    const { pit, events, notes } = await startPit({ pool: { app: app() } });
    const error = await errorOf(pit.execute('hello', { who: 'nobody' }, { signal: AbortSignal.abort() }));
    expect(error).toMatchObject({ ...cancelled, retryable: true });
    await pit.execute('hello', { who: 'last' });
    expect(notes()).toEqual(['hello last']);
    expect(events.storyOf(error.requestId)).toEqual([
      'request.queued',
      'request.cancelled',
      'request.completed',
    ]);
  });

  it('that is aborted already: the stream is never opened in Python', async () => {
    const { pit, notes } = await startPit({ pool: { app: app() } });
    const stream = pit.stream('count', { n: 3 }, { signal: AbortSignal.abort() });
    expect(await errorOf(stream.next())).toMatchObject(cancelled);
    await pit.execute('hello', { who: 'last' });
    expect(notes()).toEqual(['hello last']);
  });

  it('takes a request out of the queue', async () => {
    const test = await startPit({ pool: { app: app() } });
    const blocker = test.pit.execute('hold', { gate: 'go' });
    const controller = new AbortController();
    const waiting = errorOf(test.pit.execute('hello', { who: 'nobody' }, { signal: controller.signal }));
    await test.noted('running');
    controller.abort();
    const error = await waiting;
    expect(error).toMatchObject({ ...cancelled, retryable: true });
    expect(test.pit.snapshot().pools.default?.queue_depth).toBe(0);
    test.open('go');
    await blocker;
    await test.pit.execute('hello', { who: 'last' });
    expect(test.notes()).not.toContain('hello nobody');
    expect(test.events.storyOf(error.requestId)).toEqual([
      'request.queued',
      'request.cancelled',
      'request.completed',
    ]);
  });

  it.each([
    ['hold', 'Cancelled', 1],
    ['hold', 'Cancelled', 2],
    ['hold_later', 'CancelledError', 1],
    ['hold_later', 'CancelledError', 2],
  ])('ends %s: Python sees %s (concurrency %i)', async (command, exception, concurrency) => {
    const test = await startPit({ pool: { app: app(), concurrency } });
    const controller = new AbortController();
    const running = errorOf(test.pit.execute(command, {}, { signal: controller.signal }));
    await test.noted('running');
    controller.abort();
    expect(await running).toMatchObject({ ...cancelled, retryable: false });
    await test.noted('finally');
    expect(test.notes()).toEqual(['running', `saw ${exception}, cancelled True`, 'finally']);
    expect(await test.pit.execute('hello')).toBeGreaterThan(0);
    expect(test.events.named('snakepit.worker.starting')).toHaveLength(1);
  });

  it.each([
    ['hold_in_stream', 'Cancelled', 1],
    ['hold_in_stream', 'Cancelled', 2],
    ['hold_in_stream_later', 'CancelledError', 1],
    ['hold_in_stream_later', 'CancelledError', 2],
  ])('ends %s in its midst: Python sees %s (concurrency %i)', async (command, exception, concurrency) => {
    const test = await startPit({ pool: { app: app(), concurrency } });
    const controller = new AbortController();
    const stream = test.pit.stream(command, {}, { signal: controller.signal });
    expect((await stream.next()).value).toBe('running');
    const next = errorOf(stream.next());
    await test.noted('running');
    controller.abort();
    expect(await next).toMatchObject(cancelled);
    await test.noted('finally');
    expect(test.notes()).toEqual(['running', `saw ${exception}, cancelled True`, 'finally']);
  });

  it('shows in context().cancelled, for loops that leave by themselves', async () => {
    const test = await startPit({ pool: { app: app() } });
    const controller = new AbortController();
    const running = errorOf(test.pit.execute('look', {}, { signal: controller.signal }));
    await test.noted('running');
    controller.abort();
    await running;
    await test.noted('left by itself');
    expect(await test.pit.execute('hello')).toBeGreaterThan(0);
  });

  it('shared by many calls ends them all', async () => {
    const test = await startPit({ pool: { app: app(), workers: 2 } });
    const controller = new AbortController();
    const all = Array.from({ length: 10 }, () =>
      errorOf(test.pit.execute('hold', {}, { signal: controller.signal })),
    );
    await test.noted('running', 2);
    controller.abort();
    for (const error of await Promise.all(all)) expect(error).toMatchObject(cancelled);
    await test.noted('finally', 2);
    expect(test.count('running')).toBe(2);
  });

  it('is let go of once the call is over, whichever way', async () => {
    const { pit } = await startPit({ pool: { app: app() } });
    const { signal } = new AbortController();
    await pit.execute('hello', {}, { signal });
    await errorOf(pit.execute('nobody', {}, { signal }));
    for await (const _ of pit.stream('count', { n: 2 }, { signal }));
    expect(getEventListeners(signal, 'abort')).toHaveLength(0);
  });

  it('aborted after the end changes nothing', async () => {
    const { pit, events } = await startPit({ pool: { app: app() } });
    const controller = new AbortController();
    const { requestId } = await pit.call('hello', {}, { signal: controller.signal });
    controller.abort();
    await pit.execute('hello');
    expect(events.storyOf(requestId).at(-1)).toBe('request.completed');
    expect(events.named('snakepit.request.cancelled')).toEqual([]);
  });
});

describe('a storm of cancellations', () => {
  it.each([1, 4])('hits those that were cancelled and nobody else (concurrency %i)', async (concurrency) => {
    const { pit, events } = await startPit({
      pool: { app: app(), workers: 2, concurrency, cancelGraceMs: 50_000 },
    });
    const kinds = ['work', 'nap', 'nap_later'];
    const calls = Array.from({ length: 400 }, async (_, i) => {
      const controller = new AbortController();
      const { signal } = controller;
      const call = pit.call(kinds[i % 3] as string, { i, ms: (i * 7) % 5 }, i % 2 ? { signal } : {});
      if (i % 2) setTimeout(() => controller.abort(), (i * 13) % 200);
      return call;
    });
    const outcomes = await Promise.allSettled(calls);
    outcomes.forEach((outcome, i) => {
      if (outcome.status === 'fulfilled') {
        expect(outcome.value.result).toEqual([i, outcome.value.requestId]);
      } else {
        expect(i % 2, `call ${i} was not cancelled but ${outcome.reason}`).toBe(1);
        expect(outcome.reason).toMatchObject(cancelled);
      }
    });
    expect(events.named('snakepit.request.completed')).toHaveLength(400);
    await until(
      () => pit.snapshot().pools.default?.workers.every(({ in_flight }) => in_flight === 0),
      'idle',
    );
    expect(events.named('snakepit.worker.crashed')).toEqual([]);
  });
});

describe('leaving a stream early', () => {
  it.each([
    ['count', 1],
    ['count', 2],
    ['count_later', 1],
    ['count_later', 2],
  ])('closes the generator of %s, whose finally runs (concurrency %i)', async (command, concurrency) => {
    const test = await startPit({ pool: { app: app(), concurrency } });
    const stream = test.pit.stream<number>(command, { n: 1_000_000 });
    for await (const i of stream) if (i === 3) break;
    await test.noted('finally');
    expect(await test.pit.execute('hello')).toBeGreaterThan(0);
    const story = test.events.storyOf(stream.requestId).filter((name) => name !== 'stream.chunk');
    expect(story).toEqual([
      'request.queued',
      'stream.opened',
      'request.started',
      'request.cancelled',
      'stream.closed',
      'request.completed',
    ]);
    expect(test.events.named('snakepit.worker.starting')).toHaveLength(1);
  });

  it('by an exception in the loop does the same', async () => {
    const test = await startPit({ pool: { app: app() } });
    const reading = async () => {
      for await (const i of test.pit.stream<number>('count', { n: 1_000_000 })) {
        if (i === 3) throw new Error('the reader failed');
      }
    };
    await expect(reading()).rejects.toThrow('the reader failed');
    await test.noted('finally');
  });

  it('after the last chunk is no cancellation', async () => {
    const test = await startPit({ pool: { app: app() } });
    const stream = test.pit.stream<number>('count', { n: 3 });
    const chunks: number[] = [];
    for await (const i of stream) chunks.push(i);
    await stream.return?.();
    expect(chunks).toEqual([0, 1, 2]);
    const [completed] = test.events.named('snakepit.request.completed');
    expect(completed?.metadata).toMatchObject({ status: 'success', success: true });
  });
});

describe('a reader that waits', () => {
  it.each([
    ['burst', 1],
    ['burst', 2],
    ['burst_later', 1],
    ['burst_later', 2],
  ])(
    'gets each chunk of %s when it is made, not with the next (concurrency %i)',
    async (command, concurrency) => {
      const test = await startPit({ pool: { app: app(), concurrency } });
      const stream = test.pit.stream<number>(command, { n: 3 }, { timeoutMs: 20_000 });
      // The gate is shut until these are here.
      for (let i = 0; i < 3; i++) expect((await stream.next()).value).toBe(i);
      test.open('go');
      expect((await stream.next()).value).toBe(3);
      expect((await stream.next()).done).toBe(true);
    },
  );
});

describe('a reader that pauses', () => {
  it.each(['count', 'count_later'])('holds %s back to the buffer', async (command) => {
    const buffer = 4;
    const test = await startPit({ pool: { app: app(), concurrency: 2, streamBuffer: buffer } });
    const made = () => test.notes().filter((line) => line.startsWith('made ')).length;
    const stream = test.pit.stream<number>(command, { n: 1000 });
    for (let taken = 1; taken <= 12; taken++) {
      expect((await stream.next()).value).toBe(taken - 1);
      // Python has had every chance to run ahead: it has answered others in the meantime.
      for (let i = 0; i < 5; i++) await test.pit.execute('hello');
      // One more is made before there is room for it, so that the end of a stream needs no room.
      expect(made()).toBeLessThanOrEqual(taken + buffer + 1);
    }
    await stream.return?.();
    await test.noted('finally');
  });

  it('loses nothing', async () => {
    const { pit } = await startPit({ pool: { app: app(), concurrency: 2, streamBuffer: 1 } });
    const chunks: number[] = [];
    for await (const i of pit.stream<number>('count', { n: 40 })) {
      if (i % 10 === 0) await pit.execute('hello');
      chunks.push(i);
    }
    expect(chunks).toEqual(Array.from({ length: 40 }, (_, i) => i));
  });
});
