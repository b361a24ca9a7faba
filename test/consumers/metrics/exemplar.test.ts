import { describe, expect, it } from 'vitest';
import { dialects } from '../../../src/consumers/metrics/expose/dialect.ts';
import { render } from '../../../src/consumers/metrics/expose/render.ts';
import type { FamilyCopy } from '../../../src/consumers/metrics/family.ts';
import { ScalarFamily } from '../../../src/consumers/metrics/record/scalar.ts';
import { MOMENT } from './fixtures.ts';

const setting = { maxSeries: 1000, now: () => MOMENT, onLimit: () => {} };
const text = (...copies: FamilyCopy[]) => [...render(copies, dialects.text)].join('');
const openmetrics = (...copies: FamilyCopy[]) => [...render(copies, dialects.openmetrics)].join('');

describe('exemplars', () => {
  const line = (source: Record<string, unknown>) => {
    const of = new ScalarFamily(
      { type: 'counter', name: 'app_x_total', help: 'x', labels: [] },
      setting,
      true,
    );
    of.bind().add(1, { timestamp: MOMENT, ...source });
    return openmetrics(of.copy(true)).split('\n')[2];
  };

  it.each([
    [
      'both ids',
      { request_id: 'r', correlation_id: 'c' },
      ' # {request_id="r",correlation_id="c"} 1 1700000000',
    ],
    [
      'a trace id too',
      { request_id: 'r', trace_id: 't', correlation_id: 'c' },
      ' # {request_id="r",trace_id="t",correlation_id="c"} 1 1700000000',
    ],
    [
      'one id twice',
      { request_id: 'r', trace_id: 't', correlation_id: 't' },
      ' # {request_id="r",trace_id="t"} 1 1700000000',
    ],
    [
      'a correlation id that does not fit beside it',
      { request_id: 'r', correlation_id: 'c'.repeat(104) },
      ' # {request_id="r"} 1 1700000000',
    ],
    [
      'one that just fits',
      { request_id: 'r', correlation_id: 'c'.repeat(103) },
      ` # {request_id="r",correlation_id="${'c'.repeat(103)}"} 1 1700000000`,
    ],
    ['no id', {}, ''],
    ['an id that is no text', { request_id: 7 }, ''],
    ['an id with a quote', { request_id: '"' }, ' # {request_id="\\""} 1 1700000000'],
  ])('with %s', (_, source, expected) => {
    expect(line(source)).toBe(`app_x_total 1${expected}`);
  });

  it('are not in the text format', () => {
    const of = new ScalarFamily(
      { type: 'counter', name: 'app_x_total', help: 'x', labels: [] },
      setting,
      true,
    );
    of.bind().add(1, { request_id: 'r', timestamp: MOMENT });
    expect(text(of.copy(true))).not.toContain(' # ');
  });
});
