import { describe, expect, it } from 'vitest';
import { errorOf, isAlive, python, startPit } from '../support/pit.ts';

const app = () => python`
  @on_stop
  def first():
      note("on_stop first")

  @on_stop
  async def second():
      await asyncio.sleep(0)
      note("on_stop second")

  @on_stop
  def third():
      note("on_stop third")
      raise RuntimeError("cannot stop")

  @command
  def hello():
      return "hello"

  @command
  def mark(i: int):
      note(f"mark {i}")
      return i

  @command
  def hold(gate: str):
      note(f"holding {gate}")
      try:
          wait_for(gate)
      finally:
          note(f"released {gate}")
      return "held"

  @command
  def count():
      i = 0
      try:
          while True:
              yield i
              i += 1
      finally:
          note("generator closed")

  @command
  def swallow():
      note("swallowing")
      while True:
          try:
              time.sleep(0.01)
          except BaseException:
              pass
`;

const draining = {
  code: 'draining',
  category: 'system',
  status: 'rejected',
  httpStatus: 503,
  retryable: true,
};
const range = (n: number) => Array.from({ length: n }, (_, i) => i);

describe('close', () => {
  it('runs on_stop in reverse order, one that raises keeping none back; the workers are gone when it resolves', async () => {
    const test = await startPit({ pool: { app: app() } });
    await test.pit.execute('hello');
    const [pid] = test.pids();
    await test.pit.close();
    expect(isAlive(pid as number)).toBe(false);
    expect(test.notes()).toEqual(['on_stop third', 'on_stop second', 'on_stop first']);
    expect(test.events.named('snakepit.worker.stopped')).toHaveLength(1);
    expect(test.events.named('snakepit.worker.stopped')[0]?.measurements.requests).toBe(1);
    expect(test.events.named('snakepit.worker.crashed')).toEqual([]);
    const trouble = test.events.named('python.log').filter(({ metadata }) => metadata.level === 'error');
    expect(trouble[0]?.metadata.message).toContain('third');
  });

  it('runs on_stop with handlers in threads too', async () => {
    const test = await startPit({ pool: { app: app(), concurrency: 3 } });
    await Promise.all(range(3).map(() => test.pit.execute('hello')));
    await test.pit.close();
    expect(test.notes()).toEqual(['on_stop third', 'on_stop second', 'on_stop first']);
  });

  it('lets what runs and what waits finish, and takes nothing new', async () => {
    const test = await startPit({ pool: { app: app(), workers: 2 } });
    await test.serving(2);
    const held = range(2).map((i) => test.pit.execute('hold', { gate: `g${i}` }));
    const waiting = range(5).map((i) => test.pit.execute('mark', { i }));
    await test.noted('holding g0');
    await test.noted('holding g1');
    const closed = test.pit.close();
    expect(await errorOf(test.pit.execute('hello'))).toMatchObject(draining);
    expect(await errorOf(test.pit.stream('count').next())).toMatchObject(draining);
    test.open('g0');
    test.open('g1');
    expect(await Promise.all(held)).toEqual(['held', 'held']);
    expect(await Promise.all(waiting)).toEqual(range(5));
    await closed;
    expect(test.count('on_stop first')).toBe(2);
    const [drain] = test.events.named('snakepit.pool.draining');
    expect(drain?.measurements).toEqual({ in_flight: 2, queue_size: 5 });
  });

  it('cancels what does not finish within drainTimeoutMs, and refuses what waits', async () => {
    const test = await startPit({ pool: { app: app(), drainTimeoutMs: 200 } });
    const running = errorOf(test.pit.execute('hold', { gate: 'never' }));
    const waiting = errorOf(test.pit.execute('mark', { i: 1 }));
    await test.noted('holding never');
    await test.pit.close();
    expect(await running).toMatchObject({ code: 'cancelled', status: 'cancelled' });
    expect(await waiting).toMatchObject(draining);
    expect(test.notes()).toContain('released never');
    expect(test.notes()).toContain('on_stop first');
    expect(test.notes()).not.toContain('mark 1');
    const names = test.events.all.map(({ event_name }) => event_name);
    expect(names.at(-1)).toBe('snakepit.pool.stopped');
    expect(names.filter((name) => name === 'snakepit.request.completed')).toHaveLength(2);
  });

  it('ends streams, whose generators clean up', async () => {
    const test = await startPit({ pool: { app: app(), drainTimeoutMs: 0 } });
    const stream = test.pit.stream<number>('count');
    expect((await stream.next()).value).toBe(0);
    await test.pit.close();
    const rest = async () => {
      for await (const _ of stream);
    };
    expect(await errorOf(rest())).toMatchObject({ code: 'cancelled' });
    expect(test.notes()).toContain('generator closed');
  });

  it('again gives the same promise; afterwards nothing is taken', async () => {
    const test = await startPit({ pool: { app: app() } });
    const closed = Promise.all([test.pit.close(), test.pit.close(), test.pit[Symbol.asyncDispose]()]);
    await closed;
    await test.pit.close();
    expect(await errorOf(test.pit.execute('hello'))).toMatchObject(draining);
    expect(test.events.named('snakepit.pool.stopped')).toHaveLength(1);
    expect(test.count('on_stop first')).toBe(1);
  });

  it('while workers still start ends them, and rejects ready()', async () => {
    const source = python`
      note("importing")
      wait_for("never")

      @command
      def hello():
          pass
    `;
    const test = await startPit({
      pool: { app: source, workers: 2, drainTimeoutMs: 100 },
      waitFor: 'none',
    });
    const ready = errorOf(test.pit.ready());
    const early = errorOf(test.pit.execute('hello', {}, { timeoutMs: 300_000 }));
    await test.noted('importing', 2);
    const pids = test.pids();
    const closed = test.pit.close();
    expect(await ready).toMatchObject({ code: 'draining' });
    await closed;
    expect(await early).toMatchObject(draining);
    expect(pids.filter(isAlive)).toEqual([]);
  });

  it('right after creation, before any process is there', async () => {
    const test = await startPit({ pool: { app: app(), workers: 3 }, waitFor: 'none' });
    await test.pit.close();
    for (const { metadata } of test.events.named('snakepit.worker.starting')) {
      expect(isAlive(metadata.pid)).toBe(false);
    }
  });

  it('while a dead worker waits to be replaced starts no other', async () => {
    const test = await startPit({ pool: { app: app(), restartDelayMs: 50 } });
    process.kill(test.pids()[0] as number, 'SIGKILL');
    await test.events.first('snakepit.worker.crashed');
    await test.pit.close();
    expect(test.events.named('snakepit.worker.starting')).toHaveLength(1);
  });
});

