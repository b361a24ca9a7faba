import fc from 'fast-check';
import { afterEach, describe, expect, it, vi } from 'vitest';
import type { ManualClock } from '../../src/testing/index.ts';
import { EVERYTHING, PLAIN, pools, type Step, schedules, type Weights } from './schedule/actions.ts';
import { end, LONG_MS, play, run } from './schedule/play.ts';
import type { World } from './schedule/world.ts';

/** How much more is tried than usual: for a night, or after the core has changed. */
const TIMES = Number(process.env.SNAKEPIT_TEST_TIMES ?? 1);

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
    { numRuns: runs * TIMES },
  );

describe('any schedule', { timeout: 60_000 * TIMES }, () => {
  afterEach(() => vi.restoreAllMocks());

  it('settles every request once, and leaves nothing after close', async () => {
    await check(EVERYTHING, 300, async (world, time, steps, seed) => {
      await play(world, time, steps);
      await end(world, time, seed % 3 === 0 ? 300 : 0);
    });
  });

  it('begins no request twice that must not be, whatever is lost on its way', async () => {
    const kinds = ['echo', 'echo', 'echo', 'sleep', 'crash', 'stream'] as const;
    const weights = { ...EVERYTHING, kinds, kills: 6, holds: 6, starts: 0, recycles: 2, ends: 0 };
    await check(weights, 150, async (world, time, steps) => {
      await play(world, time, steps);
      await end(world, time, 0);
    });
  });

  it('is got over: all workers serve again, and nothing waits', async () => {
    await check({ ...EVERYTHING, ends: 0 }, 150, async (world, time, steps) => {
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
