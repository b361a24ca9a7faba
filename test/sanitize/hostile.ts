import fc from 'fast-check';

const boom = (): never => {
  throw new Error('touched');
};

/** A proxy whose every trap throws. */
export const explosive = (): object =>
  new Proxy(
    {},
    Object.fromEntries(Reflect.ownKeys(Reflect).map((trap) => [trap, boom])) as ProxyHandler<object>,
  );

const cycle = (): object => {
  const a: Record<string, unknown> = { list: [] };
  a.self = a;
  (a.list as unknown[]).push(a, new Map([['a', a]]), new Set([a]));
  return a;
};

const tangle = (): object => {
  let level: unknown = 'end';
  for (let i = 0; i < 60; i++) level = { left: level, right: level };
  return level as object;
};

const lyingBytes = (): object =>
  Object.defineProperties(new Uint8Array(4), { length: { get: boom }, byteLength: { get: boom } });

/** Values made to break whoever looks at them. */
export const hostileValues: readonly unknown[] = [
  explosive(),
  Object.create(explosive()),
  Proxy.revocable([], {}),
  cycle(),
  tangle(),
  lyingBytes(),
  {
    get a() {
      return boom();
    },
    toJSON: boom,
    toString: boom,
    [Symbol.toPrimitive]: boom,
  },
  Object.defineProperty([1], 0, { get: boom, enumerable: true }),
  Object.defineProperty(new Error('x'), 'message', { get: boom }),
  Object.defineProperty(new Error('x'), 'stack', { get: boom }),
  new AggregateError([new Error('a'), 1], 'many', { cause: cycle() }),
  new Date(Number.NaN),
  new Date(8.64e15),
  Symbol('s'),
  Symbol(),
  10n ** 5000n,
  -0,
  Number.NaN,
  Number.NEGATIVE_INFINITY,
  '\ud800 lone',
  '\u0000\u001b[31m',
  'x'.repeat(5_000_000),
  JSON.parse('{"__proto__": {"polluted": true}, "constructor": 1, "hasOwnProperty": 2}'),
  Object.create(null),
  new Array(2 ** 32 - 1),
  new Map<unknown, unknown>([
    [{}, 1],
    [Symbol('k'), 2],
    [new Date(), 3],
  ]),
  new WeakMap(),
  Promise.resolve(1),
  boom,
  class A {
    #a = 1;
    get a() {
      return this.#a;
    }
  },
  new URL('https://user:pass@example.com/path?token=abc#frag'),
  /x/g,
  Buffer.from('secret bytes'),
  new DataView(new ArrayBuffer(3)),
  new SharedArrayBuffer(8),
  { method: 'GET', headers: { authorization: 'Bearer abcdefghijkl' }, socket: {} },
  { level: 1, message: 2, timestamp: 3, time: 4, msg: 5, logger: {}, event: [] },
  undefined,
  null,
];

interface Recipe {
  readonly plain?: unknown;
  readonly hostile?: number;
  readonly list?: Recipe[];
  readonly record?: Record<string, Recipe>;
}

/**
 * How to make a value: anything fast-check thinks of, or one of the above, also deep inside. A recipe and not the value, since
 * fast-check would be the first to trip over it.
 */
export const recipes: fc.Arbitrary<Recipe> = fc.letrec<{ any: Recipe }>((tie) => ({
  any: fc.oneof(
    { depthSize: 'small' },
    fc.record({ hostile: fc.nat({ max: hostileValues.length - 1 }) }),
    fc.record({
      plain: fc.anything({
        withBigInt: true,
        withDate: true,
        withMap: true,
        withSet: true,
        withTypedArray: true,
        withSparseArray: true,
      }),
    }),
    fc.record({ list: fc.array(tie('any')) }),
    fc.record({ record: fc.dictionary(fc.string(), tie('any')) }),
  ),
})).any;

/** Makes the value of a recipe. */
export const cook = (recipe: Recipe): unknown => {
  if (recipe.hostile !== undefined) return hostileValues[recipe.hostile];
  if (recipe.list !== undefined) return recipe.list.map(cook);
  if (recipe.record === undefined) return recipe.plain;
  return Object.fromEntries(Object.entries(recipe.record).map(([key, inner]) => [key, cook(inner)]));
};
