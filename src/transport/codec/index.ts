import type { Codec, CodecName } from './codec.ts';
import { json } from './json.ts';
import { msgpack } from './msgpack.ts';

/** The codecs this side speaks, in its order of preference. */
export const codecs: Readonly<Record<CodecName, Codec>> = { msgpack, json };
export type { Codec, CodecName } from './codec.ts';
export { type Prepared, prepare, UnserializableValue } from './values.ts';
