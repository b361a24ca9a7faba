import { isDate, isProxy, isRegExp } from 'node:util/types';
import type { Json, Limits } from './limits.ts';
import { type Kind, kindOf, type Members, membersOf } from './members.ts';
import { isListOfPairs, mayBePair, type NamedPair, namedPair, secretItems } from './pairs.ts';
import type { Cursor } from './paths.ts';
import type { KeyFacts, Policy } from './policy.ts';
import { binaryShapeOf, boxedText, ownValue, shapeOf } from './shape.ts';
import { bigintText, cut } from './text.ts';

/** Where a value stands: under which key, how deep, and where in the configured paths. */
interface Place {
  readonly key: string | undefined;
  readonly depth: number;
  readonly masked: Cursor | undefined;
  readonly shown: Cursor | undefined;
  /** Whether the list around it is one of `[name, value]` pairs. */
  readonly inPairs: boolean;
}

/**
 * A copy that JSON can take, made without running any code of the value: no getter, no toJSON, no proxy trap. Never throws,
 * never changes the value, and ends within its limits whatever it is given.
 */
export const safeCopy = (value: unknown, limits: Limits, policy: Policy): Json => {
  try {
    return new Walk(limits, policy).root(value) ?? null;
  } catch {
    return '[unreadable]';
  }
};

/** Reading the clock costs more than copying a number. */
const CLOCK_EVERY = 64;
const LONG_TEXT = 1024;

class Walk {
  readonly #limits: Limits;
  readonly #policy: Policy;
  readonly #ancestors: object[] = [];
  readonly #deadline: number;
  #values: number;
  #characters: number;

  constructor(limits: Limits, policy: Policy) {
    this.#limits = limits;
    this.#policy = policy;
    this.#values = limits.values;
    this.#characters = limits.characters;
    this.#deadline = performance.now() + limits.milliseconds;
  }

  root(value: unknown): Json | undefined {
    const { masked, shown } = this.#policy;
    const place = { key: undefined, depth: 0, masked, shown, inPairs: false };
    return isLeaf(value) ? this.#leaf(value, shown?.ends === true) : this.#object(value as object, place);
  }

  /** @param shown - whether a path of the allow list says that it is shown */
  #leaf(value: unknown, shown: boolean): Json | undefined {
    if (--this.#values % CLOCK_EVERY === 0) this.#lookAtClock();
    switch (typeof value) {
      case 'string':
        return this.#text(value, shown);
      case 'number':
        // As in the gateway's JSON: a word in a field of numbers makes an index refuse the whole line.
        return Number.isFinite(value) ? value : null;
      case 'boolean':
        return value;
      case 'bigint':
        return bigintText(value);
      case 'symbol':
        return this.#text(`[${String(value)}]`, shown);
      case 'function':
        return '[function]';
      default:
        return value === null ? null : undefined;
    }
  }

  #lookAtClock(): void {
    if (performance.now() > this.#deadline) this.#values = 0;
  }

  #text(text: string, shown: boolean): string {
    const max = Math.max(0, Math.min(this.#limits.text, this.#characters));
    const safe = shown ? cut(text, max) : this.#policy.text(text, max);
    this.#characters -= safe.length;
    if (text.length > LONG_TEXT) this.#lookAtClock();
    return safe;
  }

  #object(value: object, place: Place): Json {
    if (--this.#values % CLOCK_EVERY === 0) this.#lookAtClock();
    if (isProxy(value)) return '[proxy]';
    const kind = kindOf(value);
    if (kind === 'special') {
      const special = this.#special(value, place);
      if (special !== undefined) return special;
    }
    const ancestors = this.#ancestors;
    if (ancestors.includes(value)) return '[circular]';
    if (place.depth >= this.#limits.depth) return `[${shapeOf(value)}]`;
    ancestors.push(value);
    const copy = this.#members(value, kind, place);
    ancestors.pop();
    return copy;
  }

  #members(value: object, kind: Kind, place: Place): Json {
    try {
      if (kind === 'plain') return this.#fields(value, place);
      const members = membersOf(value, kind, this.#limits.entries);
      return members.keys === undefined
        ? this.#list(members, place)
        : this.#record(members, members.keys, place);
    } catch {
      return '[unreadable]';
    }
  }

  /** What {@link Walk.#record} does, in one pass: nearly all objects are plain and hold no pair of name and value. */
  #fields(value: object, place: Place): Json {
    const keys = Object.keys(value);
    const { entries } = this.#limits;
    if (mayBePair(keys)) {
      const members = membersOf(value, 'plain', entries);
      return this.#record(members, keys, place);
    }
    const record: Record<string, Json> = {};
    const most = Math.min(keys.length, entries);
    let unique = true;
    let seen = 0;
    for (; seen < most && this.#values > 0; seen++) {
      const key = keys[seen] as string;
      const facts = this.#policy.facts(key);
      const copied = this.#entry(key, facts, ownValue(value, key), place, undefined);
      if (copied === undefined) continue;
      unique &&= isItsOwnLabel(key, facts);
      if (unique) record[key] = copied;
      else put(record, facts.label, copied);
    }
    if (seen < keys.length) put(record, '…', `${keys.length - seen} more`);
    return record;
  }

  /** What has a text of its own, or is shown by its shape. */
  #special(value: object, place: Place): string | undefined {
    if (isDate(value)) return dateText(value);
    if (isRegExp(value)) return '[regexp]';
    if (Object.getPrototypeOf(value) === URL.prototype)
      return this.#text(urlText(value as URL), place.shown?.ends === true);
    const boxed = boxedText(value);
    if (boxed !== undefined) return this.#text(boxed, place.shown?.ends === true);
    const binary = binaryShapeOf(value);
    return binary === undefined ? undefined : `[${binary}]`;
  }

