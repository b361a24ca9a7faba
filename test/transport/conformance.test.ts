import { describe, expect, it } from 'vitest';
import type { PoolOptions } from '../../src/index.ts';
import { errorOf, type PitOptions, python, sharedPit, startPit, until } from '../support/pit.ts';
import { requirePythonModule } from '../support/tools.ts';

/** What any transport must do, told by the library alone: the same cases over each of them, with real Python. */

const app = python`
  import logging, warnings

  @command
  def echo(value):
      return value

  @command
  async def slowly(value):
      await asyncio.sleep(0.001)
      return value

  @command
  def big(size: int):
      return "x" * size

  @command
  def boom():
      def inner():
          raise KeyError("lost")
      try:
          inner()
      except KeyError as error:
          raise ValueError("no good") from error

  @command
  def typed(count: int):
      return count

  @command
  def odd():
      return {"items": [1, {2, 3}]}

  @command
  def about():
      of = context()
      return {"request": of.request_id, "correlation": of.correlation_id, "deadline": of.deadline is not None}

  @command
  def chatty(n: int):
      for i in range(n):
          logging.getLogger("app").warning("line %d", i)
          emit("said", {"i": i}, {"word": "w%d" % i})
      print("by print")
      return "said"

  @command
  def count(n: int):
      for i in range(n):
          yield i

  @command
  def pages(n: int):
      for i in range(n):
          note("made %d" % i)
          yield [i, "x" * 20_000]

  @command
  def broken_stream():
      yield 1
      raise ValueError("in the middle")

  @command
  def patient():
      note("waits")
      try:
          while True:
              time.sleep(0.005)
      except Cancelled:
          note("cancelled")
          raise

  @command
  def hold(gate: str):
      note("holds " + gate)
      wait_for(gate)
      return "held"

  @command
  def hold_on(gate: str):
      note("holds " + gate)
      wait_for(gate)
      return os.getpid()

  @command
  def where_it_waits(s: float):
      end = time.monotonic() + s
      while time.monotonic() < end:
          time.sleep(0.01)

  @command
  def die():
      note("dies")
      os.kill(os.getpid(), signal.SIGKILL)

  @command
  def leave(code: int):
      os.write(2, b"my last words\\n")
      os._exit(code)

  @command
  def hold_the_gil():
      note("hangs")
      libc = ctypes.PyDLL(None)
      end = time.monotonic() + 600
      while time.monotonic() < end:
          libc.usleep(int((end - time.monotonic()) * 1e6) + 1000)

  @command
  def visits():
      session = context().session
      session.data = {"n": (session.data or {"n": 0})["n"] + 1}
      return session.data["n"]
`;

const stateful = python`
  from snakepit import restore, snapshot
  memory = {}

  @command
  def remember(word: str):
      memory.setdefault(context().session.id, []).append(word)
      return {"pid": os.getpid(), "words": memory[context().session.id]}

  @snapshot
  def take(session_id):
      return memory.get(session_id)

  @restore
  def give(session_id, state):
      memory[session_id] = state
`;

const values: readonly (readonly [string, unknown])[] = [
  ['null', null],
  ['booleans', [true, false]],
  ['texts', ['', 'plain', 'grüße 🐍', '\u0000']],
  ['integers', [0, -1, 2 ** 31, 2 ** 32, Number.MAX_SAFE_INTEGER, Number.MIN_SAFE_INTEGER]],
  ['wide integers', [2n ** 53n, -(2n ** 63n), 2n ** 64n - 1n]],
  ['fractions and what is no number', [0.1, 1e300, Number.NaN, Number.POSITIVE_INFINITY]],
  ['bytes', [new Uint8Array([0, 255, 128]), new Uint8Array(0)]],
  ['a date', new Date('2024-02-29T12:30:15.250Z')],
  ['nested containers', { a: [{ b: [] }, {}], '': { ü: [1, 'two', null] } }],
  ['keys that look like tags', { $int: '5', inner: { $bytes: 'x' } }],
];

const grpc = requirePythonModule('grpc') && requirePythonModule('grpc_health');
const ways: readonly (readonly [string, boolean, Partial<PoolOptions>])[] = [
  ['socket', true, {}],
  ['grpc in batches', grpc, { transport: 'grpc' }],
  ['grpc with a call for each request', grpc, { transport: 'grpc', exchange: false }],
  ['grpc with JSON', grpc, { transport: 'grpc', codec: 'json' }],
];

