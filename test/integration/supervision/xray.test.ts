import { describe, expect, it } from 'vitest';
import { errorOf, python, sharedPit, startPit, type TestPit } from '../../support/pit.ts';

const app = () => python`
  libc = ctypes.PyDLL(None)

  def hold_the_gil(seconds):
      end = time.monotonic() + seconds
      interrupted = 0
      while time.monotonic() < end:
          interrupted += libc.usleep(int((end - time.monotonic()) * 1e6) + 1000) != 0
      return interrupted

  @command
  def hello(i: int = 0):
      return i

  @command
  def sleeper(gate: str):
      note(f"in {gate}")
      wait_for(gate)
      return "slept"

  @command
  def other_sleeper(gate: str):
      note(f"in {gate}")
      wait_for(gate)
      return "slept"

  @command
  def spinner(gate: str):
      note(f"in {gate}")
      while not is_open(gate):
          for _ in range(10_000):
              pass
      return "spun"

  @command
  def gil_holder(seconds: float, gate: str = "nobody"):
      note(f"in {gate}")
      return hold_the_gil(seconds)

  async def within(gate):
      while not is_open(gate):
          await asyncio.sleep(0.004)

  @command
  async def awaiter(gate: str):
      note(f"in {gate}")
      await within(gate)
      return "awaited"

  def first_part():
      wait_for("second part")

  def second_part():
      wait_for("never")

  @command
  def two_parts():
      first_part()
      second_part()

  @command
  def yielder(gate: str):
      yield 1
      wait_for(gate)
      yield 2
`;

const slow = async ({ events }: TestPit, requestId: string) =>
  events.first('snakepit.request.slow', ({ metadata }) => metadata.request_id === requestId);

/** The ids are known only once it is queued, so it is found by its command. */
const slowOf = async (test: TestPit, command: string, pool = 'default') => {
  const { metadata } = await test.events.first(
    'snakepit.request.queued',
    (event) => event.metadata.command === command && event.metadata.pool_name === pool,
  );
  return slow(test, String(metadata.request_id));
};

