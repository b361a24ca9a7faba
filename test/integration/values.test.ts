import { describe, expect, it } from 'vitest';
import { appFile, errorOf, sharedPit } from '../support/pit.ts';

const nested = (levels: number): unknown => {
  let value: unknown = 'bottom';
  for (let i = 0; i < levels; i++) value = [value];
  return value;
};

const cyclic = (): unknown => {
  const list: unknown[] = [];
  list.push(list);
  return list;
};

/** Values that come back as they went. */
const faithful: [string, unknown][] = [
  ['null', null],
  ['booleans', [true, false]],
  ['texts', ['', 'plain', 'grüße 🐍', '\u0000', 'a"b\\c\n']],
  ['small integers', [0, 1, -1, 127, 128, -128, -129, 65536]],
  ['integers around 32 bits', [2 ** 31 - 1, 2 ** 31, 2 ** 32 - 1, 2 ** 32, -(2 ** 31) - 1]],
  ['the safe limits', [Number.MAX_SAFE_INTEGER, Number.MIN_SAFE_INTEGER]],
  ['BigInts beyond them', [2n ** 53n, -(2n ** 53n), 2n ** 63n]],
  ['the 64-bit limits', [2n ** 64n - 1n, -(2n ** 63n)]],
  ['fractions', [0.1, -2.5, 1e300, 5e-324]],
  ['NaN', [Number.NaN]],
  ['infinities', [Number.POSITIVE_INFINITY, Number.NEGATIVE_INFINITY]],
  ['bytes', [new Uint8Array([0, 255, 128]), new Uint8Array(0)]],
  ['a date', new Date('2024-02-29T12:30:15.250Z')],
  ['an early date', new Date('0001-01-01T00:00:00.000Z')],
  ['nested containers', { a: [{ b: [] }, {}], c: { d: { e: [1, 'two', null] } } }],
  ['odd keys', { '': 1, ü: 2, 'a.b': 3, constructor: 4 }],
  ['keys that look like tags', { $int: '5', inner: { $bytes: 'x', other: 1n + 2n ** 60n } }],
  ['128 levels', nested(128)],
];

/** What Python sees. */
const seen: [string, unknown, string][] = [
  ['a whole number as an int', 3, 'int 3'],
  ['a wide whole number as an int', 2 ** 40, `int ${2 ** 40}`],
  ['a fraction as a float', 1.5, 'float 1.5'],
  ['NaN as a float', Number.NaN, 'float nan'],
  ['a small BigInt as an int', 5n, 'int 5'],
  ['a large BigInt as an int', 2n ** 64n - 1n, `int ${2n ** 64n - 1n}`],
  ['a Uint8Array as bytes', new Uint8Array([1, 2]), "bytes b'\\x01\\x02'"],
  ['a Buffer as bytes', Buffer.from('ab'), "bytes b'ab'"],
  [
    'a Date as an aware datetime',
    new Date('2024-02-29T12:30:15.250Z'),
    'datetime datetime.datetime(2024, 2, 29, 12, 30, 15, 250000, tzinfo=datetime.timezone.utc)',
  ],
  ['undefined in an array as None', [undefined], 'list [None]'],
];

/** Results that Python makes. */
const produced: [string, unknown][] = [
  ['none', null],
  ['true', true],
  ['text', 'grüße 🐍'],
  ['nan', Number.NaN],
  ['inf', Number.POSITIVE_INFINITY],
  ['-inf', Number.NEGATIVE_INFINITY],
  ['float', 0.1],
  ['safe', [2 ** 53 - 1, -(2 ** 53) + 1]],
  ['beyond safe', [2n ** 53n, -(2n ** 53n)]],
  ['widest', [2n ** 64n - 1n, -(2n ** 63n)]],
  ['bytes', [new Uint8Array([0, 255]), new Uint8Array([97, 98]), new Uint8Array([97, 99])]],
  ['aware', [new Date('2024-02-29T12:30:15.250Z'), new Date('2024-02-29T12:30:15.250Z')]],
  ['old', new Date('0001-01-01T00:00:00.000Z')],
  ['tuple', [1, ['two', [3.5]]]],
  ['dict', { a: { b: [{ c: null }] }, '': 'no key', ü: 1 }],
  ['dollar', { $int: '5', $any: [{ $float: 1 }] }],
  ['derived', ['derived', 7]],
  ['numpy', { mean: 1.5, count: [3], yes: true }],
  ['deep', nested(128)],
];

/** Results that cannot cross, with the path that is named; a cycle has no one place. */
const refusedResults: [string, string | RegExp][] = [
  ['set', '$'],
  ['nested set', '$.items[1].name'],
  ['naive datetime', '$.at'],
  ['object', '$'],
  ['instance', '$[0]'],
  ['key', '$.table'],
  ['surrogate', '$.text'],
  ['surrogate key', /^\$/],
  ['too wide', '$[1]'],
  ['too low', '$[0]'],
  ['fraction', '$'],
  ['function', '$.call'],
  ['cycle', /^\$\[0\]/],
  ['too deep', /^\$\[0\]/],
];

