import { describe, expect, it } from 'vitest';
import { errorOf, isAlive, python, startPit, until } from '../support/pit.ts';

const app = () => python`
  @command
  def hello():
      return os.getpid()

  @command
  def mark(i: int):
      note(f"mark {i}")
      return i

  @command
  def hold(gate: str = "never"):
      note(f"holding {gate}")
      wait_for(gate)
      return "held"

  @command
  def leave(code: int):
      note("leaving")
      print("last words", file=sys.__stderr__, flush=True)
      os._exit(code)

  @command
  def segfault():
      ctypes.string_at(0)

  @command
  def leave_in_stream():
      yield 1
      time.sleep(0.01)
      yield 2
      wait_for("go")
      os._exit(9)

  @command
  def have_child():
      return subprocess.Popen([sys.executable, "-c", "import time; time.sleep(600)"]).pid
`;

const range = (n: number) => Array.from({ length: n }, (_, i) => i);
const crashed = {
  code: 'worker_crashed',
  category: 'worker',
  status: 'crashed',
  httpStatus: 502,
  retryable: false,
};

describe('a worker that dies while it runs a request', () => {
  it('by os._exit: the caller is told the exit code and the last words, a replacement serves on', async () => {
    const { pit, events } = await startPit({ pool: { app: app() } });
    const before = await pit.execute('hello');
    const error = await errorOf(pit.execute('leave', { code: 3 }));
    expect(error).toMatchObject(crashed);
    expect(error.message).toContain('exit code 3');
    expect(error.context.exit).toEqual({
      code: 3,
      signal: null,
      oom: false,
      stderr_tail: ['last words'],
      in_flight: [error.requestId],
      uptime_seconds: expect.any(Number),
      requests: 1,
      memory_mb: expect.any(Array),
    });
    expect(error.context.request_context?.command).toBe('leave');
    expect(await pit.execute('hello')).not.toBe(before);
    expect(events.storyOf(error.requestId)).toEqual([
      'request.queued',
      'request.started',
      'request.failed',
      'request.completed',
    ]);
    const [death] = events.named('snakepit.worker.crashed');
    expect(death?.metadata).toMatchObject({ reason: 'crashed', code: 'worker_crashed', worker_slot: 0 });
    expect(death?.metadata.error.exit).toMatchObject({ code: 3, signal: null });
    expect(death?.measurements).toMatchObject({ in_flight: 1, requests: 1, uptime_ms: expect.any(Number) });
    const [restarted] = events.named('snakepit.worker.restarted');
    expect(restarted?.measurements.restarts).toBe(1);
    expect(restarted?.metadata).toMatchObject({ worker_slot: 0 });
    expect(restarted?.metadata.worker_id).not.toBe(death?.metadata.worker_id);
  });

  it.each(['SIGKILL', 'SIGABRT'] as const)(
    'by %s from outside: the caller is told the signal',
    async (signal) => {
      const test = await startPit({ pool: { app: app() } });
      const running = errorOf(test.pit.execute('hold'));
      await test.noted('holding never');
      process.kill(test.pids()[0] as number, signal);
      const error = await running;
      expect(error).toMatchObject(crashed);
      expect(error.context.exit).toMatchObject({ code: null, signal, in_flight: [error.requestId] });
      expect(await test.pit.execute('hello')).toBeGreaterThan(0);
    },
  );

  it('by a segmentation fault: the caller is told where Python was', async () => {
    const { pit } = await startPit({ pool: { app: app() } });
    const error = await errorOf(pit.execute('segfault'));
    expect(error).toMatchObject(crashed);
    expect(error.context.exit?.signal).toBe('SIGSEGV');
    const tail = error.context.exit?.stderr_tail.join('\n');
    expect(tail).toContain('Fatal Python error: Segmentation fault');
    expect(tail).toMatch(/app\.py", line \d+ in segfault/);
    expect(await pit.execute('hello')).toBeGreaterThan(0);
  });

  it('in the midst of a stream: the chunks before it arrive, then the error', async () => {
    const test = await startPit({ pool: { app: app() } });
    const stream = test.pit.stream('leave_in_stream');
    expect((await stream.next()).value).toBe(1);
    expect((await stream.next()).value).toBe(2);
    test.open('go');
    const error = await errorOf(stream.next());
    expect(error).toMatchObject({ ...crashed, context: { exit: { code: 9 } } });
  });

  it('takes all of its requests with it, and none of its neighbour', async () => {
    const test = await startPit({ pool: { app: app(), workers: 2, concurrency: 2 } });
    await test.serving(2);
    const running = range(4).map((i) => test.pit.call('hold', { gate: `g${i}` }));
    const outcomes = Promise.allSettled(running);
    for (const i of range(4)) await test.noted(`holding g${i}`);
    const [victim] = test.pids();
    process.kill(victim as number, 'SIGKILL');
    const death = await test.events.first('snakepit.worker.crashed');
    expect(death.measurements.in_flight).toBe(2);
    for (const i of range(4)) test.open(`g${i}`);
    const settled = await outcomes;
    const lost = settled.filter((outcome) => outcome.status === 'rejected');
    expect(lost).toHaveLength(2);
    for (const { reason } of lost) {
      expect(reason).toMatchObject(crashed);
      expect(death.metadata.error.exit?.in_flight).toContain(reason.requestId);
    }
  });

  it('takes the children of its handlers with it', async () => {
    const { pit } = await startPit({ pool: { app: app() } });
    const child = await pit.execute<number>('have_child');
    expect(isAlive(child)).toBe(true);
    await errorOf(pit.execute('leave', { code: 1 }));
    await until(() => !isAlive(child), 'the child is gone');
  });
});

describe('requests that a dead worker had not begun', () => {
  it('wait in the queue and are run by the replacement, once', async () => {
    const test = await startPit({ pool: { app: app() } });
    const lost = errorOf(test.pit.execute('leave', { code: 1 }));
    const waiting = range(20).map((i) => test.pit.call<number>('mark', { i }));
    expect(await lost).toMatchObject(crashed);
    const done = await Promise.all(waiting);
    expect(done.map(({ result, attempts }) => [result, attempts])).toEqual(range(20).map((i) => [i, 1]));
    expect(test.notes()).toEqual(['leaving', ...range(20).map((i) => `mark ${i}`)]);
  });

  it('were given to it ahead of time, and are run by the replacement, once, in their order', async () => {
    const test = await startPit({ pool: { app: app() } });
    // From now on the worker is known to be quick, and gets requests ahead of time.
    for (let round = 0; round < 5; round++) await Promise.all(range(50).map(() => test.pit.execute('hello')));
    const all = [
      test.pit.call('mark', { i: 0 }),
      test.pit.call('leave', { code: 1 }),
      ...range(20).map((i) => test.pit.call('mark', { i: i + 1 })),
    ];
    const [first, lost, ...rest] = await Promise.allSettled(all);
    expect(first).toMatchObject({ status: 'fulfilled', value: { result: 0 } });
    expect(lost).toMatchObject({ status: 'rejected', reason: crashed });
    expect(rest).toMatchObject(
      range(20).map((i) => ({ status: 'fulfilled', value: { result: i + 1, attempts: 1 } })),
    );
    expect(test.notes()).toEqual(['mark 0', 'leaving', ...range(20).map((i) => `mark ${i + 1}`)]);
    expect(test.events.named('snakepit.request.started')).toHaveLength(250 + 22);
  });

  it('were given to it while it stood still, one of them to its free slot, and are run by the replacement', async () => {
    const test = await startPit({ pool: { app: app() } });
    for (let round = 0; round < 5; round++) await Promise.all(range(50).map(() => test.pit.execute('hello')));
    const [victim] = test.pids();
    process.kill(victim as number, 'SIGSTOP');
    const outcomes = Promise.allSettled(range(10).map((i) => test.pit.call('mark', { i })));
    process.kill(victim as number, 'SIGKILL');
    expect(await outcomes).toMatchObject(
      range(10).map((i) => ({ status: 'fulfilled', value: { result: i, attempts: 1 } })),
    );
    for (const i of range(10)) expect(test.count(`mark ${i}`)).toBe(1);
  });

  it('in a storm of deaths: every request is settled, none is run twice', async () => {
    const test = await startPit({ pool: { app: app(), workers: 2, restartDelayMs: 1, poisonAfter: 0 } });
    await test.serving(2);
    const calls = range(400).map((i) =>
      i % 80 === 79 ? test.pit.call('leave', { code: 1 }) : test.pit.call('mark', { i }),
    );
    const outcomes = await Promise.allSettled(calls);
    outcomes.forEach((outcome, i) => {
      const runs = test.count(`mark ${i}`);
      if (outcome.status === 'fulfilled') expect(runs, `runs of ${i}`).toBe(1);
      else {
        expect(outcome.reason).toMatchObject(crashed);
        expect(runs, `runs of ${i}`).toBeLessThanOrEqual(1);
      }
    });
    expect(outcomes.filter(({ status }) => status === 'rejected').length).toBeGreaterThanOrEqual(5);
    await test.serving(2);
    const completed = test.events
      .named('snakepit.request.completed')
      .map(({ metadata }) => metadata.request_id);
    expect(new Set(completed).size).toBe(400);
    expect(completed).toHaveLength(400);
  });
});

describe('an idle worker that dies', () => {
  it('is replaced without anybody noticing', async () => {
    const test = await startPit({ pool: { app: app() } });
    const before = await test.pit.execute<number>('hello');
    process.kill(before, 'SIGKILL');
    const death = await test.events.first('snakepit.worker.crashed');
    expect(death.measurements.in_flight).toBe(0);
    expect(death.metadata.error.exit).toMatchObject({ signal: 'SIGKILL', in_flight: [] });
    expect(await test.pit.execute('hello')).not.toBe(before);
    expect(test.events.named('snakepit.request.failed')).toEqual([]);
  });

  it('the other workers of the pool serve on meanwhile', async () => {
    const test = await startPit({ pool: { app: app(), workers: 2, restartDelayMs: 60_000 } });
    await test.serving(2);
    process.kill(test.pids()[0] as number, 'SIGKILL');
    await test.events.first('snakepit.worker.crashed');
    expect(await Promise.all(range(20).map((i) => test.pit.execute('mark', { i })))).toEqual(range(20));
    expect(test.pit.snapshot().pools.default?.workers_by_state).toMatchObject({ ready: 1, backoff: 1 });
  });

  it('a worker the app lets die after its answer has answered', async () => {
    const source = python`
      @command
      def answer_and_die():
          threading.Timer(0.02, lambda: os._exit(0)).start()
          return "answered"

      @command
      def hello():
          return "hello"
    `;
    const { pit, events } = await startPit({ pool: { app: source } });
    expect(await pit.execute('answer_and_die')).toBe('answered');
    const death = await events.first('snakepit.worker.crashed');
    expect(death.metadata.error.exit).toMatchObject({ code: 0, signal: null });
    expect(await pit.execute('hello')).toBe('hello');
  });
});
