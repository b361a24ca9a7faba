import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { dialects } from '../../../src/consumers/metrics/expose/dialect.ts';
import { render, SLICE_CHARACTERS } from '../../../src/consumers/metrics/expose/render.ts';
import type { FamilyCopy, FamilySpec } from '../../../src/consumers/metrics/family.ts';
import { HistogramFamily } from '../../../src/consumers/metrics/record/histogram.ts';
import { ScalarFamily } from '../../../src/consumers/metrics/record/scalar.ts';
import { requirePythonModule, requireTool } from '../../support/tools.ts';
import { hostile, MOMENT } from './fixtures.ts';
import { promtoolFaults, strictFamilies } from './oracles.ts';
import { parse } from './parse.ts';

const setting = { maxSeries: 1000, now: () => MOMENT, onLimit: () => {} };
const text = (...copies: FamilyCopy[]) => [...render(copies, dialects.text)].join('');
const openmetrics = (...copies: FamilyCopy[]) => [...render(copies, dialects.openmetrics)].join('');

const withPromtool = requireTool('promtool');
const withStrictParser = requirePythonModule('prometheus_client');

/** One family of each type, with everything in it that can be in it. */
const specimen = (): FamilyCopy[] => {
  const source = { request_id: 'req_1', correlation_id: 'c'.repeat(32), timestamp: MOMENT + 123 };
  const info: FamilySpec = {
    type: 'info',
    name: 'app_build_info',
    help: 'Its version.',
    labels: ['version'],
  };
  const counter: FamilySpec = {
    type: 'counter',
    name: 'app_work_seconds_total',
    help: 'A "quoted" help,\nin two lines with a \\.',
    labels: ['path'],
    unit: 'seconds',
  };
  const gauge: FamilySpec = { type: 'gauge', name: 'app_level', help: 'A level.', labels: ['of'] };
  const bare: FamilySpec = { type: 'gauge', name: 'app_bare', help: 'Without labels.', labels: [] };
  const histogram: FamilySpec = {
    type: 'histogram',
    name: 'app_size_bytes',
    help: 'Sizes.',
    labels: ['kind'],
    unit: 'bytes',
    buckets: [0.00001, 0.5, 1, 10, 1e6],
  };
  const signed: FamilySpec = {
    type: 'histogram',
    name: 'app_celsius',
    help: 'Degrees.',
    labels: [],
    buckets: [-10, 0, 30],
  };

  const counted = new ScalarFamily(counter, setting, true);
  counted.bind('C:\\dir\n"x"').add(1.5, source);
  counted.bind('naïve 😀').add(0);
  const levels = new ScalarFamily(gauge, setting);
  for (const value of [
    0,
    -0,
    -1.5,
    1e21,
    1e-7,
    12345678.9,
    Number.NaN,
    Number.POSITIVE_INFINITY,
    Number.NEGATIVE_INFINITY,
  ]) {
    levels.set(levels.row([String(levels.copy(false).rows)]), value);
  }
  const single = new ScalarFamily(bare, setting);
  single.set(single.row([]), 7);
  const sized = new HistogramFamily(histogram, setting, true);
  for (const value of [0, 0.25, 0.75, 5, 1e6, 2e6]) sized.bind('a').observe(value, source);
  sized.bind('b');
  const measured = new HistogramFamily(signed, setting);
  for (const value of [-20, -5, 20]) measured.bind().observe(value);
  const infos = new ScalarFamily(info, setting);
  infos.set(infos.row(['1.2.3']), 1);
  const empty = new ScalarFamily({ ...gauge, name: 'app_without_series' }, setting);
  return [infos, counted, levels, single, sized, measured, empty].map((family) => family.copy(true));
};

describe('Prometheus text 0.0.4', () => {
  it('reads exactly so', async () => {
    await expect(text(...specimen())).toMatchFileSnapshot('golden/specimen.txt');
  });

  it.skipIf(!withPromtool)('pleases promtool', () => {
    expect(promtoolFaults(text(...specimen()))).toBe('');
  });

  it('leaves out families without a series', () => {
    expect(text(...specimen())).not.toContain('app_without_series');
  });
});

describe('OpenMetrics 1.0.0', () => {
  it('reads exactly so', async () => {
    await expect(openmetrics(...specimen())).toMatchFileSnapshot('golden/specimen.openmetrics.txt');
  });

  it('ends in # EOF even when there is nothing', () => {
    expect(openmetrics()).toBe('# EOF\n');
  });

  it.skipIf(!withStrictParser)('is what the strict parser reads', () => {
    const families = strictFamilies(openmetrics(...specimen()));
    const summary = families.map(({ name, type, unit }) => [name, type, unit]);
    expect(summary).toEqual([
      ['app_build', 'info', ''],
      ['app_work_seconds', 'counter', 'seconds'],
      ['app_level', 'gauge', ''],
      ['app_bare', 'gauge', ''],
      ['app_size_bytes', 'histogram', 'bytes'],
      ['app_celsius', 'histogram', ''],
    ]);
    expect(families[1]?.help).toBe('A "quoted" help,\nin two lines with a \\.');
    expect(families[1]?.samples[0]).toEqual([
      'app_work_seconds_total',
      { path: 'C:\\dir\n"x"' },
      '1.5',
      { request_id: 'req_1', correlation_id: 'c'.repeat(32) },
    ]);
  });

  it('has neither sum nor count where values may be negative', () => {
    const names = parse(openmetrics(...specimen())).samples.map(({ name }) => name);
    expect(names).toContain('app_celsius_bucket');
    expect(names).not.toContain('app_celsius_sum');
    expect(names).not.toContain('app_celsius_count');
  });
});

