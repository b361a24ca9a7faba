import { describe, expect, it } from 'vitest';
import { errorOf, python, startPit } from '../support/pit.ts';

const app = () => python`
  @command
  def hello(who: str = "world"):
      note(f"hello {who}")
      return os.getpid()

  @command
  def hold(gate: str):
      note(f"holding {gate}")
      try:
          wait_for(gate)
      finally:
          note(f"released {gate}")

  @command
  async def hold_later(gate: str):
      note(f"holding {gate}")
      try:
          while not is_open(gate):
              await asyncio.sleep(0.004)
      except asyncio.CancelledError:
          note("asyncio cancelled")
          raise

  @command
  def clean_up_slowly(gate: str):
      note("working")
      try:
          wait_for("never")
      finally:
          wait_for(gate)
          note("cleaned up")

  @command
  def answer_all_the_same():
      note("working")
      try:
          wait_for("never")
      except Cancelled:
          return "late, but here"

  @command
  def swallow():
      note("swallowing")
      while True:
          try:
              time.sleep(0.01)
          except BaseException:
              pass

  @command
  def spin():
      note("spinning")
      while True:
          try:
              for _ in range(1000):
                  pass
          except BaseException:
              pass

  @command
  def spin_in_c():
      note("spinning in C")
      sum(range(10**13))

  @command
  def remaining():
      return context().remaining()

  @command
  def forever(hold_after: int):
      i = 0
      try:
          while True:
              if i == hold_after:
                  wait_for("never")
              yield i
              i += 1
              time.sleep(0.001)
      finally:
          note("generator closed")
`;

describe('timeoutMs', () => {
  it.each([
    ['hold', 'released never', 1],
    ['hold_later', 'asyncio cancelled', 1],
    ['hold', 'released never', 2],
    ['hold_later', 'asyncio cancelled', 2],
  ])(
    'ends %s in Python, which cleans up (%s), with concurrency %i',
    async (command, cleaned, concurrency) => {
      const { pit, noted, events } = await startPit({ pool: { app: app(), concurrency } });
      const warm = await pit.execute('hello');
      const error = await errorOf(pit.execute(command, { gate: 'never' }, { timeoutMs: 500 }));
      expect(error).toMatchObject({
        code: 'timeout',
        category: 'request',
        status: 'timeout',
        httpStatus: 504,
        retryable: false,
      });
      expect(error.message).toContain('500 ms');
      await noted(cleaned);
      expect(await pit.execute('hello')).toBe(warm);
      expect(events.storyOf(error.requestId)).toEqual([
        'request.queued',
        'request.started',
        'request.slow',
        'request.timed_out',
        'request.completed',
      ]);
      const [late] = events.named('snakepit.request.timed_out');
      expect(late?.measurements.timeout_ms).toBe(500);
    },
  );

  it('the worker is free again only when Python has ended', async () => {
    const test = await startPit({ pool: { app: app(), cancelGraceMs: 50_000 } });
    await test.pit.execute('hello');
    const error = await errorOf(test.pit.execute('clean_up_slowly', { gate: 'clean' }, { timeoutMs: 300 }));
    expect(error.code).toBe('timeout');
    const next = test.pit.execute('hello', { who: 'next' });
    expect(test.pit.snapshot().pools.default).toMatchObject({
      busy_workers: 1,
      available_workers: 0,
      queue_depth: 1,
    });
    test.open('clean');
    await next;
    expect(test.notes()).toEqual(['hello world', 'working', 'cleaned up', 'hello next']);
    expect(test.events.named('snakepit.worker.crashed')).toEqual([]);
  });

  it('an answer that comes after the deadline goes to nobody, and harms nobody', async () => {
    const { pit, events } = await startPit({ pool: { app: app() } });
    await pit.execute('hello');
    const error = await errorOf(pit.execute('answer_all_the_same', {}, { timeoutMs: 300 }));
    expect(error.code).toBe('timeout');
    expect(await pit.execute('remaining')).toBeGreaterThan(0);
    expect(
      events.of(error.requestId).filter((event) => event.event_name.endsWith('.completed')),
    ).toHaveLength(1);
    expect(events.named('snakepit.worker.crashed')).toEqual([]);
  });

  it('comes from the pool where the call names none', async () => {
    const { pit } = await startPit({ pool: { app: app(), timeoutMs: 400 } });
    await pit.execute('hello');
    expect((await errorOf(pit.execute('hold', { gate: 'never' }))).code).toBe('timeout');
  });

  it('is passed down to Python, less what the request has waited', async () => {
    const test = await startPit({ pool: { app: app() } });
    const blocker = test.pit.execute('hold', { gate: 'go' });
    const timeoutMs = 40_000;
    const waiting = test.pit.call<number>('remaining', {}, { timeoutMs });
    await test.noted('holding go');
    test.open('go');
    await blocker;
    const { result: seconds, timings } = await waiting;
    expect(seconds).toBeGreaterThan(0);
    expect(seconds * 1000).toBeLessThanOrEqual(timeoutMs - timings.queueMs + 1);
    expect(timings.queueMs).toBeGreaterThan(0);
  });

  it('passes in the queue: queue_timeout, and the request is never run', async () => {
    const test = await startPit({ pool: { app: app() } });
    const blocker = test.pit.execute('hold', { gate: 'go' });
    const error = await errorOf(test.pit.execute('hello', { who: 'nobody' }, { timeoutMs: 100 }));
    expect(error).toMatchObject({
      code: 'queue_timeout',
      category: 'system',
      status: 'timeout',
      httpStatus: 503,
      retryable: true,
    });
    expect(test.events.storyOf(error.requestId)).toEqual([
      'request.queued',
      'request.slow',
      'request.timed_out',
      'request.completed',
    ]);
    test.open('go');
    await blocker;
    await test.pit.execute('hello', { who: 'last' });
    expect(test.notes()).not.toContain('hello nobody');
  });

  it('is the total for a stream, however lively it is', async () => {
    const { pit, noted } = await startPit({ pool: { app: app() } });
    await pit.execute('hello');
    const chunks: number[] = [];
    const error = await errorOf(
      (async () => {
        for await (const i of pit.stream<number>('forever', { hold_after: -1 }, { timeoutMs: 500 }))
          chunks.push(i);
      })(),
    );
    expect(error.code).toBe('timeout');
    expect(chunks.length).toBeGreaterThan(0);
    expect(chunks).toEqual(chunks.map((_, i) => i));
    await noted('generator closed');
  });
});

