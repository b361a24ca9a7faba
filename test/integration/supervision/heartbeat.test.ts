import { describe, expect, it } from 'vitest';
import { errorOf, python, startPit, until } from '../../support/pit.ts';

const app = () => python`
  @command
  def pid():
      return os.getpid()

  @command
  def hold(gate: str):
      note(f"holding {gate}")
      wait_for(gate)
      return os.getpid()

  @command
  def hold_the_gil(seconds: float):
      note("holding the GIL")
      libc = ctypes.PyDLL(None)
      end = time.monotonic() + seconds
      while time.monotonic() < end:
          libc.usleep(int((end - time.monotonic()) * 1e6) + 1000)
      return os.getpid()
`;

const range = (n: number) => Array.from({ length: n }, (_, i) => i);

describe('a worker that does not answer', () => {
  it('gets nothing new while others serve, and serves again once it answers', async () => {
    const test = await startPit({
      pool: { app: app(), workers: 2, heartbeatIntervalMs: 50, stuckAfterMs: 30_000 },
    });
    await test.serving(2);
    const [silent, other] = test.pids() as [number, number];
    process.kill(silent, 'SIGSTOP');
    try {
      const missed = await test.events.first(
        'snakepit.worker.heartbeat_missed',
        ({ measurements }) => measurements.missed === 1,
      );
      expect(missed.metadata.worker_slot).toBe(0);
      expect(missed.measurements.silent_ms).toBeGreaterThanOrEqual(49);
      const answers = await Promise.all(range(30).map(() => test.pit.execute<number>('pid')));
      expect(new Set(answers)).toEqual(new Set([other]));
      const { workers, available_workers } = test.pit.snapshot().pools.default ?? {};
      expect(available_workers).toBe(1);
      expect(workers?.map(({ state }) => state)).toEqual(['busy', 'ready']);
      expect(workers?.[0]?.heartbeat_ms_ago).toBeGreaterThanOrEqual(50);
      expect(workers?.[1]?.heartbeat_ms_ago).toBeLessThan(workers?.[0]?.heartbeat_ms_ago ?? 0);
    } finally {
      process.kill(silent, 'SIGCONT');
    }
    await until(() => test.pit.snapshot().pools.default?.available_workers === 2, 'it answers again');
    const both = await Promise.all(
      range(2)
        .map((i) => test.pit.execute('hold', { gate: `g${i}` }))
        .concat(
          range(2).map(async (i) => {
            await test.noted(`holding g${i}`);
            test.open(`g${i}`);
            return 0;
          }),
        ),
    );
    expect(new Set(both)).toEqual(new Set([silent, other, 0]));
    expect(test.events.named('snakepit.worker.starting')).toHaveLength(2);
    expect(test.events.named('snakepit.worker.stuck')).toEqual([]);
  });

  it('what waits is begun by it once it answers, when nobody else is there', async () => {
    const test = await startPit({ pool: { app: app(), heartbeatIntervalMs: 50, stuckAfterMs: 30_000 } });
    const [silent] = test.pids() as [number];
    process.kill(silent, 'SIGSTOP');
    await test.events.first('snakepit.worker.heartbeat_missed');
    const waiting = range(3).map(() => test.pit.call<number>('pid'));
    expect(test.pit.snapshot().pools.default).toMatchObject({ queue_depth: 3, available_workers: 0 });
    process.kill(silent, 'SIGCONT');
    for (const { result, attempts } of await Promise.all(waiting)) {
      expect([result, attempts]).toEqual([silent, 1]);
    }
    expect(test.events.named('snakepit.worker.starting')).toHaveLength(1);
  });

  it('for stuckAfterMs is killed and replaced: what is idempotent runs elsewhere, the rest is told', async () => {
    const test = await startPit({
      pool: {
        app: app(),
        concurrency: 2,
        heartbeatIntervalMs: 50,
        stuckAfterMs: 400,
        restartDelayMs: 10,
        retries: { delayMs: 1 },
      },
    });
    const [victim] = test.pids() as [number];
    const again = test.pit.call<number>('hold', { gate: 'a' }, { idempotent: true });
    const lost = errorOf(test.pit.call('hold', { gate: 'b' }));
    await test.noted('holding a');
    await test.noted('holding b');
    process.kill(victim, 'SIGSTOP');
    const stuck = await test.events.first('snakepit.worker.stuck');
    expect(stuck.metadata).toMatchObject({ worker_slot: 0, why: 'heartbeat' });
    expect(stuck.measurements.silent_ms).toBeGreaterThanOrEqual(400);
    const error = await lost;
    expect(error).toMatchObject({
      code: 'worker_stuck',
      category: 'worker',
      status: 'crashed',
      httpStatus: 502,
      retryable: false,
      context: { exit: { code: null, signal: 'SIGKILL' } },
    });
    expect(error.context.exit?.in_flight).toHaveLength(2);
    await test.noted('holding a', 2);
    test.open('a');
    const { result, attempts } = await again;
    expect(attempts).toBe(2);
    expect(result).not.toBe(victim);
    const [crashed] = test.events.named('snakepit.worker.crashed');
    expect(crashed?.metadata).toMatchObject({ reason: 'stuck', code: 'worker_stuck', exit: { oom: false } });
    const [retried] = test.events.named('snakepit.request.retried');
    expect(retried?.metadata.code).toBe('worker_stuck');
    // Told once, however long its end took.
    expect(test.events.named('snakepit.worker.stuck')).toHaveLength(1);
    expect(test.events.named('snakepit.worker.crashed')).toHaveLength(1);
    const missed = test.events
      .named('snakepit.worker.heartbeat_missed')
      .map(({ measurements }) => measurements.missed)
      .sort((a, b) => a - b);
    expect(missed).toEqual(missed.map((_, i) => i + 1));
    expect(missed.length).toBeGreaterThanOrEqual(4);
  });

  it('is killed once, however long its end takes to be seen', async () => {
    const test = await startPit({ pool: { app: app(), heartbeatIntervalMs: 5, stuckAfterMs: 100 } });
    process.kill(test.pids()[0] as number, 'SIGSTOP');
    await test.events.first('snakepit.worker.crashed');
    expect(test.events.named('snakepit.worker.stuck')).toHaveLength(1);
  });
});

