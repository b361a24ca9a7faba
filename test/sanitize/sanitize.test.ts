import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { cut, sanitize, sanitizeFields, sanitizeText } from '../../src/sanitize/index.ts';
import { cook, hostileValues, recipes } from './hostile.ts';

describe('sanitize', () => {
  it('copies what JSON can say', () => {
    const value = { a: 1, b: 'x', c: [true, null, { d: 2 }] };
    expect(sanitize(value)).toEqual(value);
    expect(sanitize(value)).not.toBe(value);
  });

  it('turns the rest into something JSON can say', () => {
    const value = {
      big: 12345678901234567890n,
      nan: Number.NaN,
      when: new Date(0),
      never: new Date(Number.NaN),
      raw: new Uint8Array(3),
      map: new Map<unknown, unknown>([
        ['a', 1],
        [2, 'b'],
      ]),
      set: new Set([1, 2]),
      symbol: Symbol('s'),
      call: () => 1,
      url: new URL('https://user:pass@example.com/path?token=abc'),
      gone: undefined,
      list: [undefined],
    };
    expect(sanitize(value)).toEqual({
      big: '12345678901234567890',
      nan: null,
      when: '1970-01-01T00:00:00.000Z',
      never: 'Invalid Date',
      raw: '[bytes(3)]',
      map: { a: 1, '[2]': 'b' },
      set: [1, 2],
      symbol: '[Symbol(s)]',
      call: '[function]',
      url: 'https://example.com/path',
      list: [null],
    });
  });

  it('shows errors with type, stack and causes', () => {
    const error = Object.assign(new TypeError('bad', { cause: new Error('inner') }), { code: 'E_BAD' });
    expect(sanitize(error)).toMatchObject({
      type: 'TypeError',
      message: 'bad',
      stack: expect.stringContaining('TypeError: bad'),
      cause: { type: 'Error', message: 'inner' },
      code: 'E_BAD',
    });
  });

  it('names cycles, depth and excess instead of following them', () => {
    const cycle: Record<string, unknown> = {};
    cycle.self = cycle;
    expect(sanitize(cycle)).toEqual({ self: '[circular]' });
    expect(JSON.stringify(sanitize({ a: { b: { c: { d: { e: { f: { g: 1 } } } } } } }))).toContain(
      '[object(1 key)]',
    );
    const list = sanitize(Array.from({ length: 150 }, (_, i) => i)) as unknown[];
    expect(list).toHaveLength(101);
    expect(list.at(-1)).toBe('[50 more]');
    const wide = sanitize(Object.fromEntries(Array.from({ length: 150 }, (_, i) => [`k${i}`, i])));
    expect(wide).toMatchObject({ '…': '50 more' });
  });

  it('runs no getter, no toJSON and no proxy trap', () => {
    const touched: string[] = [];
    const value = {
      get secretive() {
        touched.push('getter');
        return 1;
      },
      toJSON: () => touched.push('toJSON'),
      proxy: new Proxy({}, { get: () => touched.push('proxy') }),
    };
    expect(sanitize(value)).toMatchObject({ secretive: '[SANITIZED]', proxy: '[proxy]' });
    expect(touched).toEqual([]);
  });

  it('cannot be used to reach a prototype', () => {
    const copy = sanitize(JSON.parse('{"__proto__": {"polluted": 1}}')) as Record<string, unknown>;
    expect(copy.polluted).toBeUndefined();
    expect(({} as Record<string, unknown>).polluted).toBeUndefined();
    expect(JSON.stringify(copy)).toBe('{"__proto__":{"polluted":1}}');
  });

  it.each(hostileValues.map((value, i) => [i, value] as const))('survives hostile value %i', (_, value) => {
    const text = JSON.stringify([sanitize(value), sanitizeFields(value), sanitizeFields({ value })]);
    expect(text.length).toBeLessThan(800_000);
    expect(JSON.parse(text)).toHaveLength(3);
    expect(text.isWellFormed()).toBe(true);
    expect(text).not.toMatch(/\\ud[89a-f]/);
  });

  it('survives anything, and JSON says it unchanged', () => {
    fc.assert(
      fc.property(recipes, (recipe) => {
        const copy = sanitize(cook(recipe));
        const text = JSON.stringify(copy);
        expect(JSON.stringify(JSON.parse(text))).toBe(text);
        expect(typeof sanitizeFields(cook(recipe))).toBe('object');
      }),
      { numRuns: 300 },
    );
  });
});

describe('sanitizeFields', () => {
  it('always makes fields', () => {
    expect(sanitizeFields({ a: 1 })).toEqual({ a: 1 });
    expect(sanitizeFields(undefined)).toEqual({});
    expect(sanitizeFields('text')).toEqual({ value: 'text' });
    expect(sanitizeFields([1])).toEqual({ value: [1] });
    expect(sanitizeFields(new Error('x'))).toMatchObject({ error: { type: 'Error', message: 'x' } });
  });
});

describe('cut', () => {
  it('keeps both ends and says what is gone', () => {
    expect(cut('short', 10)).toBe('short');
    expect(cut('abcdefghijklmno', 6)).toBe('abcd… [9 characters cut] …no');
    expect(cut('abc', 0)).toBe('… [3 characters cut] …');
    expect(cut('\ud83d\ude00\ud83d\ude00', 3).isWellFormed()).toBe(true);
  });

  it('is what sanitizeText does to a long text', () => {
    expect(sanitizeText('x'.repeat(20_000)).length).toBeLessThan(17_000);
    expect(sanitizeText('Bearer abcdefghijklmnop')).toBe('[SANITIZED]');
  });
});
