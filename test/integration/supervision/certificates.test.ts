import { describe, expect, it } from 'vitest';
import { errorOf, python, sharedPit, startPit, until } from '../../support/pit.ts';

const app = () => python`
  def connections():
      for name in os.listdir("/proc/self/fd"):
          try:
              sock = socket.socket(fileno=os.dup(int(name)))
          except OSError:
              continue
          try:
              peer = sock.getpeername()
          except OSError:
              peer = ""
          if isinstance(peer, str) and peer.endswith(".sock"):
              yield sock

  @command
  def hello():
      return os.getpid()

  @command
  def hold(gate: str):
      note(f"holding {gate}")
      wait_for(gate)
      return os.getpid()

  @command
  def tell(gate: str):
      i = 0
      while not is_open(gate):
          yield i
          i += 1
          time.sleep(0.004)

  @command
  def leave(code: int):
      print("last words", file=sys.__stderr__, flush=True)
      os._exit(code)

  @command
  def segfault():
      ctypes.string_at(0)

  @command
  def hang_up():
      # All of it with the GIL: a process that could still act would notice, and end by itself.
      libc = ctypes.PyDLL(None)
      both = list(connections())
      sys.setswitchinterval(100)
      # Whoever asked for the GIL before that has it now.
      time.sleep(0.01)
      for sock in both:
          libc.shutdown(sock.fileno(), socket.SHUT_RDWR)
      libc.sleep(30)

  @on_stop
  def stopping():
      note("stopping")
      if is_open("exit 3"):
          os._exit(3)
      if is_open("segfault"):
          ctypes.string_at(0)
      if is_open("hang"):
          time.sleep(60)
`;

const idOf = (test: { pit: { snapshot: () => ReturnType<(typeof shared)['pit']['snapshot']> } }): string =>
  String(test.pit.snapshot().pools.default?.workers[0]?.id);
const shared = sharedPit({
  pool: {
    app: app(),
    restartDelayMs: 5,
    maxRestartDelayMs: 5,
    statsIntervalMs: 20,
    slowAfterMs: 100,
    // A machine so busy that a heartbeat is missed would have a stack taken that no test here asked for.
    heartbeatIntervalMs: 60_000,
  },
});

describe('the death certificate', () => {
  const lastExit = () => shared.pit.snapshot().pools.default?.workers[0]?.last_exit;

  it('tells exit code, last words, age, requests and how memory went', async () => {
    expect(lastExit()).toBeNull();
    const began = performance.now();
    await shared.pit.execute('hello');
    await shared.pit.execute('hello');
    const memory = () => shared.pit.snapshot().pools.default?.workers[0]?.memory_bytes;
    await until(memory, 'a reading');
    const id = idOf(shared);
    // Several readings, and one long moment in which its stack was taken.
    const running = shared.pit.execute('hold', { gate: 'slow' });
    await shared.events.first('snakepit.request.slow');
    shared.open('slow');
    await running;
    const error = await errorOf(shared.pit.execute('leave', { code: 7 }));
    const exit = error.context.exit;
    expect(exit).toMatchObject({
      code: 7,
      signal: null,
      oom: false,
      stderr_tail: ['last words'],
      in_flight: [error.requestId],
      requests: 3,
      cpu_seconds: expect.any(Number),
    });
    expect(exit?.uptime_seconds).toBeGreaterThan(0);
    expect(exit?.uptime_seconds).toBeLessThanOrEqual(
      (performance.now() - began) / 1000 + 60, // its start, at the most
    );
    expect(exit?.memory_mb.length).toBeGreaterThan(1);
    expect(exit?.memory_mb.length).toBeLessThanOrEqual(10);
    for (const mb of exit?.memory_mb ?? []) expect(mb).toBeGreaterThan(1);
    expect(exit?.last_stack).toContain('in hold\n');
    expect(error.message).toContain('last words');
    const crashed = await shared.events.first('snakepit.worker.crashed');
    expect(crashed.metadata.exit).toEqual(exit);
    expect(lastExit()).toMatchObject({ ...exit, worker_id: id });
    expect(Math.abs(Number(lastExit()?.at) - Date.now())).toBeLessThan(60_000);
  });

  it.each([
    ['SIGSEGV', () => shared.pit.execute('segfault')],
    ['SIGKILL', () => killed('SIGKILL')],
    ['SIGABRT', () => killed('SIGABRT')],
  ])('tells the signal: %s', async (signal, die) => {
    await shared.pit.execute('hello');
    const error = await errorOf(die());
    expect(error.context.exit).toMatchObject({ code: null, signal, oom: false, requests: 1 });
    expect(error.message).toContain(signal);
    if (signal !== 'SIGKILL')
      expect(error.context.exit?.stderr_tail.join('\n')).toContain('Fatal Python error');
    // Nothing of its predecessor.
    expect(error.context.exit?.last_stack).toBeUndefined();
  });

  const killed = async (signal: NodeJS.Signals) => {
    const gate = `until ${signal}`;
    const running = shared.pit.execute('hold', { gate });
    running.catch(() => {});
    await shared.noted(`holding ${gate}`);
    process.kill(shared.pids()[0] as number, signal);
    return running;
  };

  it('of one that closes both connections and lives on: transport_error', async () => {
    await shared.pit.execute('hello');
    const error = await errorOf(shared.pit.execute('hang_up'));
    expect(error).toMatchObject({ code: 'transport_error', status: 'crashed', httpStatus: 502 });
    expect(error.message).toContain('closed its connections');
    expect(error.context.exit).toMatchObject({ signal: 'SIGKILL', oom: false });
    expect(await shared.pit.execute('hello')).toBeGreaterThan(0);
  });
});

