import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import type { FamilySpec } from '../../../src/consumers/metrics/family.ts';
import { HistogramFamily } from '../../../src/consumers/metrics/record/histogram.ts';
import { ScalarFamily } from '../../../src/consumers/metrics/record/scalar.ts';
import { SeriesIndex } from '../../../src/consumers/metrics/record/series.ts';
import { hostile } from './fixtures.ts';

const index = (labels: string[], limit = 1000) => {
  let limits = 0;
  const of = new SeriesIndex(labels, limit, () => limits++);
  return { of, limits: () => limits };
};
const setting = { maxSeries: 100, now: () => 0, onLimit: () => {} };

describe('series', () => {
  it('has one row for each combination of label values, whatever is in them', () => {
    const { of } = index(['a', 'b']);
    const rows = new Set<number>();
    for (const a of hostile) for (const b of hostile) rows.add(of.row([a, b]));
    expect(rows.size).toBe(hostile.length ** 2);
    expect(new Set([...rows].map((row) => of.textOf(row))).size).toBe(hostile.length ** 2);
  });

  it('keeps values apart that read alike once joined', () => {
    const { of } = index(['a', 'b']);
    expect(of.row(['x,y', 'z'])).not.toBe(of.row(['x', 'y,z']));
    expect(of.row(['x"', ''])).not.toBe(of.row(['x', '"']));
    expect(of.row(['', 'x'])).not.toBe(of.row(['x', '']));
  });

  it('finds the row again, for any strings', () => {
    const tuples = fc.uniqueArray(fc.tuple(fc.string({ unit: 'binary' }), fc.string(), fc.string()), {
      selector: (tuple) => JSON.stringify(tuple),
      maxLength: 50,
    });
    fc.assert(
      fc.property(tuples, (list) => {
        const { of } = index(['a', 'b', 'c']);
        const rows = list.map((tuple) => of.row(tuple));
        expect(new Set(rows).size).toBe(list.length);
        expect(list.map((tuple) => of.row(tuple))).toEqual(rows);
      }),
    );
  });

  it('spells out half surrogates, which would all become the same replacement character', () => {
    const { of } = index(['a']);
    const high = of.row(['\ud800']);
    expect(of.row(['\ud801'])).not.toBe(high);
    expect(of.row(['\ud800'])).toBe(high);
    expect(of.size).toBe(2);
    expect(of.textOf(0)).toBe('a="\\\\ud800"');
  });

  it('keeps the first 4096 characters of a value', () => {
    const { of } = index(['a']);
    const long = '😀'.repeat(10_000);
    expect(of.row([long])).toBe(of.row([`${long}!`]));
    expect(of.row([`x${long}`])).not.toBe(of.row([long]));
    expect(of.textOf(0)).toBe(`a="${'😀'.repeat(2048)}"`);
    expect(of.textOf(1)).toBe(`a="x${'😀'.repeat(2047)}\\\\ud83d"`);
  });

  it('has a single row without labels', () => {
    const { of } = index([]);
    expect([of.row([]), of.row([]), of.size, of.textOf(0)]).toEqual([0, 0, 1, '']);
  });

  it('gives what the limit keeps out to one series, and says so once', () => {
    const { of, limits } = index(['a', 'b'], 1000);
    for (let i = 0; i < 100_000; i++) of.row([String(i), 'x']);
    expect(of.size).toBe(1001);
    expect(of.textOf(1000)).toBe('a="(other)",b="(other)"');
    expect(limits()).toBe(1);
    expect(of.row(['0', 'x'])).toBe(0);
    expect(of.row(['999', 'x'])).toBe(999);
    expect(of.row(['99999', 'x'])).toBe(1000);
  });

  it('uses an (other) that was there before', () => {
    const { of } = index(['a'], 2);
    const other = of.row(['(other)']);
    of.row(['1']);
    expect(of.row(['2'])).toBe(other);
    expect(of.size).toBe(2);
  });
});

const spec = (type: FamilySpec['type'], buckets?: number[]): FamilySpec => ({
  type,
  name: 'x',
  help: 'x',
  labels: ['a'],
  ...(buckets && { buckets }),
});

