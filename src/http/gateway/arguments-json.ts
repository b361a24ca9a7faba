import { randomUUID } from 'node:crypto';

/** Marks an integer that a number cannot hold. Random, so that no caller can write one. */
const EXACT = `$integer-${randomUUID()}`;
/**
 * An integer of 16 digits or more where JSON has one, with what stands around it. Fractions, which vectors are full of, do not match; what
 * stands in a string may.
 */
const LONG_INTEGER = /(?<=^|[\s,:[])-?\d{16,}(?=$|[\s,\]}])/g;
/** The quick look whether any can be there. */
const MAYBE_LONG = /[\s,:[]-?\d{16}/;
/** Without groups, which would exhaust the stack on an image of some megabytes; the length is looked at apart. */
const BASE64 = /^[A-Za-z0-9+/]*={0,2}$/;
const isBase64 = (text: string) => text.length % 4 === 0 && BASE64.test(text);
/** Deeper values are left as they are: the core refuses them, and says so better. */
const MAX_DEPTH = 256;

const markIn = (text: string): string =>
  text.replace(LONG_INTEGER, (token) =>
    Number.isSafeInteger(Number(token)) ? token : `{"${EXACT}":"${token}"}`,
  );

/** Index of the quote that ends the string which begins at `open`. */
const endOfString = (text: string, open: number): number => {
  for (let at = text.indexOf('"', open + 1); ; at = text.indexOf('"', at + 1)) {
    let before = at;
    while (text[before - 1] === '\\') before--;
    if ((at - before) % 2 === 0) return at;
  }
};

/** Marks the integers outside strings, of text that JSON.parse has accepted. Linear in its length, and no regular expression ever spans a string: that would exhaust the stack. */
const markIntegers = (text: string): string => {
  const parts: string[] = [];
  let at = 0;
  for (let open = text.indexOf('"'); open !== -1; open = text.indexOf('"', at)) {
    const end = endOfString(text, open) + 1;
    parts.push(markIn(text.slice(at, open)), text.slice(open, end));
    at = end;
  }
  parts.push(markIn(text.slice(at)));
  return parts.join('');
};

/** The value that an object of one member stands for, or the object itself. */
const revived = (value: Record<string, unknown>): unknown => {
  const [key, ...more] = Object.keys(value);
  if (key === undefined || more.length > 0) return value;
  const content = value[key];
  if (typeof content !== 'string') return value;
  if (key === EXACT) return BigInt(content);
  return key === '$bytes' && isBase64(content) ? new Uint8Array(Buffer.from(content, 'base64')) : value;
};

const reviveIn = (container: Record<string | number, unknown>, depth: number): void => {
  if (depth > MAX_DEPTH) return;
  for (const key of Object.keys(container)) {
    const value = container[key];
    if (typeof value !== 'object' || value === null) continue;
    const after = Array.isArray(value) ? value : revived(value as Record<string, unknown>);
    // Plain assignment is safe even for __proto__: JSON.parse has made it an own property.
    if (after !== value) container[key] = after;
    else reviveIn(value as Record<string, unknown>, depth + 1);
  }
};

/** Whether a parsed value can be the arguments of a command. */
export const isJsonObject = (value: unknown): value is Record<string, unknown> =>
  typeof value === 'object' && value !== null && !Array.isArray(value);

/**
 * Reads the JSON arguments of a command. Integers beyond ±(2^53−1) come out as BigInt instead of losing digits, and
 * `{"$bytes": "base64"}` as bytes, so that whatever the gateway answers can be sent back to it.
 *
 * @throws SyntaxError when the text is not JSON
 */
export const parseArguments = (text: string): unknown => {
  const plain: unknown = JSON.parse(text);
  if (!isJsonObject(plain)) return plain;
  const long = MAYBE_LONG.test(text);
  if (!long && !text.includes('"$bytes"')) return plain;
  const args = long ? (JSON.parse(markIntegers(text)) as Record<string, unknown>) : plain;
  reviveIn(args, 0);
  return args;
};
