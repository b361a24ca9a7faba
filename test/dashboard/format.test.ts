import { describe, expect, it } from 'vitest';
import {
  ago,
  bytes,
  compact,
  count,
  duration,
  ms,
  percent,
  perSecond,
  plural,
  split,
} from '../../dashboard/src/ui/format.ts';

describe('numbers in words', () => {
  it.each([
    [ms, 0, '0 ms'],
    [ms, 0.8512, '0.85 ms'],
    [ms, 12.34, '12.3 ms'],
    [ms, 99.96, '100 ms'],
    [ms, 999.4, '999 ms'],
    [ms, 999.6, '1.00 s'],
    [ms, 125_000, '2 m 5 s'],
    [percent, 0, '0%'],
    [percent, 0.00001, '<0.01%'],
    [percent, 0.0031, '0.31%'],
    [percent, 0.032, '3.2%'],
    [percent, 1, '100%'],
    [perSecond, 0, '0'],
    [perSecond, 0.057, '0.06'],
    [perSecond, 71.23, '71.2'],
    [perSecond, 1234.5, '1,235'],
    [perSecond, 12_345.6, '12.3k'],
    [compact, 9_999, '9,999'],
    [compact, 740_000, '740k'],
    [compact, 1_500_000, '1.50M'],
    [bytes, 0, '0 B'],
    [bytes, 27_400_000, '26.1 MiB'],
    [duration, 11_900, '11 s'],
    [duration, 100_800_000, '1 d 4 h'],
    [ago, 400, 'now'],
    [ago, -5000, 'now'],
    [ago, 8_200, '8 s ago'],
    [ago, 4_860_000, '1 h 21 m ago'],
  ] as const)('%o of %d is %s', (format, value, expected) => {
    expect(format(value)).toBe(expected);
  });

  it('shows a dash, never a zero, for what is not known', () => {
    for (const format of [ms, percent, perSecond, compact, count, bytes, duration, ago]) {
      expect(format(null)).toBe('–');
      expect(format(undefined)).toBe('–');
      expect(format(Number.NaN)).toBe('–');
    }
  });

  it('takes value and unit apart, and leaves alone what has several of them', () => {
    expect(split('1.36 ms')).toEqual(['1.36', 'ms']);
    expect(split('3.2%')).toEqual(['3.2', '%']);
    expect(split('12.3k')).toEqual(['12.3k', '']);
    expect(split('2 m 5 s')).toEqual(['2 m 5 s', '']);
    expect(split('–')).toEqual(['–', '']);
  });

  it('counts one as one', () => {
    expect(plural(1, 'error')).toBe('1 error');
    expect(plural(1200, 'error')).toBe('1,200 errors');
  });
});
