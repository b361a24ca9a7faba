import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { codecs, prepare, UnserializableValue } from '../../src/transport/codec/index.ts';

/** What the other side would get of an argument, if it spoke JavaScript. */
const roundTrip = (codec: 'msgpack' | 'json', value: unknown): unknown => {
  const { value: ready, tagged } = prepare(value);
  const [, back] = codecs[codec].decode(
    Uint8Array.from(codecs[codec].encode([1, ready], tagged)),
  ) as unknown[];
  return back;
};

const refusal = (value: unknown): UnserializableValue => {
  try {
    prepare(value);
  } catch (error) {
    if (error instanceof UnserializableValue) return error;
    throw error;
  }
  return expect.unreachable() as never;
};

describe.each(['msgpack', 'json'] as const)('values over %s', (codec) => {
  it.each([
    ['null', null],
    ['booleans', [true, false]],
    ['text', 'grüße 🐍 \u0000 "\\'],
    ['small integers', [0, 1, -1, 127, 128, -32, -33, 2 ** 31, -(2 ** 31), 2 ** 32 - 1]],
    [
      'integers beyond 32 bits',
      [2 ** 32, -(2 ** 31) - 1, 2 ** 40, Number.MAX_SAFE_INTEGER, Number.MIN_SAFE_INTEGER],
    ],
    ['integers beyond 53 bits', [2n ** 53n, -(2n ** 53n), 2n ** 63n - 1n, -(2n ** 63n), 2n ** 64n - 1n]],
    ['floats', [0.1, -1.5, 1e300, 5e-324, 1e21]],
    ['what JSON lacks', [Number.NaN, Number.POSITIVE_INFINITY, Number.NEGATIVE_INFINITY]],
    ['bytes', new Uint8Array([0, 1, 255])],
    ['dates', [new Date(0), new Date(1_700_000_000_123), new Date(-1), new Date('9999-12-31T23:59:59.999Z')]],
    ['nesting', { a: [{ b: [[], {}] }] }],
    ['keys that look like tags', { $int: '1', $dict: { $bytes: 'x' }, $: 1 }],
    ['keys like those of every object', { constructor: 1, toString: 2, hasOwnProperty: 3 }],
  ])('%s', (_, value) => {
    expect(roundTrip(codec, value)).toStrictEqual(value);
  });

  it('any value made of these', () => {
    const leaf = fc.oneof(
      fc.string({ unit: 'grapheme' }),
      fc.maxSafeInteger(),
      fc.double().filter((n) => !Object.is(n, -0)),
      fc.bigInt({ min: 2n ** 53n, max: 2n ** 64n - 1n }),
      fc.uint8Array(),
      fc.date({ noInvalidDate: true }),
      fc.constant(null),
      fc.boolean(),
    );
    // The MessagePack library renames this one key on reading, against prototype pollution.
    const key = fc.string().filter((name) => name !== '__proto__');
    const { value } = fc.letrec((tie) => ({
      value: fc.oneof(
        { maxDepth: 4 },
        leaf,
        fc.array(tie('value'), { maxLength: 5 }),
        fc.dictionary(key, tie('value'), { maxKeys: 5, noNullPrototype: true }),
      ),
    }));
    fc.assert(
      fc.property(value, (sent) => {
        expect(roundTrip(codec, sent)).toEqual(sent);
      }),
    );
  });

  it('a small BigInt arrives as the integer it is', () => {
    expect(roundTrip(codec, { n: 5n })).toEqual({ n: 5 });
  });

  it('a Buffer arrives as bytes, and undefined is left out', () => {
    expect(roundTrip(codec, { b: Buffer.from('hi'), gone: undefined, list: [undefined] })).toEqual({
      b: new Uint8Array([104, 105]),
      list: [null],
    });
  });
});

describe('what cannot cross', () => {
  const cyclic: Record<string, unknown> = {};
  cyclic.self = cyclic;
  const deep = Array.from({ length: 200 }).reduce<unknown>((inner) => [inner], 1);

  it.each([
    ['a Map', { a: [1, new Map()] }, '$.a[1]', 'Object.fromEntries'],
    ['a Set', { s: new Set() }, '$.s', 'array'],
    ['a function', { f: () => 1 }, '$.f', 'function'],
    ['a symbol', [Symbol('x')], '$[0]', 'symbol'],
    ['an instance', { u: new URL('file:///x') }, '$.u', 'URL'],
    ['a promise', { p: Promise.resolve() }, '$.p', 'Promise'],
    ['typed numbers', { t: new Float32Array(2) }, '$.t', 'Array.from'],
    ['an invalid date', { 'odd key': new Date(Number.NaN) }, '$["odd key"]', 'invalid Date'],
    ['a wide integer', [[2n ** 64n]], '$[0][0]', '64 bits'],
    ['a lone surrogate', { s: '\ud800' }, '$.s', 'surrogate'],
    ['a lone surrogate in a key', { o: { '\udfff': 1 } }, '$.o', 'key'],
    ['a cycle', cyclic, '$.self.self.self.self…', 'cyclic'],
    ['too much depth', deep, '$[0][0][0][0]…', '128 levels'],
  ])('%s is refused with its path and a remedy', (_, value, path, remedy) => {
    const error = refusal(value);
    expect(error.path).toBe(path);
    expect(error.message).toContain(remedy);
  });

  it('the caller keeps its value as it was', () => {
    const value = Object.freeze({ big: 2 ** 40, list: Object.freeze([2 ** 41, undefined]) });
    prepare(value);
    expect(value).toEqual({ big: 2 ** 40, list: [2 ** 41, undefined] });
  });

  it('a value that needs no change is not copied', () => {
    const value = { a: [1, 'x', { b: null }] };
    expect(prepare(value)).toEqual({ value, tagged: false });
    expect(prepare(value).value).toBe(value);
  });
});
