import { configSanitizer } from './instance.ts';
import type { Json } from './limits.ts';
import { defaultPolicy } from './policy.ts';
import { logLimits, sanitizerOf } from './sanitizer.ts';

const standard = sanitizerOf(defaultPolicy, logLimits);
const ofConfig = configSanitizer({});

/**
 * A deep copy that is safe to log: what stands under a key that names a secret reads `[SANITIZED]`, and so does every secret
 * that a text holds (vendor tokens, JWTs, private keys, passwords in URLs, in JSON, in source lines, …). The copy holds only
 * what JSON can say:
 *
 * - BigInt → text, NaN and infinities → null, Date → RFC 3339, bytes → their length, Map → object, Set → list,
 *   Error → `{ type, message, stack, cause, … }`, URL → without user, password and query
 * - getters, toJSON and proxies are not run: `[getter]`, the plain fields, `[proxy]`
 * - cycles → `[circular]`; at most 6 levels, 100 entries each, 16384 characters a text, 65536 characters, 2000 values and
 *   50 milliseconds in all
 *
 * Never throws and never changes the value.
 */
export const sanitize = (value: unknown): Json => standard.value(value);

/** {@link sanitize} for a text alone, without the cost of a walk: its secrets masked, cut after 16384 characters. */
export const sanitizeText = (text: string): string => standard.text(text);

/** {@link sanitize} for the fields of a log line: always an object; what is none stands under `value`, an error under `error`. */
export const sanitizeFields = (fields: unknown): { [key: string]: Json } => standard.fields(fields);

/**
 * A configuration as events and pages may show it: values under secret names are masked, and so is every environment variable,
 * whose name alone is kept. Never throws and never changes the value.
 */
export const sanitizeConfig = (config: object): { [key: string]: Json } => ofConfig(config);
