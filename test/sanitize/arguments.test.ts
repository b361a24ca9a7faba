import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { describeArguments } from '../../src/sanitize/index.ts';
import { cook, explosive, recipes } from './hostile.ts';

const show = ['model', 'version', 'top', 'n', 'limit', 'mode'];

describe('describeArguments', () => {
  it("shows the design's example", () => {
    expect(describeArguments({ model: 'bert', input: 'secret text' }, show)).toEqual({
      model: 'bert',
      input: '[SANITIZED]',
    });
  });

  it('masks scalars without a shape and containers with theirs', () => {
    const args = {
      a: 1,
      b: true,
      c: null,
      d: 5n,
      e: new Date(),
      list: [1, 2, 3],
      one: { k: 1 },
      two: { k: 1, l: 2 },
      raw: Buffer.alloc(1024),
      floats: new Float32Array(3),
      map: new Map([[1, 2]]),
      set: new Set([1]),
      call: () => 1,
      proxy: explosive(),
    };
    expect(describeArguments(args, show)).toEqual({
      a: '[SANITIZED]',
      b: '[SANITIZED]',
      c: '[SANITIZED]',
      d: '[SANITIZED]',
      e: '[SANITIZED]',
      list: '[SANITIZED] array(3)',
      one: '[SANITIZED] object(1 key)',
      two: '[SANITIZED] object(2 keys)',
      raw: '[SANITIZED] bytes(1024)',
      floats: '[SANITIZED] Float32Array(3)',
      map: '[SANITIZED] map(1)',
      set: '[SANITIZED] set(1)',
      call: '[SANITIZED] function',
      proxy: '[SANITIZED] proxy',
    });
  });

  it('shows scalars of the listed keys, never what is inside containers', () => {
    const args = { model: null, version: 2, top: true, n: 7n, limit: [1], mode: { fast: true } };
    expect(describeArguments(args, show)).toEqual({
      model: null,
      version: 2,
      top: true,
      n: '7',
      limit: '[SANITIZED] array(1)',
      mode: '[SANITIZED] object(1 key)',
    });
    expect(describeArguments({ n: Number.NaN, limit: Number.POSITIVE_INFINITY }, show)).toEqual({
      n: 'NaN',
      limit: 'Infinity',
    });
  });

  it('keeps a secret masked even where its key is listed', () => {
    const args = { password: 'hunter2', model: 'ghp_0123456789abcdefghijABCDEFGHIJ456789', max_tokens: 5 };
    expect(describeArguments(args, ['password', 'model', 'max_tokens'])).toEqual({
      password: '[SANITIZED]',
      model: '[SANITIZED]',
      max_tokens: 5,
    });
  });

  it('masks a secret that stands in a key', () => {
    expect(Object.keys(describeArguments({ 'sk-live-0123456789abcdef': 1 }, show) as object)).toEqual([
      '[SANITIZED]',
    ]);
  });

  it('leaves out what the wire leaves out', () => {
    expect(describeArguments({ model: undefined, x: undefined, y: 1 }, show)).toEqual({ y: '[SANITIZED]' });
    expect(describeArguments(undefined, show)).toBeUndefined();
  });

  it('says what arguments are that are no object of keys', () => {
    expect(describeArguments([1, 2], show)).toBe('[SANITIZED] array(2)');
    expect(describeArguments('text', show)).toBe('[SANITIZED]');
    expect(describeArguments(explosive(), show)).toBe('[SANITIZED] proxy');
  });

  it('is bounded in keys, key lengths and text', () => {
    const many = Object.fromEntries(Array.from({ length: 80 }, (_, i) => [`k${i}`, i]));
    const shown = describeArguments({ ...many }, show) as Record<string, unknown>;
    expect(Object.keys(shown)).toHaveLength(51);
    expect(shown['…']).toBe('30 more');

    const long = describeArguments({ ['k'.repeat(10_000)]: 1, model: 'm'.repeat(10_000) }, show) as object;
    expect(JSON.stringify(long).length).toBeLessThan(600);
  });

  it('keeps apart keys that become the same', () => {
    const a = `${'k'.repeat(200)}a${'k'.repeat(200)}`;
    const b = `${'k'.repeat(200)}b${'k'.repeat(200)}`;
    expect(Object.keys(describeArguments({ [a]: 1, [b]: 2 }, show) as object)).toHaveLength(2);
  });

  it('takes anything, and shows nothing that is not listed', () => {
    fc.assert(
      fc.property(recipes, (recipe) => {
        const args = {
          input: cook(recipe),
          text: 'needle',
          nested: { model: 'needle' },
          needles: ['needle'],
        };
        expect(() => describeArguments(cook(recipe), show)).not.toThrow();
        expect(JSON.stringify(describeArguments(args, show))).not.toContain('"needle"');
      }),
      { numRuns: 300 },
    );
  });

  it('changes nothing', () => {
    const frozen = Object.freeze({ model: 'a', inner: Object.freeze({ deep: [1] }) });
    expect(describeArguments(frozen, show)).toEqual({ model: 'a', inner: '[SANITIZED] object(1 key)' });
  });
});
