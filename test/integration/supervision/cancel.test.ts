import { describe, expect, it } from 'vitest';
import { errorOf, python, startPit } from '../../support/pit.ts';

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
  def swallow(name: str = "swallowing"):
      note(name)
      while not is_open(name):
          try:
              time.sleep(0.01)
          except BaseException:
              pass

  @command
  def spin_in_c():
      note("spinning in C")
      sum(range(10**13))
`;

/** Cancels a call once Python is at it. */
const cancelled = async (
  { pit, noted }: Awaited<ReturnType<typeof startPit>>,
  command: string,
  args: Record<string, unknown>,
  note: string,
) => {
  const controller = new AbortController();
  const running = errorOf(pit.execute(command, args, { signal: controller.signal }));
  await noted(note);
  controller.abort();
  expect((await running).code).toBe('cancelled');
};

describe('a cancelled handler that does not end', () => {
  it('is killed with its worker once its neighbours are done; nothing new comes there meanwhile', async () => {
    const test = await startPit({
      pool: { app: app(), workers: 2, concurrency: 2, cancelGraceMs: 100, restartDelayMs: 10 },
    });
    await test.serving(2);
    // Both workers hold one, so it is known where the third goes: beside one of them.
    const beside = ['a', 'b'].map((gate) => test.pit.call<number>('hold', { gate }));
    await test.noted('holding a');
    await test.noted('holding b');
    await cancelled(test, 'swallow', {}, 'swallowing');
    const stuck = await test.events.first('snakepit.worker.stuck');
    expect(stuck.metadata.why).toBe('cancel');
    expect(stuck.metadata.python_stack).toContain('in swallow\n');
    const condemned = test.pit
      .snapshot()
      .pools.default?.workers.find(({ id }) => id === stuck.metadata.worker_id);
    expect(condemned).toMatchObject({ state: 'draining', in_flight: 2 });
    const others = await Promise.all(Array.from({ length: 10 }, () => test.pit.execute<number>('pid')));
    expect(others).not.toContain(condemned?.pid);
    test.open('a');
    test.open('b');
    expect((await Promise.all(beside)).map(({ attempts }) => attempts)).toEqual([1, 1]);
    await test.serving(2);
    const crashed = test.events.named('snakepit.worker.crashed');
    expect(crashed).toHaveLength(1);
    expect(crashed[0]?.metadata).toMatchObject({
      worker_id: condemned?.id,
      reason: 'stuck',
      code: 'worker_stuck',
      exit: { signal: 'SIGKILL', in_flight: [] },
    });
    expect(test.events.named('snakepit.request.failed')).toEqual([]);
  });

  it('that keeps its neighbours from running takes them down, and they are told; what is idempotent goes on elsewhere', async () => {
    const test = await startPit({
      pool: {
        app: app(),
        concurrency: 3,
        cancelGraceMs: 300,
        heartbeatIntervalMs: 50,
        restartDelayMs: 10,
        retries: { delayMs: 1 },
      },
    });
    const lost = errorOf(test.pit.call('hold', { gate: 'a' }));
    const again = test.pit.call<number>('hold', { gate: 'b' }, { idempotent: true });
    await test.noted('holding a');
    await test.noted('holding b');
    await cancelled(test, 'spin_in_c', {}, 'spinning in C');
    expect(await lost).toMatchObject({ code: 'worker_stuck', status: 'crashed', httpStatus: 502 });
    test.open('b');
    expect((await again).attempts).toBe(2);
    const stuck = test.events.named('snakepit.worker.stuck');
    expect(stuck).toHaveLength(1);
    expect(stuck[0]?.metadata.python_stack).toContain('in spin_in_c\n');
  });

  it('two of them in one worker: it is told once, and killed', async () => {
    const test = await startPit({
      pool: { app: app(), concurrency: 2, cancelGraceMs: 100, restartDelayMs: 10 },
    });
    const before = await test.pit.execute('pid');
    await Promise.all([
      cancelled(test, 'swallow', { name: 'one' }, 'one'),
      cancelled(test, 'swallow', { name: 'two' }, 'two'),
    ]);
    await test.events.first('snakepit.worker.crashed');
    expect(test.events.named('snakepit.worker.stuck')).toHaveLength(1);
    expect(await test.pit.execute('pid')).not.toBe(before);
  });

  it('that ends within its grace costs nobody his worker', async () => {
    const test = await startPit({ pool: { app: app(), concurrency: 2, cancelGraceMs: 50_000 } });
    const before = await test.pit.execute('pid');
    await cancelled(test, 'swallow', { name: 'late' }, 'late');
    test.open('late');
    await test.events.first('snakepit.request.cancelled');
    expect(await test.pit.execute('pid')).toBe(before);
    expect(test.events.named('snakepit.worker.stuck')).toEqual([]);
  });
});
