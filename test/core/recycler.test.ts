import { describe, expect, it } from 'vitest';
import type { PoolOptions } from '../../src/config/pool-schema.ts';
import { fakePool, manualClock, settled } from './fakes.ts';

/** A pool whose workers are ready. */
const setup = async (recycle: PoolOptions['recycle'], more: Partial<PoolOptions> = {}) => {
  const clock = manualClock();
  const test = fakePool({ recycle: { jitter: 0, ...recycle }, restartDelayMs: 100, ...more });
  test.pool.start();
  await settled();
  for (const process of test.processes) process.ready();
  /** Something to run and its answer, by whichever worker is given it. */
  const run = () => {
    test.submit();
    const process = test.processes.find(({ worker }) => worker.load.running > 0);
    process?.answer();
  };
  const stopped = () => test.processes.map((process) => process.stopped);
  const slots = () => test.pool.supervisor.slots;
  return { ...test, clock, run, stopped, slots };
};

describe('a worker is replaced', () => {
  it('after so many requests', async () => {
    const { run, processes, stopped, named } = await setup({ afterRequests: 3 });
    run();
    run();
    await settled();
    expect(processes).toHaveLength(1);
    run();
    await settled();
    expect(processes).toHaveLength(2);
    expect(stopped()).toEqual([false, false]);
    processes[1]?.ready();
    expect(stopped()).toEqual([true, false]);
    processes[0]?.end();
    expect(named('snakepit.worker.recycled')).toMatchObject([
      { measurements: { requests: 3 }, metadata: { reason: 'recycled_requests', exit: { code: 0 } } },
    ]);
  });

  it('at an age, counted from when it was ready', async () => {
    const { clock, processes } = await setup({ afterAgeMs: 5000 });
    clock.forward(4999);
    processes[0]?.measure(1);
    await settled();
    expect(processes).toHaveLength(1);
    clock.forward(1);
    processes[0]?.measure(1);
    await settled();
    expect(processes).toHaveLength(2);
  });

  it('above so much memory', async () => {
    const { processes } = await setup({ aboveRssBytes: 1000 });
    processes[0]?.measure(1000);
    await settled();
    expect(processes).toHaveLength(1);
    processes[0]?.measure(1001);
    await settled();
    expect(processes).toHaveLength(2);
  });

  it('below its limits by as much as it drew, each its own', async () => {
    const { processes } = await setup({ aboveRssBytes: 1_000_000, jitter: 0.5 }, { workers: 20 });
    const limits = new Set<number>();
    for (let rss = 400_000; rss <= 1_000_001; rss += 20_000) {
      for (const process of processes.slice(0, 20)) process.measure(rss);
      await settled();
      if (processes.length > 20) limits.add(rss);
      if (limits.size > 0) break;
    }
    // The first of twenty goes early in the upper half of the limit, and alone.
    const [first] = limits;
    expect(first).toBeGreaterThan(500_000);
    expect(first).toBeLessThan(900_000);
    expect(processes).toHaveLength(21);
  });
});

describe('start_first', () => {
  it('the old one works until the new one is ready, and finishes what it has', async () => {
    const { pool, processes, submit, stopped, slots } = await setup({});
    const { outcome } = submit();
    const done = pool.recycler.one(processes[0]?.worker as never, 'reload');
    await settled();
    expect([processes.length, stopped()]).toEqual([2, [false, false]]);
    expect(slots()[0]?.state.kind).toBe('replacing');
    processes[1]?.ready();
    // It takes nothing new, and is told to end once it holds nothing: sooner, it could miss what is still on its way to it.
    expect(processes[0]?.worker.status.kind).toBe('draining');
    expect(stopped()).toEqual([false, false]);
    const next = submit();
    expect(processes[1]?.sent).toHaveLength(1);
    processes[0]?.answer();
    expect(stopped()).toEqual([true, false]);
    processes[1]?.answer();
    expect([outcome.result, next.outcome.result]).toEqual(['answer', 'answer']);
    processes[0]?.end();
    expect(await done).toMatchObject({
      slot: 0,
      old_worker_id: processes[0]?.worker.id,
      new_worker_id: processes[1]?.worker.id,
      outcome: 'replaced',
    });
  });

  it('a new one that does not start changes nothing, and is not tried again at once', async () => {
    const { clock, run, processes, stopped, named } = await setup(
      { afterRequests: 1 },
      { maxRestartDelayMs: 5000 },
    );
    run();
    await settled();
    processes[1]?.end(1);
    await settled();
    expect(named('snakepit.worker.start_failed')).toHaveLength(1);
    run();
    await settled();
    expect([processes.length, stopped()]).toEqual([2, [false, false]]);
    clock.forward(5000);
    run();
    await settled();
    expect(processes).toHaveLength(3);
  });

  it('the old one dies before the new one is ready: the new one takes its place', async () => {
    const { pool, processes, slots, named } = await setup({});
    const done = pool.recycler.one(processes[0]?.worker as never, 'reload');
    await settled();
    processes[0]?.end(null, 'SIGSEGV');
    expect(named('snakepit.worker.crashed')).toHaveLength(1);
    processes[1]?.ready();
    expect(await done).toMatchObject({ outcome: 'replaced', new_worker_id: processes[1]?.worker.id });
    expect(slots()[0]).toMatchObject({ state: { kind: 'filled' }, replacement: undefined, restarts: 1 });
    expect(processes).toHaveLength(2);
  });

  it('both die: the slot is filled again', async () => {
    const { clock, pool, processes, slots } = await setup({});
    const done = pool.recycler.one(processes[0]?.worker as never, 'reload');
    await settled();
    processes[0]?.end(null, 'SIGSEGV');
    processes[1]?.end(1);
    expect(await done).toMatchObject({ outcome: 'start_failed', new_worker_id: null });
    clock.forward(1000);
    await settled();
    processes[2]?.ready();
    expect(slots()[0]).toMatchObject({ state: { kind: 'filled' }, replacement: undefined });
  });

  it('the old one dies on its way out: that is a crash, and the replacement is done', async () => {
    const { pool, processes, named } = await setup({});
    const done = pool.recycler.one(processes[0]?.worker as never, 'reload');
    await settled();
    processes[1]?.ready();
    processes[0]?.end(null, 'SIGSEGV');
    expect(await done).toMatchObject({ outcome: 'replaced' });
    expect(named('snakepit.worker.recycled')).toEqual([]);
    expect(named('snakepit.worker.crashed')).toHaveLength(1);
    expect(processes).toHaveLength(2);
  });
});

