import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { mergePatch } from '../../../src/config/index.ts';

/** The test cases of RFC 7396, appendix A: original, patch, result. */
const CASES: readonly (readonly [unknown, unknown, unknown])[] = [
  [{ a: 'b' }, { a: 'c' }, { a: 'c' }],
  [{ a: 'b' }, { b: 'c' }, { a: 'b', b: 'c' }],
  [{ a: 'b' }, { a: null }, {}],
  [{ a: 'b', b: 'c' }, { a: null }, { b: 'c' }],
  [{ a: ['b'] }, { a: 'c' }, { a: 'c' }],
  [{ a: 'c' }, { a: ['b'] }, { a: ['b'] }],
  [{ a: { b: 'c' } }, { a: { b: 'd', c: null } }, { a: { b: 'd' } }],
  [{ a: [{ b: 'c' }] }, { a: [1] }, { a: [1] }],
  [
    ['a', 'b'],
    ['c', 'd'],
    ['c', 'd'],
  ],
  [{ a: 'b' }, ['c'], ['c']],
  [{ a: 'foo' }, null, null],
  [{ a: 'foo' }, 'bar', 'bar'],
  [{ e: null }, { a: 1 }, { e: null, a: 1 }],
  [[1, 2], { a: 'b', c: null }, { a: 'b' }],
  [{}, { a: { bb: { ccc: null } } }, { a: { bb: {} } }],
];

const document = fc.jsonValue({ maxDepth: 4 });

describe('mergePatch', () => {
  it.each(CASES)('merges as RFC 7396 says: %j with %j is %j', (base, patch, result) => {
    expect(mergePatch(base, patch)).toEqual(result);
  });

  it('changes neither side, and a second time changes nothing more', () => {
    fc.assert(
      fc.property(document, document, (base, patch) => {
        const before = JSON.stringify([base, patch]);
        const once = mergePatch(base, patch);
        expect(JSON.stringify([base, patch])).toBe(before);
        expect(mergePatch(once, patch)).toEqual(once);
      }),
    );
  });

  it('takes what is undefined for not said', () => {
    expect(mergePatch({ a: 1 }, { a: undefined, b: { c: undefined } })).toEqual({ a: 1, b: {} });
  });

  it('reaches no prototype', () => {
    const merged = mergePatch({ a: {} }, JSON.parse('{"__proto__":{"bad":1},"a":{"__proto__":{"bad":1}}}'));
    expect(({} as { bad?: unknown }).bad).toBeUndefined();
    expect((merged as { a: { bad?: unknown } }).a.bad).toBeUndefined();
    expect(Object.getPrototypeOf(merged)).toBe(Object.prototype);
  });
});
