import fc from 'fast-check';
import { afterEach, describe, expect, it, vi } from 'vitest';
import type { PoolSnapshot } from '../../src/events/index.ts';
import type { PoolOptions } from '../../src/index.ts';
import { type ManualClock, manualClock } from '../../src/testing/index.ts';
import { EVERYTHING, PLAIN, pools, type Step, schedules, type Weights } from './schedule/actions.ts';
import { checkEnd, checkMoment } from './schedule/checks.ts';
import { ownTimers } from './schedule/wire.ts';
import { World } from './schedule/world.ts';

/** Longer than anything there takes to come to its end. */
const LONG_MS = 20_000;

/** The jitter of the core, the same in each repetition. */
const seedRandom = (seed: number): void => {
  let state = seed;
  vi.spyOn(Math, 'random').mockImplementation(() => {
    state = (Math.imul(state, 1664525) + 1013904223) >>> 0;
    return state / 2 ** 32;
  });
};

/** Runs a schedule on a world of its own and looks at it after each step. */
export const run = async (
  options: Partial<PoolOptions>,
  seed: number,
  work: (world: World, time: ManualClock) => Promise<void>,
): Promise<void> => {
  const time = manualClock({ startAt: 0 });
  time.install();
  ownTimers.clear();
  seedRandom(seed);
  try {
    await work(new World(time, options), time);
  } finally {
    vi.restoreAllMocks();
    time[Symbol.dispose]();
  }
};

export const play = async (world: World, time: ManualClock, steps: readonly Step[]): Promise<void> => {
  let before: PoolSnapshot | undefined;
  await world.start();
  for (const { action, thenMs } of steps) {
    await world.do(action);
    await time.advance(thenMs);
    before = checkMoment(world, before);
  }
};

/** Closes it and looks whether anything is left. */
export const end = async (world: World, time: ManualClock, drainMs: number): Promise<void> => {
  world.close(drainMs);
  for (const { caller } of world.calls.filter(({ ask }) => ask.takes === 0)) caller.abort();
  await world.until(() => world.open.size === 0, LONG_MS);
  expect([...world.open], 'promises that never ended').toEqual([]);
  await time.advance(0);
  checkEnd(world);
  expect(time.pending - ownTimers.size, 'timers left').toBe(0);
};

const RUNS = Number(process.env.RUNS ?? 1);

/** A property of every schedule that is made of these actions. */
const check = (
  weights: Weights,
  runs: number,
  work: (world: World, time: ManualClock, steps: readonly Step[], seed: number) => Promise<void>,
): Promise<void> =>
  fc.assert(
    fc.asyncProperty(pools, schedules(weights), fc.nat(), (options, steps, seed) =>
      run(options, seed, (world, time) => work(world, time, steps, seed)),
    ),
    { numRuns: runs * RUNS },
  );

describe('any schedule', { timeout: 60_000 * RUNS }, () => {
  afterEach(() => vi.restoreAllMocks());

  it('settles every request once, and leaves nothing after close', async () => {
    await check(EVERYTHING, 200, async (world, time, steps, seed) => {
      await play(world, time, steps);
      await end(world, time, seed % 3 === 0 ? 300 : 0);
    });
  });

  it('begins no request twice that must not be, whatever is lost on its way', async () => {
    const kinds = ['echo', 'echo', 'echo', 'sleep', 'crash', 'stream'] as const;
    const weights = { ...EVERYTHING, kinds, kills: 6, holds: 6, starts: 0, recycles: 2, ends: 0 };
    await check(weights, 100, async (world, time, steps) => {
      await play(world, time, steps);
      await end(world, time, 0);
    });
  });

  it('is got over: all workers serve again, and nothing waits', async () => {
    await check({ ...EVERYTHING, ends: 0 }, 100, async (world, time, steps) => {
      await play(world, time, steps);
      world.heal();
      await world.until(() => world.whole, LONG_MS);
      const { workers, workers_by_state, extra_workers, queue_depth, requests_in_flight } = world.snapshot;
      expect([workers.length, workers_by_state.ready, extra_workers.length]).toEqual([
        world.wanted,
        world.wanted,
        0,
      ]);
      expect([queue_depth, requests_in_flight]).toEqual([0, 0]);
      // A circuit that is open is tried again after this.
      await time.advance(1000);
      const last = world.call(PLAIN);
      await time.advance(0);
      expect(last.outcomes).toEqual([{ kind: 'result', value: PLAIN.ms }]);
      await end(world, time, 0);
    });
  });

  it('of replacements alone never takes a worker away before there is another (start_first)', async () => {
    const kinds = ['echo', 'sleep', 'fail', 'stream'] as const;
    const weights = { ...EVERYTHING, kinds, kills: 0, holds: 0, starts: 0, recycles: 4, resizes: 0, ends: 0 };
    await check(weights, 60, async (world, time, steps) => {
      await world.start({ recycle: { ...world.options.recycle, order: 'start_first' } });
      await time.advance(0);
      world.watchServing();
      await play(world, time, steps);
      expect(world.leastServing).toBe(world.wanted);
      await end(world, time, 0);
    });
  });
});
