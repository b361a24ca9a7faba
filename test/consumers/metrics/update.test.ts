import { describe, expect, it } from 'vitest';
import { rejections } from '../../../src/consumers/metrics/record/application.ts';
import { boom, hostile, rig } from './fixtures.ts';

const application = () => {
  const of = rig();
  of.metrics.registerMetric({ type: 'counter', name: 'app_c_total', help: 'c', labels: ['a', 'b'] });
  of.metrics.registerMetric({ type: 'gauge', name: 'app_g', help: 'g', labels: ['a'] });
  of.metrics.registerMetric({ type: 'histogram', name: 'app_h', help: 'h', labels: ['a'], buckets: [1, 2] });
  return of;
};
const rejected = async ({ scrape }: ReturnType<typeof application>) => {
  const read = await scrape();
  const counts = rejections.map((reason) => [
    reason,
    read.value('snakepit_metrics_rejected_total', { reason }),
  ]);
  return Object.fromEntries(counts.filter(([, count]) => count !== 0));
};

describe('updates', () => {
  it('count, set and observe, in whatever order the labels come', async () => {
    const { metrics, scrape } = application();
    metrics.updateCounter('app_c_total', { a: '1', b: '2' });
    metrics.updateCounter('app_c_total', { b: '2', a: '1' }, 2.5);
    metrics.updateCounter('app_c_total', { a: '2', b: '1' });
    metrics.updateGauge('app_g', { a: 'x' }, 4);
    metrics.updateGauge('app_g', { a: 'x' }, -3);
    metrics.observeHistogram('app_h', { a: 'x' }, 1.5);
    const read = await scrape();
    expect(read.value('app_c_total', { a: '1', b: '2' })).toBe(3.5);
    expect(read.value('app_c_total', { a: '2', b: '1' })).toBe(1);
    expect(read.value('app_g', { a: 'x' })).toBe(-3);
    expect(read.value('app_h_sum', { a: 'x' })).toBe(1.5);
  });

  it('take numbers and booleans as label values', async () => {
    const { metrics, scrape } = application();
    metrics.updateCounter('app_c_total', { a: 7, b: true });
    metrics.updateCounter('app_c_total', { a: '7', b: 'true' });
    expect((await scrape()).value('app_c_total', { a: '7', b: 'true' })).toBe(2);
  });

  it('let a gauge be NaN or infinite', async () => {
    const { metrics, scrape } = application();
    metrics.updateGauge('app_g', { a: '1' }, Number.NaN);
    metrics.updateGauge('app_g', { a: '2' }, Number.NEGATIVE_INFINITY);
    const read = await scrape();
    expect(read.value('app_g', { a: '1' })).toBeNaN();
    expect(read.value('app_g', { a: '2' })).toBe(Number.NEGATIVE_INFINITY);
  });

  it('keep a label called constructor apart from what every object inherits', async () => {
    const of = rig();
    of.metrics.registerMetric({ type: 'counter', name: 'app_x_total', help: 'x', labels: ['constructor'] });
    of.metrics.updateCounter('app_x_total', { other: '1' });
    of.metrics.updateCounter('app_x_total', { constructor: 'mine' } as never);
    const read = await of.scrape();
    expect(read.all('app_x_total').map(({ labels }) => labels.constructor)).toEqual(['mine']);
    expect(read.value('snakepit_metrics_rejected_total', { reason: 'labels' })).toBe(1);
  });

  it('come back for hostile label values', async () => {
    const { metrics, scrape } = application();
    for (const value of hostile) metrics.updateCounter('app_c_total', { a: value, b: value });
    expect((await scrape()).all('app_c_total')).toHaveLength(hostile.length);
  });
});

