import { describe, expect, it } from 'vitest';
import { advance, joins, KEPT_SLICES, times } from '../../dashboard/src/data/advance.ts';
import { history as parseHistory, slice, sliceFrame } from '../../dashboard/src/data/parse.ts';
import { availabilityOf, errorRateOf, inLastMinute } from '../../dashboard/src/data/series.ts';
import type { History, Slice, SliceFrame } from '../../dashboard/src/data/types.ts';

const STEP = 5000;
const FROM = 1_800_000_000_000;

const some = (requests: number): Slice => slice({ requests, heat: [requests, 0] }) as Slice;

const made = (length: number): History =>
  parseHistory({
    instance: 'a',
    step_ms: STEP,
    from: FROM,
    slices: Array.from({ length }, (_, at) => ({ requests: at, heat: [at, 0] })),
    heat: { bounds_ms: [0, 1], counts: [] },
    markers: [{ at: FROM + 1, kind: 'crash', text: 'old', level: 'error' }],
  }) as History;

const frame = (at: number, markers: unknown[] = []): SliceFrame =>
  sliceFrame({ at, step_ms: STEP, total: { requests: 7 }, pools: {}, markers }) as SliceFrame;

describe('a history that goes on', () => {
  it('puts a finished slice in place of the running one, and keeps its length', () => {
    const before = made(KEPT_SLICES);
    const after = advance(before, frame(FROM + (KEPT_SLICES - 1) * STEP), some(7));
    expect(after.slices).toHaveLength(KEPT_SLICES);
    expect(after.from).toBe(FROM + STEP);
    expect(after.slices.at(-1)).toBeNull();
    expect(after.slices.at(-2)?.requests).toBe(7);
    expect(after.heat.counts.at(-2)).toEqual([7, 0]);
    expect(after.slices[0]?.requests).toBe(1);
    expect(times(after).at(-1)).toBe(FROM + KEPT_SLICES * STEP);
  });

  it('forgets marks that left the span, and takes none twice', () => {
    const mark = { at: FROM + 100 * STEP, kind: 'restart', text: 'new', level: 'info' };
    const at = FROM + (KEPT_SLICES - 1) * STEP;
    const once = advance(made(KEPT_SLICES), frame(at, [mark]), some(7));
    expect(once.markers.map(({ text }) => text)).toEqual(['new']);
    const twice = advance(once, frame(at + STEP, [mark]), some(7));
    expect(twice.markers).toHaveLength(1);
  });

  it('takes only the marks of its pool, and those of all', () => {
    const marks = ['a', 'b', undefined].map((pool, index) => ({
      at: FROM + 100 * STEP + index,
      kind: 'restart',
      text: pool ?? 'all',
      pool,
    }));
    const after = advance(made(KEPT_SLICES), frame(FROM + (KEPT_SLICES - 1) * STEP, marks), some(7), 'a');
    expect(after.markers.map(({ text }) => text)).toEqual(['a', 'all']);
  });

  it('does not take what does not join on', () => {
    const before = made(10);
    for (const at of [FROM - STEP, FROM + 1, FROM + 12 * STEP]) {
      expect(joins(before, frame(at))).toBe(false);
      expect(advance(before, frame(at), some(7))).toBe(before);
    }
    expect(joins(before, frame(FROM + 10 * STEP))).toBe(true);
  });

  it('tells how many workers are in their place as health sees it', () => {
    const of = (workers_missing: number | null, workers_desired = 4) =>
      slice({ workers_missing, workers_desired });
    const history = { ...made(0), slices: [of(0), of(1), of(9), of(0, 0), of(null), null] };
    expect(availabilityOf(history)).toEqual([1, 0.75, 0, 1, null, null]);
  });

  it('adds up a minute of slices that are complete', () => {
    const history = { ...made(0), slices: Array.from({ length: 20 }, () => slice({ rejected: 1 })) };
    expect(inLastMinute(history, 'rejected')).toBe(12);
    expect(inLastMinute({ ...history, slices: [slice({}), null] }, 'rejected')).toBeNull();
  });

  it('tells an error rate only of requests that were taken on', () => {
    const history = {
      ...made(0),
      slices: [slice({ requests: 20, failed: 5, rejected: 8, cancelled: 2 }), slice({})],
    };
    expect(errorRateOf(history)).toEqual([0.5, null]);
  });
});
