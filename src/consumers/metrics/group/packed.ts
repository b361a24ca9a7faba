import { textOf } from '../expose/render.ts';
import {
  type ExemplarSource,
  type Exemplars,
  type FamilyCopy,
  type FamilySpec,
  type NativeCopy,
  type SketchCopy,
  strideOf,
} from '../family.ts';
import { quantilesOf } from '../record/sketch.ts';

/** A family as members of a group hand it to each other: data only, and all of it theirs. */
export interface Packed {
  readonly spec: FamilySpec;
  readonly kind: FamilyCopy['kind'];
  /** Of each series, as in the text: `pool_name="a"`. */
  readonly labels: readonly string[];
  /** Per series 1 of a scalar, 2 of a summary, and as many as a histogram takes. */
  readonly cells: Float64Array;
  /** Epoch milliseconds; NaN where it is not known. */
  readonly created: Float64Array;
  readonly exemplars: readonly PackedExemplar[];
  readonly bounds: Float64Array;
  readonly native?: PackedNative | undefined;
  /** By series; undefined where the quantiles are not estimated here, so that nothing can be merged. */
  readonly sketches?: readonly (SketchCopy | undefined)[] | undefined;
}

/** The exemplar of one cell. */
export interface PackedExemplar {
  readonly cell: number;
  readonly value: number;
  readonly source: ExemplarSource;
}

export type NativeRow = ReturnType<NativeCopy['series']>;
/** Exponential buckets, by series. */
export interface PackedNative {
  readonly zeroThreshold: number;
  readonly rows: readonly NativeRow[];
}

/** Cells a series takes. */
export const cellsPerRow = ({ kind, bounds }: Pick<Packed, 'kind' | 'bounds'>): number => {
  if (kind === 'histogram') return strideOf(bounds);
  return kind === 'summary' ? 2 : 1;
};

const NO_BOUNDS = new Float64Array(0);

/** Takes down a copy. Series that are hidden are left out. */
export const pack = (copy: FamilyCopy): Packed => {
  const rows: number[] = [];
  for (let row = 0; row < copy.rows; row++) if (!copy.hidden?.has(row)) rows.push(row);
  const bounds = copy.kind === 'histogram' ? Float64Array.from(copy.bounds) : NO_BOUNDS;
  const stride = cellsPerRow({ kind: copy.kind, bounds });
  const from = copy.kind === 'scalar' ? copy.values : copy.cells;
  const cells = new Float64Array(rows.length * stride);
  rows.forEach((row, i) => {
    for (let at = 0; at < stride; at++) cells[i * stride + at] = from[row * stride + at] as number;
  });
  return {
    spec: copy.kind === 'summary' ? { ...copy.spec, quantiles: copy.quantiles } : copy.spec,
    kind: copy.kind,
    labels: rows.map((row) => textOf(copy, row)),
    cells,
    created: Float64Array.from(rows, (row) => copy.created?.[row] ?? Number.NaN),
    exemplars: exemplarsOf(copy, rows, stride),
    bounds,
    ...(copy.kind === 'histogram' && copy.native !== undefined && { native: nativeOf(copy.native, rows) }),
    ...(copy.kind === 'summary' && { sketches: copy.sketchOf && rows.map((row) => copy.sketchOf?.(row)) }),
  };
};

const nativeOf = (native: NativeCopy, rows: readonly number[]): PackedNative => ({
  zeroThreshold: native.zeroThreshold,
  // Sliced: a part of an array is sent with the whole of it.
  rows: rows.map((row) => {
    const { schema, zeros, positive, negative } = native.series(row);
    const own = ({ offset, counts }: NativeRow['positive']) => ({
      offset,
      counts: Float64Array.from(counts),
    });
    return { schema, zeros, positive: own(positive), negative: own(negative) };
  }),
});

const exemplarsOf = (copy: FamilyCopy, rows: readonly number[], stride: number): PackedExemplar[] => {
  const found: PackedExemplar[] = [];
  const { exemplars } = copy;
  if (exemplars === undefined) return found;
  rows.forEach((row, i) => {
    for (let at = 0; at < stride; at++) {
      const source = exemplars.sources[row * stride + at];
      if (source === undefined) continue;
      const { request_id, correlation_id, trace_id, timestamp } = source;
      const ids = Object.entries({ request_id, correlation_id, trace_id });
      const texts = ids.filter(([, id]) => typeof id === 'string');
      found.push({
        cell: i * stride + at,
        value: exemplars.values[row * stride + at] ?? 0,
        source: { ...Object.fromEntries(texts), timestamp },
      });
    }
  });
  return found;
};

/** What the renderers take. */
export const unpack = (packed: Packed): FamilyCopy => {
  const { spec, kind, labels, cells, created, bounds, native, sketches } = packed;
  const base = {
    spec,
    rows: labels.length,
    labels,
    // Where it is not known there is nothing, as in a list that is too short.
    created: Array.from(created, (at) => (Number.isNaN(at) ? undefined : at)) as number[],
    exemplars: unpackExemplars(packed.exemplars),
  };
  if (kind === 'scalar') return { ...base, kind, values: cells };
  if (kind === 'histogram') {
    const { zeroThreshold = 0, rows = [] } = native ?? {};
    const series = (row: number) => rows[row] as NativeRow;
    return { ...base, kind, bounds, cells, native: native && { zeroThreshold, series } };
  }
  // Quantiles of several cannot be made one; the count and the sum can.
  const quantiles = sketches === undefined ? [] : (spec.quantiles ?? []);
  const none = { zeros: 0, offset: 0, counts: NO_BOUNDS };
  return {
    ...base,
    kind,
    cells,
    quantiles,
    quantilesOf: (row) => quantilesOf(sketches?.[row] ?? none, quantiles),
  };
};

const unpackExemplars = (packed: readonly PackedExemplar[]): Exemplars | undefined => {
  if (packed.length === 0) return undefined;
  const sources: (ExemplarSource | undefined)[] = [];
  const values: number[] = [];
  for (const { cell, value, source } of packed) {
    sources[cell] = source;
    values[cell] = value;
  }
  return { sources, values };
};
