import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { eachLabel, labelText, wellFormed } from '../../../src/consumers/metrics/expose/escape.ts';
import { SeriesIndex } from '../../../src/consumers/metrics/record/series.ts';
import { requirePythonModule, requireTool } from '../../support/tools.ts';
import { hostile, rig } from './fixtures.ts';
import { promtoolFaults, strictFamilies } from './oracles.ts';

/** Any text: control characters, quotes, half surrogate pairs, names every object has. */
const value = fc.oneof(
  fc.string({ unit: 'binary', maxLength: 12 }),
  fc.constantFrom(...hostile.filter((text) => text.length < 100)),
  fc
    .array(fc.integer({ min: 0, max: 0xffff }), { maxLength: 6 })
    .map((units) => String.fromCharCode(...units)),
);
const tuples = fc.array(fc.tuple(value, value, value), { minLength: 1, maxLength: 60 });
const names = ['a', 'b', 'c'];

describe('label values, whatever they are', () => {
  it('have one series for each tuple, and the same one again', () => {
    fc.assert(
      fc.property(tuples, (all) => {
        const index = new SeriesIndex(names, 1000, () => {});
        const model = new Map<string, number>();
        for (const values of all) {
          // Halves of surrogate pairs are spelled out, so two spellings of the same are one.
          const key = JSON.stringify(values.map(wellFormed));
          const row = index.row(values);
          expect(row).toBe(model.get(key) ?? model.size);
          model.set(key, row);
          const [a, b, c] = values;
          expect([row, -1]).toContain(index.known({ a, b, c }));
          expect(index.known({ a, c, b })).toBe(-1);
        }
        expect(index.size).toBe(model.size);
        for (const [key, row] of model) {
          const read: string[] = [];
          index.forEach(row, (_, of) => read.push(of));
          expect(JSON.stringify(read)).toBe(key);
          expect(index.textOf(row)).toBe(labelText(names, read));
        }
      }),
    );
  });

  it('are read back from their text', () => {
    fc.assert(
      fc.property(fc.array(value, { minLength: 1, maxLength: 5 }), (values) => {
        const read: [string, string][] = [];
        const keys = values.map((_, i) => `l${i}`);
        eachLabel(labelText(keys, values), (...pair) => read.push(pair));
        expect(read).toEqual(values.map((of, i) => [`l${i}`, wellFormed(of)]));
      }),
    );
  });

  const exposed = fc.uniqueArray(value, { selector: wellFormed, minLength: 20, maxLength: 60 });
  const metricsOf = (values: readonly string[]) => {
    const { metrics } = rig();
    metrics.registerMetric({ type: 'counter', name: 'app_c_total', help: 'c', labels: ['l'] });
    metrics.registerMetric({ type: 'summary', name: 'app_waits', help: 's', labels: ['l'] });
    values.forEach((l, i) => {
      metrics.updateCounter('app_c_total', { l }, i);
      metrics.observeSummary('app_waits', { l }, i);
    });
    return metrics;
  };

  it.skipIf(!requirePythonModule('prometheus_client'))('are what the strict parser reads', async () => {
    const [values = []] = fc.sample(exposed, { numRuns: 1, seed: 3 });
    const text = (await metricsOf(values).render('application/openmetrics-text')).text;
    const samples = strictFamilies(text).find(({ name }) => name === 'app_c')?.samples ?? [];
    const totals = samples.filter(([name]) => name === 'app_c_total');
    expect(new Set(totals.map(([, labels]) => labels.l))).toEqual(new Set(values.map(wellFormed)));
  });

  it.skipIf(!requireTool('promtool'))('please promtool', async () => {
    const [values = []] = fc.sample(exposed, { numRuns: 1, seed: 4 });
    expect(promtoolFaults((await metricsOf(values).render()).text)).toBe('');
  });
});

