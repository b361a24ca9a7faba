import { isMap, isNativeError, isProxy, isSet } from 'node:util/types';
import { mapSize, ownValue, setSize, shapeOf } from './shape.ts';

/** What a container holds: at most `limit` of its entries, and how many there are. */
export interface Members {
  /** A list's entries have no keys of their own. */
  readonly keys: readonly string[] | undefined;
  readonly values: readonly unknown[];
  readonly total: number;
  /** Whether two keys may read the same, as in a Map. */
  readonly mixed?: boolean;
}

/** Taken before anybody could replace it. */
const getterOf = (Object.prototype as unknown as { __lookupGetter__(key: PropertyKey): unknown })
  .__lookupGetter__;

const items = (value: readonly unknown[], limit: number): Members => {
  const length = Math.min(value.length, limit);
  const values: unknown[] = [];
  // A look-up climbs the prototypes, which may be anything unless they are the built-in ones; it is four times as fast.
  const ordinary = Object.getPrototypeOf(value) === Array.prototype;
  for (let i = 0; i < length; i++) {
    values.push(ordinary && getterOf.call(value, i) === undefined ? value[i] : ownValue(value, i));
  }
  return { keys: undefined, values, total: value.length };
};

const fields = (value: object, limit: number): Members => {
  const names = Object.keys(value);
  const keys = names.length > limit ? names.slice(0, limit) : names;
  const values: unknown[] = [];
  for (const key of keys) values.push(ownValue(value, key));
  return { keys, values, total: names.length };
};

/** How the entries of a value that is no proxy are read. */
export type Kind = 'list' | 'plain' | 'special';

export const kindOf = (value: object): Kind => {
  if (Array.isArray(value)) return 'list';
  const prototype: unknown = Object.getPrototypeOf(value);
  // Bytes may have lost their prototype, and would be listed one by one.
  const plain = (prototype === Object.prototype || prototype === null) && !ArrayBuffer.isView(value);
  return plain ? 'plain' : 'special';
};

/** The entries of a container that is no proxy. Runs none of its code. */
export const membersOf = (value: object, kind: Kind, limit: number): Members => {
  if (kind === 'list') return items(value as readonly unknown[], limit);
  return kind === 'plain' ? fields(value, limit) : specialMembers(value, limit);
};

const specialMembers = (value: object, limit: number): Members => {
  if (isSet(value)) {
    const values = take(Set.prototype.values.call(value), limit);
    return { keys: undefined, values, total: setSize(value) };
  }
  if (isMap(value)) {
    const entries = take(Map.prototype.entries.call(value), limit) as [unknown, unknown][];
    const keys = entries.map(([key]) => mapKey(key));
    return { keys, values: entries.map(([, item]) => item), total: mapSize(value), mixed: true };
  }
  const own = fields(value, limit);
  if (!isNativeError(value)) return own;
  const extra = errorEntries(value);
  return {
    keys: [...extra.map(([key]) => key), ...(own.keys ?? [])],
    values: [...extra.map(([, item]) => item), ...own.values],
    total: extra.length + own.total,
    mixed: true,
  };
};

const take = <T>(all: IterableIterator<T>, limit: number): T[] => {
  const taken: T[] = [];
  for (const item of all) {
    if (taken.length >= limit) break;
    taken.push(item);
  }
  return taken;
};

const mapKey = (key: unknown): string =>
  typeof key === 'string' ? key : `[${shapeOf(key) ?? (typeof key === 'object' ? 'date' : String(key))}]`;

/** In newer V8 `stack` is an accessor, one and the same for all errors; any other accessor is the user's code. */
const nativeStack = Object.getOwnPropertyDescriptor(new Error(), 'stack')?.get;

const stackOf = (error: Error): unknown => {
  const property = Object.getOwnPropertyDescriptor(error, 'stack');
  return property?.get !== undefined && property.get === nativeStack ? error.stack : property?.value;
};

const inherited = (value: object, key: PropertyKey): unknown => {
  for (let at: object | null = value; at !== null && !isProxy(at); at = Object.getPrototypeOf(at)) {
    if (Object.hasOwn(at, key)) return ownValue(at, key);
  }
  return undefined;
};

const errorEntries = (error: Error): [string, unknown][] => [
  ['type', inherited(error, 'name')],
  ['message', inherited(error, 'message')],
  ['stack', stackOf(error)],
  ['cause', ownValue(error, 'cause')],
  ['errors', ownValue(error, 'errors')],
];
