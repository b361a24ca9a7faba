import type { Limits } from './limits.ts';

/**
 * A detector of your own: a pattern, or a function that yields where the secrets are. It sees every text that is to be shown, so
 * it must be fast, and linear in the length. If it throws, the text is masked whole.
 */
export interface CustomDetector {
  readonly name: string;
  readonly pattern?: RegExp;
  readonly find?: (text: string) => Iterable<readonly [start: number, end: number]>;
}

/** What is shown although a rule would mask it. */
export interface AllowList {
  /** Places, in the syntax of {@link SanitizerOptions.paths}: neither their names nor their values are judged. */
  readonly paths?: readonly string[];
  /** Names that are not secret: `['session_token']`. */
  readonly keys?: readonly string[];
  /** Whole values, or what a detector has found in a text. */
  readonly values?: readonly (string | RegExp)[];
}

/** The options of {@link createSanitizer}. */
export interface SanitizerOptions {
  /** Places that are masked whatever stands there: `user.ssn`, `items[*].pin`, `**.iban`, `headers["x-key"]`. Default none. */
  readonly paths?: readonly string[];
  /** Names that are secret beyond the built-in ones. Case and separators do not matter. Default none. */
  readonly keys?: readonly string[];
  /** What is shown although a rule would mask it. Default nothing. */
  readonly allow?: AllowList;
  /** Detectors of your own. Default none. */
  readonly detectors?: readonly CustomDetector[];
  /** Whether e-mail addresses are masked. Default false. */
  readonly emails?: boolean;
  /** What stands in place of a secret. Default `[SANITIZED]`. */
  readonly replacement?: string;
  /**
   * A key under which eight digits of an HMAC-SHA-256 of each secret are shown, `[SANITIZED:1a2b3c4d]`: equal secrets can be told
   * without being shown. Without it nothing of a secret is. Keep it as you keep the secrets: whoever has it can try out guesses.
   */
  readonly hashKey?: string | Uint8Array;
  /** Whether values under `env` are masked whatever their names are. Default false. */
  readonly env?: boolean;
  /** Bounds of one copy. Default 6 levels, 100 entries each, 16384 characters a text, 65536 in all, 2000 values, 50 milliseconds. */
  readonly limits?: Partial<Limits>;
}