describe('counters', () => {
  it('add up what a map of numbers would', () => {
    const steps = fc.array(fc.tuple(fc.nat(60), fc.double({ min: 0, max: 1e6, noNaN: true })), {
      maxLength: 300,
    });
    fc.assert(
      fc.property(steps, (list) => {
        const family = new ScalarFamily(spec('counter'), setting);
        const model = new Map<number, number>();
        for (const [series, step] of list) {
          family.bind(String(series)).add(step);
          model.set(series, (model.get(series) ?? 0) + step);
        }
        const { labels, values, rows } = family.copy(false);
        expect(rows).toBe(model.size);
        expect(
          new Map(
            Array.from({ length: rows }, (_, row) => [(labels as SeriesIndex).textOf(row), values[row]]),
          ),
        ).toEqual(new Map([...model].map(([series, value]) => [`a="${series}"`, value])));
      }),
    );
  });

  it('take no step that would spoil the sum', () => {
    const family = new ScalarFamily(spec('counter'), setting);
    const series = family.bind('1');
    for (const step of [Number.NaN, -1, Number.POSITIVE_INFINITY, undefined as unknown as number]) {
      expect(series.add(step)).toBe(false);
    }
    expect(series.add(2)).toBe(true);
    expect(family.copy(false).values[0]).toBe(2);
  });

  it('are copied: counting on does not change what a scrape has', () => {
    const family = new ScalarFamily(spec('counter'), setting);
    family.bind('1').add(1);
    const copy = family.copy(false);
    family.bind('1').add(1);
    family.bind('2').add(1);
    expect([copy.rows, copy.values[0], copy.values.length]).toEqual([1, 1, 1]);
  });
});

describe('histograms', () => {
  const bounds = fc
    .uniqueArray(fc.double({ min: -100, max: 100, noNaN: true }), { minLength: 1, maxLength: 12 })
    .map((list) => list.map((bound) => bound + 0).sort((a, b) => a - b));

  it('count each value in the first bucket whose bound is not below it', () => {
    const values = fc.array(fc.double({ min: -200, max: 200, noNaN: true }), { maxLength: 200 });
    fc.assert(
      fc.property(bounds, values, (buckets, list) => {
        const family = new HistogramFamily(spec('histogram', buckets), setting);
        const other = family.bind('other');
        const series = family.bind('1');
        other.observe(1);
        const taken = list.filter((value) => series.observe(value));
        expect(taken).toEqual((buckets[0] as number) < 0 ? list : list.filter((value) => value >= 0));
        const { cells } = family.copy(false);
        const stride = buckets.length + 2;
        const own = Array.from(cells).slice(stride, 2 * stride);
        const model = [...buckets, Number.POSITIVE_INFINITY].map(
          (bound, i) =>
            taken.filter((value) => value <= bound && (i === 0 || value > (buckets[i - 1] as number))).length,
        );
        expect(own.slice(0, -1)).toEqual(model);
        expect(own.at(-1)).toBe(taken.reduce((sum, value) => sum + value, 0));
      }),
    );
  });

  it('refuse what would spoil the sum', () => {
    const series = new HistogramFamily(spec('histogram', [1, 2]), setting).bind('1');
    for (const value of [Number.NaN, -1, Number.POSITIVE_INFINITY, Number.NEGATIVE_INFINITY]) {
      expect(series.observe(value)).toBe(false);
    }
  });

  it('remember per bucket what was counted last, and nothing without a source', () => {
    const family = new HistogramFamily(spec('histogram', [1, 2]), setting, true);
    const series = family.bind('1');
    const [first, second] = [
      { request_id: 'a', timestamp: 1 },
      { request_id: 'b', timestamp: 2 },
    ];
    series.observe(0.5, first);
    series.observe(0.7, second);
    series.observe(1.5, first);
    series.observe(9);
    const { sources, values } = family.copy(true).exemplars ?? {};
    expect(sources?.slice(0, 3)).toEqual([second, first, undefined]);
    expect([values?.[0], values?.[1]]).toEqual([0.7, 1.5]);
    expect(family.copy(false).exemplars).toBeUndefined();
  });
});