describe.each(ways.filter(([, can]) => can))('%s', (_, __, way) => {
  const over = (pool: Partial<PoolOptions>, of: string = app): PitOptions => ({
    pool: { app: of, ...way, ...pool } as PoolOptions,
  });
  const isGrpc = way.transport === 'grpc';

  describe('one worker', () => {
    const test = sharedPit(over({ maxFrameBytes: 2 ** 20, cancelGraceMs: 20_000 }));

    it.each(values)('brings back %s as it went', async (_, value) => {
      expect(await test.pit.execute('echo', { value })).toEqual(value);
    });

    it('runs async handlers', async () => {
      expect(await test.pit.execute('slowly', { value: 7 })).toBe(7);
    });

    it('tells of an exception with its traceback, its parts and its cause', async () => {
      const error = await errorOf(test.pit.execute('boom'));
      expect(error.code).toBe('python_exception');
      expect(error.context.error_message).toBe('ValueError: no good');
      expect(error.context.python_traceback).toContain('raise KeyError("lost")');
      expect(error.context.exception?.frames.at(-1)?.function).toBe('boom');
      expect(error.context.exception?.chain).toMatchObject([{ type: 'KeyError', relation: 'cause' }]);
      if (isGrpc) expect(error.context.grpc).toEqual({ status: 'UNKNOWN', details: error.message });
      else expect(error.context.grpc).toBeUndefined();
    });

    it.each([
      ['unknown_command', 'nonsense', {}, 'UNIMPLEMENTED'],
      ['invalid_arguments', 'typed', { count: 'three' }, 'INVALID_ARGUMENT'],
      ['unserializable', 'odd', {}, 'INVALID_ARGUMENT'],
    ])('answers %s', async (code, command, args, status) => {
      const error = await errorOf(test.pit.execute(command, args));
      expect(error.code).toBe(code);
      if (code === 'unserializable') expect(error.context.path).toBe('$.items[1]');
      if (isGrpc) expect(error.context.grpc?.status).toBe(status);
    });

    it('refuses arguments above the limit and results above it, and goes on', async () => {
      const sent = await errorOf(test.pit.execute('echo', { value: 'x'.repeat(2 ** 20) }));
      expect(sent.code).toBe('payload_too_large');
      const got = await errorOf(test.pit.execute('big', { size: 2 ** 21 }));
      expect(got.code).toBe('payload_too_large');
      expect(await test.pit.execute<string>('big', { size: 900_000 })).toHaveLength(900_000);
    });

    it('hands the ids and the deadline to Python', async () => {
      const { result, requestId, correlationId } = await test.pit.call<Record<string, unknown>>('about');
      expect(result).toEqual({ request: requestId, correlation: correlationId, deadline: true });
    });

    it('brings logs and events of a request in their order', async () => {
      const { requestId } = await test.pit.call('chatty', { n: 20 });
      const own = () =>
        test.events.of(requestId).filter(({ event_name: name }) => name.startsWith('python.'));
      // Over calls of their own, what is said may come after the answer.
      await until(() => own().length >= 41, 'everything that was said');
      const lines = own().filter(({ event_name: name }) => name === 'python.log');
      expect(lines.map(({ metadata }) => metadata.message)).toEqual([
        ...Array.from({ length: 20 }, (_, i) => `line ${i}`),
        'by print',
      ]);
      expect(test.events.named('python.said').map(({ metadata }) => metadata.word)).toEqual(
        Array.from({ length: 20 }, (_, i) => `w${i}`),
      );
      expect(new Set(own().map(({ metadata }) => metadata.pool_name))).toEqual(new Set(['default']));
    });

    it('streams, and makes no more than the reader takes', async () => {
      const stream = test.pit.stream<[number, string]>('pages', { n: 600 });
      expect((await stream.next()).value[0]).toBe(0);
      // Whoever made all of them would have done so by the time others were answered.
      const made = () => test.notes().filter((line) => line.startsWith('made')).length;
      let before = -1;
      await until(async () => {
        const same = made() === before;
        before = made();
        await new Promise((resolve) => setTimeout(resolve, 50));
        return same;
      }, 'it makes no more');
      // Some megabytes may be under way, not all twelve.
      expect(before).toBeLessThan(300);
      let next = 1;
      for await (const [value] of stream) expect(value).toBe(next++);
      expect(next).toBe(600);
    });

    it('ends a stream with the error of its generator', async () => {
      const got: unknown[] = [];
      const error = await errorOf(
        (async () => {
          for await (const value of test.pit.stream('broken_stream')) got.push(value);
        })(),
      );
      expect(got).toEqual([1]);
      expect(error.context.error_message).toBe('ValueError: in the middle');
    });

    it('ends the generator when the reader leaves', async () => {
      for await (const value of test.pit.stream<number>('count', { n: 1_000_000 })) if (value === 3) break;
      expect(await test.pit.execute('echo', { value: 'free' })).toBe('free');
    });

    it('cancels: the caller hears at once, the handler too', async () => {
      const control = new AbortController();
      const before = test.count('cancelled');
      const call = errorOf(test.pit.execute('patient', {}, { signal: control.signal }));
      await test.noted('waits', before + 1);
      control.abort();
      expect((await call).code).toBe('cancelled');
      await test.noted('cancelled', before + 1);
      expect(await test.pit.execute('echo', { value: 1 })).toBe(1);
    });

    it('keeps the data of a session', async () => {
      for (const n of [1, 2, 3]) expect(await test.pit.execute('visits', {}, { sessionId: 's' })).toBe(n);
    });

    it('counts memory and says what it is', async () => {
      await until(() => test.pit.snapshot().pools.default?.workers[0]?.memory_bytes, 'a reading');
      const pool = test.pit.snapshot().pools.default;
      expect(pool).toMatchObject({ transport: isGrpc ? 'grpc' : 'socket', codec: way.codec ?? 'msgpack' });
      expect(pool?.workers[0]?.address).toBeNull();
      expect(pool?.commands.map(({ name }) => name)).toContain('echo');
    });

    it('tells the state of a call in the metrics', async () => {
      await test.pit.execute('echo', { value: 1 });
      const text = String((await test.pit.metrics.render()).body);
      const counted = text.includes('snakepit_grpc_responses_total{pool_name="default",grpc_code="OK"}');
      expect(counted).toBe(isGrpc);
    });
  });

  it('gives up at the deadline, tells where the handler was, and goes on', async () => {
    const test = await startPit(over({ cancelGraceMs: 20_000 }));
    const error = await errorOf(test.pit.execute('where_it_waits', { s: 60 }, { timeoutMs: 700 }));
    expect(error.code).toBe('timeout');
    // Where each request is a call, gRPC itself may give up first.
    if (way.exchange !== false) expect(error.context.python_stack).toContain('where_it_waits');
    expect(await test.pit.execute('echo', { value: 1 })).toBe(1);
  });

  it('runs several at a time where it may', async () => {
    const test = await startPit(over({ concurrency: 3 }));
    const calls = ['a', 'b', 'c'].map((gate) => test.pit.execute('hold', { gate }));
    for (const gate of ['a', 'b', 'c']) await test.noted(`holds ${gate}`);
    for (const gate of ['c', 'a', 'b']) test.open(gate);
    expect(await Promise.all(calls)).toEqual(['held', 'held', 'held']);
  });

  it('gives a request to the worker that runs least', async () => {
    const test = await startPit(over({ workers: 2, concurrency: 3 }));
    await test.serving(2);
    const hold = async (gate: string) => {
      const call = test.pit.execute<number>('hold_on', { gate });
      await test.noted(`holds ${gate}`);
      return { call };
    };
    const [a, b, c] = [await hold('a'), await hold('b'), await hold('c')];
    test.open('b');
    const idle = await b.call;
    const [d, e] = [await hold('d'), await hold('e')];
    for (const gate of ['a', 'c', 'd', 'e']) test.open(gate);
    expect(await Promise.all([d.call, e.call])).toEqual([idle, idle]);
    for (const { call } of [a, c]) expect(await call).not.toBe(idle);
  });

  it('takes back what waits behind a slow request, and runs it where there is room', async () => {
    const test = await startPit(over({ workers: 2 }));
    await test.serving(2);
    // So that both count as fast, and get more than they run.
    for (let i = 0; i < 6; i++) await test.pit.execute('echo', { value: i });
    const slow = ['a', 'b'].map((gate) => test.pit.execute('hold', { gate }));
    const quick = Array.from({ length: 8 }, (_, value) => test.pit.execute('echo', { value }));
    for (const gate of ['a', 'b']) await test.noted(`holds ${gate}`);
    test.open('b');
    expect(await Promise.all(quick)).toEqual([0, 1, 2, 3, 4, 5, 6, 7]);
    test.open('a');
    expect(await Promise.all(slow)).toEqual(['held', 'held']);
  });

  it('tells of a worker that is killed, and starts another', async () => {
    const test = await startPit(over({}));
    const [before] = test.pit.snapshot().pools.default?.workers ?? [];
    const error = await errorOf(test.pit.execute('die'));
    expect(error).toMatchObject({ code: 'worker_crashed', retryable: false });
    expect(error.context.exit).toMatchObject({ code: null, signal: 'SIGKILL' });
    expect(await test.pit.execute('echo', { value: 1 })).toBe(1);
    expect(test.pit.snapshot().pools.default?.workers[0]?.id).not.toBe(before?.id);
    expect(test.events.named('snakepit.worker.crashed')).toHaveLength(1);
  });

  it('tells how a worker left and what it said last', async () => {
    const test = await startPit(over({}));
    const error = await errorOf(test.pit.execute('leave', { code: 7 }));
    expect(error.code).toBe('worker_crashed');
    expect(error.context.exit).toMatchObject({ code: 7, signal: null });
    expect(error.context.exit?.stderr_tail.join()).toContain('my last words');
  });

  it('starts an idempotent request again, and puts back what had not begun', async () => {
    const test = await startPit(over({ idempotent: ['die'], retries: { max: 1 } }));
    const killing = errorOf(test.pit.execute('die'));
    const waiting = [1, 2, 3].map((value) => test.pit.execute('echo', { value }));
    expect((await killing).context.attempts).toHaveLength(1);
    expect(await Promise.all(waiting)).toEqual([1, 2, 3]);
    expect(test.count('dies')).toBe(2);
  });

  it('replaces a worker that hangs', async () => {
    const test = await startPit(over({ heartbeatIntervalMs: 100, stuckAfterMs: 2000 }));
    const call = errorOf(test.pit.execute('hold_the_gil'));
    await test.noted('hangs');
    const [worker] = test.pit.snapshot().pools.default?.workers ?? [];
    const told = await test.pit.stackOf(worker?.id as string);
    // The control thread may have been quicker than the handler was to take the lock.
    expect(['signal', 'control_thread']).toContain(told.captured);
    expect(told.threads).toContain('hold_the_gil');
    expect(told.requests[0]?.stack).toContain('hold_the_gil');
    const error = await call;
    expect(error.code).toBe('worker_stuck');
    const stuck = await test.events.first('snakepit.worker.stuck');
    expect(stuck.metadata.python_stack).toContain('hold_the_gil');
    expect(await test.pit.execute('echo', { value: 1 })).toBe(1);
  });

  it('moves what is held of a session to the next worker', async () => {
    const test = await startPit(over({ affinity: 'strict_queue' }, stateful));
    const say = (word: string) =>
      test.pit.execute<{ pid: number; words: string[] }>('remember', { word }, { sessionId: 's' });
    const first = await say('one');
    const [worker] = test.pit.snapshot().pools.default?.workers ?? [];
    expect(await test.pit.recycleWorker(worker?.id as string)).toMatchObject({ outcome: 'replaced' });
    const second = await say('two');
    expect(second.words).toEqual(['one', 'two']);
    expect(second.pid).not.toBe(first.pid);
  });

  it('tells why a start failed', async () => {
    const broken = python`
      @on_start
      def load():
          raise RuntimeError("no model here")

      @command
      def echo(value):
          return value
    `;
    const error = await errorOf(startPit(over({}, broken)));
    expect(error.code).toBe('worker_start_failed');
    expect(error.message).toContain('no model here');
    expect(error.context.python_traceback).toContain('RuntimeError');
  });

  it('runs on_stop when it is closed', async () => {
    const leaving = python`
      @on_stop
      def bye():
          note("bye")

      @command
      def echo(value):
          return value
    `;
    const test = await startPit(over({}, leaving));
    await test.pit.execute('echo', { value: 1 });
    await test.pit.close();
    expect(test.notes()).toEqual(['bye']);
    expect(test.events.named('snakepit.worker.stopped')).toHaveLength(1);
  });
});