describe('recycled, stopped and crashed are told apart', () => {
  const ended = ['recycled', 'stopped', 'crashed', 'start_failed'] as const;
  /** How a worker ended, by its events: there must be exactly one. */
  const endOf = async (test: typeof shared, id: string) => {
    const ends = () =>
      ended.flatMap((how) =>
        test.events
          .named(`snakepit.worker.${how}` as 'snakepit.worker.crashed')
          .filter(({ metadata }) => metadata.worker_id === id)
          .map(({ metadata, measurements }) => ({ how, metadata, measurements })),
      );
    await until(() => ends().length > 0, `the end of ${id}`);
    expect(ends()).toHaveLength(1);
    return ends()[0] as ReturnType<typeof ends>[number];
  };

  it.each([
    ['nothing special', 'recycled', { code: 0, signal: null }],
    ['exit 3', 'recycled', { code: 3, signal: null }],
    ['segfault', 'crashed', { code: null, signal: 'SIGSEGV' }],
  ])('a worker is replaced whose on_stop does: %s', async (what, how, exit) => {
    await shared.serving(1);
    shared.open(what);
    const id = idOf(shared);
    const { outcome } = await shared.pit.recycleWorker(id);
    shared.shut(what);
    expect(outcome).toBe('replaced');
    const end = await endOf(shared, id);
    expect(end.how).toBe(how);
    expect(end.metadata.exit).toMatchObject(exit);
    expect(end.metadata.reason).toBe(how === 'recycled' ? 'reload' : 'crashed');
    expect(await shared.pit.execute('hello')).toBeGreaterThan(0);
  });

  it('one that crashes under what it had to finish', async () => {
    const id = idOf(shared);
    const [pid] = shared.pids() as [number];
    const lost = errorOf(shared.pit.execute('hold', { gate: 'never' }));
    await shared.noted('holding never');
    const recycled = shared.pit.recycleWorker(id);
    await until(() => shared.pit.snapshot().pools.default?.workers_by_state.draining === 1, 'it drains');
    process.kill(pid, 'SIGKILL');
    expect(await lost).toMatchObject({ code: 'worker_crashed', context: { exit: { signal: 'SIGKILL' } } });
    expect((await recycled).outcome).toBe('replaced');
    const end = await endOf(shared, id);
    expect(end).toMatchObject({
      how: 'crashed',
      measurements: { in_flight: 1 },
      metadata: { reason: 'crashed' },
    });
    // It had its successor already: nothing else was lost.
    await shared.serving(1);
    expect(await shared.pit.execute('hello')).not.toBe(pid);
  });

  it('one whose on_stop takes longer than termTimeoutMs is killed, which is as planned', async () => {
    const test = await startPit({ pool: { app: app(), termTimeoutMs: 300 } });
    test.open('hang');
    const id = idOf(test);
    expect((await test.pit.recycleWorker(id)).outcome).toBe('replaced');
    const end = await endOf(test, id);
    expect(end).toMatchObject({ how: 'recycled', metadata: { exit: { signal: 'SIGKILL', in_flight: [] } } });
    const [recycled] = test.events.named('snakepit.worker.recycled');
    expect(recycled?.measurements.drain_ms).toBeGreaterThanOrEqual(299);
    const next = idOf(test);
    test.shut('hang');
    await test.pit.close();
    const last = await endOf(test, next);
    expect(last).toMatchObject({
      how: 'stopped',
      metadata: { exit: { code: 0, signal: null, requests: 0 } },
    });
  });
});
