import { isNativeError } from 'node:util/types';
import { isSecretEntry, isSecretText } from './keys.ts';
import { MASK } from './mask.ts';
import { cut } from './text.ts';
import { type Json, type Limits, safeCopy } from './walk.ts';

const logLimits: Limits = { depth: 6, entries: 100, text: 16_384, values: 2000, characters: 65_536 };
const configLimits: Limits = { depth: 10, entries: 500, text: 2000, values: 5000, characters: 262_144 };

/**
 * A deep copy that is safe to log: what stands under a key that names a secret reads `[SANITIZED]`, as does a text that is a
 * secret by its form (vendor tokens, JWTs, private keys). The copy holds only what JSON can say:
 *
 * - BigInt → text, NaN and infinities → null, Date → RFC 3339, bytes → their length, Map → object, Set → list,
 *   Error → `{ type, message, stack, cause, … }`, URL → without user, password and query
 * - getters, toJSON and proxies are not run: `[getter]`, the plain fields, `[proxy]`
 * - cycles → `[circular]`; at most 6 levels, 100 entries each, 16384 characters a text, 65536 characters and 2000 values in all
 *
 * Never throws and never changes the value.
 */
export const sanitize = (value: unknown): Json => safeCopy(value, logLimits, isSecretEntry);

/** {@link sanitize} for a text alone, without the cost of a walk: masked if it is a secret by its form, cut after 16384 characters. */
export const sanitizeText = (text: string): string => (isSecretText(text) ? MASK : cut(text, logLimits.text));

/** {@link sanitize} for the fields of a log line: always an object; what is none stands under `value`, an error under `error`. */
export const sanitizeFields = (fields: unknown): { [key: string]: Json } => {
  if (fields === undefined || fields === null) return {};
  const copy = sanitize(fields);
  if (isNativeError(fields)) return { error: copy };
  return typeof copy === 'object' && copy !== null && !Array.isArray(copy) ? copy : { value: copy };
};

/**
 * A configuration as events and pages may show it: values under secret names are masked, and so is every environment variable,
 * whose name alone is kept. Never throws and never changes the value.
 */
export const sanitizeConfig = (config: object): { [key: string]: Json } => {
  const copy = safeCopy(
    config,
    configLimits,
    (key, value, parent) => parent === 'env' || isSecretEntry(key, value),
  );
  return typeof copy === 'object' && copy !== null && !Array.isArray(copy) ? copy : { value: copy };
};