describe.each([1, 2])('a slow request (concurrency %i)', (concurrency) => {
  const shared = sharedPit({ pool: { app: app(), concurrency, slowAfterMs: 400 } });

  it.each([
    ['sleeper', 'slept', 'in wait_for'],
    ['spinner', 'spun', 'in spinner'],
    ['awaiter', 'awaited', 'in within'],
  ])('%s: its event carries its stack, and it goes on', async (command, result, innermost) => {
    const gate = `${command}-gate`;
    const running = shared.pit.call(command, { gate });
    const { measurements, metadata } = await slowOf(shared, command);
    expect(measurements.threshold_ms).toBe(400);
    expect(measurements.duration_ms).toBeGreaterThanOrEqual(400);
    expect(metadata).toMatchObject({ command, phase: 'running', worker_slot: 0 });
    expect(metadata.python_stack).toContain(`in ${command}\n`);
    expect(metadata.python_stack).toContain(innermost);
    expect(metadata.python_stack).toMatch(/app\.py", line \d+/);
    shared.open(gate);
    expect((await running).result).toBe(result);
  });

  it('in C code that holds the GIL: a signal tells', async () => {
    const running = shared.pit.call<number>('gil_holder', { seconds: 0.8 });
    const { metadata } = await slowOf(shared, 'gil_holder');
    expect(metadata.python_stack).toMatch(/app\.py", line \d+, in gil_holder\n/);
    expect(metadata.python_stack).toMatch(/app\.py", line \d+, in hold_the_gil\n/);
    expect(metadata.python_stack).toMatch(/^(Current thread|Thread) 0x[0-9a-f]+/);
    // It comes to the main thread, where it ends the sleep early; with more than one slot that is not where handlers run.
    if (concurrency === 1) expect((await running).result).toBeGreaterThan(0);
    else await running;
  });

  it('in a generator', async () => {
    const stream = shared.pit.stream<number>('yielder', { gate: 'yielder-gate' });
    expect((await stream.next()).value).toBe(1);
    const { metadata } = await slow(shared, stream.requestId);
    expect(metadata.python_stack).toContain('in yielder\n');
    shared.open('yielder-gate');
    expect((await stream.next()).value).toBe(2);
    expect((await stream.next()).done).toBe(true);
  });

  it('harms nobody: the same worker lives on', async () => {
    const done = await Promise.all(Array.from({ length: 50 }, (_, i) => shared.pit.execute('hello', { i })));
    expect(done).toEqual(Array.from({ length: 50 }, (_, i) => i));
    expect(shared.events.named('snakepit.worker.starting')).toHaveLength(1);
    expect(shared.events.named('snakepit.worker.heartbeat_missed')).toEqual([]);
    expect(shared.events.named('python.log')).toEqual([]);
  });
});

describe('two at once in one worker', () => {
  it.each([
    ['both sleep', 'sleeper', { gate: 'a' }, 'other_sleeper', { gate: 'b' }],
    ['one awaits', 'awaiter', { gate: 'a' }, 'other_sleeper', { gate: 'b' }],
    ['one holds the GIL', 'sleeper', { gate: 'a' }, 'gil_holder', { seconds: 1.2, gate: 'b' }],
  ])('%s: each gets its own stack', async (_, one, oneArgs, other, otherArgs) => {
    const test = await startPit({ pool: { app: app(), concurrency: 2, slowAfterMs: 300 } });
    await test.pit.execute('hello');
    const running = [test.pit.execute(one, oneArgs)];
    await test.noted('in a');
    running.push(test.pit.execute(other, otherArgs));
    await test.noted('in b');
    const stacks = [await slowOf(test, one), await slowOf(test, other)].map(
      ({ metadata }) => metadata.python_stack,
    );
    expect(stacks[0]).toContain(`in ${one}\n`);
    expect(stacks[0]).not.toContain(`in ${other}\n`);
    expect(stacks[1]).toContain(`in ${other}\n`);
    expect(stacks[1]).not.toContain(`in ${one}\n`);
    test.open('a');
    test.open('b');
    await Promise.all(running);
    expect(test.events.named('snakepit.worker.starting')).toHaveLength(1);
  });
});

describe('without slowAfterMs', () => {
  const shared = sharedPit({ pool: { app: app(), cancelGraceMs: 50_000 } });

  it('half the deadline is slow; the timeout error says where it was', async () => {
    await shared.pit.execute('hello');
    const error = await errorOf(shared.pit.execute('sleeper', { gate: 'never' }, { timeoutMs: 400 }));
    expect(error.code).toBe('timeout');
    expect(error.context.python_stack).toContain('in sleeper\n');
    const { measurements, metadata } = await slow(shared, String(error.requestId));
    expect(measurements.threshold_ms).toBe(200);
    expect(measurements.duration_ms).toBeGreaterThanOrEqual(200);
    expect(measurements.duration_ms).toBeLessThan(400);
    expect(metadata.python_stack).toContain('in sleeper\n');
    const late = await shared.events.first('snakepit.request.timed_out');
    expect(late.metadata.error.python_stack).toContain('in sleeper\n');
  });

  it('what is done before that is not slow', async () => {
    const before = shared.events.named('snakepit.request.slow').length;
    await Promise.all(Array.from({ length: 20 }, (_, i) => shared.pit.execute('hello', { i })));
    expect(shared.events.named('snakepit.request.slow')).toHaveLength(before);
  });

  it('the stack is that of the moment: at the deadline it is another', async () => {
    const running = errorOf(shared.pit.execute('two_parts', {}, { timeoutMs: 800 }));
    const { metadata } = await slowOf(shared, 'two_parts');
    expect(metadata.python_stack).toContain('in first_part\n');
    shared.open('second part');
    const { python_stack } = (await running).context;
    expect(python_stack).toContain('in second_part\n');
    expect(python_stack).not.toContain('in first_part\n');
  });

  it('one that waits is slow without a stack', async () => {
    const blocker = shared.pit.execute('sleeper', { gate: 'blocker' });
    await shared.noted('in blocker');
    const error = await errorOf(shared.pit.execute('hello', {}, { timeoutMs: 300 }));
    expect(error.code).toBe('queue_timeout');
    expect(error.context.python_stack).toBeUndefined();
    const { metadata } = await slow(shared, String(error.requestId));
    expect(metadata).toMatchObject({ phase: 'queued', command: 'hello' });
    expect(metadata.python_stack).toBeUndefined();
    shared.open('blocker');
    await blocker;
  });
});

describe('what looking costs', () => {
  it('maxStacksPerMinute bounds it; the rest is slow all the same', async () => {
    const test = await startPit({
      pool: { app: app(), concurrency: 4, slowAfterMs: 500, maxStacksPerMinute: 2 },
    });
    const running = ['a', 'b', 'c', 'd'].map((gate) => test.pit.execute('sleeper', { gate }));
    await test.events.first(
      'snakepit.request.slow',
      () => test.events.named('snakepit.request.slow').length === 4,
    );
    const stacks = test.events
      .named('snakepit.request.slow')
      .map(({ metadata }) => metadata.python_stack?.includes('in sleeper') ?? false);
    expect(stacks.sort()).toEqual([false, false, true, true]);
    for (const gate of ['a', 'b', 'c', 'd']) test.open(gate);
    await Promise.all(running);
  });

  it('stackSignal: false sends no signal; what the worker can tell itself it still tells', async () => {
    const test = await startPit({ pool: { app: app(), slowAfterMs: 100, stackSignal: false } });
    const interrupted = test.pit.execute<number>('gil_holder', { seconds: 0.7 });
    const { metadata } = await slowOf(test, 'gil_holder');
    expect(metadata.python_stack).toBeUndefined();
    expect(await interrupted).toBe(0);
    const running = test.pit.execute('sleeper', { gate: 'a' });
    expect((await slowOf(test, 'sleeper')).metadata.python_stack).toContain('in sleeper\n');
    test.open('a');
    await running;
  });
});

describe('stackOf', () => {
  const shared = sharedPit({ pool: { app: app(), concurrency: 2 } });
  const worker = () => String(shared.pit.snapshot().pools.default?.workers[0]?.id);

  it('shows every thread and every running request', async () => {
    const running = shared.pit.call('sleeper', { gate: 'look' });
    await shared.noted('in look');
    const stacks = await shared.pit.stackOf(worker());
    expect(stacks).toMatchObject({
      worker_id: worker(),
      pid: shared.pids()[0],
      captured: 'control_thread',
      requests: [{ command: 'sleeper', stack: expect.stringContaining('in sleeper\n') }],
    });
    expect(stacks.threads).toContain('in sleeper\n');
    expect(stacks.requests[0]?.for_ms).toBeGreaterThan(0);
    shared.open('look');
    expect(stacks.requests[0]?.request_id).toBe((await running).requestId);
  });

  it('also while C code holds the GIL', async () => {
    const running = shared.pit.execute('gil_holder', { seconds: 1, gate: 'hold' });
    await shared.noted('in hold');
    // The note is written just before.
    const stacks = await shared.pit.stackOf(worker());
    expect(stacks.requests[0]?.stack).toContain('in gil_holder\n');
    expect(stacks.threads).toContain('in gil_holder\n');
    expect(stacks.captured).toBeOneOf(['signal', 'control_thread']);
    await running;
  });

  it('of an idle worker, and of none', async () => {
    const stacks = await shared.pit.stackOf(worker());
    expect(stacks).toMatchObject({ captured: 'control_thread', requests: [] });
    const error = await errorOf(shared.pit.stackOf('nobody'));
    expect(error.code).toBe('no_workers');
    expect(error.message).toContain(worker());
  });
});
