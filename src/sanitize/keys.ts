import { isProxy } from 'node:util/types';
import { wordsOf } from './fold.ts';
import { ownValue } from './shape.ts';
import { aboutWords, plainBefore, plainKeys, strong, strongWords, weakWords } from './words.ts';

/** `maybe`: a secret if it is a text, a count if it is a number. */
export type Verdict = 'secret' | 'maybe' | 'plain';

const judge = (words: readonly string[]): Verdict => {
  const last = words.at(-1) ?? '';
  const before = words.at(-2) ?? '';
  const joined = words.join('');
  if (words.length > 1 && aboutWords.has(last)) return 'plain';
  // An id of a secret tells it apart without being it; Vault's `secret_id` and the two halves of an AWS key are exceptions.
  if (words.length > 1 && last === 'id' && !/secret|accesskey/.test(joined)) return 'plain';
  if (strong.test(joined) || words.some((word) => strongWords.has(word))) return 'secret';
  if (plainBefore.has(before)) return 'plain';
  if (last === 'pass' || words.some((word) => weakWords.has(word))) return 'maybe';
  return last === 'key' && !plainKeys.has(before) ? 'maybe' : 'plain';
};

const MAX_REMEMBERED = 2000;
/** An endless key costs time to judge and nobody names a field like that: masked unseen. */
const MAX_KEY = 256;

/** The second layer: what the name of a value says. */
export class KeyRules {
  readonly #remembered = new Map<string, Verdict>();
  readonly #secret: ReadonlySet<string>;
  readonly #plain: ReadonlySet<string>;

  /**
   * @param secret - names that are secret beyond the built-in ones, compared by their words: `mrn` also means `MRN`, `patientMrn` does not
   * @param plain - names that are not, whatever the built-in rules say
   */
  constructor(secret: readonly string[] = [], plain: readonly string[] = []) {
    const join = (name: string): string => wordsOf(name).join(' ');
    this.#secret = new Set(secret.map(join));
    this.#plain = new Set(plain.map(join));
  }

  verdict(key: string): Verdict {
    if (key.length > MAX_KEY) return 'secret';
    let verdict = this.#remembered.get(key);
    if (verdict === undefined) {
      verdict = this.#judge(key);
      if (this.#remembered.size >= MAX_REMEMBERED) this.#remembered.clear();
      this.#remembered.set(key, verdict);
    }
    return verdict;
  }

  /** {@link isHidden} for a name. */
  hides(key: string, value: unknown): boolean {
    return isHidden(this.verdict(key), value);
  }

  #judge(key: string): Verdict {
    const words = wordsOf(key);
    const name = words.join(' ');
    if (this.#plain.has(name)) return 'plain';
    return this.#secret.has(name) ? 'secret' : judge(words);
  }
}

/**
 * Whether what stands under a key must be masked. A switch or nothing at all is never a secret; a number is one only where
 * the name leaves no doubt (`password: 1234`, but not `max_tokens: 512`, nor a list of token ids).
 */
export const isHidden = (verdict: Verdict, value: unknown): boolean => {
  if (verdict === 'plain' || typeof value === 'boolean' || value === null || value === undefined)
    return false;
  return verdict === 'secret' || !isNumeric(value);
};

const MAX_NUMBERS = 16;

const isNumeric = (value: unknown): boolean => {
  if (typeof value === 'number' || typeof value === 'bigint') return true;
  if (typeof value !== 'object' || value === null || isProxy(value) || !Array.isArray(value)) return false;
  const looked = Math.min(value.length, MAX_NUMBERS);
  for (let i = 0; i < looked; i++) if (typeof ownValue(value, i) !== 'number') return false;
  return looked > 0;
};
