import type { Registry } from 'prom-client';
import { labelText } from '../expose/escape.ts';
import { type Aggregate, type FamilyCopy, type FamilySpec, strideOf } from '../family.ts';

/** A metric as prom-client hands it out. */
export type PromMetric = Awaited<ReturnType<Registry['getMetricsAsJSON']>>[number];
interface Sample {
  readonly value: number;
  readonly labels: Readonly<Record<string, string | number | undefined>>;
  readonly metricName?: string;
}

const textOf = (labels: Sample['labels'], except?: string): string => {
  const names = Object.keys(labels).filter((name) => name !== except && labels[name] !== undefined);
  return labelText(
    names,
    names.map((name) => String(labels[name])),
  );
};

const scalar = (spec: FamilySpec, samples: readonly Sample[]): FamilyCopy => ({
  kind: 'scalar',
  spec,
  rows: samples.length,
  labels: samples.map(({ labels }) => textOf(labels)),
  values: samples.map(({ value }) => value),
});

/**
 * prom-client lists each series as its buckets in rising order, cumulative, then `_sum` and `_count`; every series has
 * the same buckets.
 */
const histogram = (spec: FamilySpec, samples: readonly Sample[]): FamilyCopy => {
  const bucketsOf = new Map<string, [bound: number, cumulative: number][]>();
  const sums = new Map<string, number>();
  for (const { value, labels, metricName } of samples) {
    const text = textOf(labels, 'le');
    if (metricName === `${spec.name}_sum`) sums.set(text, value);
    if (metricName !== `${spec.name}_bucket`) continue;
    const bound = labels.le === '+Inf' ? Number.POSITIVE_INFINITY : Number(labels.le);
    const list = bucketsOf.get(text) ?? [];
    list.push([bound, value]);
    bucketsOf.set(text, list);
  }
  const first = [...bucketsOf.values()][0] ?? [];
  const bounds = first.map(([bound]) => bound).filter(Number.isFinite);
  const cells = new Float64Array(bucketsOf.size * strideOf(bounds));
  let cell = 0;
  for (const [text, buckets] of bucketsOf) {
    let below = 0;
    for (const [, cumulative] of buckets) {
      cells[cell++] = cumulative - below;
      below = cumulative;
    }
    cells[cell++] = sums.get(text) ?? 0;
  }
  return { kind: 'histogram', spec, rows: bucketsOf.size, labels: [...bucketsOf.keys()], bounds, cells };
};

/** prom-client lists each series as its quantiles, then `_sum` and `_count`. */
const summary = (spec: FamilySpec, samples: readonly Sample[]): FamilyCopy => {
  interface Series {
    readonly byQuantile: Map<number, number>;
    count: number;
    sum: number;
  }
  const series = new Map<string, Series>();
  for (const { value, labels, metricName } of samples) {
    const text = textOf(labels, 'quantile');
    const of: Series = series.get(text) ?? { byQuantile: new Map(), count: 0, sum: 0 };
    series.set(text, of);
    if (metricName === `${spec.name}_sum`) of.sum = value;
    else if (metricName === `${spec.name}_count`) of.count = value;
    else of.byQuantile.set(Number(labels.quantile), value);
  }
  const rows = [...series.values()];
  const quantiles = [...new Set(rows.flatMap(({ byQuantile }) => [...byQuantile.keys()]))].sort(
    (a, b) => a - b,
  );
  return {
    kind: 'summary',
    spec,
    rows: rows.length,
    labels: [...series.keys()],
    cells: rows.flatMap(({ count, sum }) => [count, sum]),
    quantiles,
    quantilesOf: (row) => quantiles.map((q) => rows[row]?.byQuantile.get(q) ?? Number.NaN),
  };
};

/** How its own aggregators would have it. An average hides the one that is worst, and what is left out there is when a process began. */
const aggregateOf = (aggregator: unknown): Aggregate => {
  if (aggregator === 'average') return 'max';
  if (aggregator === 'omit') return 'min';
  return aggregator === 'max' || aggregator === 'min' || aggregator === 'first' ? aggregator : 'sum';
};

/** A metric of a prom-client registry as our renderer takes it; undefined for the types it does not know. */
export const copyOf = (metric: PromMetric): FamilyCopy | undefined => {
  // Its types say how the type of a metric is passed in; what comes out is the word.
  const type = String(metric.type);
  if (type !== 'counter' && type !== 'gauge' && type !== 'histogram' && type !== 'summary') return undefined;
  const { name, help } = metric;
  const gauge = type === 'gauge' && { aggregate: aggregateOf(metric.aggregator) };
  const spec: FamilySpec = { type, name, help, labels: [], ...gauge };
  const samples = metric.values as readonly Sample[];
  if (type === 'summary') return summary(spec, samples);
  return type === 'histogram' ? histogram(spec, samples) : scalar(spec, samples);
};
