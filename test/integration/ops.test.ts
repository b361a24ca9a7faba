import { describe, expect, it } from 'vitest';
import { createOpsHandler } from '../../src/index.ts';
import { type Parsed, parse } from '../consumers/metrics/parse.ts';
import { errorOf, python, startPit, type TestPit, until } from '../support/pit.ts';

const app = () => python`
  if is_open("broken"):
      wait_for("mended")

  @command
  def hello():
      return "hello"

  @command
  def hold(gate: str):
      note(f"holding {gate}")
      wait_for(gate)

  @command
  def fail():
      raise ValueError("wrong")

  @command
  def leave():
      os._exit(1)

  @command
  def count(n: int):
      yield from range(n)
`;

const get = async ({ pit }: TestPit, path: string, headers: Record<string, string> = {}) => {
  const response = await fetch(`${pit.opsUrl}${path}`, { headers });
  const text = await response.text();
  return { status: response.status, type: response.headers.get('content-type'), text };
};
const getJson = async (test: TestPit, path: string) => {
  const { status, text } = await get(test, path);
  return { status, body: JSON.parse(text) };
};
const scrape = async (test: TestPit): Promise<Parsed> => parse((await get(test, '/metrics')).text);

const range = (n: number) => Array.from({ length: n }, (_, i) => i);
const ops = { port: 0 };

