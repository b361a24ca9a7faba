import {
  type BucketRun,
  type Exemplars,
  type FamilyCopy,
  type HistogramCopy,
  type LabelSource,
  type RowLabels,
  type ScalarCopy,
  type SummaryCopy,
  strideOf,
} from '../../family.ts';
import { eachLabel, wellFormed } from '../escape.ts';
import { exemplarLabels } from '../exemplar.ts';
import { bytesField, type ProtobufWriter, sizeOf } from './writer.ts';

/** Field numbers of io.prometheus.client, as published in prometheus/client_model (metrics.proto). */
const LABEL = { name: 1, value: 2 };
const METRIC = { label: 1, gauge: 2, counter: 3, summary: 4, histogram: 7 };
const COUNTER = { value: 1, exemplar: 2, created: 3 };
const EXEMPLAR = { label: 1, value: 2, timestamp: 3 };
const TIMESTAMP = { seconds: 1, nanos: 2 };
const SUMMARY = { count: 1, sum: 2, quantile: 3, created: 4 };
const QUANTILE = { quantile: 1, value: 2 };
const BUCKET = { cumulative: 1, bound: 2, exemplar: 3 };
const HISTOGRAM = {
  count: 1,
  sum: 2,
  bucket: 3,
  schema: 5,
  zeroThreshold: 6,
  zeroCount: 7,
  negativeSpan: 9,
  negativeDelta: 10,
  positiveSpan: 12,
  positiveDelta: 13,
  created: 15,
};
const SPAN = { offset: 1, length: 2 };

const label = (to: ProtobufWriter, field: number, name: string, value: string): void => {
  const mark = to.begin(field);
  to.string(LABEL.name, name);
  to.string(LABEL.value, value);
  to.end(mark);
};

const eachPair = (
  names: readonly string[],
  values: readonly string[],
  take: (name: string, value: string) => void,
): void => {
  for (let i = 0; i < names.length; i++) take(names[i] as string, wellFormed(values[i] as string));
};

const labels = (to: ProtobufWriter, copy: FamilyCopy, row: number): void => {
  if (!Array.isArray(copy.labels)) {
    (copy.labels as LabelSource).forEach(row, (name, value) => label(to, METRIC.label, name, value));
    return;
  }
  const of: RowLabels = copy.labels[row] ?? '';
  if (typeof of === 'string') eachLabel(of, (name, value) => label(to, METRIC.label, name, value));
  else eachPair(copy.spec.labels, of, (name, value) => label(to, METRIC.label, name, value));
};

const timestamp = (to: ProtobufWriter, field: number, milliseconds: number): void => {
  const whole = Math.round(milliseconds);
  const mark = to.begin(field);
  to.uint(TIMESTAMP.seconds, Math.floor(whole / 1000));
  to.uint(TIMESTAMP.nanos, (whole % 1000) * 1_000_000);
  to.end(mark);
};

const created = (to: ProtobufWriter, field: number, copy: FamilyCopy, row: number): void => {
  const at = copy.created?.[row];
  if (at !== undefined && at >= 0) timestamp(to, field, at);
};

const exemplar = (
  to: ProtobufWriter,
  field: number,
  exemplars: Exemplars | undefined,
  cell: number,
): void => {
  const source = exemplars?.sources[cell];
  if (source === undefined) return;
  const { names, values } = exemplarLabels(source);
  if (names.length === 0) return;
  const mark = to.begin(field);
  eachPair(names, values, (name, value) => label(to, EXEMPLAR.label, name, value));
  to.double(EXEMPLAR.value, exemplars?.values[cell] ?? 0);
  if (source.timestamp >= 0) timestamp(to, EXEMPLAR.timestamp, source.timestamp);
  to.end(mark);
};

const scalar = (to: ProtobufWriter, copy: ScalarCopy, row: number): void => {
  const counter = copy.spec.type === 'counter';
  const mark = to.begin(counter ? METRIC.counter : METRIC.gauge);
  to.double(COUNTER.value, copy.values[row] as number);
  if (counter) {
    exemplar(to, COUNTER.exemplar, copy.exemplars, row);
    created(to, COUNTER.created, copy, row);
  }
  to.end(mark);
};