class Thing {}

const refusedArguments: [string, unknown, string | RegExp][] = [
  ['a function', { call: () => 1 }, '$.value.call'],
  ['a symbol', Symbol('x'), '$.value'],
  ['a Map', [new Map()], '$.value[0]'],
  ['a Set', { 'a b': new Set() }, '$.value["a b"]'],
  ['an instance of a class', new Thing(), '$.value'],
  ['an ArrayBuffer', new ArrayBuffer(1), '$.value'],
  ['a Float32Array', new Float32Array(1), '$.value'],
  ['an invalid Date', new Date(Number.NaN), '$.value'],
  ['a lone surrogate', { text: 'a\ud800' }, '$.value.text'],
  ['a key with a lone surrogate', { '\ud800': 1 }, '$.value'],
  ['an integer wider than 64 bits', [2n ** 64n], '$.value[0]'],
  ['an integer below 64 bits', [-(2n ** 63n) - 1n], '$.value[0]'],
  ['a cycle', cyclic(), /^\$\.value\[0\]/],
  ['more than 128 levels', nested(129), /^\$\.value\[0\]/],
];

describe.each(['msgpack', 'json'] as const)('over %s', (codec) => {
  const shared = sharedPit({ pool: { app: appFile('values.py'), codec } });

  it.each(faithful)('%s go to Python and come back the same', async (_, value) => {
    expect(await shared.pit.execute('echo', { value })).toStrictEqual(value);
  });

  it.each(seen)('Python sees %s', async (_, value, expected) => {
    expect(await shared.pit.execute('describe', { value })).toBe(expected);
  });

  it('large ones arrive whole, in both directions', async () => {
    const bytes = new Uint8Array(3_000_000).map((_, i) => i * 31);
    const value = {
      text: 'ü🐍'.repeat(500_000),
      bytes,
      numbers: Array.from({ length: 100_000 }, (_, i) => i / 3),
    };
    const back = await shared.pit.execute<typeof value>('echo', { value });
    expect(back.text).toBe(value.text);
    expect(Buffer.compare(back.bytes, bytes)).toBe(0);
    expect(back.numbers).toEqual(value.numbers);
  });

  it('bytes come as plain Uint8Arrays, also where a Buffer was sent', async () => {
    const back = await shared.pit.execute('echo', { value: Buffer.from('abc') });
    expect(Object.getPrototypeOf(back)).toBe(Uint8Array.prototype);
    expect(back).toStrictEqual(new Uint8Array([97, 98, 99]));
  });

  it('keys whose value is undefined are left out', async () => {
    expect(await shared.pit.execute('keys', { a: 1, b: undefined, c: null })).toEqual(['a', 'c']);
    expect(await shared.pit.execute('echo', { value: { a: undefined, b: [1] } })).toStrictEqual({ b: [1] });
  });

  it('the own __proto__ of an argument is a key like any other', async () => {
    const value: unknown = JSON.parse('{"__proto__": {"polluted": true}}');
    const back = await shared.pit.execute<object>('echo', { value });
    expect(Object.prototype).not.toHaveProperty('polluted');
    expect(Object.getPrototypeOf(back)).toBe(Object.prototype);
  });

  it.each(produced)("the result '%s' arrives", async (name, expected) => {
    expect(await shared.pit.execute('send', { name })).toStrictEqual(expected);
  });

  it.each(refusedResults)("the result '%s' is refused with its path", async (name, path) => {
    const error = await errorOf(shared.pit.execute('refuse', { name }));
    expect(error.code).toBe('unserializable');
    expect(error.httpStatus).toBe(500);
    if (path instanceof RegExp) expect(error.context.path).toMatch(path);
    else expect(error.context.path).toBe(path);
    expect(error.context.path_in).toBe('result');
    expect(error.retryable).toBe(false);
  });

  it('a chunk that cannot cross ends the stream after those before it', async () => {
    const chunks: unknown[] = [];
    const error = await errorOf(
      (async () => {
        for await (const chunk of shared.pit.stream('refuse_in_stream', { name: 'nested set' }))
          chunks.push(chunk);
      })(),
    );
    expect(chunks).toEqual(['first']);
    expect(error).toMatchObject({ code: 'unserializable', httpStatus: 500 });
    expect(error.context).toMatchObject({ path: '$.chunk.items[1].name', path_in: 'result' });
  });

  it.each(refusedArguments)('%s is refused as an argument, with its path', async (_, value, path) => {
    const error = await errorOf(shared.pit.execute('echo', { value }));
    expect(error.code).toBe('unserializable');
    expect(error.httpStatus).toBe(422);
    if (path instanceof RegExp) expect(error.context.path).toMatch(path);
    else expect(error.context.path).toBe(path);
    expect(error.context.path_in).toBe('arguments');
  });

  it('serves on after all of it, with the same process', async () => {
    expect(await shared.pit.execute('echo', { value: 'fine' })).toBe('fine');
    expect(shared.events.named('snakepit.worker.crashed')).toEqual([]);
    expect(shared.events.named('snakepit.worker.starting')).toHaveLength(1);
  });
});
