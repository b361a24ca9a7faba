import { describe, expect, it } from 'vitest';
import { errorOf, python, startPit, type TestPit, until } from '../../support/pit.ts';

const app = () => python`
  if is_open("broken") or is_open(f"broken {os.environ.get('MY_SLOT')}"):
      note("broken")
      raise OSError("the model is broken")

  @command
  def pid():
      return os.getpid()

  @command
  def hold(gate: str):
      note(f"holding {gate}")
      wait_for(gate)
`;

const levels = (test: TestPit) => {
  const pool = test.pit.snapshot().pools.default;
  if (pool === undefined) throw new Error('There is no pool.');
  return pool;
};

/** A pit whose app fails until the gate `broken` is shut. */
const broken = async (pool: Parameters<typeof startPit>[0]['pool'], gateway = false): Promise<TestPit> => {
  const test = await startPit({ pool, ...(gateway && { gateway: { port: 0 } }) });
  await test.serving(pool.workers ?? 1);
  test.open('broken');
  for (const pid of test.pids()) process.kill(pid, 'SIGKILL');
  await test.events.first('snakepit.worker.start_failed');
  return test;
};

describe('starts that fail', () => {
  it('are tried again after waits that double, each told with its number', async () => {
    const test = await broken({
      app: app(),
      restartDelayMs: 40,
      maxRestartDelayMs: 200,
      crashLoopAfter: 100,
    });
    await test.events.first('snakepit.worker.starting', ({ measurements }) => measurements.attempt === 5);
    const starts = test.events.named('snakepit.worker.starting').slice(0, 7);
    expect(starts.map(({ measurements }) => measurements.attempt)).toEqual(
      [0, 1, 2, 3, 4, 5].slice(0, starts.length),
    );
    const ends = test.events.all.filter(({ event_name }) =>
      /^snakepit\.worker\.(crashed|start_failed)$/.test(event_name),
    );
    const waits = starts
      .slice(1)
      .map(({ metadata }, i) => metadata.timestamp - Number(ends[i]?.metadata.timestamp));
    // At least the half that is not left to chance; the clock of events is whole milliseconds apart at worst.
    for (const [i, least] of [20, 40, 80, 100, 100].entries()) {
      expect(waits[i], `wait ${i}`).toBeGreaterThanOrEqual(least - 2);
    }
    test.shut('broken');
    await test.serving(1);
    expect(levels(test).workers[0]).toMatchObject({ state: 'ready', failures: expect.any(Number) });
    await test.pit.execute('pid');
  });

  it('a worker that answered something begins the counting anew', async () => {
    const test = await startPit({ pool: { app: app(), restartDelayMs: 5, crashLoopAfter: 3 } });
    for (let round = 0; round < 5; round++) {
      process.kill(await test.pit.execute<number>('pid'), 'SIGKILL');
      await test.events.first(
        'snakepit.worker.crashed',
        () => test.events.named('snakepit.worker.crashed').length > round,
      );
    }
    expect(await test.pit.execute('pid')).toBeGreaterThan(0);
    expect(test.events.named('snakepit.worker.quarantined')).toEqual([]);
    expect(levels(test).workers[0]?.failures).toBe(0);
  });

  it('workers that live for stableAfterMs begin it anew too, those that die before do not', async () => {
    const source = python`
      threading.Timer(float(os.environ["LIFE"]), lambda: os._exit(4)).start()

      @command
      def pid():
          return os.getpid()
    `;
    const short = {
      app: source,
      restartDelayMs: 1,
      maxRestartDelayMs: 1,
      crashLoopAfter: 3,
      env: { LIFE: '0.15' },
    };
    const test = await startPit({
      pool: { ...short, stableAfterMs: 10_000, crashLoopCoolDownMs: 60_000 },
      morePools: { stable: { ...short, stableAfterMs: 20 } },
    });
    const quarantined = await test.events.first('snakepit.worker.quarantined');
    expect(quarantined.metadata).toMatchObject({
      pool_name: 'default',
      why: expect.stringContaining('exit code 4'),
    });
    expect(quarantined.measurements).toEqual({ failures: 3, cool_down_ms: 60_000 });
    await until(
      () => (test.pit.snapshot().pools.stable?.workers[0]?.slot_restarts ?? 0) > 4,
      'the other pool goes on',
    );
    const error = await errorOf(test.pit.execute('pid'));
    expect(error.code).toBe('crash_loop');
    expect(error.message).toContain('exit code 4');
    expect(
      test.events
        .named('snakepit.worker.quarantined')
        .every(({ metadata }) => metadata.pool_name === 'default'),
    ).toBe(true);
  });
});

