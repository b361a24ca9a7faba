/** How long a slice is. Milliseconds. */
export const STEP_MS = 5000;
/** A quarter of an hour. */
export const SLICES = 180;

/** The number of the slice that holds a moment, counted since the epoch. */
export const sliceOf = (timestamp: number): number => Math.floor(timestamp / STEP_MS);

/** Numbers for each of the last slices, so many in each. Fixed memory; what was not written reads undefined, what is not known is NaN. */
export class Ring {
  readonly #width: number;
  readonly #stamps = new Float64Array(SLICES).fill(-1);
  readonly #values: Float64Array;

  constructor(width: number) {
    this.#width = width;
    this.#values = new Float64Array(SLICES * width);
  }

  put(slice: number, values: readonly number[]): void {
    const place = slice % SLICES;
    this.#stamps[place] = slice;
    for (let i = 0; i < this.#width; i++) this.#values[place * this.#width + i] = values[i] ?? Number.NaN;
  }

  /** For reading only, and only until the next is put. */
  get(slice: number): Float64Array | undefined {
    const place = slice % SLICES;
    if (this.#stamps[place] !== slice) return undefined;
    return this.#values.subarray(place * this.#width, (place + 1) * this.#width);
  }
}

/** A number as it is shown: three decimals, null for what is not known. */
export const shown = (value: number | undefined): number | null =>
  value === undefined || Number.isNaN(value) ? null : Math.round(value * 1000) / 1000;
