import { isMap, isNativeError, isProxy, isSet } from 'node:util/types';
import { mapSize, ownValue, setSize, shapeOf } from './shape.ts';

/** What a container holds: at most `limit` of its entries, and how many there are. */
export interface Members {
  /** A list's entries have no keys of their own. */
  readonly list: boolean;
  readonly entries: readonly (readonly [key: string, value: unknown])[];
  readonly total: number;
}

/** The entries of a container that is no proxy. Runs none of its code. */
export const membersOf = (value: object, limit: number): Members => {
  if (Array.isArray(value)) {
    const length = Math.min(value.length, limit);
    const entries = Array.from({ length }, (_, i) => ['', ownValue(value, i)] as const);
    return { list: true, entries, total: value.length };
  }
  if (isSet(value)) {
    const entries = take(Set.prototype.values.call(value), limit, (item) => ['', item] as const);
    return { list: true, entries, total: setSize(value) };
  }
  if (isMap(value)) {
    const entries = take(
      Map.prototype.entries.call(value),
      limit,
      ([key, item]) => [mapKey(key), item] as const,
    );
    return { list: false, entries, total: mapSize(value) };
  }
  const names = Object.keys(value);
  const own = names.slice(0, limit).map((name) => [name, ownValue(value, name)] as const);
  const extra = isNativeError(value) ? errorEntries(value) : [];
  return { list: false, entries: [...extra, ...own], total: extra.length + names.length };
};

const take = <T, R>(items: IterableIterator<T>, limit: number, map: (item: T) => R): R[] => {
  const taken: R[] = [];
  for (const item of items) {
    if (taken.length >= limit) break;
    taken.push(map(item));
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
