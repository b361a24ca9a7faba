import { isDate, isProxy, isRegExp } from 'node:util/types';
import type { Json, Limits } from './limits.ts';
import { isPlain, type Members, membersOf } from './members.ts';
import { isListOfPairs, type NamedPair, namedPair, secretItems } from './pairs.ts';
import { type Cursor, Paths } from './paths.ts';
import type { Policy } from './policy.ts';
import { binaryShapeOf, boxedText, shapeOf } from './shape.ts';
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
    return this.#copy(value, { key: undefined, depth: 0, masked, shown, inPairs: false });
  }

  #copy(value: unknown, place: Place): Json | undefined {
    if (--this.#values % CLOCK_EVERY === 0) this.#lookAtClock();
    switch (typeof value) {
      case 'string':
        return this.#text(value, place);
      case 'number':
        // As in the gateway's JSON: a word in a field of numbers makes an index refuse the whole line.
        return Number.isFinite(value) ? value : null;
      case 'boolean':
        return value;
      case 'bigint':
        return bigintText(value);
      case 'undefined':
        return undefined;
      case 'symbol':
        return this.#text(`[${String(value)}]`, place);
      case 'function':
        return '[function]';
      default:
        return value === null ? null : this.#object(value as object, place);
    }
  }

  #lookAtClock(): void {
    if (performance.now() > this.#deadline) this.#values = 0;
  }

  #text(text: string, place: Place): string {
    const max = Math.max(0, Math.min(this.#limits.text, this.#characters));
    const shown = Paths.ends(place.shown) ? cut(text, max) : this.#policy.text(text, max);
    this.#characters -= shown.length;
    if (text.length > LONG_TEXT) this.#lookAtClock();
    return shown;
  }

  #object(value: object, place: Place): Json {
    if (isProxy(value)) return '[proxy]';
    if (!Array.isArray(value) && !isPlain(value)) {
      const special = this.#special(value, place);
      if (special !== undefined) return special;
    }
    if (this.#ancestors.includes(value)) return '[circular]';
    if (place.depth >= this.#limits.depth) return `[${shapeOf(value)}]`;
    this.#ancestors.push(value);
    try {
      const members = membersOf(value, this.#limits.entries);
      return members.keys === undefined
        ? this.#list(members, place)
        : this.#record(members, members.keys, place);
    } catch {
      return '[unreadable]';
    } finally {
      this.#ancestors.pop();
    }
  }

  /** What has a text of its own, or is shown by its shape. */
  #special(value: object, place: Place): string | undefined {
    if (isDate(value)) return dateText(value);
    if (isRegExp(value)) return '[regexp]';
    if (Object.getPrototypeOf(value) === URL.prototype) return this.#text(urlText(value as URL), place);
    const boxed = boxedText(value);
    if (boxed !== undefined) return this.#text(boxed, place);
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
      const from = hidden?.get(i);
      // Objects in a list stand under the key of the list: `env: [{ HOME: '/root' }]`.
      const inner = isLeaf(value) && !inPaths(place) ? place : below(place, place.key, String(i), inPairs);
      if (Paths.ends(inner.masked) && !Paths.ends(inner.shown)) copies.push(policy.masking(value));
      else if (from === undefined || Paths.ends(inner.shown)) copies.push(this.#copy(value, inner) ?? null);
      else
        copies.push(
          from > 0 && typeof value === 'string'
            ? value.slice(0, from) + policy.mask(value.slice(from))
            : policy.masking(value),
        );
    }
    if (copies.length < total) copies.push(`[${total - copies.length} more]`);
    return copies;
  }

  #record({ values, total, mixed }: Members, keys: readonly string[], place: Place): Json {
    const record: Record<string, Json> = {};
    const pair = namedPair(keys, values);
    let unique = mixed !== true;
    let seen = 0;
    for (; seen < keys.length && this.#values > 0; seen++) {
      const key = keys[seen] as string;
      const value = values[seen];
      const inner = isLeaf(value) && !inPaths(place) ? place : below(place, key, key, false);
      const copied = this.#hides(key, value, place, inner, pair)
        ? this.#policy.masking(value)
        : this.#copy(value, inner);
      if (copied === undefined) continue;
      const label = this.#policy.label(key);
      // As long as every key is shown as it is, no two of them can be the same.
      unique &&= label === key && key !== '__proto__';
      if (unique) record[key] = copied;
      else put(record, label, copied);
    }
    if (seen < total) put(record, '…', `${total - seen} more`);
    return record;
  }

  #hides(key: string, value: unknown, around: Place, inner: Place, pair: NamedPair | undefined): boolean {
    if (inner.shown !== undefined && Paths.ends(inner.shown)) return false;
    if (inner.masked !== undefined && Paths.ends(inner.masked)) return true;
    if (pair !== undefined && key === pair.valueKey && this.#policy.hides(pair.name, value, undefined))
      return true;
    // In `{ key: 'user', value: 'ann' }` the key is a name, not a secret.
    if (pair !== undefined && key === pair.nameKey) return false;
    return this.#policy.hides(key, value, around.key);
  }
}

const inPaths = (place: Place): boolean => place.masked !== undefined || place.shown !== undefined;

const below = (place: Place, key: string | undefined, step: string, inPairs: boolean): Place => ({
  key,
  depth: place.depth + 1,
  masked: Paths.enter(place.masked, step),
  // What stands in a place that is shown is shown, down to its leaves.
  shown: Paths.ends(place.shown) ? place.shown : Paths.enter(place.shown, step),
  inPairs,
});

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
