import { describe, expect, it } from 'vitest';
import { MemoryGuard } from '../../src/core/memory-guard.ts';
import type { Pool } from '../../src/core/pool.ts';
import type { MemoryUse } from '../../src/process/index.ts';
import { fakePool, manualClock, settled } from './fakes.ts';

const MIB = 2 ** 20;
const LIMIT = 1000 * MIB;

/** A guard over a pool with these workers, by resident memory in MiB, at a memory use the test sets. */
const setup = async (rss: number[] = [], limitBytes: number | null = LIMIT) => {
  const clock = manualClock();
  const test = fakePool({ workers: Math.max(1, rss.length), termTimeoutMs: 60_000 });
  test.pool.start();
  await settled();
  const fill = () => {
    test.processes.forEach((process, i) => {
      if (process.worker.readyAt === 0) process.ready();
      process.measure((rss[i] ?? 1) * MIB);
    });
  };
  fill();
  const use: { ratio: number } = { ratio: 0.1 };
  const read = (): MemoryUse => ({ usedBytes: use.ratio * LIMIT, limitBytes, source: 'cgroup2' });
  const pools = new Set<Pool>([test.pool]);
  const options = { warnRatio: 0.8, recycleRatio: 0.9 };
  const guard = new MemoryGuard({
    options,
    pools: () => pools,
    read,
    bus: test.bus,
  });
  const at = (ratio: number) => {
    use.ratio = ratio;
    guard.look();
    return test.events
      .filter(({ event_name }) => event_name.startsWith('snakepit.threshold.'))
      .splice(0)
      .map(({ event_name, measurements, metadata }) => ({
        name: event_name.slice('snakepit.threshold.'.length),
        level: metadata.level,
        value: measurements.value,
        threshold: measurements.threshold,
        check: metadata.check,
      }));
  };
  return { ...test, clock, guard, use, at, options };
};

const names = (told: { name: string; level: unknown }[]) =>
  told.map(({ name, level }) => (level === undefined ? name : `${name} ${level}`));

describe('the memory guard says', () => {
  it('nothing while there is room', async () => {
    const { at } = await setup();
    expect(at(0.1)).toEqual([]);
    expect(at(0.79)).toEqual([]);
  });

  it('by the thresholds of the moment, which change live', async () => {
    const { at, options } = await setup();
    expect(at(0.5)).toEqual([]);
    options.warnRatio = 0.4;
    expect(at(0.5)).toMatchObject([{ name: 'exceeded', level: 'warning', threshold: 0.4 }]);
    options.recycleRatio = 0.45;
    expect(names(at(0.5))).toEqual(['exceeded warning', 'exceeded error']);
  });

  it('once when a threshold is passed, and once when it is well below again', async () => {
    const { at } = await setup();
    expect(at(0.8)).toEqual([
      { name: 'exceeded', level: 'warning', value: 0.8, threshold: 0.8, check: 'memory_guard' },
    ]);
    at(0.85);
    at(0.79);
    at(0.81);
    expect(names(at(0.76))).toEqual(['exceeded warning']);
    const told = at(0.74);
    expect(names(told)).toEqual(['exceeded warning', 'recovered']);
    expect(told.at(-1)).toEqual({
      name: 'recovered',
      level: undefined,
      value: 0.74,
      threshold: 0.8,
      check: 'memory_guard',
    });
    expect(names(at(0.82))).toEqual(['exceeded warning', 'recovered', 'exceeded warning']);
  });

  it('the worse of two thresholds that are passed at once', async () => {
    const { at } = await setup();
    expect(at(0.95)).toMatchObject([{ name: 'exceeded', level: 'error', threshold: 0.9 }]);
    expect(names(at(0.5))).toEqual(['exceeded error', 'recovered']);
  });

  it('each of two that are passed one after the other, and does not flap at either', async () => {
    const { at } = await setup();
    at(0.82);
    expect(names(at(0.91))).toEqual(['exceeded warning', 'exceeded error']);
    for (const ratio of [0.89, 0.91, 0.86, 0.9]) at(ratio);
    expect(names(at(0.91))).toEqual(['exceeded warning', 'exceeded error']);
    // Well below it, and back: that is news.
    at(0.84);
    expect(names(at(0.91))).toEqual(['exceeded warning', 'exceeded error', 'exceeded error']);
  });
});