describe('a worker that does not stop', () => {
  it.each([
    ['on_stop waits', 'wait_for("never")'],
    ['on_stop spins', 'while True: pass'],
  ])('%s: it is killed after termTimeoutMs', async (_, body) => {
    const source = python`
      @on_stop
      def stop():
          note("stopping")
          ${body}

      @command
      def hello():
          return "hello"
    `;
    const test = await startPit({ pool: { app: source, termTimeoutMs: 300 } });
    const [pid] = test.pids();
    await test.pit.close();
    expect(isAlive(pid as number)).toBe(false);
    expect(test.notes()).toEqual(['stopping']);
    expect(test.events.named('snakepit.worker.stopped')).toHaveLength(1);
  });

  it('a handler that swallows its cancel: it is killed after termTimeoutMs', async () => {
    const test = await startPit({ pool: { app: app(), drainTimeoutMs: 100, termTimeoutMs: 300 } });
    const running = errorOf(test.pit.execute('swallow'));
    await test.noted('swallowing');
    const [pid] = test.pids();
    await test.pit.close();
    expect(await running).toMatchObject({ code: 'cancelled' });
    expect(isAlive(pid as number)).toBe(false);
  });

  it('an app that ignores SIGTERM stops all the same, since it is asked over its connection', async () => {
    const source = python`
      signal.signal(signal.SIGTERM, signal.SIG_IGN)

      @on_stop
      def stop():
          note("stopping")

      @command
      def hello():
          return "hello"
    `;
    const test = await startPit({ pool: { app: source } });
    await test.pit.execute('hello');
    await test.pit.close();
    expect(test.notes()).toEqual(['stopping']);
  });

  it('an app that leaves a thread behind does not keep its process', async () => {
    const source = python`
      @command
      def hello():
          threading.Thread(target=time.sleep, args=(600,)).start()
          return "hello"
    `;
    const test = await startPit({ pool: { app: source, termTimeoutMs: 500 } });
    await test.pit.execute('hello');
    const [pid] = test.pids();
    await test.pit.close();
    expect(isAlive(pid as number)).toBe(false);
  });

  it('children of the app go with it', async () => {
    const source = python`
      @command
      def have_child():
          return subprocess.Popen([sys.executable, "-c", "import time; time.sleep(600)"]).pid
    `;
    const test = await startPit({ pool: { app: source } });
    const child = await test.pit.execute<number>('have_child');
    await test.pit.close();
    await expect.poll(() => isAlive(child), { timeout: 20_000 }).toBe(false);
  });
});

describe('SIGTERM from somebody else', () => {
  it('makes a worker finish what it runs; it is replaced', async () => {
    const test = await startPit({ pool: { app: app() } });
    const running = test.pit.execute('hold', { gate: 'go' });
    await test.noted('holding go');
    process.kill(test.pids()[0] as number, 'SIGTERM');
    test.open('go');
    expect(await running).toBe('held');
    await test.noted('on_stop first');
    expect(await test.pit.execute('hello')).toBe('hello');
    expect(test.events.named('snakepit.worker.starting')).toHaveLength(2);
  });
});

describe('drain', () => {
  it('resolves with true once all is finished', async () => {
    const test = await startPit({ pool: { app: app() } });
    const running = test.pit.execute('hold', { gate: 'go' });
    const waiting = test.pit.execute('mark', { i: 1 });
    await test.noted('holding go');
    const drained = test.pit.drain(50_000);
    expect(await errorOf(test.pit.execute('hello'))).toMatchObject(draining);
    test.open('go');
    expect(await drained).toBe(true);
    expect(await Promise.all([running, waiting])).toEqual(['held', 1]);
    expect(test.pit.snapshot().pools.default?.state).toBe('draining');
    expect(await test.pit.drain()).toBe(true);
  });

  it('resolves with false when the time is up, and leaves what runs alone', async () => {
    const test = await startPit({ pool: { app: app() } });
    const running = test.pit.execute('hold', { gate: 'go' });
    await test.noted('holding go');
    expect(await test.pit.drain(100)).toBe(false);
    test.open('go');
    expect(await running).toBe('held');
    expect(await test.pit.drain(50_000)).toBe(true);
  });
});