describe('what cannot be taken', () => {
  const throwing = new Proxy({}, { ownKeys: boom });
  const never = Object.defineProperty({}, 'a', { get: boom, enumerable: true });
  type Update = (metrics: ReturnType<typeof application>['metrics']) => void;

  it.each<[string, string, Update]>([
    ['a metric nobody registered', 'unknown_metric', (m) => m.updateCounter('app_x')],
    ['a metric of ours', 'unknown_metric', (m) => m.updateCounter('snakepit_requests_total', {}, 1)],
    ['a name that is no text', 'unknown_metric', (m) => m.updateGauge(undefined as never, {}, 1)],
    ['a counter set', 'wrong_type', (m) => m.updateGauge('app_c_total', { a: '1', b: '2' }, 1)],
    ['a gauge counted', 'wrong_type', (m) => m.updateCounter('app_g', { a: '1' })],
    ['a missing label', 'labels', (m) => m.updateCounter('app_c_total', { a: '1' })],
    ['a label too many', 'labels', (m) => m.updateGauge('app_g', { a: '1', b: '2' }, 1)],
    ['another label', 'labels', (m) => m.updateGauge('app_g', { b: '1' }, 1)],
    ['no labels at all', 'labels', (m) => m.updateGauge('app_g', undefined as never, 1)],
    ['null for labels', 'labels', (m) => m.updateGauge('app_g', null as never, 1)],
    ['undefined in a label', 'labels', (m) => m.updateGauge('app_g', { a: undefined as never }, 1)],
    ['an object in a label', 'labels', (m) => m.updateGauge('app_g', { a: {} as never }, 1)],
    ['a symbol in a label', 'labels', (m) => m.updateGauge('app_g', { a: Symbol('x') as never }, 1)],
    ['labels that throw', 'labels', (m) => m.updateGauge('app_g', throwing as never, 1)],
    ['a label that throws', 'labels', (m) => m.updateGauge('app_g', never as never, 1)],
    [
      'a counter by NaN',
      'not_a_number',
      (m) => m.updateCounter('app_c_total', { a: '1', b: '2' }, Number.NaN),
    ],
    ['a text for a value', 'not_a_number', (m) => m.updateGauge('app_g', { a: '1' }, '1' as never)],
    ['a BigInt', 'not_a_number', (m) => m.updateGauge('app_g', { a: '1' }, 1n as never)],
    ['a histogram of NaN', 'not_a_number', (m) => m.observeHistogram('app_h', { a: '1' }, Number.NaN)],
    [
      'a counter by infinity',
      'not_finite',
      (m) => m.updateCounter('app_c_total', { a: '1', b: '2' }, Number.POSITIVE_INFINITY),
    ],
    [
      'a histogram of infinity',
      'not_finite',
      (m) => m.observeHistogram('app_h', { a: '1' }, Number.POSITIVE_INFINITY),
    ],
    ['a counter that would fall', 'negative', (m) => m.updateCounter('app_c_total', { a: '1', b: '2' }, -1)],
    ['a sum that would fall', 'negative', (m) => m.observeHistogram('app_h', { a: '1' }, -1)],
  ])('%s is counted as %s', async (_, reason, update) => {
    const of = application();
    update(of.metrics);
    expect(await rejected(of)).toEqual({ [reason]: 1 });
    const read = await of.scrape();
    for (const name of ['app_c_total', 'app_g', 'app_h_count']) expect(read.all(name)).toEqual([]);
  });
});

describe('the series limit', () => {
  it('gives one (other) for a hundred thousand label values, exact in sum, and is noted once', async () => {
    const { metrics, scrape } = application();
    for (let i = 0; i < 100_000; i++) metrics.updateCounter('app_c_total', { a: `value ${i}`, b: 'x' });
    const read = await scrape();
    expect(read.all('app_c_total')).toHaveLength(1001);
    expect(read.sum('app_c_total')).toBe(100_000);
    expect(read.value('app_c_total', { a: '(other)', b: '(other)' })).toBe(99_000);
    expect(
      read
        .all('snakepit_metrics_series_limit_reached_total')
        .map(({ labels, value }) => [labels.metric, value]),
    ).toEqual([['app_c_total', 1]]);
  });

  it('is one for each metric', async () => {
    const of = rig({ maxSeries: 2 });
    for (const name of ['app_a', 'app_b'])
      of.metrics.registerMetric({ type: 'gauge', name, help: 'x', labels: ['l'] });
    for (const l of ['1', '2', '3', '4']) of.metrics.updateGauge('app_a', { l }, 1);
    of.metrics.updateGauge('app_b', { l: '1' }, 1);
    const read = await of.scrape();
    expect(read.all('app_a').map(({ labels }) => labels.l)).toEqual(['1', '2', '(other)']);
    expect(read.all('app_b')).toHaveLength(1);
  });
});
