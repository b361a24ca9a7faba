/**
 * A fixed log-linear scale of latencies: each power of two is cut into eight equal bins, so a bin is at most an eighth of its lower
 * bound wide and a quantile read from it is off by less than that. The index takes a few integer operations and no memory.
 */

/** Units of a millisecond: the scale starts at 1/128 ms, below which everything counts as the same. */
const UNITS_PER_MS = 128;
const BITS = 3;
const SUB = 1 << BITS;
const LARGEST = 2 ** 31 - 1;

/** Bins of the scale; it ends at 2^31 units, 4.6 hours. */
export const BINS = (31 - BITS + 1) * SUB;

/** The bin of a latency in milliseconds. */
export const binOf = (ms: number): number => {
  const units = Math.min(ms * UNITS_PER_MS, LARGEST) | 0;
  if (units < SUB) return units;
  const power = 31 - Math.clz32(units);
  return ((power - BITS + 1) << BITS) + ((units >> (power - BITS)) & (SUB - 1));
};

/** Lower bound of a bin in milliseconds. */
const boundOf = (bin: number): number => {
  if (bin < SUB) return bin / UNITS_PER_MS;
  const power = (bin >> BITS) - 1;
  return ((SUB + (bin & (SUB - 1))) * 2 ** power) / UNITS_PER_MS;
};

/**
 * A quantile of the counts per bin, in milliseconds, placed inside its bin in proportion to its rank. 0 where nothing was counted.
 *
 * @param share - 0 to 1, e.g. 0.95
 */
export const quantile = (bins: Uint32Array | Float64Array, total: number, share: number): number => {
  if (total === 0) return 0;
  const rank = share * total;
  let below = 0;
  for (let bin = 0; bin < bins.length; bin++) {
    const count = bins[bin] as number;
    if (count > 0 && below + count >= rank) {
      const low = boundOf(bin);
      return low + (boundOf(bin + 1) - low) * ((rank - below) / count);
    }
    below += count;
  }
  return 0;
};

/** Bins of the coarse scale that is shown: two for each power of two, from a sixteenth of a millisecond to a minute, and one below and above. */
const FINE_IN_COARSE = SUB / 2;
const HEAT_BINS = 42;

/** The fine bin that a coarse one begins with. */
const beginOf = (heat: number): number => (heat === 0 ? 0 : SUB + (heat - 1) * FINE_IN_COARSE);

/** Lower bounds of the coarse scale. Milliseconds. */
export const HEAT_BOUNDS_MS: readonly number[] = Array.from({ length: HEAT_BINS }, (_, i) =>
  boundOf(beginOf(i)),
);

/** Counts on the coarse scale. Exact, since its bounds are bounds of the fine one. */
export const heatOf = (bins: Float64Array): number[] =>
  HEAT_BOUNDS_MS.map((_, heat) => {
    let sum = 0;
    const end = heat === HEAT_BINS - 1 ? bins.length : beginOf(heat + 1);
    for (let bin = beginOf(heat); bin < end; bin++) sum += bins[bin] as number;
    return sum;
  });
