/**
 * Which exponential bucket a value belongs to, after the native histograms of Prometheus: with schema `s` each bound is the one before times 2^(2^-s), and bucket `i` holds
 * what is above 2^((i−1)·2^-s) and not above 2^(i·2^-s).
 */

export const MIN_SCHEMA = -4;
export const MAX_SCHEMA = 8;

const SLOTS = 256;
const bits = new DataView(new ArrayBuffer(8));
const FRACTION = 0x000f_ffff;

/** Bounds within one power of two, from 1 up to below 2; and where to begin looking, by the first eight bits of the fraction. */
class Octave {
  readonly bounds: Float64Array;
  readonly first: Uint16Array;

  constructor(schema: number) {
    const count = 2 ** schema;
    this.bounds = Float64Array.from({ length: count }, (_, i) => 2 ** (i / count));
    this.first = Uint16Array.from({ length: SLOTS }, (_, slot) => {
      const from = 1 + slot / SLOTS;
      const found = this.bounds.findIndex((bound) => bound >= from);
      return found === -1 ? count : found;
    });
  }
}

const octaves = new Map<number, Octave>();
const octaveOf = (schema: number): Octave => {
  let octave = octaves.get(schema);
  if (octave === undefined) {
    octave = new Octave(schema);
    octaves.set(schema, octave);
  }
  return octave;
};

/** Finds buckets of one schema by looking at the bits of a number; no logarithm, so no rounding at the bounds. */
export const indexer = (schema: number): ((value: number) => number) => {
  if (schema <= 0) {
    const shift = -schema;
    // The bucket of schema 0, rounded up to a multiple.
    return (value) => {
      const [exponent, rest] = split(value);
      const whole = rest === 1 ? exponent : exponent + 1;
      return (whole + (1 << shift) - 1) >> shift;
    };
  }
  const { bounds, first } = octaveOf(schema);
  const count = bounds.length;
  return (value) => {
    bits.setFloat64(0, value);
    let high = bits.getUint32(0);
    let exponent = (high >>> 20) - 1023;
    if (exponent === -1023) {
      // Too small for an exponent of its own.
      bits.setFloat64(0, value * 2 ** 60);
      high = bits.getUint32(0);
      exponent = (high >>> 20) - 1023 - 60;
    }
    bits.setUint32(0, (high & FRACTION) | 0x3ff0_0000);
    const mantissa = bits.getFloat64(0);
    let i = first[(high & FRACTION) >>> 12] as number;
    while (i < count && mantissa > (bounds[i] as number)) i++;
    return exponent * count + i;
  };
};

/** A positive number as 2^exponent times a mantissa from 1 to below 2. */
const split = (value: number): readonly [exponent: number, mantissa: number] => {
  const small = value < 2 ** -1022;
  bits.setFloat64(0, small ? value * 2 ** 60 : value);
  const high = bits.getUint32(0);
  bits.setUint32(0, (high & FRACTION) | 0x3ff0_0000);
  return [(high >>> 20) - 1023 - (small ? 60 : 0), bits.getFloat64(0)];
};

/** The upper bound of a bucket. */
export const upperBound = (schema: number, index: number): number => 2 ** (index * 2 ** -schema);
