import type { NativeCopy } from '../family.ts';
import { Counts } from './counts.ts';
import { indexer, MIN_SCHEMA } from './exponential.ts';

/** How native histograms are recorded. */
export interface NativeOptions {
  /** Resolution to begin with: 2^schema buckets for each power of two. */
  readonly schema: number;
  /** What is no further from zero than this has a bucket of its own. */
  readonly zeroThreshold: number;
  /** Buckets a series may have in use; one more halves its resolution. */
  readonly maxBuckets: number;
}

/** Empty buckets in between cost memory too, so the range is bounded as well. */
const MAX_SPAN = 4096;

const indexers = new Map<number, (value: number) => number>();
const indexerOf = (schema: number) => {
  let found = indexers.get(schema);
  if (found === undefined) {
    found = indexer(schema);
    indexers.set(schema, found);
  }
  return found;
};

/** One native histogram. */
export class NativeSeries {
  schema: number;
  zeros = 0;
  positive = new Counts();
  negative = new Counts();
  readonly #options: NativeOptions;
  #indexOf: (value: number) => number;

  constructor(options: NativeOptions) {
    this.#options = options;
    this.schema = options.schema;
    this.#indexOf = indexerOf(options.schema);
  }

  /** @param value - finite */
  observe(value: number): void {
    const { zeroThreshold, maxBuckets } = this.#options;
    if (value <= zeroThreshold && value >= -zeroThreshold) {
      this.zeros++;
      return;
    }
    const size = value < 0 ? -value : value;
    let index = this.#indexOf(size);
    while (this.schema > MIN_SCHEMA && this.#side(value).spanWith(index) > MAX_SPAN) {
      this.#halve();
      index = this.#indexOf(size);
    }
    this.#side(value).add(index);
    while (this.positive.populated + this.negative.populated > maxBuckets && this.schema > MIN_SCHEMA)
      this.#halve();
  }

  #side(value: number): Counts {
    return value < 0 ? this.negative : this.positive;
  }

  /** Two neighbouring buckets become one. */
  #halve(): void {
    this.positive = halved(this.positive);
    this.negative = halved(this.negative);
    this.schema--;
    this.#indexOf = indexerOf(this.schema);
  }
}

const halved = (counts: Counts): Counts => {
  const wider = new Counts();
  counts.forEach((index, count) => {
    wider.add((index + 1) >> 1, count);
  });
  return wider;
};

/** Copies series into one array: many small ones would keep the garbage collector busy in the middle of a scrape. */
export const copyNative = (
  series: readonly (NativeSeries | undefined)[],
  { schema, zeroThreshold }: NativeOptions,
): NativeCopy => {
  let length = 0;
  for (const of of series)
    length += of === undefined ? 0 : of.positive.cells.length + of.negative.cells.length;
  const cells = new Float64Array(length);
  const schemas = new Int8Array(series.length);
  const zeros = new Float64Array(series.length);
  const offsets = new Int32Array(series.length * 2);
  const starts = new Uint32Array(series.length * 2 + 1);
  let at = 0;
  series.forEach((of, row) => {
    schemas[row] = of?.schema ?? schema;
    zeros[row] = of?.zeros ?? 0;
    [of?.positive, of?.negative].forEach((side, i) => {
      starts[row * 2 + i] = at;
      if (side === undefined) return;
      offsets[row * 2 + i] = side.offset;
      cells.set(side.cells, at);
      at += side.cells.length;
    });
    starts[row * 2 + 2] = at;
  });
  const run = (side: number) => ({
    offset: offsets[side] as number,
    counts: cells.subarray(starts[side], starts[side + 1]),
  });
  return {
    zeroThreshold,
    series: (row) => ({
      schema: schemas[row] as number,
      zeros: zeros[row] as number,
      positive: run(row * 2),
      negative: run(row * 2 + 1),
    }),
  };
};
