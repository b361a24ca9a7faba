import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { dialects } from '../../../src/consumers/metrics/expose/dialect.ts';
import { render } from '../../../src/consumers/metrics/expose/render.ts';
import type { FamilyCopy, FamilySpec } from '../../../src/consumers/metrics/family.ts';
import { levelCopy } from '../../../src/consumers/metrics/family.ts';
import { merge } from '../../../src/consumers/metrics/group/merge.ts';
import { type Packed, pack, unpack } from '../../../src/consumers/metrics/group/packed.ts';
import { decode, encode } from '../../../src/consumers/metrics/group/wire.ts';
import type { Setting } from '../../../src/consumers/metrics/record/family.ts';
import { HistogramFamily } from '../../../src/consumers/metrics/record/histogram.ts';
import type { NativeOptions } from '../../../src/consumers/metrics/record/native.ts';
import { ScalarFamily } from '../../../src/consumers/metrics/record/scalar.ts';
import { SummaryFamily } from '../../../src/consumers/metrics/record/summary.ts';
import { MOMENT } from './fixtures.ts';

const setting: Setting = { maxSeries: 1000, now: () => MOMENT, onLimit: () => {} };
const native: NativeOptions = { schema: 3, zeroThreshold: 0.001, maxBuckets: 20 };

const counter: FamilySpec = { type: 'counter', name: 'shop_orders_total', help: 'Orders.', labels: ['kind'] };
const histogram: FamilySpec = {
  type: 'histogram',
  name: 'shop_time_seconds',
  help: 'Time.',
  labels: ['kind'],
  buckets: [0.1, 1, 10],
};
const summary: FamilySpec = { type: 'summary', name: 'shop_size', help: 'Size.', labels: ['kind'] };
const gauge = (aggregate?: FamilySpec['aggregate']): FamilySpec => ({
  type: 'gauge',
  name: 'shop_level',
  help: 'Level.',
  labels: ['kind'],
  ...(aggregate && { aggregate }),
});

/** What counts things, and has gone through the wire. */
const registry = (options?: NativeOptions) => {
  const of = { ...setting, native: options };
  const orders = new ScalarFamily(counter, of, true);
  const times = new HistogramFamily(histogram, of, true);
  const sizes = new SummaryFamily(summary, of);
  return {
    see: (kind: string, value: number, timestamp = MOMENT) => {
      const source = { request_id: `r${timestamp}`, timestamp };
      orders.add(orders.row([kind]), value, source);
      times.observe(times.row([kind]), value, source);
      sizes.observe(sizes.row([kind]), value);
    },
    copies: () => [orders.copy(true), times.copy(true, options !== undefined), sizes.copy()],
  };
};
const sent = (copies: readonly FamilyCopy[]): Packed[] => decode(encode(copies.map(pack)));
const mergedOf = async (...members: (readonly FamilyCopy[])[]) =>
  (await merge(members.map(sent))).families.map(unpack);
const named = (copies: readonly FamilyCopy[], name: string): FamilyCopy =>
  copies.find(({ spec }) => spec.name === name) as FamilyCopy;

/** Lines in any order, numbers as such: the members may have begun their series in another order. */
const lines = (copies: readonly FamilyCopy[]): string[] =>
  [...render(copies, dialects.openmetrics)].join('').split('\n').sort();
const kinds = ['a', 'b"\\\n', '(other)'];
/** Halves add up exactly. */
const updates = fc.array(
  fc.tuple(
    fc.nat(3),
    fc.constantFrom(...kinds),
    fc.nat(50_000).map((n) => n / 2),
  ),
  { maxLength: 200 },
);

const nativeOf = (copy: FamilyCopy, row: number) => {
  if (copy.kind !== 'histogram' || copy.native === undefined) throw new Error('no native histogram');
  const { schema, zeros, positive } = copy.native.series(row);
  const buckets = Array.from(positive.counts)
    .map((count, i) => [positive.offset + i, count] as const)
    .filter(([, count]) => count > 0);
  return { schema, zeros, buckets };
};

