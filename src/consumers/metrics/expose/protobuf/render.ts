import type { FamilyCopy, MetricType } from '../../family.ts';
import { wellFormed } from '../escape.ts';
import { writeMetric } from './metric.ts';
import { ProtobufWriter } from './writer.ts';

/** Bytes that are written before others may run: little, since after a garbage collection this code may run unoptimised for a while. */
const WORK_BYTES = 8_000;
/** Bytes of a slice. */
const SLICE_BYTES = 50_000;

const FAMILY = { name: 1, help: 2, type: 3, metric: 4, unit: 5 };
/** `MetricType` of the schema. */
const types: Readonly<Record<MetricType, number>> = {
  counter: 0,
  gauge: 1,
  info: 1,
  summary: 2,
  histogram: 4,
};

/**
 * Renders families as delimited messages. The length of a family comes before it, so a large one is held until it is whole.
 *
 * @returns slices; undefined where there is none yet and the caller may let others run
 */
export function* renderProtobuf(families: readonly FamilyCopy[]): Generator<Uint8Array | undefined, void> {
  const to = new ProtobufWriter();
  const length = new ProtobufWriter();
  let ready: Uint8Array[] = [];
  let size = 0;
  for (const copy of families) {
    if (copy.rows === 0) continue;
    const { name, help, type, unit } = copy.spec;
    const pieces: Uint8Array[] = [];
    to.string(FAMILY.name, name);
    to.string(FAMILY.help, wellFormed(help));
    to.uint(FAMILY.type, types[type]);
    for (let row = 0; row < copy.rows; row++) {
      if (copy.hidden?.has(row)) continue;
      writeMetric(to, FAMILY.metric, copy, row);
      if (to.length < WORK_BYTES) continue;
      pieces.push(to.take());
      yield undefined;
    }
    if (unit !== undefined) to.string(FAMILY.unit, unit);
    pieces.push(to.take());
    length.varint(pieces.reduce((sum, piece) => sum + piece.length, 0));
    ready.push(length.take(), ...pieces);
    size = ready.reduce((sum, piece) => sum + piece.length, 0);
    if (size < SLICE_BYTES) continue;
    yield* slicesOf(ready);
    ready = [];
  }
  yield* slicesOf(ready);
}

/** Small pieces put together. */
function* slicesOf(pieces: readonly Uint8Array[]): Generator<Uint8Array, void> {
  let some: Uint8Array[] = [];
  let size = 0;
  for (const piece of pieces) {
    some.push(piece);
    size += piece.length;
    if (size < SLICE_BYTES) continue;
    yield some.length === 1 ? piece : Buffer.concat(some);
    some = [];
    size = 0;
  }
  if (some.length > 0) yield Buffer.concat(some);
}
