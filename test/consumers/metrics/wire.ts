/** Reads the wire format of Protocol Buffers without any schema: what was written, field by field. */

export interface Field {
  readonly field: number;
  readonly value: number | Uint8Array;
}

/** The fields of a message, in order. @throws Error on what is no message */
export const fieldsOf = (bytes: Uint8Array): Field[] => {
  const found: Field[] = [];
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  let at = 0;
  const varint = (): number => {
    let value = 0;
    for (let factor = 1; ; factor *= 128) {
      const byte = bytes[at++];
      if (byte === undefined) throw new Error('the message ends within a number');
      value += (byte & 127) * factor;
      if (byte < 128) return value;
    }
  };
  while (at < bytes.length) {
    const tag = varint();
    const field = Math.floor(tag / 8);
    if (tag % 8 === 0) found.push({ field, value: varint() });
    else if (tag % 8 === 1) {
      found.push({ field, value: view.getFloat64(at, true) });
      at += 8;
    } else if (tag % 8 === 2) {
      const length = varint();
      if (at + length > bytes.length) throw new Error('a part is longer than the message');
      found.push({ field, value: bytes.subarray(at, at + length) });
      at += length;
    } else throw new Error(`wire type ${tag % 8}`);
  }
  return found;
};

/** A stream of messages, each with its length before it. */
export const messagesOf = (bytes: Uint8Array): Uint8Array[] => {
  const found: Uint8Array[] = [];
  let at = 0;
  while (at < bytes.length) {
    let length = 0;
    for (let factor = 1; ; factor *= 128) {
      const byte = bytes[at++] as number;
      length += (byte & 127) * factor;
      if (byte < 128) break;
    }
    if (at + length > bytes.length) throw new Error('a message is longer than the stream');
    found.push(bytes.subarray(at, at + length));
    at += length;
  }
  return found;
};

/** All values of a field. */
export const all = (bytes: Uint8Array, field: number): (number | Uint8Array)[] =>
  fieldsOf(bytes).flatMap((of) => (of.field === field ? [of.value] : []));

/** The one value of a path of fields, as a number or a message. */
export const at = (bytes: Uint8Array, ...path: number[]): number | Uint8Array | undefined => {
  let found: number | Uint8Array | undefined = bytes;
  for (const field of path) {
    if (!(found instanceof Uint8Array)) return undefined;
    found = all(found, field)[0];
  }
  return found;
};

/** The text at a path. */
export const textAt = (bytes: Uint8Array, ...path: number[]): string | undefined => {
  const found = at(bytes, ...path);
  return found instanceof Uint8Array ? Buffer.from(found).toString() : undefined;
};