describe('stop_first', () => {
  it('the new one comes when the old one is gone', async () => {
    const { pool, processes, stopped } = await setup({ order: 'stop_first' });
    const done = pool.recycler.one(processes[0]?.worker as never, 'reload');
    await settled();
    expect([processes.length, stopped()]).toEqual([1, [true]]);
    processes[0]?.end();
    await settled();
    processes[1]?.ready();
    expect(await done).toMatchObject({ outcome: 'replaced', new_worker_id: processes[1]?.worker.id });
  });

  it('one that crashes on its way out is replaced all the same, and the next replacement is not held up', async () => {
    const { clock, pool, processes, slots } = await setup({ order: 'stop_first' });
    const done = pool.recycler.one(processes[0]?.worker as never, 'reload');
    processes[0]?.end(null, 'SIGSEGV');
    clock.forward(1000);
    await settled();
    processes[1]?.ready();
    expect(await done).toMatchObject({ outcome: 'replaced', new_worker_id: processes[1]?.worker.id });
    expect(slots()[0]?.replacement).toBeUndefined();
    const next = pool.recycler.one(processes[1]?.worker as never, 'reload');
    expect(processes[1]?.stopped).toBe(true);
    processes[1]?.end();
    await settled();
    processes[2]?.ready();
    expect(await next).toMatchObject({ outcome: 'replaced', new_worker_id: processes[2]?.worker.id });
  });

  it('a new one that does not start is tried again like any other', async () => {
    const { clock, pool, processes, slots } = await setup({ order: 'stop_first' });
    const done = pool.recycler.one(processes[0]?.worker as never, 'reload');
    processes[0]?.end();
    await settled();
    processes[1]?.end(1);
    expect(await done).toMatchObject({ outcome: 'start_failed', new_worker_id: null });
    clock.forward(1000);
    await settled();
    processes[2]?.ready();
    expect(slots()[0]).toMatchObject({ state: { kind: 'filled' }, failures: 1 });
  });
});

describe('several', () => {
  it('that are due are replaced one at a time', async () => {
    const { processes, stopped } = await setup({ aboveRssBytes: 1000 }, { workers: 3 });
    for (const process of processes.slice(0, 3)) process.measure(2000);
    await settled();
    expect(processes).toHaveLength(4);
    for (let next = 3; next < 6; next++) {
      expect(processes).toHaveLength(next + 1);
      processes[next]?.ready();
      await settled();
      expect(processes).toHaveLength(next + 1);
      processes[next - 3]?.end();
      await settled();
    }
    expect(stopped()).toEqual([true, true, true, false, false, false]);
    expect(processes).toHaveLength(6);
  });

  it('all of a pool, one after the other; a start that fails ends it', async () => {
    const { pool, processes, stopped } = await setup({}, { workers: 3 });
    const done = pool.recycler.all('reload');
    await settled();
    processes[3]?.ready();
    processes[0]?.end();
    await settled();
    expect(processes).toHaveLength(5);
    processes[4]?.end(1);
    expect(await done).toMatchObject([
      { slot: 0, outcome: 'replaced' },
      { slot: 1, outcome: 'start_failed', error: expect.stringContaining('exit code 1') },
    ]);
    expect(stopped()).toEqual([true, false, false, false, false]);
  });

  it('who asks twice for the same worker gets the same replacement', async () => {
    const { pool, processes } = await setup({});
    const worker = processes[0]?.worker as never;
    expect(pool.recycler.one(worker, 'reload')).toBe(pool.recycler.one(worker, 'recycled_age'));
    await settled();
    expect(processes).toHaveLength(2);
  });

  it('a pool that becomes smaller ends the replacement in what it gives up', async () => {
    const { pool, processes } = await setup({}, { workers: 2 });
    const done = pool.recycler.one(processes[1]?.worker as never, 'reload');
    await settled();
    pool.resize(1);
    expect(await done).toMatchObject({ outcome: 'start_failed' });
    processes[1]?.end();
    processes[2]?.end();
    expect(pool.supervisor.slots).toHaveLength(1);
    expect([...pool.supervisor.workers]).toEqual([processes[0]?.worker]);
  });
});
