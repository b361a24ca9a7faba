import type { ExemplarSource, Exemplars, FamilyCopy, FamilySpec } from '../family.ts';
import { SeriesIndex } from './series.ts';

/** What all recorded families are made with. */
export interface Setting {
  /** Series a family may have before further ones share `(other)`. */
  readonly maxSeries: number;
  /** Epoch milliseconds. */
  readonly now: () => number;
  /** A family reached the limit; called once for each. */
  readonly onLimit: (family: FamilySpec) => void;
}

/**
 * A family whose values live in typed arrays, one run of cells per series. Updating a row allocates nothing; arrays
 * double when a new series does not fit.
 */
export abstract class RecordedFamily {
  readonly spec: FamilySpec;
  protected readonly index: SeriesIndex;
  protected readonly created: number[] = [];
  protected cells: Float64Array<ArrayBuffer>;
  /** By cell; undefined where the family keeps no exemplars. */
  protected readonly sources: (ExemplarSource | undefined)[] | undefined;
  protected exemplarValues = new Float64Array(0);
  protected readonly stride: number;
  readonly #now: () => number;

  constructor(spec: FamilySpec, setting: Setting, stride: number, exemplars: boolean) {
    this.spec = spec;
    this.stride = stride;
    this.index = new SeriesIndex(spec.labels, setting.maxSeries, () => setting.onLimit(spec));
    this.#now = setting.now;
    this.cells = new Float64Array(stride);
    this.sources = exemplars ? [] : undefined;
  }

  /** Whether series may be made in advance, at zero, without coming near the limit. */
  get roomy(): boolean {
    return this.index.roomy;
  }

  /** The row of these label values, one each and in the order of the label names; made at zero if it is new. */
  row(values: readonly string[]): number {
    const row = this.index.row(values);
    // One new series at most: either the one asked for or `(other)`.
    if (row === this.created.length) this.#extend();
    return row;
  }

  /** The values of this moment. */
  abstract copy(withExemplars: boolean): FamilyCopy;

  protected copyCells(): Float64Array {
    return this.cells.slice(0, this.created.length * this.stride);
  }

  protected copyExemplars(): Exemplars | undefined {
    return this.sources && { sources: this.sources.slice(), values: this.exemplarValues.slice() };
  }

  protected keepExemplar(cell: number, source: ExemplarSource | undefined, value: number): void {
    if (source === undefined || this.sources === undefined) return;
    // A reference and a number: what the exemplar reads like is made when somebody scrapes.
    this.sources[cell] = source;
    this.exemplarValues[cell] = value;
  }

  #extend(): void {
    this.created.push(this.#now());
    const needed = this.created.length * this.stride;
    if (needed > this.cells.length) this.cells = grown(this.cells, needed);
    if (this.sources === undefined) return;
    while (this.sources.length < needed) this.sources.push(undefined);
    if (needed > this.exemplarValues.length) this.exemplarValues = grown(this.exemplarValues, needed);
  }
}

const grown = (old: Float64Array, needed: number): Float64Array<ArrayBuffer> => {
  const larger = new Float64Array(Math.max(needed, old.length * 2));
  larger.set(old);
  return larger;
};
