import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { indexer, upperBound } from '../../../src/consumers/metrics/record/exponential.ts';
import { copyNative, NativeSeries } from '../../../src/consumers/metrics/record/native.ts';
import { MAX_BUCKETS, RELATIVE_ERROR, WindowSketch } from '../../../src/consumers/metrics/record/sketch.ts';
import { rig } from './fixtures.ts';

const positive = fc.double({ min: 1e-9, max: 1e9, noNaN: true });

describe('the quantiles of a summary', () => {
  it('are within one per cent of the true ones, whatever the distribution', () => {
    fc.assert(
      fc.property(
        fc.array(fc.oneof(positive, fc.constant(0)), { minLength: 1, maxLength: 200 }),
        (values) => {
          const range =
            Math.max(...values) / Math.min(...values.filter((value) => value > 0), Number.MAX_VALUE);
          fc.pre(range < 1e8);
          const sketch = new WindowSketch(60_000);
          for (const value of values) sketch.observe(value, 0);
          const sorted = values.toSorted((a, b) => a - b);
          const wanted = [0, 0.25, 0.5, 0.9, 0.99, 1];
          sketch.quantiles(wanted, 0).forEach((estimate, i) => {
            const exact = sorted[Math.floor((wanted[i] as number) * (values.length - 1))] as number;
            expect(Math.abs(estimate - exact)).toBeLessThanOrEqual(exact * RELATIVE_ERROR * 1.000001);
          });
        },
      ),
    );
  });

  it('keep the upper ones where the range is too wide for memory', () => {
    const sketch = new WindowSketch(60_000);
    for (let exponent = -11; exponent <= 200; exponent++) sketch.observe(10 ** exponent, 0);
    const [p99 = 0, p100 = 0] = sketch.quantiles([0.99, 1], 0);
    expect(Math.abs(p99 / 1e197 - 1)).toBeLessThan(0.02);
    expect(Math.abs(p100 / 1e200 - 1)).toBeLessThan(0.02);
    expect(MAX_BUCKETS).toBe(1024);
  });

  it('forget what is older than the window, and are NaN when nothing is left', async () => {
    let now = 1_700_000_000_000;
    const of = rig({}, { now: () => now });
    of.metrics.registerMetric({
      type: 'summary',
      name: 'app_s',
      help: 's',
      windowMs: 5000,
      quantiles: [0.5],
    });
    const median = async () => (await of.scrape()).value('app_s', { quantile: '0.5' });
    expect(await median()).toBeNaN();
    for (let i = 0; i < 3; i++) of.metrics.observeSummary('app_s', {}, 100);
    now += 3000;
    of.metrics.observeSummary('app_s', {}, 1);
    expect(((await median()) as number) / 100).toBeCloseTo(1, 1);
    now += 4000;
    expect(await median()).toBeCloseTo(1, 1);
    now += 5000;
    expect(await median()).toBeNaN();
    expect((await of.scrape()).value('app_s_count')).toBe(4);
    // The place of an age that is long over is taken anew.
    of.metrics.observeSummary('app_s', {}, 7);
    expect(((await median()) as number) / 7).toBeCloseTo(1, 1);
  });

  it('take no negative, NaN or infinite value', async () => {
    const of = rig();
    of.metrics.registerMetric({ type: 'summary', name: 'app_s', help: 's' });
    for (const value of [-1, Number.NaN, Number.POSITIVE_INFINITY])
      of.metrics.observeSummary('app_s', {}, value);
    of.metrics.observeSummary('app_nosuch', {}, 1);
    of.metrics.observeHistogram('app_s', {}, 1);
    const read = await of.scrape();
    expect(read.value('app_s_count')).toBe(0);
    for (const reason of ['negative', 'not_a_number', 'not_finite', 'unknown_metric', 'wrong_type'])
      expect([reason, read.value('snakepit_metrics_rejected_total', { reason })]).toEqual([reason, 1]);
  });
});

describe('exponential buckets', () => {
  it.each([-4, -1, 0, 1, 3, 8])(
    'of schema %d hold what is above one bound and not above the next',
    (schema) => {
      const indexOf = indexer(schema);
      fc.assert(
        fc.property(fc.double({ min: 2 ** -1000, max: Number.MAX_VALUE, noNaN: true }), (value) => {
          const index = indexOf(value);
          // The upper bound of the last bucket may be beyond what a number can say.
          expect(value).toBeLessThanOrEqual(upperBound(schema, index) * (1 + 1e-15));
          expect(value).toBeGreaterThan(upperBound(schema, index - 1) * (1 - 1e-15));
        }),
      );
    },
  );

  it('put a bound itself into the bucket that it ends', () => {
    for (const schema of [-2, 0, 2, 3]) {
      const indexOf = indexer(schema);
      // The least number there is has no exponent of its own.
      for (const exponent of [-1074, -1030, -1023, -1022, ...Array.from({ length: 61 }, (_, i) => i - 30)]) {
        expect(indexOf(2 ** exponent) + 0).toBe(Math.ceil(exponent * 2 ** schema) + 0);
      }
    }
  });
});

describe('a native histogram', () => {
  const sized = fc
    .tuple(fc.double({ min: -12, max: 6, noNaN: true }), fc.boolean())
    .map(([exponent, below]) => (below ? -1 : 1) * 10 ** exponent);
  const options = { schema: 8, zeroThreshold: 0.001, maxBuckets: 20 };

  it('halves its resolution rather than have too many buckets, and loses no count', () => {
    fc.assert(
      fc.property(fc.array(sized, { maxLength: 300, size: 'max' }), (values) => {
        const series = new NativeSeries(options);
        for (const value of values) series.observe(value);
        const { schema, zeros, positive, negative } = copyNative([series], options).series(0);
        const expected = {
          zeros: 0,
          positive: new Map<number, number>(),
          negative: new Map<number, number>(),
        };
        const indexOf = indexer(schema);
        for (const value of values) {
          if (Math.abs(value) <= options.zeroThreshold) expected.zeros++;
          else {
            const side = value < 0 ? expected.negative : expected.positive;
            const index = indexOf(Math.abs(value));
            side.set(index, (side.get(index) ?? 0) + 1);
          }
        }
        const read = ({ offset, counts }: typeof positive) =>
          new Map(
            Array.from(counts).flatMap((count, i): [number, number][] =>
              count === 0 ? [] : [[offset + i, count]],
            ),
          );
        expect(zeros).toBe(expected.zeros);
        const sorted = (map: Map<number, number>) => new Map([...map].sort(([a], [b]) => a - b));
        expect(read(positive)).toEqual(sorted(expected.positive));
        expect(read(negative)).toEqual(sorted(expected.negative));
        expect(expected.positive.size + expected.negative.size).toBeLessThanOrEqual(options.maxBuckets);
      }),
    );
  });

  it('does not grow without bound between two values that are far apart', () => {
    const series = new NativeSeries(options);
    series.observe(1);
    series.observe(1e300);
    expect(series.positive.cells.length).toBeLessThan(5000);
    expect(series.positive.populated).toBe(2);
  });
});
