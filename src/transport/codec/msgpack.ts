import { Packr, RESET_BUFFER_MODE, Unpackr } from 'msgpackr';
import type { Codec } from './codec.ts';

const packr = new Packr({
  useRecords: false,
  variableMapSize: true,
  // Not in the library's types; leaves keys out whose value is undefined.
  ...({ skipValues: [undefined] } as object),
});

let sawInt64 = false;

/**
 * Reads 64-bit integers as BigInt and notes that it met one. The library's own 'auto' mode takes 2^53 for a safe integer; noting costs nothing for
 * the messages without any, which are nearly all.
 */
class NotingUnpackr extends Unpackr {
  get int64AsType(): undefined {
    sawInt64 = true;
    return undefined;
  }
}

// A copy of binary parts: a view would keep the whole read buffer alive.
const unpackr = new NotingUnpackr({ useRecords: false, copyBuffers: true });

const isSafe = (value: bigint): boolean =>
  value <= Number.MAX_SAFE_INTEGER && value >= Number.MIN_SAFE_INTEGER;

/** Turns the BigInts that fit a number into numbers, in place: the message is fresh and ours. */
const narrow = (value: unknown): unknown => {
  if (typeof value === 'bigint') return isSafe(value) ? Number(value) : value;
  if (typeof value !== 'object' || value === null || value instanceof Uint8Array || value instanceof Date)
    return value;
  const container = value as Record<string, unknown>;
  for (const key of Object.keys(container)) container[key] = narrow(container[key]);
  return value;
};

export const msgpack: Codec = {
  name: 'msgpack',
  encode: (message) => packr.pack(message, RESET_BUFFER_MODE),
  decode: (bytes) => {
    sawInt64 = false;
    const message: unknown = unpackr.unpack(bytes);
    return sawInt64 ? narrow(message) : message;
  },
};
