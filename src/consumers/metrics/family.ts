/** What the rooms of this consumer hand each other: a family's description, and its values as they were at one moment. */

/** Kinds of a metric family. `info` is a gauge that is always 1 in the Prometheus text and an Info family in OpenMetrics. */
export type MetricType = 'counter' | 'gauge' | 'histogram' | 'info';

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

/**
 * Labels of a series: their text (`pool_name="a",command="b"`) where it was made once for all scrapes, or their values,
 * of which the renderer makes the text in
 * its own slice.
 */
export type RowLabels = string | readonly string[];

interface Copy {
  readonly spec: FamilySpec;
  readonly rows: number;
  /** May be longer than `rows`: series are only ever added, so the list itself need not be copied. */
  readonly labels: readonly RowLabels[];
  /** When each series began, epoch milliseconds, where that is known. May be longer than `rows`. */
  readonly created?: readonly number[];
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
}

/** A family at the moment of a scrape. Nothing in it changes any more, so it can be rendered at leisure. */
export type FamilyCopy = ScalarCopy | HistogramCopy;

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
