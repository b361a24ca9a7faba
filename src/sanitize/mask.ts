import { createHmac, createSecretKey } from 'node:crypto';

/** What stands in place of anything masked. */
export const MASK = '[SANITIZED]';

/** Makes what stands in place of a secret. Without the secret itself, of a container for instance, there is nothing to hash. */
export interface Masker {
  readonly plain: string;
  (secret?: string): string;
  /** Whether a text is, as a whole, what this has put in place of something: also with the shape of a container behind it. */
  made(text: string): boolean;
}

const HASH_DIGITS = 8;
/** Nobody compares secrets of this length, and hashing one takes time. */
const MAX_HASHED = 65_536;

/** The scheme before a token is no part of it: a header and a field that hold the same token must hash alike. */
const scheme = /^(?:bearer|basic|token)[ \t]+/i;

/**
 * @param replacement - what is shown, `[SANITIZED]`
 * @param hashKey - the key of an HMAC-SHA-256 whose first eight digits are shown too: `[SANITIZED:1a2b3c4d]`
 */
export const createMasker = (replacement: string, hashKey: string | Uint8Array | undefined): Masker => {
  const plain = replacement.toWellFormed();
  const [head, end] = plain.endsWith(']') ? [plain.slice(0, -1), ']'] : [plain, ''];
  const known = new RegExp(`^${escaped(head)}(?::[0-9a-f]{8})?${escaped(end)}(?: ${SHAPE})?$`);
  const made = (text: string): boolean => text.length < MAX_MADE && known.test(text);
  if (hashKey === undefined) return Object.assign(() => plain, { plain, made });
  // Made once: half of the cost of a hash is to take in its key.
  const key = createSecretKey(Buffer.from(hashKey as string));
  const mask = (secret?: string): string => {
    if (secret === undefined || secret.length > MAX_HASHED) return plain;
    const hash = createHmac('sha256', key).update(secret.replace(scheme, '')).digest('hex');
    return `${head}:${hash.slice(0, HASH_DIGITS)}${end}`;
  };
  return Object.assign(mask, { plain, made });
};

/** `object(2 keys)`, `Float32Array(3)`, `function` */
const SHAPE = '(?:[A-Za-z0-9]{1,24}\\((?:\\d{1,16}(?: keys?)?|detached)\\)|error|function|object|proxy)';
const MAX_MADE = 256;
const escaped = (text: string): string => text.replace(/[$()*+.?[\\\]^{|}]/g, '\\$&');