  #list({ values, total }: Members, place: Place): Json[] {
    const policy = this.#policy;
    const hidden = secretItems(values, total, place.key, policy.keys, place.inPairs);
    const inPairs = isListOfPairs(values, isPair);
    const copies: Json[] = [];
    for (let i = 0; i < values.length && this.#values > 0; i++) {
      const value = values[i];
      const masked = place.masked?.enter(String(i));
      const shown = place.shown && shownBelow(place.shown, String(i));
      const from = hidden?.get(i);
      if (shown?.ends !== true && (masked?.ends === true || from !== undefined)) {
        copies.push(this.#masking(value, from));
      } else if (isLeaf(value)) copies.push(this.#leaf(value, shown?.ends === true) ?? null);
      else {
        // Objects in a list stand under the key of the list: `env: [{ HOME: '/root' }]`.
        const inner = { key: place.key, depth: place.depth + 1, masked, shown, inPairs };
        copies.push(this.#object(value as object, inner));
      }
    }
    if (copies.length < total) copies.push(`[${total - copies.length} more]`);
    return copies;
  }

  /** @param from - the character from which on a text is a secret: `-pSECRET` */
  #masking(value: unknown, from = 0): string {
    if (from === 0 || typeof value !== 'string') return this.#policy.masking(value);
    return value.slice(0, from) + this.#policy.mask(value.slice(from));
  }

  #record({ values, total, mixed }: Members, keys: readonly string[], place: Place): Json {
    const record: Record<string, Json> = {};
    const pair = namedPair(keys, values);
    let unique = mixed !== true;
    let seen = 0;
    for (; seen < values.length && this.#values > 0; seen++) {
      const key = keys[seen] as string;
      const facts = this.#policy.facts(key);
      const copied = this.#entry(key, facts, values[seen], place, pair);
      if (copied === undefined) continue;
      unique &&= isItsOwnLabel(key, facts);
      if (unique) record[key] = copied;
      else put(record, facts.label, copied);
    }
    if (seen < total) put(record, '…', `${total - seen} more`);
    return record;
  }

  #entry(
    key: string,
    facts: KeyFacts,
    value: unknown,
    place: Place,
    pair: NamedPair | undefined,
  ): Json | undefined {
    const masked = place.masked?.enter(key);
    const shown = place.shown && shownBelow(place.shown, key);
    if (shown?.ends !== true && (masked?.ends === true || this.#hides(key, facts, value, place, pair)))
      return this.#policy.masking(value);
    if (isLeaf(value)) return this.#leaf(value, shown?.ends === true);
    return this.#object(value as object, { key, depth: place.depth + 1, masked, shown, inPairs: false });
  }

  #hides(key: string, facts: KeyFacts, value: unknown, around: Place, pair: NamedPair | undefined): boolean {
    if (pair !== undefined) {
      if (key === pair.valueKey && this.#policy.hides(pair.name, value, undefined)) return true;
      // In `{ key: 'user', value: 'ann' }` the key is a name, not a secret.
      if (key === pair.nameKey) return false;
    }
    return this.#policy.judges(key, facts, value, around.key);
  }
}

/** As long as every key is shown as it is, no two of them can be the same. */
const isItsOwnLabel = (key: string, { label }: KeyFacts): boolean => label === key && key !== '__proto__';

/** What stands in a place that is shown is shown, down to its leaves. */
const shownBelow = (shown: Cursor, step: string): Cursor | undefined =>
  shown.ends ? shown : shown.enter(step);

/** What has nothing below it needs no place of its own. */
const isLeaf = (value: unknown): boolean => typeof value !== 'object' || value === null;

const isPair = (value: unknown): boolean =>
  typeof value === 'object' &&
  value !== null &&
  !isProxy(value) &&
  Array.isArray(value) &&
  value.length === 2;

/** Sets an entry without losing one whose key became the same by cutting or masking, and without touching the prototype. */
export const put = <T>(record: Record<string, T>, key: string, value: T): void => {
  let free = key;
  for (let n = 2; Object.hasOwn(record, free); n++) free = `${key} (${n})`;
  // A plain assignment to `__proto__` would replace the prototype.
  if (free === '__proto__') {
    Object.defineProperty(record, free, { value, enumerable: true, configurable: true, writable: true });
  } else record[free] = value;
};

const dateText = (date: Date): string =>
  Number.isNaN(Date.prototype.getTime.call(date)) ? 'Invalid Date' : Date.prototype.toISOString.call(date);

/** Without user, password, query and fragment: that is where the secrets of a URL are. */
const urlText = (url: URL): string => `${url.protocol}//${url.host}${url.pathname}`;
