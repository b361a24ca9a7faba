import { describe, expect, it } from 'vitest';
import { catalog, type EventName, type Snakepit } from '../../src/index.ts';
import { errorOf, python, startPit, type TestPit, until } from '../support/pit.ts';

const app = () => python`
  if is_open("broken"):
      raise OSError("broken")

  @command
  def hello():
      print("hello")
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

  @command
  def pid():
      return os.getpid()

  @command
  def fragile():
      note("fragile")
      if notes().count("fragile") == 1:
          os._exit(1)
`;

/** One life of a pit in which everything happens that can happen. */
const everything = async (): Promise<TestPit> => {
  const test = await startPit({
    pool: {
      app: app(),
      workers: 2,
      maxQueue: 2,
      restartDelayMs: 10,
      maxRestartDelayMs: 10,
      crashLoopAfter: 3,
      crashLoopCoolDownMs: 300,
      heartbeatIntervalMs: 300,
      stuckAfterMs: 1500,
    },
    // A full queue is over a threshold at once, and an empty one below it at once.
    health: { criteria: { queue_depth: { warning: 0.5, error: 0.9, dwellMs: 0 } } },
    sessions: { ttlMs: 200 },
  });
  const { pit, events } = test;
  let throwing = true;
  pit.bus.registerConsumer(
    'snakepit.**',
    {
      name: 'broken',
      handle: () => {
        if (throwing) throw new Error('the consumer is broken');
      },
    },
    { circuit: { openMs: 100, maxOpenMs: 100 } },
  );
  // It cannot keep up with anything.
  pit.bus.registerConsumer(
    'snakepit.**',
    { name: 'hung', handle: () => new Promise(() => {}) },
    { queue: { maxEvents: 1 } },
  );
  await test.serving(2);
  pit.observability.configure({ errors: { showArgs: ['n'] } });
  pit.health.registerCheck('store', () => {
    throw new Error('no store');
  });

  await pit.execute('hello');
  for await (const _ of pit.stream('count', { n: 3 }));
  for await (const _ of pit.stream('count', { n: 1000 })) break;
  await errorOf(pit.execute('fail'));
  await errorOf(pit.execute('nobody'));
  await errorOf(pit.execute('hello', {}, { pool: 'nowhere' }));
  await errorOf(pit.execute('count', { n: () => 1 }));
  await errorOf(pit.execute('hold', { gate: 'never' }, { timeoutMs: 200 }));
  await test.noted('holding never');

  // A full queue, a request that gives up in it, and one that waits in vain.
  const held = ['a', 'b'].map((gate) => pit.execute('hold', { gate }));
  await test.noted('holding a');
  await test.noted('holding b');
  const controller = new AbortController();
  const gaveUp = errorOf(pit.execute('hello', {}, { signal: controller.signal }));
  const inVain = errorOf(pit.execute('hello', {}, { timeoutMs: 100 }));
  await errorOf(pit.execute('hello'));
  await events.first('snakepit.threshold.exceeded', ({ metadata }) => metadata.check === 'queue_depth');
  controller.abort();
  await Promise.all([gaveUp, inVain]);
  pit.health.getDetailedHealth();
  test.open('a');
  test.open('b');
  await Promise.all(held);
  throwing = false;

  // A session that is used, one that is ended, one that is forgotten, and the worker of one that goes.
  await pit.execute('hello', {}, { sessionId: 'short' });
  await pit.execute('hello', {}, { sessionId: 'ended' });
  await pit.sessions.delete('ended');
  await events.first('snakepit.session.cleanup');

  // One is replaced on purpose, one falls silent for too long, and one dies with something that may be repeated.
  await pit.recycleWorker(String(pit.snapshot().pools.default?.workers[0]?.id));
  process.kill(await pit.execute<number>('pid'), 'SIGSTOP');
  await events.first('snakepit.worker.stuck');
  await test.serving(2);
  await pit.execute('fragile', {}, { idempotent: true });
  await test.serving(2);

  // Both workers die, cannot be replaced for a while, and then are.
  test.open('broken');
  await errorOf(pit.execute('leave'));
  await events.first('snakepit.worker.start_failed');
  await errorOf(pit.execute('leave'));
  await until(() => pit.health.checkReadiness().status === 'error', 'nobody serves');
  await until(() => pit.snapshot().pools.default?.start_error != null, 'the start has failed');
  await errorOf(pit.execute('hello'));
  await events.first('snakepit.worker.quarantined');
  test.shut('broken');
  await test.serving(2);
  await pit.execute('hello');

  const home = await pit.execute<number>('pid', {}, { sessionId: 'broken' });
  process.kill(home, 'SIGKILL');
  await events.first('snakepit.session.affinity_broken');
  await test.serving(2);

  const last = pit.execute('hold', { gate: 'last' });
  await test.noted('holding last');
  const closed = pit.close();
  await errorOf(pit.execute('hello'));
  test.open('last');
  await Promise.all([last, closed]);
  return test;
};

