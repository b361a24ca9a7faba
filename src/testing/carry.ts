import { codecs, prepare } from '../runtime.ts';

export type Codec = (typeof codecs)[keyof typeof codecs];

/** A value that has gone over to the other side. */
export interface Carried {
  readonly value: unknown;
  /** Its encoded size. */
  readonly bytes: number;
}

/**
 * A value as the other side gets it: held to the same rules as any that crosses, and a copy.
 *
 * @throws UnserializableValue with the path of what cannot cross
 */
export const carry = (value: unknown, codec: Codec = codecs.msgpack): Carried => {
  const prepared = prepare(value);
  return cross(prepared.value, prepared.tagged, codec);
};

/** The same for what was checked before. */
export const cross = (value: unknown, tagged: boolean, codec: Codec): Carried => {
  // What the codec gives is its own and may be a Buffer, whose parts would be Buffers too.
  const encoded = new Uint8Array(codec.encode([value], tagged));
  const [copy] = codec.decode(encoded) as [unknown];
  return { value: copy, bytes: encoded.length };
};