describe('/metrics', () => {
  it('counts what really happened, however mixed', async () => {
    const test = await startPit({
      pool: { app: app(), workers: 2, maxQueue: 1, restartDelayMs: 10 },
      morePools: { other: { app: app() } },
      ops,
    });
    const { pit, events } = test;
    await test.serving(2);
    for (const _ of range(30)) await pit.execute('hello');
    for (const _ of range(7)) await errorOf(pit.execute('fail'));
    for (const _ of range(3)) await errorOf(pit.execute('hello', { nobody: 1 }));
    for (const _ of range(4)) await errorOf(pit.execute('nobody'));
    await errorOf(pit.execute('hello', {}, { pool: 'nowhere' }));
    for (const _ of range(5)) await pit.execute('hello', {}, { pool: 'other' });
    for (const n of [2, 3]) for await (const _ of pit.stream('count', { n }));
    await errorOf(pit.execute('leave'));
    await test.serving(2);

    // Both workers held: one request waits in vain, one gives up, one finds the queue full.
    const held = ['a', 'b'].map((gate) => pit.execute('hold', { gate }));
    await test.noted('holding a');
    await test.noted('holding b');
    expect((await errorOf(pit.execute('hello', {}, { timeoutMs: 50 }))).code).toBe('queue_timeout');
    const controller = new AbortController();
    const gaveUp = errorOf(pit.execute('hello', {}, { signal: controller.signal }));
    expect((await errorOf(pit.execute('hello'))).code).toBe('queue_full');

    const busy = await scrape(test);
    const inDefault = { pool_name: 'default' };
    expect(busy.value('snakepit_pool_queue_depth', inDefault)).toBe(1);
    expect(busy.value('snakepit_requests_in_flight', inDefault)).toBe(2);
    expect(busy.value('snakepit_pool_busy_workers', inDefault)).toBe(2);
    expect(busy.value('snakepit_pool_available_workers', inDefault)).toBe(0);
    expect(busy.value('snakepit_pool_workers', { ...inDefault, state: 'busy' })).toBe(2);
    controller.abort();
    await gaveUp;
    test.open('a');
    test.open('b');
    await Promise.all(held);

    const metrics = await scrape(test);
    const requests = (command: string, status: string, pool_name = 'default') =>
      metrics.value('snakepit_requests_total', { pool_name, command, status });
    expect(requests('hello', 'success')).toBe(30);
    expect(requests('hello', 'failure')).toBe(3);
    expect(requests('hello', 'timeout')).toBe(1);
    expect(requests('hello', 'cancelled')).toBe(1);
    expect(requests('hello', 'rejected')).toBe(1);
    expect(requests('hello', 'success', 'other')).toBe(5);
    expect(requests('fail', 'failure')).toBe(7);
    expect(requests('leave', 'crashed')).toBe(1);
    expect(requests('hold', 'success')).toBe(2);
    expect(requests('count', 'success')).toBe(2);
    expect(requests('(unknown)', 'rejected')).toBe(4);
    // The command is unknown to a pool that is unknown itself.
    expect(metrics.sum('snakepit_requests_total', { pool_name: '(unknown)' })).toBe(1);
    expect(metrics.sum('snakepit_requests_total')).toBe(events.named('snakepit.request.completed').length);

    // All but the rejected have a duration.
    const duration = (command: string) =>
      metrics.value('snakepit_request_duration_seconds_count', { ...inDefault, command });
    expect(duration('hello')).toBe(35);
    expect(duration('fail')).toBe(7);
    expect(
      metrics.value('snakepit_request_duration_seconds_bucket', {
        ...inDefault,
        command: 'fail',
        le: '+Inf',
      }),
    ).toBe(7);
    expect(metrics.value('snakepit_stream_chunks_total', { ...inDefault, command: 'count' })).toBe(5);
    expect(
      metrics.value('snakepit_stream_first_chunk_seconds_count', { ...inDefault, command: 'count' }),
    ).toBe(2);
    expect(
      metrics.value('snakepit_errors_total', { ...inDefault, category: 'request', code: 'python_exception' }),
    ).toBe(7);
    expect(
      metrics.value('snakepit_errors_total', { ...inDefault, category: 'system', code: 'queue_full' }),
    ).toBe(1);
    // The request that was lost, and the worker.
    expect(
      metrics.value('snakepit_errors_total', { ...inDefault, category: 'worker', code: 'worker_crashed' }),
    ).toBe(2);
    expect(metrics.value('snakepit_pool_saturated_total', inDefault)).toBe(1);

    // Workers
    expect(metrics.value('snakepit_worker_starts_total', { ...inDefault, result: 'ok' })).toBe(3);
    expect(metrics.value('snakepit_worker_exits_total', { ...inDefault, reason: 'crashed' })).toBe(1);
    expect(metrics.value('snakepit_worker_startup_seconds_count', inDefault)).toBe(3);
    expect(metrics.value('snakepit_pool_workers_desired', inDefault)).toBe(2);
    expect(metrics.value('snakepit_pool_slots', inDefault)).toBe(2);
    expect(metrics.value('snakepit_pool_queue_depth', inDefault)).toBe(0);
    expect(metrics.value('snakepit_requests_in_flight', inDefault)).toBe(0);
    expect(metrics.value('snakepit_pool_workers', { ...inDefault, state: 'ready' })).toBe(2);
    expect(metrics.value('snakepit_ready')).toBe(1);
    // What Python answered, over both slots and the worker that is gone.
    const answered = 30 + 7 + 3 + 4 + 2 + 2;
    expect(metrics.sum('snakepit_worker_requests_total', inDefault)).toBe(answered);
    await until(
      async () => (await scrape(test)).sum('snakepit_worker_memory_bytes', inDefault) > 1_000_000,
      'memory',
    );

    for (const [name, { count }] of events.all.reduce((counts, { event_name }) => {
      const entry = counts.get(event_name) ?? { count: 0 };
      entry.count++;
      return counts.set(event_name, entry);
    }, new Map<string, { count: number }>())) {
      // The recorder came a moment after the first workers were spawned; nothing else escaped it.
      expect(metrics.value('snakepit_events_total', { event: name }), name).toBeGreaterThanOrEqual(count);
    }
  });

  it('never falls when workers come and go', async () => {
    const test = await startPit({ pool: { app: app(), restartDelayMs: 1 }, ops });
    let before = await scrape(test);
    for (const _ of range(3)) {
      await test.pit.execute('hello');
      await errorOf(test.pit.execute('leave'));
      await test.serving(1);
      const after = await scrape(test);
      for (const { name, labels, value } of before.samples) {
        if (!name.startsWith('snakepit_') || !name.endsWith('_total')) continue;
        expect(after.value(name, labels), `${name} ${JSON.stringify(labels)}`).toBeGreaterThanOrEqual(value);
      }
      before = after;
    }
    expect(before.sum('snakepit_worker_requests_total', { pool_name: 'default' })).toBe(3);
    expect(before.value('snakepit_worker_exits_total', { pool_name: 'default', reason: 'crashed' })).toBe(3);
  });

  it('takes metrics of the application, and speaks OpenMetrics to who asks', async () => {
    const test = await startPit({ pool: { app: app() }, ops });
    test.pit.metrics.registerMetric({
      name: 'orders_total',
      type: 'counter',
      help: 'Orders.',
      labels: ['kind'],
    });
    test.pit.metrics.updateCounter('orders_total', { kind: 'book' }, 3);
    expect((await scrape(test)).value('orders_total', { kind: 'book' })).toBe(3);
    const open = await get(test, '/metrics', { accept: 'application/openmetrics-text; version=1.0.0' });
    expect(open.type).toContain('application/openmetrics-text');
    expect(open.text).toMatch(/# EOF\n$/);
  });
});

describe('/health', () => {
  it('is not ready while no worker is left, and ready again with the replacement; it lives all the time', async () => {
    const test = await startPit({ pool: { app: app(), workers: 2, restartDelayMs: 1 }, ops });
    await test.serving(2);
    expect((await get(test, '/health/ready')).status).toBe(200);
    test.open('broken');
    for (const pid of test.pids()) process.kill(pid, 'SIGKILL');
    await until(async () => (await get(test, '/health/ready')).status === 503, 'not ready');
    const { body } = await getJson(test, '/health/ready');
    expect(body.status).toBe('error');
    expect(body.checks[0]).toMatchObject({ name: 'pool:default', status: 'error', why: expect.any(String) });
    expect((await get(test, '/health')).status).toBe(200);
    expect((await get(test, '/readyz')).status).toBe(503);
    expect((await get(test, '/health/startup')).status).toBe(200);
    expect((await getJson(test, '/health/detailed')).status).toBe(503);
    test.open('mended');
    await until(async () => (await get(test, '/health/ready')).status === 200, 'ready again');
    expect(await test.pit.execute('hello')).toBe('hello');
    const turns = test.events.named('snakepit.health.status_changed').map(({ metadata }) => metadata.to);
    expect(turns).toContain('error');
  });

  it('stays ready with one worker of two, and with all busy', async () => {
    const test = await startPit({ pool: { app: app(), workers: 2, restartDelayMs: 60_000 }, ops });
    await test.serving(2);
    process.kill(test.pids()[0] as number, 'SIGKILL');
    await test.events.first('snakepit.worker.crashed');
    const held = test.pit.execute('hold', { gate: 'go' });
    await test.noted('holding go');
    const { status, body } = await getJson(test, '/health/ready');
    expect(status).toBe(200);
    expect(body.load.default).toMatchObject({ busy_workers: 1 });
    test.open('go');
    await held;
  });

  it('tells how far a start has come', async () => {
    const source = python`
      wait_for("import")

      @command
      def hello():
          return "hello"
    `;
    const test = await startPit({ pool: { app: source }, ops, waitFor: 'none' });
    await until(async () => {
      const { status, body } = await getJson(test, '/health/startup');
      expect(status).toBe(503);
      return body.workers[0]?.phase === 'import';
    }, 'the phase import');
    expect((await getJson(test, '/health/startup')).body.workers[0]).toMatchObject({
      pool_name: 'default',
      worker_slot: 0,
      elapsed_ms: expect.any(Number),
      deadline_ms: 300_000,
    });
    expect((await get(test, '/health/ready')).status).toBe(503);
    expect((await get(test, '/health/live')).status).toBe(200);
    test.open('import');
    await test.pit.ready();
    expect((await get(test, '/health/startup')).status).toBe(200);
    expect((await get(test, '/health/ready')).status).toBe(200);
  });

  it('shows everything in /health/detailed, and the parts at their own paths', async () => {
    const test = await startPit({ pool: { app: app() }, ops });
    for (const _ of range(4)) await test.pit.execute('hello');
    await errorOf(test.pit.execute('fail'));
    const { status, body } = await getJson(test, '/health/detailed');
    expect(status).toBe(200);
    const number = expect.any(Number);
    expect(body).toMatchObject({
      status: 'ok',
      timestamp: expect.stringMatching(/^\d{4}-\d\d-\d\dT/),
      pools: {
        default: {
          total_workers: 1,
          available_workers: 1,
          busy_workers: 0,
          queue_size: 0,
          requests: 5,
          error_rate: 0.2,
          requests_per_second: number,
          avg_response_time_ms: number,
          p50_response_time_ms: number,
          p95_response_time_ms: number,
          p99_response_time_ms: number,
        },
      },
      system: {
        memory_mb: number,
        process_count: 2,
        uptime_seconds: number,
        cpu_ratio: number,
        event_loop_lag_ms: number,
      },
      checks: [
        { name: 'worker_availability', status: 'ok' },
        { name: 'error_rate' },
        { name: 'queue_depth' },
        { name: 'response_time' },
        { name: 'memory' },
        { name: 'event_loop_lag' },
        { name: 'worker_restarts', status: 'ok' },
        { name: 'observability', status: 'ok' },
      ],
      workers: [
        {
          pool_name: 'default',
          worker_slot: 0,
          state: 'ready',
          pid: test.pids()[0],
          requests: 5,
          restarts: 0,
        },
      ],
    });
    expect((await getJson(test, '/health/workers')).body.workers).toHaveLength(1);
    expect((await getJson(test, '/health/python')).body.default).toMatchObject({
      path: expect.stringContaining('python'),
      reason: expect.any(String),
      version: expect.stringMatching(/^3\./),
    });
    expect((await getJson(test, '/health')).body.links).toMatchObject({
      detailed: '/health/detailed',
      metrics: '/metrics',
    });
  });

  it('counts the workers that serve, not the processes that exist', async () => {
    const test = await startPit({ pool: { app: app(), cancelGraceMs: 50_000 }, ops });
    const held = test.pit.execute('hold', { gate: 'go' });
    await test.noted('holding go');
    const { body } = await getJson(test, '/health/workers');
    expect(body.workers[0]).toMatchObject({ state: 'busy', in_flight: 1, current: { command: 'hold' } });
    test.open('go');
    await held;
  });
});

describe('what is switched off answers 404', () => {
  it.each<[string, object, number, number]>([
    ['observability', { observability: false }, 404, 404],
    ['metrics', { metrics: false }, 404, 200],
    ['health', { health: false }, 200, 404],
  ])('%s', async (_, options, metrics, health) => {
    const test = await startPit({ pool: { app: app() }, ops, ...options });
    expect(await test.pit.execute('hello')).toBe('hello');
    expect((await get(test, '/metrics')).status).toBe(metrics);
    for (const path of ['/health', '/health/ready', '/health/detailed', '/livez']) {
      expect((await get(test, path)).status, path).toBe(health);
    }
    // The application may go on to use what is off.
    test.pit.metrics.updateCounter('orders_total', {}, 1);
    expect(test.pit.health.checkHealth().status).toBe('ok');
    const isOff = 'observability' in options;
    expect(test.events.named('snakepit.request.completed')).toHaveLength(isOff ? 0 : 1);
  });
});

describe('createOpsHandler', () => {
  it('mounts the same endpoints elsewhere; without a token only probes answer', async () => {
    const { pit } = await startPit({ pool: { app: app() } });
    await pit.execute('hello');
    const ask = async (path: string, options = {}, headers: Record<string, string> = {}) =>
      createOpsHandler(pit, options).fetch(new Request(`http://app.example${path}`, { headers }));
    expect((await ask('/health/ready')).status).toBe(200);
    expect((await ask('/metrics')).status).toBeGreaterThanOrEqual(401);
    const open = await ask('/metrics', { access: 'open' });
    expect(
      parse(await open.text()).value('snakepit_requests_total', { command: 'hello', status: 'success' }),
    ).toBe(1);
    const token = 'a-token-for-tests-only';
    expect((await ask('/metrics', { token }, { authorization: `Bearer ${token}` })).status).toBe(200);
    expect((await ask('/metrics', { token }, { authorization: 'Bearer wrong' })).status).toBe(401);
  });
});

describe('after close', () => {
  it('the servers are gone', async () => {
    const test = await startPit({ pool: { app: app() }, ops });
    const { opsUrl } = test.pit;
    await get(test, '/health');
    await test.pit.close();
    await expect(fetch(`${opsUrl}/health`)).rejects.toThrow();
  });
});