const lifecycle =
  /^snakepit\.request\.(queued|started|retried|failed|timed_out|cancelled|rejected|completed)$/;

/** What may concern no pool. */
const ofProcess = /^snakepit\.(health|threshold|observability|session)\./;

describe('in a life in which everything happens', () => {
  it('every catalogued event is emitted, with the fields the catalogue says, and every request has its story', async () => {
    const { events } = await everything();

    const seen = new Set(events.all.map((event) => event.event_name));
    for (const name of Object.keys(catalog)) {
      expect(seen, 'events that happened').toContain(name);
    }
    for (const name of seen) expect(Object.keys(catalog), 'catalogued events').toContain(name);

    // Fields
    const faults = new Set<string>();
    for (const { event_name, measurements, metadata } of events.all) {
      const spec = catalog[event_name as EventName];
      if (typeof metadata.timestamp !== 'number') faults.add(`${event_name}: no timestamp`);
      if (!ofProcess.test(event_name)) {
        if (typeof metadata.pool_name !== 'string') faults.add(`${event_name}: no pool_name`);
      }
      for (const [kind, fields, values] of [
        ['measurement', spec.measurements, measurements],
        ['metadata', spec.metadata, metadata],
      ] as const) {
        for (const [field, { type, optional }] of Object.entries<{ type: string; optional?: true }>(fields)) {
          const value = values[field];
          if (value === undefined && optional) continue;
          if (typeof value !== type)
            faults.add(`${event_name}: ${kind} ${field} is ${typeof value}, not ${type}`);
        }
        for (const [field, value] of Object.entries(values)) {
          if (typeof value === 'number' && !(value >= 0)) faults.add(`${event_name}: ${field} is ${value}`);
        }
      }
    }
    expect([...faults]).toEqual([]);

    // Stories
    const stories = new Map<string, string[]>();
    for (const { event_name, metadata } of events.all) {
      if (!lifecycle.test(event_name)) continue;
      const id = String(metadata.request_id);
      stories.set(id, [...(stories.get(id) ?? []), event_name.slice('snakepit.request.'.length)]);
    }
    const kinds = new Set<string>();
    for (const story of stories.values()) {
      kinds.add(story.join(' '));
      expect(story.join(' ')).toMatch(
        /^queued( started( retried started)?)?( (failed|timed_out|cancelled|rejected))? completed$/,
      );
    }
    expect([...kinds].sort()).toEqual(
      [
        'queued started completed',
        'queued started retried started completed',
        'queued started failed completed',
        'queued started timed_out completed',
        'queued started cancelled completed',
        'queued started rejected completed',
        'queued failed completed',
        'queued rejected completed',
        'queued cancelled completed',
        'queued timed_out completed',
      ].sort(),
    );

    // Times go forward in each story.
    for (const id of stories.keys()) {
      const times = events
        .of(id)
        .filter(({ event_name }) => lifecycle.test(event_name))
        .map(({ metadata }) => metadata.timestamp);
      expect(times).toEqual([...times].sort((a, b) => a - b));
    }

    // The pit began and ended with these.
    const names = events.all.map((event) => event.event_name);
    expect(names[0]).toBe('snakepit.worker.starting');
    expect(names.filter((name) => name.startsWith('snakepit.pool.')).at(0)).toBe('snakepit.pool.started');
    expect(names.filter((name) => !name.startsWith('snakepit.observability.')).at(-1)).toBe(
      'snakepit.pool.stopped',
    );
  });

  it('the events that describe a pool and its workers say what they must', async () => {
    const test = await startPit({ pool: { app: app(), env: { API_KEY: 'hunter2' } } });
    const [started] = test.events.named('snakepit.pool.started');
    expect(started?.measurements).toEqual({ startup_ms: expect.any(Number), workers: 1 });
    expect(started?.metadata.config).toMatchObject({ workers: 1, concurrency: 1, maxQueue: 1000 });
    expect(JSON.stringify(started)).not.toContain('hunter2');
    const [worker] = test.events.named('snakepit.worker.started');
    expect(worker?.metadata).toMatchObject({
      worker_id: expect.any(String),
      worker_slot: 0,
      pid: test.pids()[0],
      python_version: expect.stringMatching(/^3\./),
      codec: expect.stringMatching(/^(msgpack|json)$/),
    });
    await test.pit.execute('hello');
    const [completed] = test.events.named('snakepit.request.completed');
    expect(completed?.metadata).toMatchObject({
      success: true,
      status: 'success',
      command: 'hello',
      attempts: 1,
    });
    expect(completed?.measurements.duration_ms).toBeGreaterThanOrEqual(
      completed?.measurements.python_ms ?? Infinity,
    );
  });
});

