import { createHmac } from 'node:crypto';

/** What stands in place of anything masked. */
export const MASK = '[SANITIZED]';

/** Makes what stands in place of a secret. Without the secret itself, of a container for instance, there is nothing to hash. */
export interface Masker {
  readonly plain: string;
  (secret?: string): string;
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
  if (hashKey === undefined) return Object.assign(() => plain, { plain });
  const [head, end] = plain.endsWith(']') ? [plain.slice(0, -1), ']'] : [plain, ''];
  const mask = (secret?: string): string => {
    if (secret === undefined || secret.length > MAX_HASHED) return plain;
    const hash = createHmac('sha256', hashKey).update(secret.replace(scheme, '')).digest('hex');
    return `${head}:${hash.slice(0, HASH_DIGITS)}${end}`;
  };
  return Object.assign(mask, { plain });
};
