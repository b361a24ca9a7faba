import { describe, expect, it } from 'vitest';
import { type Limit, limitsOf, mostIn, topOf } from '../../dashboard/src/charts/limits.ts';

const limit = (value: number): Limit => ({ value, tone: 'warning', label: '' });

describe('thresholds in a chart', () => {
  it('are made of what health has, and said in the words of the chart', () => {
    const read = (bound: number) =>
      bound === 0 ? null : { value: bound * 2, said: (tone: string) => `${tone} from ${bound}` };
    expect(limitsOf({ warning: 1, error: 3 }, read)).toEqual([
      { value: 2, tone: 'warning', label: 'warning from 1' },
      { value: 6, tone: 'error', label: 'error from 3' },
    ]);
    expect(limitsOf({ warning: 0, error: null }, read)).toEqual([]);
    expect(limitsOf(undefined, read)).toEqual([]);
  });

  it('are in it when they are not far above the values, and never press those flat', () => {
    expect(topOf(100, [])).toBeCloseTo(115);
    expect(topOf(100, [limit(250), limit(1250)])).toBeCloseTo(250 * 1.15);
    expect(topOf(5, [limit(10_000), limit(50_000)])).toBeCloseTo(5 * 1.15);
    expect(topOf(300, [limit(250)])).toBeCloseTo(300 * 1.15);
  });

  it('make the chart where there are no values', () => {
    expect(topOf(0, [limit(0.05), limit(0.25)])).toBeCloseTo(0.25 * 1.15);
    expect(topOf(Number.NEGATIVE_INFINITY, [])).toBe(1);
  });

  it('are held against what is shown, not against all there is', () => {
    const lines = [
      [9, 1, null],
      [2, 3, null],
    ];
    expect(mostIn([10, 20, 30], lines, null)).toBe(9);
    expect(mostIn([10, 20, 30], lines, { from: 15, to: 30 })).toBe(3);
    expect(mostIn([10, 20, 30], lines, { from: 25, to: 30 })).toBe(0);
  });
});