const summary = (to: ProtobufWriter, copy: SummaryCopy, row: number): void => {
  const mark = to.begin(METRIC.summary);
  to.uint(SUMMARY.count, copy.cells[row * 2] as number);
  to.double(SUMMARY.sum, copy.cells[row * 2 + 1] as number);
  const values = copy.quantilesOf(row);
  copy.quantiles.forEach((q, i) => {
    const inner = to.begin(SUMMARY.quantile);
    to.double(QUANTILE.quantile, q);
    to.double(QUANTILE.value, values[i] as number);
    to.end(inner);
  });
  created(to, SUMMARY.created, copy, row);
  to.end(mark);
};

const span = (to: ProtobufWriter, field: number, offset: number, length: number): void => {
  const mark = to.begin(field);
  to.sint(SPAN.offset, offset);
  to.uint(SPAN.length, length);
  to.end(mark);
};

/** Runs of buckets that have a count, then each count as the difference to the one before. */
const side = (
  to: ProtobufWriter,
  fields: { readonly span: number; readonly delta: number },
  run: BucketRun,
): void => {
  const { offset, counts } = run;
  let from = 0;
  let written = 0;
  while (from < counts.length) {
    if (counts[from] === 0) {
      from++;
      continue;
    }
    let end = from;
    while (end < counts.length && counts[end] !== 0) end++;
    // The first offset is a bucket number, the others are gaps.
    span(to, fields.span, offset + from - written, end - from);
    written = offset + end;
    from = end;
  }
  if (written === 0 && !some(counts)) return;
  const mark = to.begin(fields.delta);
  let before = 0;
  for (let i = 0; i < counts.length; i++) {
    const count = counts[i] as number;
    if (count === 0) continue;
    to.zigzag(count - before);
    before = count;
  }
  to.end(mark);
};

const some = (counts: ArrayLike<number>): boolean => {
  for (let i = 0; i < counts.length; i++) if (counts[i] !== 0) return true;
  return false;
};

const positiveFields = { span: HISTOGRAM.positiveSpan, delta: HISTOGRAM.positiveDelta };
const negativeFields = { span: HISTOGRAM.negativeSpan, delta: HISTOGRAM.negativeDelta };

const native = (to: ProtobufWriter, copy: HistogramCopy, row: number): void => {
  if (copy.native === undefined) return;
  const { schema, zeros, positive, negative } = copy.native.series(row);
  to.sint(HISTOGRAM.schema, schema);
  to.double(HISTOGRAM.zeroThreshold, copy.native.zeroThreshold);
  to.uint(HISTOGRAM.zeroCount, zeros);
  // Nothing else would tell an empty native histogram with a threshold of 0 from a classic one.
  if (copy.native.zeroThreshold === 0 && !some(positive.counts)) span(to, HISTOGRAM.positiveSpan, 0, 0);
  side(to, positiveFields, positive);
  side(to, negativeFields, negative);
};

/** Most of what is written; its length is known beforehand. */
const plainBucket = (to: ProtobufWriter, count: number, bound: number): void => {
  to.varint(bytesField(HISTOGRAM.bucket));
  to.varint(1 + sizeOf(count) + 9);
  to.uint(BUCKET.cumulative, count);
  to.double(BUCKET.bound, bound);
};

const histogram = (to: ProtobufWriter, copy: HistogramCopy, row: number): void => {
  const mark = to.begin(METRIC.histogram);
  const { bounds, cells } = copy;
  const start = row * strideOf(bounds);
  let count = 0;
  for (let i = 0; i <= bounds.length; i++) {
    count += cells[start + i] as number;
    const bound = i < bounds.length ? (bounds[i] as number) : Number.POSITIVE_INFINITY;
    if (copy.exemplars?.sources[start + i] === undefined) {
      plainBucket(to, count, bound);
      continue;
    }
    const inner = to.begin(HISTOGRAM.bucket);
    to.uint(BUCKET.cumulative, count);
    to.double(BUCKET.bound, bound);
    exemplar(to, BUCKET.exemplar, copy.exemplars, start + i);
    to.end(inner);
  }
  to.uint(HISTOGRAM.count, count);
  to.double(HISTOGRAM.sum, cells[start + bounds.length + 1] as number);
  native(to, copy, row);
  created(to, HISTOGRAM.created, copy, row);
  to.end(mark);
};

/** Writes one series as a field of its family. */
export const writeMetric = (to: ProtobufWriter, field: number, copy: FamilyCopy, row: number): void => {
  const mark = to.begin(field);
  labels(to, copy, row);
  if (copy.kind === 'histogram') histogram(to, copy, row);
  else if (copy.kind === 'summary') summary(to, copy, row);
  else scalar(to, copy, row);
  to.end(mark);
};
