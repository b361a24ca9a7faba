import { describe, expect, it } from 'vitest';
import { errorOf, python, sharedPit, startPit, until } from '../support/pit.ts';

const app = () => python`
  import logging, warnings
  print("while importing")

  @on_start
  def load():
      logging.getLogger("loader").warning("loading")

  @command
  def hello():
      return "hello"

  @command
  def speak(text: str, stream: str = "stdout"):
      print(text, file=getattr(sys, stream))
      return "said"

  @command
  def mumble():
      sys.stdout.write("no end of ")
      sys.stdout.write("line")

  @command
  def log():
      logger = logging.getLogger("model.layers")
      logger.debug("not shown by default")
      logger.info("took %d steps", 3)
      logger.warning("careful")
      logger.error("bad")
      logger.critical("worst")
      try:
          1 / 0
      except ZeroDivisionError:
          logger.exception("went wrong")
      warnings.warn("outdated", FutureWarning, stacklevel=1)
      logger.info("%d arguments that do not fit", "x", "y")

  @command
  def write_below_python(data: bytes, descriptor: int = 1):
      os.write(descriptor, data)
      return "written"

  @command
  def run_child():
      subprocess.run([sys.executable, "-c", "print('a child speaks')"], check=True)
      subprocess.run(["sh", "-c", "echo a shell complains >&2"], check=True)
      return "ran"

  @command
  def fork():
      import multiprocessing
      child = multiprocessing.get_context("fork").Process(target=print, args=("a forked child speaks",))
      child.start()
      child.join()
      pid = os.fork()
      if pid == 0:
          os._exit(0)
      os.waitpid(pid, 0)
      return child.exitcode

  @command
  def flood(lines: int):
      for i in range(lines):
          print(f"line {i}")
      return "done"

  @command
  async def speak_later(text: str):
      for i in range(3):
          print(f"{text} {i}")
          await asyncio.sleep(0.001)

  @command
  def speak_in_stream():
      for i in range(3):
          print(f"before {i}")
          yield i

  @command
  def speak_and_fail():
      print("before the fall")
      raise ValueError("fell")

  @command
  def speak_and_die():
      print("before the end")
      os._exit(1)

  @command
  def measure(name: str):
      emit(name, {"value": 1.5, "count": 2, "text": "no number"}, {"model": "bert", "odd": object()})
      with span("inner", {"step": 1}):
          pass
      try:
          with span("broken"):
              raise KeyError("x")
      except KeyError:
          pass

  @command
  def pretend(metadata: dict):
      emit("pretence", {}, metadata)
`;

