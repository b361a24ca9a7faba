import { isNativeError } from 'node:util/types';
import type { Json, Limits } from './limits.ts';
import type { SanitizerOptions } from './options.ts';
import { Policy } from './policy.ts';
import { safeCopy } from './walk.ts';

/** Decides what of a value may be shown. None of its methods throws, changes what it is given or runs code of it. */
export interface Sanitizer {
  /** A deep copy that is safe to show and that JSON can say. */
  value(value: unknown): Json;
  /** A text safe to show: the secrets in it masked, its middle cut out if it is too long. */
  text(text: string): string;
  /** {@link Sanitizer.value} for the fields of a log line: always an object; what is none stands under `value`, an error under `error`. */
  fields(fields: unknown): { [key: string]: Json };
}

export const logLimits: Limits = {
  depth: 6,
  entries: 100,
  text: 16_384,
  values: 2000,
  characters: 65_536,
  milliseconds: 50,
};

/** A sanitizer over a policy that is made already. */
export const sanitizerOf = (policy: Policy, limits: Limits): Sanitizer => {
  const value = (from: unknown): Json => safeCopy(from, limits, policy);
  return {
    value,
    text: (text) => policy.text(text, limits.text),
    fields: (fields) => {
      if (fields === undefined || fields === null) return {};
      const copy = value(fields);
      if (isNativeError(fields)) return { error: copy };
      return typeof copy === 'object' && copy !== null && !Array.isArray(copy) ? copy : { value: copy };
    },
  };
};

/**
 * Makes a sanitizer of three layers: the places you name, the names that give a secret away, and what a text looks like — tokens
 * of providers, JWTs, `Authorization` values, cookies, private keys, URLs and connection strings with passwords, card and account
 * numbers — also inside JSON, Python reprs, tracebacks and command lines that are texts.
 *
 * @example
 * const { value } = createSanitizer({ paths: ['user.ssn'], hashKey: process.env.LOG_KEY, emails: true });
 * value({ user: { ssn: 1 }, note: 'token=abcdef1234' }); // { user: { ssn: '[SANITIZED:…]' }, note: 'token=[SANITIZED:…]' }
 *
 * @throws TypeError if a path cannot be read
 */
export const createSanitizer = (options: SanitizerOptions = {}): Sanitizer =>
  sanitizerOf(new Policy(options), { ...logLimits, ...options.limits });