describe('C code that holds the GIL', () => {
  it('for less than stuckAfterMs is missed, with its stack, and lives', async () => {
    const test = await startPit({
      pool: { app: app(), heartbeatIntervalMs: 50, stuckAfterMs: 20_000, slowAfterMs: 50_000 },
    });
    const [pid] = test.pids();
    expect(await test.pit.execute('hold_the_gil', { seconds: 0.8 })).toBe(pid);
    const [missed] = test.events.named('snakepit.worker.heartbeat_missed');
    expect(missed?.metadata.python_stack).toContain('in hold_the_gil\n');
    expect(missed?.measurements.missed).toBe(1);
    expect(await test.pit.execute('pid')).toBe(pid);
    expect(test.events.named('snakepit.worker.stuck')).toEqual([]);
    expect(test.events.named('snakepit.worker.starting')).toHaveLength(1);
  });

  it('for longer is killed, and its last stack is in the death certificate', async () => {
    const test = await startPit({
      pool: {
        app: app(),
        heartbeatIntervalMs: 100,
        stuckAfterMs: 800,
        restartDelayMs: 10,
        slowAfterMs: 50_000,
      },
    });
    const error = await errorOf(test.pit.execute('hold_the_gil', { seconds: 30 }));
    expect(error.code).toBe('worker_stuck');
    expect(error.context.exit?.last_stack).toContain('in hold_the_gil\n');
    const [stuck] = test.events.named('snakepit.worker.stuck');
    expect(stuck?.metadata.python_stack).toContain('in hold_the_gil\n');
    expect(await test.pit.execute('pid')).toBeGreaterThan(0);
  });

  it('a stack of before is not taken for one of this silence', async () => {
    const test = await startPit({
      pool: { app: app(), heartbeatIntervalMs: 50, stuckAfterMs: 500, slowAfterMs: 100, restartDelayMs: 10 },
    });
    const [victim] = test.pids() as [number];
    const running = test.pit.execute('hold', { gate: 'a' });
    await test.events.first('snakepit.request.slow');
    test.open('a');
    await running;
    process.kill(victim, 'SIGSTOP');
    const stuck = await test.events.first('snakepit.worker.stuck');
    expect(stuck.metadata.python_stack).toBeUndefined();
  });
});

describe('a start', () => {
  it.each([
    ['an import', 'hold_on()'],
    ['on_start', 'on_start(hold_on)'],
  ])('%s that holds the GIL for longer than stuckAfterMs is no hang', async (_, how) => {
    const source = python`
      def hold_on():
          note("loading")
          ctypes.PyDLL(None).usleep(900_000)

      ${how}

      @command
      def pid():
          return os.getpid()
    `;
    const test = await startPit({ pool: { app: source, heartbeatIntervalMs: 20, stuckAfterMs: 200 } });
    expect(await test.pit.execute('pid')).toBe(test.pids()[0]);
    expect(test.count('loading')).toBe(1);
    expect(test.events.named('snakepit.worker.starting')).toHaveLength(1);
    expect(test.events.named('snakepit.worker.heartbeat_missed')).toEqual([]);
  });
});