describe('idleTimeoutMs', () => {
  it('ends a stream that falls silent, and its generator', async () => {
    const { pit, noted, events } = await startPit({ pool: { app: app(), idleTimeoutMs: 300 } });
    const chunks: number[] = [];
    const stream = pit.stream<number>('forever', { hold_after: 3 });
    const error = await errorOf(
      (async () => {
        for await (const i of stream) chunks.push(i);
      })(),
    );
    expect(error.code).toBe('timeout');
    expect(error.message).toContain('idleTimeoutMs');
    expect(chunks).toEqual([0, 1, 2]);
    await noted('generator closed');
    await events.first('snakepit.worker.idle');
  });

  it('does not count a reader that takes its time', async () => {
    const { pit } = await startPit({ pool: { app: app(), workers: 2, idleTimeoutMs: 300, streamBuffer: 4 } });
    const slowly = pit.stream<number>('forever', { hold_after: -1 });
    expect((await slowly.next()).value).toBe(0);
    // Longer than the limit, which the silent stream beside it proves.
    const silent = pit.stream('forever', { hold_after: 0 });
    expect((await errorOf(silent.next())).code).toBe('timeout');
    for (let i = 1; i <= 20; i++) expect((await slowly.next()).value).toBe(i);
    await slowly.return?.();
  });
});

describe('a handler that does not end when it is told to', () => {
  it.each(['swallow', 'spin', 'spin_in_c'])(
    '%s is killed after cancelGraceMs and replaced',
    async (command) => {
      const { pit, events, serving } = await startPit({ pool: { app: app(), cancelGraceMs: 300 } });
      const before = await pit.execute('hello');
      const error = await errorOf(pit.execute(command, {}, { timeoutMs: 300 }));
      expect(error.code).toBe('timeout');
      const crashed = await events.first('snakepit.worker.crashed');
      expect(crashed.metadata).toMatchObject({ reason: 'stuck', code: 'worker_stuck', category: 'worker' });
      expect(crashed.metadata.error.exit).toMatchObject({ signal: 'SIGKILL' });
      await serving(1);
      expect(await pit.execute('hello')).not.toBe(before);
      expect(
        events.of(error.requestId).filter((event) => event.event_name.endsWith('.completed')),
      ).toHaveLength(1);
    },
  );

  it('lets others on the same worker finish first', async () => {
    const test = await startPit({ pool: { app: app(), concurrency: 2, cancelGraceMs: 100 } });
    const beside = test.pit.execute('hold', { gate: 'beside' });
    await test.noted('holding beside');
    expect((await errorOf(test.pit.execute('swallow', {}, { timeoutMs: 300 }))).code).toBe('timeout');
    const { metadata } = await test.events.first('snakepit.worker.stuck');
    expect(metadata.why).toBe('cancel');
    expect(metadata.python_stack).toContain('in swallow');
    expect(test.pit.snapshot().pools.default?.workers[0]).toMatchObject({ state: 'draining', in_flight: 2 });
    test.open('beside');
    await beside;
    await test.serving(1);
    const [crashed] = test.events.named('snakepit.worker.crashed');
    expect(crashed?.metadata).toMatchObject({ reason: 'stuck', exit: { signal: 'SIGKILL', in_flight: [] } });
  });

  it('that keeps the others from running takes them down with it, which are told so', async () => {
    const test = await startPit({
      pool: { app: app(), concurrency: 2, cancelGraceMs: 300, heartbeatIntervalMs: 50 },
    });
    const beside = errorOf(test.pit.execute('hold', { gate: 'never' }));
    await test.noted('holding never');
    expect((await errorOf(test.pit.execute('spin_in_c', {}, { timeoutMs: 300 }))).code).toBe('timeout');
    expect(await beside).toMatchObject({
      code: 'worker_stuck',
      category: 'worker',
      status: 'crashed',
      httpStatus: 502,
    });
    await test.serving(1);
    expect(await test.pit.execute('hello')).toBeGreaterThan(0);
  });

  it('what waits meanwhile is run by the replacement', async () => {
    const test = await startPit({ pool: { app: app(), cancelGraceMs: 300 } });
    await test.pit.execute('hello');
    const stuck = errorOf(test.pit.execute('swallow', {}, { timeoutMs: 300 }));
    const waiting = test.pit.call('hello', { who: 'patient' });
    expect((await stuck).code).toBe('timeout');
    expect((await waiting).attempts).toBe(1);
    expect(test.count('hello patient')).toBe(1);
  });
});
