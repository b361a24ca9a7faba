import { isDate, isProxy, isRegExp } from 'node:util/types';
import { isSecretText } from './keys.ts';
import { MASK } from './mask.ts';
import { membersOf } from './members.ts';
import { binaryShapeOf, shapeOf } from './shape.ts';
import { bigintText, cut } from './text.ts';

/** What JSON can say. */
export type Json = null | boolean | number | string | Json[] | { [key: string]: Json };

/** How far a copy goes. Everything beyond is replaced by its shape or a count. */
export interface Limits {
  /** Levels of nesting below the root. */
  readonly depth: number;
  /** Entries of one object or list. */
  readonly entries: number;
  /** Characters of one text. */
  readonly text: number;
  /** Values in all: one value reachable over many paths would otherwise be copied exponentially often. */
  readonly values: number;
  /** Characters in all, keys apart. */
  readonly characters: number;
}

/** Whether what stands under `key` is masked; `parent` is the key of the object around it. */
export type Hide = (key: string, value: unknown, parent: string | undefined) => boolean;

const MAX_KEY = 128;

/**
 * A copy that JSON can take, made without running any code of the value: no getter, no toJSON, no proxy trap. Never throws,
 * never changes the value, and ends within its limits whatever it is given.
 */
export const safeCopy = (value: unknown, limits: Limits, hide: Hide): Json => {
  try {
    return new Walk(limits, hide).copy(value, undefined, 0) ?? null;
  } catch {
    return '[unreadable]';
  }
};

class Walk {
  readonly #limits: Limits;
  readonly #hide: Hide;
  readonly #ancestors: object[] = [];
  #values: number;
  #characters: number;

  constructor(limits: Limits, hide: Hide) {
    this.#limits = limits;
    this.#hide = hide;
    this.#values = limits.values;
    this.#characters = limits.characters;
  }

  copy(value: unknown, key: string | undefined, depth: number): Json | undefined {
    this.#values--;
    switch (typeof value) {
      case 'string':
        return this.#text(value);
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
        return this.#text(`[${String(value)}]`);
      case 'function':
        return '[function]';
      default:
        return value === null ? null : this.#object(value as object, key, depth);
    }
  }

  #text(text: string): string {
    if (isSecretText(text)) return MASK;
    const shown = cut(text, Math.max(0, Math.min(this.#limits.text, this.#characters)));
    this.#characters -= shown.length;
    return shown;
  }

  #object(value: object, key: string | undefined, depth: number): Json {
    if (isProxy(value)) return '[proxy]';
    if (isDate(value)) return dateText(value);
    if (isRegExp(value)) return '[regexp]';
    if (Object.getPrototypeOf(value) === URL.prototype) return this.#text(urlText(value as URL));
    if (this.#ancestors.includes(value)) return '[circular]';
    const binary = binaryShapeOf(value);
    if (binary !== undefined) return `[${binary}]`;
    if (depth >= this.#limits.depth) return `[${shapeOf(value)}]`;
    this.#ancestors.push(value);
    try {
      return this.#container(value, key, depth + 1);
    } catch {
      return '[unreadable]';
    } finally {
      this.#ancestors.pop();
    }
  }

  #container(value: object, parent: string | undefined, depth: number): Json {
    const { list, entries, total } = membersOf(value, this.#limits.entries);
    const items: Json[] = [];
    const record: Record<string, Json> = {};
    let shown = 0;
    for (const [key, inner] of entries) {
      if (this.#values <= 0) break;
      shown++;
      if (list) {
        // Objects in a list stand under the key of the list: `env: [{ HOME: '/root' }]`.
        items.push(this.copy(inner, parent, depth) ?? null);
        continue;
      }
      const copied = this.#hide(key, inner, parent) ? MASK : this.copy(inner, key, depth);
      if (copied !== undefined) put(record, keyText(key), copied);
    }
    if (shown < total) {
      if (list) items.push(`[${total - shown} more]`);
      else put(record, '…', `${total - shown} more`);
    }
    return list ? items : record;
  }
}

/** A key fit to be shown: a secret used as a key is masked like any other, an endless one is cut. */
export const keyText = (key: string): string => (isSecretText(key) ? MASK : cut(key, MAX_KEY));

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
