import { describe, expect, it } from 'vitest';
import { clusters } from '../../dashboard/src/charts/clusters.ts';
import { binOf, highOf, lowOf, shareOf, usedBins } from '../../dashboard/src/charts/heat.ts';
import { pauseMs } from '../../dashboard/src/data/feed.ts';
import type { Marker } from '../../dashboard/src/data/types.ts';
import { flipped, heldKeys, sortedKeys } from '../../dashboard/src/ui/order.ts';

const rows = [
  { id: 'w-10', n: 2 },
  { id: 'w-9', n: 2 },
  { id: 'w-1', n: null },
  { id: 'w-2', n: 5 },
];
const sort = (dir: 'asc' | 'desc') =>
  sortedKeys(
    rows,
    ({ id }) => id,
    ({ n }) => n,
    dir,
  );

describe('order of rows', () => {
  it('puts the unknown last either way, and equals by their key', () => {
    expect(sort('asc')).toEqual(['w-9', 'w-10', 'w-2', 'w-1']);
    expect(sort('desc')).toEqual(['w-2', 'w-9', 'w-10', 'w-1']);
  });

  it('moves nothing while it is held: what is gone leaves, what is new stands at the end', () => {
    expect(heldKeys(['c', 'a', 'b'], ['a', 'b', 'd', 'c'])).toEqual(['c', 'a', 'b', 'd']);
    expect(heldKeys(['c', 'a', 'b'], ['b', 'c'])).toEqual(['c', 'b']);
  });

  it('turns round at the second click, and begins as fits the column', () => {
    expect(flipped({ by: 'a', dir: 'asc' }, 'a', 'desc')).toEqual({ by: 'a', dir: 'desc' });
    expect(flipped({ by: 'a', dir: 'asc' }, 'b', 'desc')).toEqual({ by: 'b', dir: 'desc' });
  });
});

describe('signs in a chart', () => {
  const mark = (at: number, level: Marker['level']): Marker => ({
    at,
    level,
    kind: 'crash',
    text: '',
    pool: null,
    worker_id: null,
    worker_slot: null,
  });

  it('keep apart, and the worst of those that stand close is shown', () => {
    const found = clusters(
      [mark(30, 'info'), mark(0, 'info'), mark(4, 'error'), mark(6, 'warning')],
      (at) => at,
      12,
    );
    expect(found.map(({ x, marker }) => [x, marker.level])).toEqual([
      [0, 'error'],
      [30, 'info'],
    ]);
  });
});

describe('the heat map', () => {
  const heat = { bounds_ms: [0, 1, 2, 4], counts: [null, [0, 3, 0, 0], [0, 0, 1, 0]] };

  it('finds the bin of a duration, and its bounds', () => {
    expect([0, 0.5, 1, 1.9, 2, 100].map((ms) => binOf(heat, ms))).toEqual([0, 0, 1, 1, 2, 3]);
    expect([lowOf(heat, 0), highOf(heat, 0), lowOf(heat, 3), highOf(heat, 3)]).toEqual([0.5, 1, 4, 8]);
    expect(usedBins(heat)).toEqual([1, 2]);
    expect(usedBins({ ...heat, counts: [] })).toEqual([0, 3]);
  });

  it('shows most as the strongest, and one as more than nothing', () => {
    expect(shareOf(100, 100)).toBe(1);
    expect(shareOf(1, 100)).toBeGreaterThan(0);
    expect(shareOf(1, 1)).toBe(1);
  });
});

describe('trying again', () => {
  it('waits longer from try to try, up to a limit, and not all at the same moment', () => {
    expect(pauseMs(1, () => 1)).toBe(1000);
    expect(pauseMs(3, () => 1)).toBe(4000);
    expect(pauseMs(50, () => 1)).toBe(15_000);
    expect(pauseMs(3, () => 0)).toBe(2000);
  });
});
