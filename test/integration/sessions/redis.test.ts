import { describe, expect, it, onTestFinished } from 'vitest';
import { errorOf, python, startPit, type TestPit, until } from '../../support/pit.ts';
import { RedisServer } from '../../support/redis.ts';
import { requireTool } from '../../support/tools.ts';

const app = python`
  @command
  def add(n: int = 1):
      session = context().session
      session.data = {"sum": (session.data or {"sum": 0})["sum"] + n, "bytes": b"\x00\xff"}
      return session.data["sum"]

  @command
  def look():
      return context().session.data

  @command
  def held(gate: str):
      data = context().session.data
      note("held")
      wait_for(gate)
      context().session.data = {"held": True}
      return data
`;

const serve = async (server: RedisServer, over: Record<string, unknown> = {}): Promise<TestPit> =>
  startPit({
    pool: { app },
    sessions: { store: 'redis', url: server.url, timeoutMs: 1000, ...over },
    ops: { port: 0 },
  });

describe.skipIf(!requireTool('redis-server'))('sessions in Redis', () => {
  const redis = async () => {
    const server = await RedisServer.start();
    onTestFinished(() => server.close());
    return server;
  };

  it('are shared by two instances, and nothing is lost or doubled between them', async () => {
    const server = await redis();
    const [one, two] = [await serve(server), await serve(server)];
    const add = async (pit: TestPit): Promise<number> => {
      try {
        return await pit.pit.execute<number>('add', {}, { sessionId: 'shared' });
      } catch (error) {
        if ((error as { code?: string }).code !== 'session_conflict') throw error;
        return add(pit);
      }
    };
    const sums = await Promise.all(Array.from({ length: 60 }, (_, i) => add(i % 2 === 0 ? one : two)));
    expect([...sums].sort((a, b) => a - b)).toEqual(Array.from({ length: 60 }, (_, i) => i + 1));
    expect(await one.pit.execute('look', {}, { sessionId: 'shared' })).toEqual({
      sum: 60,
      bytes: new Uint8Array([0, 255]),
    });
  });

  it('cost one round trip before a request, and one after it if the data changed', async () => {
    const server = await redis();
    const test = await serve(server);
    const ops = (id: string) =>
      test.events
        .named('snakepit.session.accessed')
        .filter(({ metadata }) => metadata.session_id === id)
        .map(({ metadata }) => metadata.op);
    await test.pit.execute('look', {}, { sessionId: 'read' });
    await test.pit.execute('add', {}, { sessionId: 'written' });
    expect(ops('read')).toEqual(['open']);
    expect(ops('written')).toEqual(['open', 'write']);
    for (const { measurements } of test.events.named('snakepit.session.accessed'))
      expect(measurements.store_ms).toBeGreaterThan(0);
  });

  it('are refused with a clear error while Redis is away, which readiness tells, and work again after', async () => {
    const server = await redis();
    const test = await serve(server, { timeoutMs: 300 });
    const ready = async () => (await fetch(`${test.pit.opsUrl}/health/ready`)).status;
    await test.pit.execute('add', {}, { sessionId: 's' });
    await until(async () => (await ready()) === 200, 'ready');
    await server.kill();
    const error = await errorOf(test.pit.execute('add', {}, { sessionId: 's' }));
    expect(error).toMatchObject({ code: 'session_store_unavailable', retryable: true, httpStatus: 503 });
    expect(error.message).toContain('was not begun');
    await until(async () => (await ready()) === 503, 'not ready');
    const page = await fetch(`${test.pit.opsUrl}/health/sessions`);
    expect(page.status).toBe(503);
    expect(await page.json()).toMatchObject({ status: 'error', store: 'redis', available: false });
    // What belongs to no session does not need the store.
    expect(await errorOf(test.pit.execute('look'))).toMatchObject({ code: 'python_exception' });
    await server.begin();
    await until(async () => (await ready()) === 200, 'ready again');
    expect(await test.pit.execute('add', {}, { sessionId: 's' })).toBe(1);
    const well = await (await fetch(`${test.pit.opsUrl}/health/sessions`)).json();
    expect(well).toMatchObject({ status: 'ok', capacity: 10_000, ttl_ms: 3_600_000 });
  });

  it('say that it is not known whether a change was kept when Redis dies in the middle of it', async () => {
    const server = await redis();
    const test = await serve(server, { timeoutMs: 300 });
    const running = errorOf(test.pit.execute('held', { gate: 'g' }, { sessionId: 's' }));
    await test.noted('held');
    await server.kill();
    test.open('g');
    const error = await running;
    expect(error).toMatchObject({ code: 'session_store_unavailable', retryable: false });
    expect(error.message).toContain('is not known');
    const { default: pool } = test.pit.snapshot().pools;
    expect(pool).toMatchObject({ requests_in_flight: 0, queue_depth: 0 });
  });

  it('expire by the clock of the server, told once by whoever sees it first', async () => {
    const server = await redis();
    const [one, two] = [await serve(server, { ttlMs: 200 }), await serve(server, { ttlMs: 200 })];
    await one.pit.execute('add', {}, { sessionId: 'short' });
    const told = () => [one, two].flatMap(({ events }) => events.named('snakepit.session.expired'));
    await until(() => told().length > 0, 'it has expired');
    await until(
      () => [one, two].every(({ pit }) => pit.snapshot().sessions?.active === 0),
      'both have swept',
    );
    expect(told()).toHaveLength(1);
    expect(await one.pit.sessions.get('short')).toBeUndefined();
  });
});

it('names a Redis that cannot be reached, and starts all the same', async () => {
  if (!requireTool('redis-server')) return;
  const test = await startPit({
    pool: { app },
    sessions: { store: 'redis', url: 'redis://127.0.0.1:1', timeoutMs: 200 },
  });
  const error = await errorOf(test.pit.execute('add', {}, { sessionId: 's' }));
  expect(error.code).toBe('session_store_unavailable');
  expect(error.message).toContain('Redis does not answer');
});

it('refuses a store that is not one, and a URL that is none, naming the key', async () => {
  const wrong = async (sessions: Record<string, unknown>) =>
    (await errorOf(startPit({ pool: { app }, sessions }))).message;
  expect(await wrong({ store: 'disk' })).toContain('sessions.store');
  expect(await wrong({ store: 'redis', url: 'http://x' })).toContain('sessions.url');
  expect(await wrong({ ttlMs: -1 })).toContain('sessions.ttlMs');
});