describe('at recycleRatio', () => {
  it('the largest worker is told to end, its successor comes after it', async () => {
    const { at, processes, named } = await setup([10, 300, 20]);
    at(0.89);
    expect(processes.map(({ stopped }) => stopped)).toEqual([false, false, false]);
    at(0.9);
    expect(processes.map(({ stopped }) => stopped)).toEqual([false, true, false]);
    await settled();
    expect(processes).toHaveLength(3);
    processes[1]?.end();
    await settled();
    expect(processes).toHaveLength(4);
    expect(named('snakepit.worker.recycled')).toMatchObject([{ metadata: { reason: 'recycled_memory' } }]);
  });

  it('one at a time, with a pause in which it shows whether it helped', async () => {
    const { clock, at, processes } = await setup([10, 300, 20]);
    for (let i = 0; i < 5; i++) at(0.95);
    processes[1]?.end();
    await settled();
    at(0.95);
    expect(processes.map(({ stopped }) => stopped)).toEqual([false, true, false, false]);
    processes[3]?.ready();
    await settled();
    clock.forward(9000);
    at(0.95);
    expect(processes.map(({ stopped }) => stopped)).toEqual([false, true, false, false]);
    clock.forward(2000);
    at(0.95);
    expect(processes.map(({ stopped }) => stopped)).toEqual([false, true, true, false]);
  });

  it('goes on when one ends otherwise than it was told to', async () => {
    const { clock, at, processes } = await setup([10, 300]);
    at(0.95);
    processes[1]?.end(null, 'SIGSEGV');
    clock.forward(1000);
    await settled();
    processes[2]?.ready();
    await settled();
    clock.forward(11_000);
    at(0.95);
    expect(processes.map(({ stopped }) => stopped)).toEqual([true, true, false]);
  });

  it('workers of which nothing is known are left alone', async () => {
    const { at, processes, pool } = await setup([10]);
    pool.resize(2);
    await settled();
    processes[1]?.measure(900 * MIB);
    at(0.95);
    expect(processes.map(({ stopped }) => stopped)).toEqual([true, false]);
  });

  it('does not take down a whole pool whose workers do not come back', async () => {
    const { clock, at, processes } = await setup([10, 300, 20]);
    at(0.95);
    processes[1]?.end();
    await settled();
    processes[3]?.end(1);
    await settled();
    for (let i = 0; i < 3; i++) {
      at(0.95);
      clock.forward(2000);
      await settled();
    }
    expect(processes[0]?.stopped).toBe(false);
    expect(processes[2]?.stopped).toBe(false);
  });
});

describe('start', () => {
  it('looks every two seconds', async () => {
    const { clock, guard, use, named } = await setup();
    guard.start();
    use.ratio = 0.85;
    clock.forward(1999);
    expect(named('snakepit.threshold.exceeded')).toHaveLength(0);
    clock.forward(1);
    expect(named('snakepit.threshold.exceeded')).toHaveLength(1);
    guard.stop();
    use.ratio = 0.1;
    clock.forward(10_000);
    expect(named('snakepit.threshold.recovered')).toHaveLength(0);
  });

  it('does nothing where there is no limit', async () => {
    const { clock, guard, use, events } = await setup([], null);
    guard.start();
    use.ratio = 5;
    clock.forward(10_000);
    guard.look();
    expect(events.filter(({ event_name }) => event_name.startsWith('snakepit.threshold'))).toEqual([]);
  });
});
