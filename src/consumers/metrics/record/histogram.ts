import { type ExemplarSource, type FamilySpec, type HistogramCopy, strideOf } from '../family.ts';
import { RecordedFamily, type Setting } from './family.ts';
import { copyNative, type NativeOptions, NativeSeries } from './native.ts';

/**
 * Histograms: per series a count for each bucket (not cumulative, +Inf last), then the sum. The count is the sum of the
 * buckets, so the two cannot disagree.
 */
export class HistogramFamily extends RecordedFamily {
  readonly #bounds: Float64Array;
  /** Least value that fits: a negative one under bounds that are not would let the sum fall. */
  readonly #least: number;
  readonly #nativeOptions: NativeOptions | undefined;
  readonly #native: (NativeSeries | undefined)[] = [];

  constructor(spec: FamilySpec, setting: Setting, exemplars = false) {
    const bounds = Float64Array.from(spec.buckets ?? []);
    super(spec, setting, strideOf(bounds), exemplars);
    this.#bounds = bounds;
    this.#nativeOptions = setting.native;
    this.#least = (bounds[0] ?? 0) < 0 ? -Number.MAX_VALUE : 0;
  }

  /** Binds a series, so that observing needs no look-up. */
  bind(...values: string[]): BoundHistogram {
    return new BoundHistogram(this, this.row(values));
  }

  /** Whether the family has a place for this value. */
  takes(value: number): boolean {
    return value >= this.#least && value < Number.POSITIVE_INFINITY;
  }

  /**
   * Counts a value in the first bucket whose bound is not below it.
   *
   * @param value - finite; not negative unless a bound is
   * @param source - what an exemplar may be made from
   * @returns false, and nothing is counted, for any other value: a sum once NaN stays NaN
   */
  observe(row: number, value: number, source?: ExemplarSource): boolean {
    if (!this.takes(value)) return false;
    const bounds = this.#bounds;
    const count = bounds.length;
    // A few comparisons in a row beat a binary search, whose branches the processor cannot foresee.
    let bucket = 0;
    while (bucket < count && value > (bounds[bucket] as number)) bucket++;
    const cells = this.cells;
    const start = row * this.stride;
    const cell = start + bucket;
    const sum = start + count + 1;
    cells[cell] = (cells[cell] as number) + 1;
    cells[sum] = (cells[sum] as number) + value;
    this.keepExemplar(cell, source, value);
    if (this.#nativeOptions !== undefined) this.#nativeOf(row, this.#nativeOptions).observe(value);
    return true;
  }

  /** One for each series, also those that have observed nothing yet. */
  #rowsOfNative(): readonly (NativeSeries | undefined)[] {
    return this.created.map((_, row) => this.#native[row]);
  }

  #nativeOf(row: number, options: NativeOptions): NativeSeries {
    const known = this.#native[row];
    if (known !== undefined) return known;
    while (this.#native.length < row) this.#native.push(undefined);
    const made = new NativeSeries(options);
    this.#native[row] = made;
    return made;
  }

  override copy(withExemplars: boolean, withNative = false): HistogramCopy {
    return {
      kind: 'histogram',
      spec: this.spec,
      rows: this.created.length,
      labels: this.index,
      bounds: this.#bounds,
      cells: this.copyCells(),
      created: this.created,
      exemplars: withExemplars ? this.copyExemplars() : undefined,
      native:
        withNative && this.#nativeOptions !== undefined
          ? copyNative(this.#rowsOfNative(), this.#nativeOptions)
          : undefined,
    };
  }
}

/** One series of a histogram. */
export class BoundHistogram {
  readonly #family: HistogramFamily;
  readonly #row: number;

  constructor(family: HistogramFamily, row: number) {
    this.#family = family;
    this.#row = row;
  }

  /** See {@link HistogramFamily.observe}. */
  observe(value: number, source?: ExemplarSource): boolean {
    return this.#family.observe(this.#row, value, source);
  }
}
