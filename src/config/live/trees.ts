import { isDeepStrictEqual } from 'node:util';

/** Where a value stands in a configuration. */
export type Path = readonly string[];

/** Whether a value is an object literal, of whatever realm. What a class made is a value, not a part of the tree. */
export const isTree = (value: unknown): value is Record<string, unknown> => {
  if (typeof value !== 'object' || value === null || Array.isArray(value)) return false;
  const prototype = Object.getPrototypeOf(value);
  return prototype === null || Object.getPrototypeOf(prototype) === null;
};

/** A copy of objects and lists all the way down; what is neither (a URL) is shared. */
export const copyTree = <T>(value: T): T => {
  if (Array.isArray(value)) return value.map(copyTree) as T;
  if (!isTree(value)) return value;
  return Object.fromEntries(Object.entries(value).map(([key, inner]) => [key, copyTree(inner)])) as T;
};

/** What stands at a path, or undefined. Own members only. */
export const valueAt = (tree: unknown, path: Path): unknown =>
  path.reduce<unknown>(
    (value, key) => (isTree(value) && Object.hasOwn(value, key) ? value[key] : undefined),
    tree,
  );

/** A copy of a tree with another value at a path; `undefined` takes it out. Objects on the way are made where they are missing. */
export const withValue = (tree: unknown, [key, ...rest]: Path, value: unknown): unknown => {
  if (key === undefined) return value;
  const members = new Map(isTree(tree) ? Object.entries(tree) : []);
  // What is taken out of nothing needs no way to it.
  if (value === undefined && !members.has(key)) return tree;
  const inner = withValue(members.get(key), rest, value);
  if (inner === undefined) members.delete(key);
  else members.set(key, inner);
  return Object.fromEntries(members);
};

/** One difference between two trees. */
export interface Difference {
  readonly path: Path;
  /** Undefined: not there. */
  readonly from: unknown;
  readonly to: unknown;
}

/**
 * The differences between two trees, as deep as both have objects. Lists count as one value, and so does an object that is there on
 * one side only: a pool that was added is one difference.
 */
export function* differences(from: unknown, to: unknown, path: Path = []): Generator<Difference> {
  if (isTree(from) && isTree(to)) {
    for (const key of new Set([...Object.keys(from), ...Object.keys(to)]))
      yield* differences(own(from, key), own(to, key), [...path, key]);
  } else if (!isSame(from, to)) yield { path, from, to };
}

/**
 * Whether two values of options are the same. A configuration that is a program makes its functions and objects anew whenever it is
 * read: a function is the same by its text, an object of a class that is no data (a registry) by its class.
 */
const isSame = (a: unknown, b: unknown): boolean => {
  if (Object.is(a, b)) return true;
  if (typeof a === 'function' && typeof b === 'function') return String(a) === String(b);
  if (Array.isArray(a) && Array.isArray(b))
    return a.length === b.length && a.every((value, i) => isSame(value, b[i]));
  if (isTree(a) && isTree(b)) return differences(a, b).next().done === true;
  if (typeof a !== 'object' || typeof b !== 'object' || a === null || b === null) return false;
  return isData(a) ? isDeepStrictEqual(a, b) : a.constructor === b.constructor;
};

const isData = (value: object): boolean =>
  Array.isArray(value) ||
  isTree(value) ||
  ArrayBuffer.isView(value) ||
  [RegExp, Date, URL].some((kind) => value instanceof kind);

const own = (tree: Record<string, unknown>, key: string): unknown =>
  Object.hasOwn(tree, key) ? tree[key] : undefined;

/** The values of a tree with their paths; an object without members is one too. */
export function* leaves(tree: unknown, path: Path = []): Generator<{ path: Path; value: unknown }> {
  const entries = isTree(tree) ? Object.entries(tree).filter(([, value]) => value !== undefined) : [];
  if (entries.length === 0) yield { path, value: tree };
  for (const [key, value] of entries) yield* leaves(value, [...path, key]);
}

/**
 * Makes a tree equal to another without replacing its objects and lists: whoever holds a part of it sees the change. This is how a
 * live change reaches those who read an option at each use.
 */
export const adopt = (target: Record<string, unknown>, source: Readonly<Record<string, unknown>>): void => {
  for (const key of Object.keys(target)) if (!Object.hasOwn(source, key)) delete target[key];
  for (const [key, value] of Object.entries(source)) {
    const held = target[key];
    if (isTree(held) && isTree(value)) adopt(held, value);
    else if (Array.isArray(held) && Array.isArray(value)) held.splice(0, held.length, ...copyTree(value));
    else target[key] = copyTree(value);
  }
};