describe('a consumer that throws', () => {
  const broken = {
    name: 'broken',
    handle: () => {
      throw new Error('the consumer is broken');
    },
  };

  /** What callers and other consumers see. */
  const use = async (prepare: (pit: Snakepit) => void) => {
    const test = await startPit({ pool: { app: app() } });
    prepare(test.pit);
    const chunks: unknown[] = [];
    for await (const chunk of test.pit.stream('count', { n: 3 })) chunks.push(chunk);
    const results = [
      await test.pit.execute('hello'),
      chunks,
      (await errorOf(test.pit.execute('fail'))).code,
      (await errorOf(test.pit.execute('leave'))).code,
      await test.pit.execute('hello'),
    ];
    await test.pit.close();
    const events = test.events.all
      .map((event) => event.event_name)
      .filter((name) => /^snakepit\.(request|stream|pool)\./.test(name));
    return { results, events, complaints: test.events.named('snakepit.observability.consumer_failed'), test };
  };

  it('changes nothing for callers and other consumers, and is told of', async () => {
    const fine = await use(() => {});
    const disturbed = await use((pit) =>
      // Open for longer than the test takes.
      pit.bus.registerConsumer('**', broken, { circuit: { openMs: 600_000, maxOpenMs: 600_000 } }),
    );
    expect(disturbed.results).toEqual(fine.results);
    expect(disturbed.events).toEqual(fine.events);
    expect(fine.complaints).toEqual([]);
    const [complaint] = disturbed.complaints;
    expect(complaint?.metadata).toMatchObject({
      consumer: 'broken',
      message: 'the consumer is broken',
      event: expect.stringMatching(/^(snakepit|python)\./),
    });
    const counts = disturbed.test.pit.bus.consumers().find(({ name }) => name === 'broken');
    expect(counts).toMatchObject({ delivered: 0, pending: 0, circuit: 'open' });
    const { failed = 0, circuit_open = 0, shutdown = 0 } = counts?.dropped ?? {};
    expect(failed).toBe(5);
    expect(circuit_open).toBeGreaterThan(0);
    expect(counts?.offered).toBe(failed + circuit_open + shutdown);
  });

  it('that calls back into the pit does not get in the way', async () => {
    const { pit, events } = await startPit({ pool: { app: app() } });
    const calls: Promise<unknown>[] = [];
    pit.bus.registerConsumer('snakepit.request.completed', (event) => {
      if (event.metadata.command === 'hello' && calls.length < 3) calls.push(pit.execute('hello'));
    });
    await pit.execute('hello');
    await until(() => calls.length === 3, 'the consumer has called');
    expect(await Promise.all(calls)).toEqual(['hello', 'hello', 'hello']);
    expect(events.named('snakepit.request.completed')).toHaveLength(4);
  });
});
