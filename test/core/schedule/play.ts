import { expect, vi } from 'vitest';
import type { PoolSnapshot } from '../../../src/events/index.ts';
import type { PoolOptions } from '../../../src/index.ts';
import { type ManualClock, manualClock } from '../../../src/testing/index.ts';
import type { Step } from './actions.ts';
import { checkEnd, checkMoment } from './checks.ts';
import { ownTimers } from './wire.ts';
import { World } from './world.ts';

/** Longer than anything there takes to come to its end. */
export const LONG_MS = 20_000;

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
