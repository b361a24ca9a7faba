import type { BucketRun, SketchCopy } from '../family.ts';
import { Counts } from '../record/counts.ts';
import { upperBound } from '../record/exponential.ts';
import type { NativeRow } from './packed.ts';

/**
 * Adds up two native histograms: in the coarser of both resolutions, which each bucket of the finer fits into, and with the wider of
 * both buckets around zero.
 */
export const addNative = (
  a: NativeRow | undefined,
  b: NativeRow | undefined,
  zeroThreshold: number,
): NativeRow => {
  const present = [a, b].filter((row) => row !== undefined);
  const schema = Math.min(...present.map((row) => row.schema));
  const positive = new Counts();
  const negative = new Counts();
  let zeros = 0;
  for (const row of present) {
    zeros += row.zeros;
    zeros += addSide(positive, row.positive, row.schema, schema, zeroThreshold);
    zeros += addSide(negative, row.negative, row.schema, schema, zeroThreshold);
  }
  return { schema, zeros, positive: runOf(positive), negative: runOf(negative) };
};

/** @returns how many belong to the bucket around zero */
const addSide = (
  to: Counts,
  { offset, counts }: BucketRun,
  from: number,
  schema: number,
  zeroThreshold: number,
): number => {
  let zeros = 0;
  for (let i = 0; i < counts.length; i++) {
    const count = counts[i] as number;
    if (count === 0) continue;
    if (upperBound(from, offset + i) <= zeroThreshold) {
      zeros += count;
      continue;
    }
    let index = offset + i;
    // Two neighbouring buckets become one with each step down.
    for (let at = from; at > schema; at--) index = (index + 1) >> 1;
    to.add(index, count);
  }
  return zeros;
};

/** Adds up two sketches of the same width, which is exact. */
export const addSketches = (a: SketchCopy | undefined, b: SketchCopy | undefined): SketchCopy | undefined => {
  if (a === undefined || b === undefined) return a ?? b;
  const sum = new Counts();
  for (const { offset, counts } of [a, b]) {
    for (let i = 0; i < counts.length; i++) {
      const count = counts[i] as number;
      if (count !== 0) sum.add(offset + i, count);
    }
  }
  return { zeros: a.zeros + b.zeros, ...runOf(sum) };
};

const runOf = ({ offset, cells }: Counts) => ({ offset, counts: cells });
