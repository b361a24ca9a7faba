import { isUtf8 } from 'node:buffer';
import type { Codec } from './codec.ts';

/** JSON has no form for some values; they travel as objects of one key that starts with `$` (see the Values table). */
type Tag = '$int' | '$float' | '$bytes' | '$date' | '$dict';

const toTagged = (value: unknown): unknown => {
  switch (typeof value) {
    case 'bigint':
      return Number.isSafeInteger(Number(value)) ? Number(value) : { $int: value.toString() };
    case 'number':
      if (Number.isFinite(value)) return value;
      return { $float: Number.isNaN(value) ? 'nan' : value > 0 ? 'inf' : '-inf' };
    case 'object':
      return value === null ? null : tagObject(value);
    default:
      return value;
  }
};

const tagObject = (value: object): unknown => {
  if (Array.isArray(value)) return value.map(toTagged);
  if (value instanceof Uint8Array) {
    return { $bytes: view(value).toString('base64') };
  }
  if (value instanceof Date) return { $date: value.toISOString() };
  const entries = Object.entries(value).filter(([, item]) => item !== undefined);
  const tagged = Object.fromEntries(entries.map(([key, item]) => [key, toTagged(item)]));
  return entries.some(([key]) => key.startsWith('$')) ? { $dict: tagged } : tagged;
};

const revivers: Record<Tag, (content: unknown) => unknown> = {
  $int: (content) => BigInt(String(content)),
  $float: (content) => {
    const known: Record<string, number> = {
      nan: Number.NaN,
      inf: Number.POSITIVE_INFINITY,
      '-inf': Number.NEGATIVE_INFINITY,
    };
    const value = known[String(content)];
    if (value === undefined) throw new SyntaxError(`unknown float '${content}'`);
    return value;
  },
  $bytes: (content) => new Uint8Array(Buffer.from(String(content), 'base64')),
  $date: (content) => {
    const date = new Date(String(content));
    if (Number.isNaN(date.getTime())) throw new SyntaxError(`not a date: '${content}'`);
    return date;
  },
  $dict: (content) => fromEach(content as Record<string, unknown>),
};

const fromEach = (record: Record<string, unknown>): Record<string, unknown> =>
  Object.fromEntries(Object.entries(record).map(([key, item]) => [key, fromTagged(item)]));

const fromTagged = (value: unknown): unknown => {
  if (typeof value !== 'object' || value === null) return value;
  if (Array.isArray(value)) return value.map(fromTagged);
  const record = value as Record<string, unknown>;
  const keys = Object.keys(record);
  const [tag] = keys;
  if (keys.length === 1 && tag?.startsWith('$')) {
    const revive = revivers[tag as Tag];
    if (revive === undefined) throw new SyntaxError(`unknown tag '${tag}'`);
    return revive(record[tag]);
  }
  return fromEach(record);
};

const view = (bytes: Uint8Array): Buffer => Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength);

export const json: Codec = {
  name: 'json',
  encode: (message, tagged) => Buffer.from(JSON.stringify(tagged ? toTagged(message) : message)),
  decode: (bytes) => {
    // Half the time of a fatal TextDecoder for a small message, and as strict.
    if (!isUtf8(bytes)) throw new SyntaxError('not UTF-8');
    const text = view(bytes).toString();
    const message: unknown = JSON.parse(text);
    // Rewriting walks everything, so look first whether any tag can be there at all.
    return text.includes('"$') ? fromTagged(message) : message;
  },
};
