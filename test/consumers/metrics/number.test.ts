import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { goFloat, openMetricsFloat, sampleValue } from '../../../src/consumers/metrics/expose/number.ts';

describe('numbers', () => {
  it.each([
    [0.005, '0.005', '0.005'],
    [1, '1', '1.0'],
    [10, '10', '10.0'],
    [2.5, '2.5', '2.5'],
    [100_000, '100000', '100000.0'],
    [1e6, '1e+06', '1e+06'],
    [1_234_567, '1.234567e+06', '1.234567e+06'],
    [1e21, '1e+21', '1e+21'],
    [0.0001, '0.0001', '0.0001'],
    [0.00001, '1e-05', '1e-05'],
    [1e-10, '1e-10', '1e-10'],
    [-1, '-1', '-1.0'],
    [-0.00002, '-2e-05', '-2e-05'],
    [Number.POSITIVE_INFINITY, '+Inf', '+Inf'],
  ])('writes the bound %d as Go does', (bound, go, om) => {
    expect([goFloat(bound), openMetricsFloat(bound)]).toEqual([go, om]);
  });

  it('writes bounds that read back as themselves', () => {
    fc.assert(
      fc.property(fc.double({ noNaN: true, noDefaultInfinity: true }), (bound) => {
        expect(Number(goFloat(bound)) + 0).toBe(bound + 0);
        expect(Number(openMetricsFloat(bound)) + 0).toBe(bound + 0);
      }),
    );
  });

  it('spells what is not finite as both formats want', () => {
    expect([Number.NaN, Number.POSITIVE_INFINITY, Number.NEGATIVE_INFINITY].map(sampleValue)).toEqual([
      'NaN',
      '+Inf',
      '-Inf',
    ]);
  });
});
