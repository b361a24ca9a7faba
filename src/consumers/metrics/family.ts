/** What the rooms of this consumer hand each other: a family's description, and its values as they were at one moment. */

/** Kinds of a metric family. `info` is a gauge that is always 1 in the Prometheus text and an Info family in OpenMetrics. */
export type MetricType = 'counter' | 'gauge' | 'histogram' | 'summary' | 'info';

/** How the values of a gauge become one where several processes or threads are exposed together. */
export type Aggregate = 'sum' | 'max' | 'min' | 'first';

/** Description of a metric family. */
export interface FamilySpec {
  readonly type: MetricType;
  /** As in the Prometheus text: a counter ends in `_total`, an info in `_info`. */
  readonly name: string;
  readonly help: string;
  /** Label names, in the order of the label values everywhere else. */
  readonly labels: readonly string[];
  /** Base unit; the name says it too (`snakepit_request_duration_seconds`: `seconds`). */
  readonly unit?: string;
  /** Upper bounds of a histogram, rising; the one for +Inf is implied. */
  readonly buckets?: readonly number[];
  /** Quantiles of a summary, between 0 and 1, rising. */
  readonly quantiles?: readonly number[];
  /** How far back the quantiles of a summary look. Milliseconds. */
  readonly windowMs?: number;
  /** Of a gauge or info, in a group. Default: `sum`. */
  readonly aggregate?: Aggregate;
}

/** What an exemplar is made from: the metadata of the event that was counted last. Held, never changed. */
export interface ExemplarSource {
  readonly request_id?: unknown;
  readonly correlation_id?: unknown;
  readonly trace_id?: unknown;
  /** Epoch milliseconds. */
  readonly timestamp: number;
}

/** The last exemplar of each cell. */
export interface Exemplars {
  readonly sources: readonly (ExemplarSource | undefined)[];
  readonly values: ArrayLike<number>;
}

/** Labels of a series: their text (`pool_name="a",command="b"`), or their values, of which the renderer makes it. */
export type RowLabels = string | readonly string[];

/** Labels of many series. */
export interface LabelSource {
  /** As in {@link RowLabels}, escaped. */
  textOf(row: number): string;
  /** Hands each label to `take`, as it is. */
  forEach(row: number, take: (name: string, value: string) => void): void;
}

interface Copy {
  readonly spec: FamilySpec;
  readonly rows: number;
  /** May have more than `rows`: series are only ever added, so the list itself need not be copied. */
  readonly labels: readonly RowLabels[] | LabelSource;
  /** When each series began, epoch milliseconds, where that is known. May be longer than `rows`. */
  readonly created?: readonly number[];
  /** Series that are left out. */
  readonly hidden?: ReadonlySet<number>;
  /** One per cell; OpenMetrics only. */
  readonly exemplars?: Exemplars | undefined;
}

/** A counter, gauge or info at one moment. */
export interface ScalarCopy extends Copy {
  readonly kind: 'scalar';
  readonly values: ArrayLike<number>;
}

/** A histogram at one moment: per series the counts of each bucket (not cumulative, +Inf last), then the sum. */
export interface HistogramCopy extends Copy {
  readonly kind: 'histogram';
  readonly bounds: ArrayLike<number>;
  readonly cells: ArrayLike<number>;
  /** The same observations in exponential buckets, where they are recorded; protobuf only. */
  readonly native?: NativeCopy | undefined;
}

/** One side of a native histogram: the counts of the buckets `offset`, `offset` + 1 and so on. */
export interface BucketRun {
  readonly offset: number;
  readonly counts: ArrayLike<number>;
}

/** The exponential buckets of all series of a histogram at one moment. */
export interface NativeCopy {
  readonly zeroThreshold: number;
  /** By series: the resolution, the count near zero, and both sides. */
  series(row: number): {
    readonly schema: number;
    readonly zeros: number;
    readonly positive: BucketRun;
    readonly negative: BucketRun;
  };
}

/** What the quantiles of a series are estimated from: the count near zero, and those of the buckets `offset`, `offset` + 1 and so on. */
export interface SketchCopy extends BucketRun {
  readonly zeros: number;
}

/** A summary at one moment: per series the count, then the sum. */
export interface SummaryCopy extends Copy {
  readonly kind: 'summary';
  readonly quantiles: readonly number[];
  readonly cells: ArrayLike<number>;
  /** The quantiles of a series. Estimated when asked for: nothing else in a scrape has to agree with them. */
  quantilesOf(row: number): ArrayLike<number>;
  /** The sketch behind them, where they are estimated here; undefined for a series that has observed nothing. */
  sketchOf?(row: number): SketchCopy | undefined;
}

/** A family at the moment of a scrape. Nothing in it changes any more, so it can be rendered at leisure. */
export type FamilyCopy = ScalarCopy | HistogramCopy | SummaryCopy;

/** Cells a histogram series takes in {@link HistogramCopy.cells}: each bound, +Inf, the sum. */
export const strideOf = (bounds: ArrayLike<number>): number => bounds.length + 2;

/** Label values of one level and its value. */
export type Row = readonly [labels: readonly string[], value: number];

/**
 * A family out of levels read just now.
 *
 * @throws TypeError on a level that is no number: its collector then counts as failed, where rendering would have made some text of it
 */
export const levelCopy = (spec: FamilySpec, rows: readonly Row[]): ScalarCopy => {
  const stray = rows.find(([, value]) => typeof value !== 'number');
  if (stray !== undefined) throw new TypeError(`Metric '${spec.name}' was read as ${String(stray[1])}.`);
  return {
    kind: 'scalar',
    spec,
    rows: rows.length,
    labels: rows.map(([labels]) => labels),
    values: rows.map(([, value]) => value),
  };
};