describe('a crash loop', () => {
  it('refuses: first with the failed start, then as a loop, with the Python traceback and when to come again', async () => {
    const test = await broken(
      {
        app: app(),
        workers: 2,
        restartDelayMs: 30,
        maxRestartDelayMs: 30,
        crashLoopAfter: 4,
        crashLoopCoolDownMs: 60_000,
      },
      true,
    );
    await until(() => levels(test).start_error !== null, 'no start succeeds');
    const first = await errorOf(test.pit.execute('pid'));
    expect(first.code).toBe('worker_start_failed');
    expect(first.context.python_traceback).toContain('OSError: the model is broken');
    await until(() => levels(test).crash_loop !== null, 'both slots are left empty');
    const tries = test.count('broken');
    const error = await errorOf(test.pit.execute('pid'));
    expect(error).toMatchObject({
      code: 'crash_loop',
      category: 'worker',
      status: 'rejected',
      httpStatus: 503,
      retryable: true,
    });
    expect(error.message).toContain('the model is broken');
    expect(error.context.python_traceback).toContain('OSError: the model is broken');
    expect(error.retryAfterMs).toBeGreaterThan(50_000);
    expect(error.retryAfterMs).toBeLessThanOrEqual(60_000);
    const response = await fetch(`${test.pit.gatewayUrl}/v1/commands/pid`, { method: 'POST' });
    expect(response.status).toBe(503);
    expect(Number(response.headers.get('retry-after'))).toBeGreaterThan(50);

    // Everybody who asks is told.
    const { crash_loop: loop, workers, workers_by_state } = levels(test);
    expect(loop?.why).toContain('the model is broken');
    expect(loop?.retry_in_ms).toBeLessThanOrEqual(60_000);
    expect(Math.abs(Number(loop?.since) - Date.now())).toBeLessThan(60_000);
    expect(workers_by_state.quarantined).toBe(2);
    expect(workers.map(({ quarantined_until }) => quarantined_until !== null)).toEqual([true, true]);
    const readiness = test.pit.health.checkReadiness();
    expect(readiness.status).toBe('error');
    expect(readiness.checks[0]?.why).toContain('fail as fast as they start');
    expect(readiness.checks[0]?.why).toContain('the model is broken');
    expect(readiness.checks[0]?.remedy).toContain('--unquarantine');
    const told = test.events.named('snakepit.worker.quarantined');
    expect(told.map(({ metadata }) => metadata.worker_slot).sort()).toEqual([0, 1]);
    expect(test.count('broken')).toBe(tries);

    // Mended, and an operator says so.
    test.shut('broken');
    expect(test.pit.unquarantine()).toEqual({ slots: [0, 1], requests: 0 });
    await test.serving(2);
    expect(levels(test)).toMatchObject({ crash_loop: null, start_error: null });
    expect(await test.pit.execute('pid')).toBeGreaterThan(0);
    expect(test.pit.health.checkReadiness().status).toBe('ok');
    expect(test.pit.unquarantine()).toEqual({ slots: [], requests: 0 });
  });

  const loop = { restartDelayMs: 5, maxRestartDelayMs: 5, crashLoopAfter: 2 };

  it('what waits when it begins is refused too', async () => {
    const source = python`
      threading.Timer(0.05, lambda: os._exit(4)).start()

      @command
      def hold():
          wait_for("never")
    `;
    const test = await startPit({ pool: { app: source, ...loop, concurrency: 1 } });
    const outcomes = await Promise.all(Array.from({ length: 5 }, () => errorOf(test.pit.execute('hold'))));
    expect(outcomes.map(({ code }) => code).sort()).toEqual([
      'crash_loop',
      'crash_loop',
      'crash_loop',
      'worker_crashed',
      'worker_crashed',
    ]);
  });

  it('is over by itself after the cool-down, once the app is mended; else one more failure is enough', async () => {
    const test = await broken({ app: app(), ...loop, crashLoopCoolDownMs: 300 });
    await until(() => levels(test).crash_loop !== null, 'the slot is left empty');
    const tries = test.count('broken');
    await test.events.first(
      'snakepit.worker.quarantined',
      () => test.events.named('snakepit.worker.quarantined').length === 2,
    );
    expect(test.count('broken')).toBe(tries + 1);
    test.shut('broken');
    await test.serving(1);
    expect(await test.pit.execute('pid')).toBeGreaterThan(0);
    expect(levels(test)).toMatchObject({ crash_loop: null, start_error: null });
  });

  it('is over when the pool is resized', async () => {
    const test = await broken({ app: app(), ...loop });
    await until(() => levels(test).crash_loop !== null, 'the slot is left empty');
    test.shut('broken');
    await test.pit.resize('default', 2);
    await test.serving(2);
    expect(await test.pit.execute('pid')).toBeGreaterThan(0);
  });

  it('of one slot is none of the pool, which goes on serving', async () => {
    const test = await startPit({
      pool: { app: app(), workers: 2, ...loop, env: { MY_SLOT: '{slot}' } },
    });
    await test.serving(2);
    test.open('broken 1');
    const pids = test.pids();
    process.kill(pids[1] as number, 'SIGKILL');
    const { metadata } = await test.events.first('snakepit.worker.quarantined');
    expect(metadata.worker_slot).toBe(1);
    const done = await Promise.all(Array.from({ length: 20 }, () => test.pit.execute('pid')));
    expect(new Set(done)).toEqual(new Set([pids[0]]));
    expect(levels(test)).toMatchObject({ crash_loop: null, start_error: null, ready: true });
    expect(levels(test).workers.map(({ state }) => state)).toEqual(['ready', 'quarantined']);
    expect(levels(test).workers[1]?.last_exit).toMatchObject({ code: expect.any(Number) });
    expect(test.pit.health.checkReadiness().status).toBe('ok');
    test.shut('broken 1');
    expect(test.pit.unquarantine('default')).toEqual({ slots: [1], requests: 0 });
    await test.serving(2);
  });
});
