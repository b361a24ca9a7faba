import type { ExemplarSource, Exemplars, FamilyCopy, FamilySpec } from '../family.ts';
import { openMetricsName } from './names.ts';
import type { NativeOptions } from './native.ts';
import { type AllowedValues, SeriesIndex } from './series.ts';

/** What all recorded families are made with. */
export interface Setting {
  /** Series a family may have before further ones share `(other)`. */
  readonly maxSeries: number;
  /** The same for single families, by name. */
  readonly limits?: Readonly<Record<string, number>>;
  /** Values a label may have, by family and label; all others count under `(other)`. */
  readonly allowed?: Readonly<Record<string, AllowedValues>>;
  /** How native histograms are recorded beside the classic buckets. Default: they are not. */
  readonly native?: NativeOptions | undefined;
  /** Epoch milliseconds. */
  readonly now: () => number;
  /** A family reached the limit; called once for each. */
  readonly onLimit: (family: FamilySpec, limit: number) => void;
}

/** What is configured for a family. A counter may be named with or without `_total`. */
export const configuredFor = <T>(
  by: Readonly<Record<string, T>> | undefined,
  spec: Pick<FamilySpec, 'type' | 'name'>,
): T | undefined => {
  if (by === undefined) return undefined;
  const name = [spec.name, openMetricsName(spec)].find((candidate) => Object.hasOwn(by, candidate));
  return name === undefined ? undefined : by[name];
};

/**
 * A family whose values live in typed arrays, one run of cells per series. Updating a row allocates nothing; arrays
 * grow by half when a new series does not fit.
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
    const limit = configuredFor(setting.limits, spec) ?? setting.maxSeries;
    const allowed = configuredFor(setting.allowed, spec);
    this.index = new SeriesIndex(spec.labels, limit, () => setting.onLimit(spec, limit), allowed);
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

  /** See {@link SeriesIndex.known}. */
  known(labels: Readonly<Record<string, unknown>>): number {
    return this.index.known(labels);
  }

  /** The values of this moment. */
  abstract copy(withExemplars: boolean, withNative?: boolean): FamilyCopy;

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
  const larger = new Float64Array(Math.max(needed, Math.ceil(old.length * 1.5)));
  larger.set(old);
  return larger;
};
