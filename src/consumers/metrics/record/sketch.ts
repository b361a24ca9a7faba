import type { SketchCopy } from '../family.ts';
import { Counts } from './counts.ts';

/**
 * Quantiles of the last minutes, by DDSketch (Masson, Rim, Lee: "DDSketch: a fast and fully-mergeable quantile sketch with relative-error guarantees", VLDB 2019): values are counted in
 * buckets whose bounds grow by a constant factor, so that an estimate is never further than {@link RELATIVE_ERROR} of the true value away from it, whatever the distribution.
 *
 * The window slides in {@link AGES} steps: each age has a sketch of its own, which is emptied when its turn comes again. So the estimate covers the last 4/5 to 5/5 of the window.
 */
export const RELATIVE_ERROR = 0.01;
export const AGES = 5;
/**
 * Buckets an age may have: a range of 1 to 800 million. Beyond that the lowest are counted as one, so that memory stays bounded; the upper quantiles, which are the ones that matter, keep the guarantee.
 */
export const MAX_BUCKETS = 1024;
/** What is smaller counts as zero. */
const LEAST = 1e-12;

const LOG_GAMMA = Math.log((1 + RELATIVE_ERROR) / (1 - RELATIVE_ERROR));
/** The value in a bucket that is relatively as far from its lower as from its upper bound. */
const middleOf = (index: number): number => Math.exp(index * LOG_GAMMA) * (1 - RELATIVE_ERROR);

interface Age {
  /** Which step of time it holds; counts from the epoch. */
  step: number;
  zeros: number;
  readonly counts: Counts;
}

export class WindowSketch {
  readonly #stepMs: number;
  readonly #ages: Age[] = [];

  constructor(windowMs: number) {
    this.#stepMs = windowMs / AGES;
  }

  /** @param value - finite, 0 or more */
  observe(value: number, now: number): void {
    const age = this.#ageOf(Math.floor(now / this.#stepMs));
    if (value < LEAST) age.zeros++;
    else {
      const index = Math.ceil(Math.log(value) / LOG_GAMMA);
      const { counts } = age;
      if (counts.spanWith(index) <= MAX_BUCKETS) counts.add(index);
      else collapse(counts, index);
    }
  }

  /** The quantiles of what was observed within the window; NaN where that is nothing. */
  quantiles(wanted: readonly number[], now: number): Float64Array {
    return quantilesOf(this.window(now), wanted);
  }

  /** What was observed within the window. Steps are counted from the epoch, so windows of several processes cover the same time. */
  window(now: number): SketchCopy {
    const step = Math.floor(now / this.#stepMs);
    const merged = new Counts();
    let zeros = 0;
    for (const age of this.#ages) {
      if (age.step <= step - AGES || age.step > step) continue;
      zeros += age.zeros;
      age.counts.forEach((index, n) => {
        merged.add(index, n);
      });
    }
    return { zeros, offset: merged.offset, counts: merged.cells };
  }

  #ageOf(step: number): Age {
    const place = ((step % AGES) + AGES) % AGES;
    while (this.#ages.length <= place) this.#ages.push({ step: Number.NaN, zeros: 0, counts: new Counts() });
    const age = this.#ages[place] as Age;
    if (age.step !== step) {
      age.step = step;
      age.zeros = 0;
      age.counts.clear();
    }
    return age;
  }
}

/** Counts a value for which the range is too wide: the lowest buckets become one. */
const collapse = (counts: Counts, index: number): void => {
  const highest = Math.max(index, counts.offset + counts.cells.length - 1);
  const lowest = highest - MAX_BUCKETS + 1;
  const kept = new Counts();
  counts.forEach((at, n) => {
    kept.add(Math.max(at, lowest), n);
  });
  kept.add(Math.max(index, lowest));
  counts.offset = kept.offset;
  counts.cells = kept.cells;
  counts.populated = kept.populated;
};

/** The quantiles of a sketch; NaN where nothing was observed. */
export const quantilesOf = (sketch: SketchCopy, wanted: readonly number[]): Float64Array => {
  let count = sketch.zeros;
  for (let i = 0; i < sketch.counts.length; i++) count += sketch.counts[i] as number;
  return Float64Array.from(wanted, (q) => (count === 0 ? Number.NaN : quantile(sketch, count, q)));
};

const quantile = ({ zeros, offset, counts }: SketchCopy, count: number, q: number): number => {
  const rank = q * (count - 1);
  if (rank < zeros) return 0;
  let seen = zeros;
  let last = offset;
  for (let cell = 0; cell < counts.length; cell++) {
    const n = counts[cell] as number;
    if (n === 0) continue;
    last = offset + cell;
    seen += n;
    if (seen > rank) break;
  }
  return middleOf(last);
};