describe('metrics.labels', () => {
  it('lets only those values have a series; all others share (other)', async () => {
    const of = rig({ labels: { app_jobs: { kind: ['a', 'b'] } } });
    of.metrics.registerMetric({ type: 'counter', name: 'app_jobs', help: 'Jobs.', labels: ['kind', 'size'] });
    for (const kind of ['a', 'b', 'c', 'd', '__proto__'])
      of.metrics.updateCounter('app_jobs', { kind, size: '1' });
    const read = await of.scrape();
    expect(read.all('app_jobs_total').map(({ labels, value }) => [labels.kind, labels.size, value])).toEqual([
      ['a', '1', 1],
      ['b', '1', 1],
      ['(other)', '1', 3],
    ]);
  });

  it('holds for ours too', async () => {
    const of = rig({ labels: { snakepit_worker_exits: { reason: ['crashed'] } } });
    of.bus.emit('snakepit.worker.stopped', { uptime_ms: 1 }, { pool_name: 'default' });
    expect((await of.scrape()).all('snakepit_worker_exits_total')[0]?.labels.reason).toBe('(other)');
  });

  it.each([
    [
      { labels: { snakepit_requestz_total: {} } },
      'metrics.labels.snakepit_requestz_total: there is no such metric',
    ],
    [{ labels: { snakepit_pool_slots: {} } }, 'there is no such metric that counts events'],
    [{ limits: { snakepit_ready: 3 } }, 'metrics.limits.snakepit_ready'],
    [{ labels: { snakepit_requests_total: { nope: ['x'] } } }, 'the metric has no such label'],
  ])('refuses %j', (options, why) => {
    expect(() => rig(options as never)).toThrow(why);
  });

  it('refuses a label that an application metric does not have', () => {
    const { metrics } = rig({ labels: { app_x: { nope: [] } } });
    expect(() => metrics.registerMetric({ type: 'gauge', name: 'app_x', help: 'x' })).toThrow(
      'metrics.labels.app_x.nope: the metric has no such label',
    );
  });
});

describe('metrics.limits', () => {
  it('is a limit for one metric, told once to the log', async () => {
    const of = rig({ limits: { app_a: 2 } });
    const warned: unknown[] = [];
    of.bus.registerConsumer(
      'snakepit.threshold.exceeded',
      ({ measurements, metadata }) => {
        warned.push([measurements.value, measurements.threshold, metadata.check, metadata.level]);
      },
      { delivery: 'inline', sampled: false },
    );
    for (const name of ['app_a', 'app_b'])
      of.metrics.registerMetric({ type: 'gauge', name, help: 'x', labels: ['l'] });
    for (const name of ['app_a', 'app_b']) for (let l = 0; l < 5; l++) of.metrics.updateGauge(name, { l }, 1);
    const read = await of.scrape();
    expect(read.all('app_a')).toHaveLength(3);
    expect(read.all('app_b')).toHaveLength(5);
    expect(warned).toEqual([[3, 2, 'metrics.maxSeries of app_a', 'warning']]);
  });

  it('keeps memory bounded for a million distinct values', async () => {
    const of = rig();
    of.metrics.registerMetric({ type: 'histogram', name: 'app_h', help: 'h', labels: ['l'] });
    of.metrics.registerMetric({ type: 'summary', name: 'app_s', help: 's', labels: ['l'] });
    for (let i = 0; i < 1_000_000; i++) of.metrics.observeHistogram('app_h', { l: `user ${i}` }, 1);
    for (let i = 0; i < 100_000; i++) of.metrics.observeSummary('app_s', { l: `user ${i}` }, 1);
    const read = await of.scrape();
    expect(read.all('app_h_count')).toHaveLength(1001);
    expect(read.sum('app_h_count')).toBe(1_000_000);
    expect(read.sum('app_s_count')).toBe(100_000);
    expect(read.value('snakepit_metrics_series_limit_reached_total', { metric: 'app_h' })).toBe(1);
  });
});