describe('merging', () => {
  it('shows what one would show that had seen everything', async () => {
    await fc.assert(
      fc.asyncProperty(updates, async (all) => {
        const whole = registry();
        const parts = [0, 1, 2, 3].map(() => registry());
        all.forEach(([member, kind, value], i) => {
          whole.see(kind, value, MOMENT + i);
          parts[member]?.see(kind, value, MOMENT + i);
        });
        const merged = await mergedOf(...parts.map((part) => part.copies()));
        expect(lines(merged)).toEqual(lines(whole.copies()));
      }),
    );
  });

  it('adds up exponential buckets in the coarser resolution, and loses none', async () => {
    await fc.assert(
      fc.asyncProperty(updates, async (all) => {
        const whole = registry(native);
        const parts = [0, 1, 2, 3].map(() => registry(native));
        for (const [member, kind, value] of all) {
          whole.see(kind, value);
          parts[member]?.see(kind, value);
        }
        const merged = named(await mergedOf(...parts.map((part) => part.copies())), histogram.name);
        const expected = named(whole.copies(), histogram.name);
        for (let row = 0; row < merged.rows; row++) {
          const of = nativeOf(merged, row);
          const labels = (merged.labels as readonly string[])[row];
          const same = Array.from({ length: expected.rows }, (_, i) => i).find(
            (i) => pack(expected).labels[i] === labels,
          );
          const one = nativeOf(expected, same as number);
          // One alone has seen more buckets than each of several, so it may be coarser.
          let buckets = of.buckets;
          for (let schema = of.schema; schema > one.schema; schema--) buckets = halved(buckets);
          expect(of.schema).toBeGreaterThanOrEqual(one.schema);
          expect([of.zeros, buckets]).toEqual([one.zeros, one.buckets]);
        }
      }),
    );
  });

  it('leaves exponential buckets out where a member has none, and quantiles nobody can merge', async () => {
    const [a, b] = [registry(native), registry()];
    a.see('a', 1);
    b.see('a', 2);
    const merged = await mergedOf(a.copies(), b.copies());
    expect(named(merged, histogram.name)).toMatchObject({ native: undefined });
    const foreign = { ...pack(named(b.copies(), summary.name)), sketches: undefined };
    const { families } = await merge([sent(a.copies()), [foreign]]);
    const text = [...render(families.map(unpack), dialects.text)].join('');
    expect(text).not.toContain('quantile=');
    expect(text).toContain('shop_size_sum{kind="a"} 3\nshop_size_count{kind="a"} 2\n');
  });

  it.each([
    ['sum', 6],
    ['max', 4],
    ['min', 2],
    ['first', 2],
    [undefined, 6],
  ] as const)('makes one value of gauges: %s', async (aggregate, expected) => {
    const level = (value: number) => [levelCopy(gauge(aggregate), [[['a'], value]])];
    const merged = named(await mergedOf(level(2), level(4)), 'shop_level');
    expect(merged).toMatchObject({ rows: 1, values: Float64Array.of(expected) });
    const withNaN = named(await mergedOf(level(Number.NaN), level(4)), 'shop_level');
    if (aggregate === 'max' || aggregate === 'min')
      expect(withNaN).toMatchObject({ values: Float64Array.of(4) });
  });

  it('takes a negative gauge as it is', async () => {
    const level = (value: number) => [levelCopy(gauge('max'), [[['a'], value]])];
    expect(named(await mergedOf(level(-3), level(-5)), 'shop_level')).toMatchObject({
      values: Float64Array.of(-3),
    });
  });

  it('puts what was counted in other buckets where there is room for it', async () => {
    const own = registry();
    own.see('a', 0.05);
    const other = new HistogramFamily({ ...histogram, buckets: [0.5, 20] }, setting);
    for (const value of [0.2, 5, 100]) other.observe(other.row(['a']), value);
    const text = [...render(await mergedOf(own.copies(), [other.copy(false)]), dialects.text)].join('');
    for (const line of ['le="0.1"} 1', 'le="1"} 2', 'le="10"} 2', 'le="+Inf"} 4'])
      expect(text).toContain(`shop_time_seconds_bucket{kind="a",${line}\n`);
    expect(text).toContain('shop_time_seconds_sum{kind="a"} 105.25\n');
  });

  it('has the buckets of the first that has a series', async () => {
    const empty = { ...pack(registry().copies()[1] as FamilyCopy), bounds: new Float64Array(0) };
    const of = registry();
    of.see('a', 5);
    const { families } = await merge([[empty], sent(of.copies())]);
    expect(families[0]).toMatchObject({ labels: ['kind="a"'], cells: Float64Array.of(0, 0, 1, 0, 5) });
  });

  it('tells series apart by their labels, in whatever order they come', async () => {
    const spec: FamilySpec = { type: 'counter', name: 'theirs_total', help: 'Theirs.', labels: [] };
    const of = (text: string): Packed => ({
      ...pack({ kind: 'scalar', spec, rows: 1, labels: [text], values: [1] }),
    });
    const { families } = await merge([[of('b="1",a="2"')], [of('a="2",b="1"')], [of('a="1",b="2"')]]);
    expect(families[0]).toMatchObject({
      labels: ['b="1",a="2"', 'a="1",b="2"'],
      cells: Float64Array.of(2, 1),
    });
  });

  it('leaves out what has the name of something else, and says so', async () => {
    const level = [levelCopy({ ...gauge(), name: 'shop_orders_total' }, [[[], 1]])];
    const of = registry();
    of.see('a', 1);
    const { families, clashed } = await merge([sent(of.copies()), sent(level)]);
    expect(clashed).toBe(true);
    expect(families.map(({ spec }) => spec.type)).toEqual(['counter', 'histogram', 'summary']);
    expect((await merge([sent(of.copies()), sent(of.copies())])).clashed).toBe(false);
  });
});

const halved = (buckets: readonly (readonly [number, number])[]): (readonly [number, number])[] => {
  const found = new Map<number, number>();
  for (const [index, count] of buckets) {
    const wider = Math.ceil(index / 2);
    found.set(wider, (found.get(wider) ?? 0) + count);
  }
  return [...found];
};