describe.each([1, 3])('what an app says (concurrency %i)', (concurrency) => {
  const shared = sharedPit({
    pool: { app: app(), concurrency, logRate: { perSecond: 100_000, burst: 100_000 } },
  });
  const logs = (requestId?: string) =>
    shared.events.named('python.log').filter((event) => event.metadata.request_id === requestId);

  /** Runs a command; the records of it that came before its end. */
  const said = async (command: string, args: Record<string, unknown> = {}) => {
    const { requestId } = await shared.pit.call(command, args);
    return logs(requestId).map(({ metadata: { level, logger, message } }) => [level, logger, message]);
  };

  it.each([
    ['info', 'python.stdout', 'while importing'],
    ['warning', 'loader', 'loading'],
  ])('while it starts is told without a request: %s %s', async (level, logger, message) => {
    const record = await shared.events.first('python.log', ({ metadata }) => metadata.message === message);
    expect(record.metadata).toMatchObject({ level, logger });
    expect(record.metadata.request_id).toBeUndefined();
  });

  it('with print comes as a log record of its request, before the answer', async () => {
    const { requestId, correlationId } = await shared.pit.call('speak', { text: 'grüße 🐍' });
    const [record] = logs(requestId);
    expect(record?.metadata).toMatchObject({
      level: 'info',
      logger: 'python.stdout',
      message: 'grüße 🐍',
      pool_name: 'default',
      worker_slot: 0,
      command: 'speak',
      correlation_id: correlationId,
    });
    expect(shared.events.of(requestId).at(-1)?.event_name).toBe('snakepit.request.completed');
  });

  it('on stderr is a warning', async () => {
    expect(await said('speak', { text: 'careful', stream: 'stderr' })).toEqual([
      ['warning', 'python.stderr', 'careful'],
    ]);
  });

  it('in several lines is several records; without an end of line it is one too', async () => {
    expect(await said('speak', { text: 'one\ntwo\n\nfour' })).toEqual(
      ['one', 'two', '', 'four'].map((line) => ['info', 'python.stdout', line]),
    );
    expect(await said('mumble')).toEqual([['info', 'python.stdout', 'no end of line']]);
  });

  it('by logging and warnings keeps its level, logger, place and traceback', async () => {
    const { requestId } = await shared.pit.call('log');
    const records = logs(requestId).map(({ metadata }) => metadata);
    expect(records.map(({ level, logger, message }) => [level, logger, message.split('\n')[0]])).toEqual([
      ['info', 'model.layers', 'took 3 steps'],
      ['warning', 'model.layers', 'careful'],
      ['error', 'model.layers', 'bad'],
      ['critical', 'model.layers', 'worst'],
      ['error', 'model.layers', 'went wrong'],
      ['warning', 'py.warnings', expect.stringContaining('FutureWarning: outdated')],
      ['info', 'model.layers', expect.stringContaining('arguments that do not fit')],
    ]);
    expect(records[0]?.fields).toMatchObject({
      file: expect.stringMatching(/app\.py$/),
      line: expect.any(Number),
    });
    expect(records[4]?.fields?.traceback).toContain('ZeroDivisionError');
  });

  it('before an exception arrives all the same', async () => {
    const error = await errorOf(shared.pit.execute('speak_and_fail'));
    expect(logs(error.requestId).map(({ metadata }) => metadata.message)).toEqual(['before the fall']);
  });

  it('in an async command and in a generator belongs to its request', async () => {
    const [a, b] = await Promise.all(['a', 'b'].map((text) => shared.pit.call('speak_later', { text })));
    for (const [call, text] of [
      [a, 'a'],
      [b, 'b'],
    ] as const) {
      expect(logs(call?.requestId).map(({ metadata }) => metadata.message)).toEqual(
        [0, 1, 2].map((i) => `${text} ${i}`),
      );
    }
    const stream = shared.pit.stream('speak_in_stream');
    for await (const _ of stream);
    expect(logs(stream.requestId).map(({ metadata }) => metadata.message)).toEqual(
      [0, 1, 2].map((i) => `before ${i}`),
    );
  });

  it.each([
    [1, 'info', 'python.stdout'],
    [2, 'warning', 'python.stderr'],
  ])('past Python, to descriptor %i, comes without a request', async (descriptor, level, logger) => {
    const data = Buffer.from(`from C ${descriptor} \xff\xfe\n[2,1,null,0,0]\n`, 'latin1');
    expect(await shared.pit.execute('write_below_python', { data, descriptor })).toBe('written');
    const record = await shared.events.first('python.log', ({ metadata }) =>
      metadata.message.startsWith(`from C ${descriptor}`),
    );
    expect(record.metadata).toMatchObject({ level, logger, pool_name: 'default', worker_slot: 0 });
    expect(record.metadata.request_id).toBeUndefined();
    await shared.events.first('python.log', ({ metadata }) => metadata.message === '[2,1,null,0,0]');
  });

  it('by a child process comes too', async () => {
    expect(await shared.pit.execute('run_child')).toBe('ran');
    const lines = () =>
      shared.events.named('python.log').map(({ metadata: { level, message } }) => [level, message]);
    await until(() => lines().some(([, text]) => text === 'a child speaks'), 'the child is heard');
    await until(() => lines().some(([, text]) => text === 'a shell complains'), 'the shell is heard');
    expect(lines()).toContainEqual(['info', 'a child speaks']);
    expect(lines()).toContainEqual(['warning', 'a shell complains']);
  });

  it('by a forked child comes too, and the child does not speak for its worker', async () => {
    expect(await shared.pit.execute('fork')).toBe(0);
    await shared.events.first('python.log', ({ metadata }) => metadata.message === 'a forked child speaks');
    expect(await shared.pit.execute('hello')).toBe('hello');
  });

  it('in a flood comes in order and whole, but for what is counted as dropped', async () => {
    const before = shared.events.named('python.log').length;
    const { result, requestId } = await shared.pit.call('flood', { lines: 3000 });
    expect(result).toBe('done');
    const spoken = logs(requestId).filter(({ metadata }) => metadata.logger !== 'snakepit.output');
    const numbers = spoken.map(({ metadata }) => Number(metadata.message.replace('line ', '')));
    expect(numbers).toEqual([...numbers].sort((one, other) => one - other));
    // A host that is kept from reading for too long loses lines, since Python must not wait for it; each is counted, in the next record that comes.
    const dropped = () =>
      shared.events
        .named('python.log')
        .slice(before)
        .reduce((sum, { metadata }) => sum + Number(metadata.fields?.dropped ?? 0), 0);
    await shared.pit.call('flood', { lines: 1 });
    await until(() => new Set(numbers).size + dropped() === 3000, 'every line is there or counted');
  });

  it('in a line longer than a log should hold is cut or split, and harms nobody', async () => {
    const { requestId } = await shared.pit.call('speak', { text: 'x'.repeat(2_000_000) });
    const longest = Math.max(...logs(requestId).map(({ metadata }) => metadata.message.length));
    expect(longest).toBeGreaterThan(1000);
    expect(longest).toBeLessThan(200_000);
    expect(await shared.pit.execute('hello')).toBe('hello');
  });

  it('with emit and span is an event under python., with the ids of its request', async () => {
    const { requestId, correlationId } = await shared.pit.call('measure', { name: 'model.step' });
    const [event] = shared.events
      .named('python.model.step')
      .filter(({ metadata }) => metadata.request_id === requestId);
    expect(event?.measurements).toEqual({ value: 1.5, count: 2 });
    expect(event?.metadata).toMatchObject({
      model: 'bert',
      odd: expect.stringContaining('object'),
      pool_name: 'default',
      worker_slot: 0,
      command: 'measure',
      correlation_id: correlationId,
      timestamp: expect.any(Number),
    });
    const spans = shared.events
      .of(requestId)
      .filter(({ event_name }) => /^python\.(inner|broken)\./.test(event_name))
      .map(({ event_name, metadata }) => [event_name, metadata.error]);
    expect(spans).toEqual([
      ['python.inner.start', undefined],
      ['python.inner.completed', undefined],
      ['python.broken.start', undefined],
      ['python.broken.failed', 'KeyError'],
    ]);
  });

  it('under more names than a pool may have is one event, which says the name', async () => {
    const test = await startPit({
      pool: {
        app: python`
          @command
          def invent(n: int):
              for i in range(n):
                  emit(f"name{i}", {"i": i})
        `,
      },
    });
    await test.pit.execute('invent', { n: 250 });
    const invented = () =>
      test.events.all.filter(({ event_name }) => /^python\.(name|_other)/.test(event_name));
    await until(() => invented().length === 250, 'all events are there');
    expect(new Set(invented().map(({ event_name }) => event_name)).size).toBe(201);
    const others = test.events.named('python._other');
    expect(others).toHaveLength(50);
    expect(others[0]).toMatchObject({
      measurements: { i: 200 },
      metadata: { name: 'name200', pool_name: 'default' },
    });
  });

  it('cannot pass for another: the host says who spoke', async () => {
    const { requestId } = await shared.pit.call('pretend', {
      metadata: {
        request_id: 'req_of_another',
        worker_id: 'nobody',
        pool_name: 'elsewhere',
        command: 'other',
      },
    });
    const [event] = shared.events.named('python.pretence');
    expect(event?.metadata).toMatchObject({
      request_id: requestId,
      pool_name: 'default',
      command: 'pretend',
    });
    expect(event?.metadata.worker_id).not.toBe('nobody');
  });

  it('under a name that is none is counted and dropped, and harms nobody', async () => {
    const before = shared.pit.bus.malformed;
    await shared.pit.execute('measure', { name: 'not a name!' });
    expect(shared.pit.bus.malformed).toBe(before + 1);
    expect(await shared.pit.execute('hello')).toBe('hello');
  });

  it('harms the protocol nowhere', () => {
    expect(shared.events.named('snakepit.worker.crashed')).toEqual([]);
    expect(shared.events.named('snakepit.worker.starting')).toHaveLength(1);
  });
});

it('what was printed just before the process ended is not lost', async () => {
  const { pit, events } = await startPit({ pool: { app: app() } });
  const error = await errorOf(pit.execute('speak_and_die'));
  expect(error.code).toBe('worker_crashed');
  const records = events
    .named('python.log')
    .filter(({ metadata }) => metadata.request_id === error.requestId);
  expect(records.map(({ metadata }) => metadata.message)).toEqual(['before the end']);
});