describe('label values', () => {
  const family = () => {
    const of = new ScalarFamily({ type: 'gauge', name: 'app_x', help: 'x', labels: ['a', 'b'] }, setting);
    hostile.forEach((value, i) => {
      of.set(of.row([value, String(i)]), i);
    });
    return of.copy(false);
  };
  const shown = hostile.map((value) =>
    value.replace(/\p{Surrogate}/gu, (half) => `\\u${half.charCodeAt(0).toString(16)}`),
  );

  it('come back as they were', () => {
    for (const body of [text(family()), openmetrics(family())]) {
      expect(parse(body).samples.map(({ labels }) => labels.a)).toEqual(shown);
      expect(body.isWellFormed()).toBe(true);
    }
  });

  it.skipIf(!withPromtool)('please promtool', () => {
    expect(promtoolFaults(text(family()))).toBe('');
  });

  it.skipIf(!withStrictParser)('come back from the strict parser as they were', () => {
    const [read] = strictFamilies(openmetrics(family()));
    expect(read?.samples.map(([, labels]) => labels.a)).toEqual(shown);
  });

  it('are escaped alike whether their text is made at recording or at rendering', () => {
    const copy = family();
    const late: FamilyCopy = { ...copy, labels: hostile.map((value, i) => [value, String(i)]) };
    expect(text(late)).toBe(text(copy));
  });
});

describe('what is rendered', () => {
  const value = fc.oneof(
    fc.double(),
    fc.integer(),
    fc.constantFrom(0, -0, Number.MAX_VALUE, Number.MIN_VALUE),
  );
  const label = fc.string({ unit: 'grapheme', maxLength: 20 });
  const series = fc.uniqueArray(fc.tuple(label, label, value), {
    selector: ([a, b]) => JSON.stringify([a, b]),
    maxLength: 30,
  });
  const rendered = (rows: [string, string, number][]) => {
    const of = new ScalarFamily({ type: 'gauge', name: 'app_x', help: 'x', labels: ['a', 'b'] }, setting);
    for (const [a, b, level] of rows) of.set(of.row([a, b]), level);
    return of.copy(false);
  };

  it('reads back as the same series with the same values, in both formats', () => {
    fc.assert(
      fc.property(series, (rows) => {
        for (const body of rows.length === 0 ? [] : [text(rendered(rows)), openmetrics(rendered(rows))]) {
          const read = parse(body).samples.map(({ labels, value: got }) => [labels.a, labels.b, got + 0]);
          expect(read).toEqual(rows.map(([a, b, level]) => [a, b, level + 0]));
        }
      }),
    );
  });

  it.skipIf(!withStrictParser)('reads the same to the strict parser', () => {
    const cases = fc.sample(series, 200).filter((rows) => rows.length > 0);
    const families = strictFamilies(...cases.map((rows) => openmetrics(rendered(rows))));
    const read = families.map(({ samples }) => samples.map(([, { a, b }]) => [a, b]));
    expect(read).toEqual(cases.map((rows) => rows.map(([a, b]) => [a, b])));
  });

  it('adds up: buckets rise to the count, in any histogram', () => {
    const values = fc.array(fc.double({ min: 0, max: 100, noNaN: true }), { maxLength: 100 });
    fc.assert(
      fc.property(values, (list) => {
        const spec: FamilySpec = {
          type: 'histogram',
          name: 'app_h',
          help: 'h',
          labels: [],
          buckets: [0.1, 1, 10],
        };
        const of = new HistogramFamily(spec, setting);
        const bound = of.bind();
        for (const each of list) bound.observe(each);
        const read = parse(text(of.copy(false)));
        const counts = [0.1, 1, 10, Number.POSITIVE_INFINITY].map(
          (limit) => list.filter((each) => each <= limit).length,
        );
        expect(read.all('app_h_bucket').map(({ value: got }) => got)).toEqual(counts);
        expect(read.value('app_h_count')).toBe(list.length);
        expect(read.value('app_h_sum')).toBe(list.reduce((sum, each) => sum + each, 0));
      }),
    );
  });
});

describe('slices', () => {
  it('are many for ten thousand series, none much longer than the limit, and together the whole', () => {
    const spec: FamilySpec = {
      type: 'histogram',
      name: 'app_h',
      help: 'h',
      labels: ['a'],
      buckets: [1, 2, 5, 10],
    };
    const of = new HistogramFamily(spec, { ...setting, maxSeries: 10_000 });
    for (let i = 0; i < 10_000; i++) of.bind(`series ${i}`).observe(i % 12);
    const slices = [...render([of.copy(false)], dialects.text)];
    const whole = slices.join('');
    const longestRow = 1000;
    expect(slices.length).toBeGreaterThanOrEqual(Math.floor(whole.length / (SLICE_CHARACTERS + longestRow)));
    for (const slice of slices) expect(slice.length).toBeLessThan(SLICE_CHARACTERS + longestRow);
    expect(parse(whole).all('app_h_count')).toHaveLength(10_000);
  });
});
