import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { ProtobufWriter } from '../../../src/consumers/metrics/expose/protobuf/writer.ts';
import { complete, hostile, MOMENT, rig } from './fixtures.ts';
import { all, at, fieldsOf, messagesOf, textAt } from './wire.ts';

const PROTOBUF =
  'application/vnd.google.protobuf; proto=io.prometheus.client.MetricFamily; encoding=delimited';

const familiesOf = async ({ metrics }: ReturnType<typeof rig>): Promise<Map<string, Uint8Array>> => {
  const { body, contentType } = await metrics.render(PROTOBUF);
  expect(contentType).toBe(PROTOBUF);
  return new Map(messagesOf(body as Uint8Array).map((family) => [textAt(family, 1) ?? '', family]));
};
/** A timestamp's milliseconds. */
const time = (bytes: number | Uint8Array | undefined): number =>
  bytes instanceof Uint8Array
    ? (at(bytes, 1) as number) * 1000 + ((at(bytes, 2) as number | undefined) ?? 0) / 1e6
    : Number.NaN;

describe('the protobuf writer', () => {
  it('writes what is read back', () => {
    fc.assert(
      fc.property(
        fc.array(fc.oneof(fc.maxSafeNat(), fc.double(), fc.string({ unit: 'grapheme', maxLength: 300 }))),
        (values) => {
          const to = new ProtobufWriter();
          const outer = to.begin(7);
          values.forEach((value, i) => {
            if (typeof value === 'string') to.string(i + 1, value);
            else if (Number.isSafeInteger(value) && !Object.is(value, -0) && value >= 0)
              to.uint(i + 1, value);
            else to.double(i + 1, value);
          });
          to.end(outer);
          const inner = at(to.take(), 7) as Uint8Array;
          const read = fieldsOf(inner).map(({ value }) =>
            typeof value === 'number' ? value : Buffer.from(value).toString(),
          );
          expect(read).toEqual(values);
        },
      ),
    );
  });

  it('writes numbers with a sign so that small ones are short', () => {
    const to = new ProtobufWriter();
    for (const value of [0, -1, 1, -2, 2 ** 40]) to.zigzag(value);
    expect([...to.take()].slice(0, 4)).toEqual([0, 1, 2, 3]);
  });
});

describe('the protobuf exposition', () => {
  it('has when each series was created, and exemplars', async () => {
    const of = rig();
    complete(of.bus);
    const families = await familiesOf(of);
    const requests = families.get('snakepit_requests_total') as Uint8Array;
    expect([textAt(requests, 2), at(requests, 3)]).toEqual(['Requests settled, by how they ended.', 0]);
    const success = all(requests, 4).find(
      (metric) => textAt(metric as Uint8Array, 1) !== undefined,
    ) as Uint8Array;
    const labels = all(success, 1).map((pair) => [
      textAt(pair as Uint8Array, 1),
      textAt(pair as Uint8Array, 2),
    ]);
    expect(labels).toEqual([
      ['pool_name', 'default'],
      ['command', 'predict'],
      ['status', 'success'],
    ]);
    expect(at(success, 3, 1)).toBe(1);
    expect(time(at(success, 3, 3))).toBe(MOMENT);
    const exemplar = at(success, 3, 2) as Uint8Array;
    expect([textAt(exemplar, 1, 1), textAt(exemplar, 1, 2), at(exemplar, 2)]).toEqual([
      'request_id',
      'req_1',
      1,
    ]);
    expect(time(at(exemplar, 3))).toBe(MOMENT);
    const duration = all(families.get('snakepit_request_duration_seconds') as Uint8Array, 4)[0] as Uint8Array;
    const histogram = at(duration, 7) as Uint8Array;
    expect([at(histogram, 1), at(histogram, 2)]).toEqual([1, 0.15]);
    expect(time(at(histogram, 15))).toBe(MOMENT);
    const buckets = all(histogram, 3) as Uint8Array[];
    expect(buckets.map((bucket) => at(bucket, 1))).toEqual([0, 0, 0, 0, 0, 1, 1, 1, 1, 1, 1, 1]);
    expect(at(buckets.at(-1) as Uint8Array, 2)).toBe(Number.POSITIVE_INFINITY);
    expect(textAt(buckets[5] as Uint8Array, 3, 1, 2)).toBe('req_1');
    expect(at(histogram, 5)).toBeUndefined();
  });

  it('keeps hostile label values as they are', async () => {
    const of = rig();
    of.metrics.registerMetric({ type: 'gauge', name: 'app_g', help: 'g', labels: ['l'] });
    for (const l of hostile) of.metrics.updateGauge('app_g', { l }, 1);
    const family = (await familiesOf(of)).get('app_g') as Uint8Array;
    const read = all(family, 4).map((metric) => textAt(metric as Uint8Array, 1, 2));
    expect(read.slice(0, 5)).toEqual(hostile.slice(0, 5));
    expect(new Set(read).size).toBe(hostile.length);
    expect(read).toContain('\\ud800');
  });

  it('writes a family of many slices as one message', async () => {
    const of = rig({ maxSeries: 5000 });
    of.metrics.registerMetric({
      type: 'histogram',
      name: 'app_h',
      help: 'h',
      labels: ['l'],
      unit: undefined as never,
    });
    for (let l = 0; l < 5000; l++) of.metrics.observeHistogram('app_h', { l }, 1);
    const exposition = await of.metrics.render(PROTOBUF);
    expect(exposition.slices.length).toBeGreaterThan(10);
    const family = (await familiesOf(of)).get('app_h') as Uint8Array;
    expect(all(family, 4)).toHaveLength(5000);
  });

  it('writes native histograms as runs of buckets and differences', async () => {
    const of = rig({ native: { schema: 0, zeroThreshold: 0.5, maxBuckets: 160 } });
    of.metrics.registerMetric({ type: 'histogram', name: 'app_h', help: 'h', buckets: [-1, 1] });
    for (const value of [0, 1, 1, 1, 2, 2, 100, -4]) of.metrics.observeHistogram('app_h', {}, value);
    const family = (await familiesOf(of)).get('app_h') as Uint8Array;
    const histogram = at(family, 4, 7) as Uint8Array;
    const spans = (field: number) =>
      all(histogram, field).map((span) => [at(span as Uint8Array, 1), at(span as Uint8Array, 2)]);
    // Numbers with a sign are doubled: 0, then a gap of 5 (buckets 0, 1 and 7).
    expect(spans(12)).toEqual([
      [0, 2],
      [10, 1],
    ]);
    expect([...(at(histogram, 13) as Uint8Array)]).toEqual([6, 1, 1]);
    expect(spans(9)).toEqual([[4, 1]]);
    expect([...(at(histogram, 10) as Uint8Array)]).toEqual([2]);
    expect([at(histogram, 5), at(histogram, 6), at(histogram, 7), at(histogram, 1)]).toEqual([0, 0.5, 1, 8]);
  });

  it('tells an empty native histogram from a classic one', async () => {
    const of = rig({ native: { schema: 3, zeroThreshold: 0, maxBuckets: 160 } });
    of.metrics.registerMetric({ type: 'histogram', name: 'app_h', help: 'h' });
    const family = (await familiesOf(of)).get('app_h') as Uint8Array;
    expect(all(at(family, 4, 7) as Uint8Array, 12)).toHaveLength(1);
  });
});
