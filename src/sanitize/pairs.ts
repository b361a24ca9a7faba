import { commandSecrets } from './detectors/commands.ts';
import type { KeyRules } from './keys.ts';
import { looksName } from './looks.ts';

/**
 * Secrets whose name stands beside them instead of above them: `[name, value]` pairs, flat lists of names and values, the words of
 * a command line, `{ name, value }`.
 */

const headerWord =
  /^(?:host|accept(?:-[\w-]+)?|content-[\w-]+|user-agent|connection|origin|referer|cookie|set-cookie|authorization|x-[\w-]+)$/i;
const listOfHeaders = /headers?$/i;
const nameKeys = new Set(['name', 'key', 'header', 'field', 'variable', 'Name', 'Key']);
const valueKeys = new Set(['value', 'val', 'content', 'Value']);

const MAX_WORD = 256;
const isText = (value: unknown): value is string => typeof value === 'string' && value.length <= MAX_WORD;

/** Which items of a list are masked, and from which character on. Undefined: none, as for nearly every list. */
export const secretItems = (
  items: readonly unknown[],
  total: number,
  parent: string | undefined,
  keys: KeyRules,
  inPairs: boolean,
): ReadonlyMap<number, number> | undefined => {
  if (items.length < 2 || !isText(items[0])) return undefined;
  if (total === 2) return pair(items, parent, keys, inPairs);
  const found = optionsOf(items, keys);
  if (total % 2 === 0) alternating(items, parent, keys, found);
  return found.size === 0 ? undefined : found;
};

const DASH = 0x2d;
const startsWithDash = (item: unknown): boolean => typeof item === 'string' && item.charCodeAt(0) === DASH;

/** What stands behind the options of a command line. Each of them begins with a dash, and few lists have any. */
const optionsOf = (items: readonly unknown[], keys: KeyRules): Map<number, number> => {
  if (!items.some(startsWithDash)) return new Map();
  const words = items.map((item) => (isText(item) ? item : ''));
  const found = new Map(commandSecrets(words));
  for (let i = 0; i < words.length - 1; i++) {
    if (flagHides(words[i] as string, words[i + 1] as string, keys)) found.set(i + 1, 0);
  }
  return found;
};

const flagHides = (word: string, next: string, keys: KeyRules): boolean =>
  word.charCodeAt(0) === DASH &&
  /^--?[A-Za-z][\w.-]{2,63}$/.test(word) &&
  next !== '' &&
  !next.startsWith('--') &&
  keys.hides(word, next);

const pair = (
  [name, value]: readonly unknown[],
  parent: string | undefined,
  keys: KeyRules,
  inPairs: boolean,
): ReadonlyMap<number, number> | undefined => {
  const text = name as string;
  if (flagHides(text, String(isText(value) ? value : ''), keys)) return new Map([[1, 0]]);
  if (!keys.hides(text, value)) return commandPair(text, value);
  const sure =
    inPairs ||
    headerWord.test(text) ||
    listOfHeaders.test(parent ?? '') ||
    !isText(value) ||
    !looksName(value);
  return sure ? new Map([[1, 0]]) : undefined;
};

const commandPair = (name: string, value: unknown): ReadonlyMap<number, number> | undefined =>
  startsWithDash(value) && isText(value) ? commandSecrets([name, value]) : undefined;

/** A path or an address is no name, though it may end in `key`. */
const isNameLike = (value: unknown): boolean => isText(value) && !/[/\\:@]/.test(value);

/** `['host', 'a', 'authorization', 'Bearer x']`, as Node's `rawHeaders`. A list of the names of columns is none. */
const alternating = (
  items: readonly unknown[],
  parent: string | undefined,
  keys: KeyRules,
  found: Map<number, number>,
): void => {
  const names = items.filter((_, i) => i % 2 === 0);
  if (!names.every(isNameLike) || !names.some((name, i) => keys.hides(name as string, items[2 * i + 1])))
    return;
  const headers = listOfHeaders.test(parent ?? '') || names.some((name) => headerWord.test(name as string));
  for (let i = 0; i + 1 < items.length; i += 2) {
    const value = items[i + 1];
    if (!keys.hides(items[i] as string, value)) continue;
    if (headers || typeof value !== 'string' || !looksName(value)) found.set(i + 1, 0);
  }
};

/** Whether a list is one of `[name, value]` pairs. */
export const isListOfPairs = (items: readonly unknown[], isPair: (item: unknown) => boolean): boolean =>
  items.length > 0 && isPair(items[0]) && isPair(items.at(-1));

/** An object that says name and value in two entries: what it names, and which entry is which. */
export interface NamedPair {
  readonly name: string;
  readonly nameKey: string;
  readonly valueKey: string;
}

const MAX_PAIR = 12;

const LONGEST_VALUE_KEY = 7;
const isValueKey = (key: string): boolean => key.length <= LONGEST_VALUE_KEY && valueKeys.has(key);

/** Whether an object with these keys may say name and value. One of many entries is no pair. */
export const mayBePair = (keys: readonly string[]): boolean => {
  if (keys.length > MAX_PAIR || keys.length < 2) return false;
  for (const key of keys) if (isValueKey(key)) return true;
  return false;
};

/** The pair that an object is, if it is one. */
export const namedPair = (keys: readonly string[], values: readonly unknown[]): NamedPair | undefined => {
  if (!mayBePair(keys)) return undefined;
  const at = keys.findIndex((key, i) => nameKeys.has(key) && isText(values[i]));
  const valueKey = keys.find(isValueKey) as string;
  return at < 0 ? undefined : { name: values[at] as string, nameKey: keys[at] as string, valueKey };
};
