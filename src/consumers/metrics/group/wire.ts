import { deserialize, serialize } from 'node:v8';
import type { Packed } from './packed.ts';

/**
 * What a member says of itself, in two parts. What only ever rises is also kept in a file, which speaks for the member when it has
 * ended; the rest ends with it.
 */
export interface Parts {
  readonly lasting: readonly Packed[];
  readonly passing: readonly Packed[];
}

/** Begins the names of what prom-client knows of the process as a whole. */
const PROCESS = 'process_';

/**
 * Whether a member tells of this family. A worker thread does not of the counters of its process, which go on when the thread ends and
 * its counts are added to those of the gone.
 */
export const isTold = ({ spec: { type, name } }: Packed, isThread: boolean): boolean =>
  !(isThread && type === 'counter' && name.startsWith(PROCESS));

/** Whether it is a level of the process, which all its threads would tell of. */
export const isOfProcess = ({ spec: { type, name } }: Packed): boolean =>
  type === 'gauge' && name.startsWith(PROCESS);

const isPassing = ({ spec: { type } }: Packed): boolean => type === 'gauge' || type === 'info';

export const partsOf = (families: readonly Packed[]): Parts => ({
  lasting: families.filter((family) => !isPassing(family)),
  passing: families.filter(isPassing),
});

/** Of one who has ended nothing was observed lately. */
export const withoutSketches = (family: Packed): Packed =>
  family.sketches === undefined ? family : { ...family, sketches: family.sketches.map(() => undefined) };

/** Bytes an answer may have. */
export const MAX_ANSWER = 256 * 2 ** 20;
const HEADER = 8;

export const encode = (value: unknown): Buffer => serialize(value);

/** @throws Error on what another version of Node wrote in a way this one does not know, or is no such thing at all */
export const decode = <T>(bytes: Uint8Array): T => deserialize(bytes) as T;

/** An answer: the length of both parts, then the parts. */
export const frame = (lasting: Buffer, passing: Buffer): Buffer => {
  const header = Buffer.alloc(HEADER);
  header.writeUInt32LE(lasting.length, 0);
  header.writeUInt32LE(passing.length, 4);
  return Buffer.concat([header, lasting, passing]);
};

/** @throws Error when the answer is not whole */
export const unframe = (bytes: Buffer): Parts => {
  if (bytes.length < HEADER) throw new Error('The answer has no header.');
  const middle = HEADER + bytes.readUInt32LE(0);
  const end = middle + bytes.readUInt32LE(4);
  if (bytes.length !== end) throw new Error(`The answer has ${bytes.length} bytes instead of ${end}.`);
  return { lasting: decode(bytes.subarray(HEADER, middle)), passing: decode(bytes.subarray(middle, end)) };
};
