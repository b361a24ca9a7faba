import { describe, expect, it } from 'vitest';
import type { MetricSpec } from '../../../src/consumers/metrics/index.ts';
import { rig } from './fixtures.ts';

const good: MetricSpec = { type: 'counter', name: 'app_jobs_total', help: 'Jobs done.' };
const register = (...specs: Partial<Record<keyof MetricSpec, unknown>>[]) => {
  const { metrics } = rig({ defaultMetrics: true });
  try {
    for (const spec of specs) metrics.registerMetric({ ...good, ...spec } as MetricSpec);
  } finally {
    void metrics.close();
  }
};

describe('registerMetric', () => {
  it.each<[string, Partial<Record<keyof MetricSpec, unknown>>, string]>([
    ['a dash in the name', { name: 'app-jobs' }, "A metric's name is 'app-jobs'"],
    ['a digit first', { name: '1st' }, 'not beginning with a digit'],
    ['a colon', { name: 'app:jobs' }, "':' is for recording rules"],
    ['an empty name', { name: '' }, "A metric's name is ''"],
    ['a name that is no text', { name: 7 }, "A metric's name is 7"],
    ['nothing before _total', { name: '_total' }, "has nothing before '_total'"],
    [
      'a type there is not',
      { type: 'state' },
      "has the type 'state': use counter, gauge, histogram or summary",
    ],
    ['quantiles of a counter', { quantiles: [0.5] }, 'only a summary has quantiles'],
    [
      'a quantile beyond 1',
      { type: 'summary', name: 'app_s', quantiles: [0.5, 1.1] },
      'has the quantile 1.1: use 0 to 1',
    ],
    [
      'quantiles that fall',
      { type: 'summary', name: 'app_s', quantiles: [0.9, 0.5] },
      'has the quantile 0.5 after 0.9',
    ],
    ['a window of no length', { type: 'summary', name: 'app_s', windowMs: 0 }, 'has a windowMs of 0'],
    ['a name with our prefix', { name: 'snakepit_x_total' }, "begins with 'snakepit_'"],
    ['no help', { help: ' ' }, 'needs a help text'],
    ['a gauge in _total', { type: 'gauge' }, "only a counter's name may end in '_total'"],
    ['labels that are no list', { labels: 'a' }, 'needs its labels as a list'],
    ['a bad label', { labels: ['a-b'] }, "has the label 'a-b'"],
    ['a label that is no text', { labels: [1] }, 'has the label 1'],
    ['the label le', { labels: ['le'] }, "'le' and 'quantile' are reserved"],
    ['the label quantile', { labels: ['quantile'] }, "'le' and 'quantile' are reserved"],
    ['the label __name__', { labels: ['__name__'] }, "beginning with '__'"],
    ['a label twice', { labels: ['a', 'b', 'a'] }, "has the label 'a' twice"],
    ['buckets of a counter', { buckets: [1] }, 'only a histogram has buckets'],
    ['no bucket', { type: 'histogram', name: 'app_h', buckets: [] }, 'at least one number'],
    [
      'buckets that fall',
      { type: 'histogram', name: 'app_h', buckets: [1, 3, 2] },
      'has the bucket 2 after 3',
    ],
    ['a bucket twice', { type: 'histogram', name: 'app_h', buckets: [1, 1] }, 'must rise strictly'],
    [
      'a bucket +Inf',
      { type: 'histogram', name: 'app_h', buckets: [1, Number.POSITIVE_INFINITY] },
      '+Inf is always there',
    ],
    [
      'a bucket NaN',
      { type: 'histogram', name: 'app_h', buckets: [Number.NaN] },
      'bounds are finite numbers',
    ],
    ['a unit the name lacks', { unit: 'seconds' }, "its name must end in '_seconds'"],
  ])('refuses %s', (_, spec, why) => {
    expect(() => register(spec)).toThrow(TypeError);
    expect(() => register(spec)).toThrow(why);
  });

  const gauge = (name: string) => ({ type: 'gauge', name });
  const histogram = (name: string) => ({ type: 'histogram', name });
  it.each<[string, Partial<Record<keyof MetricSpec, unknown>>[], string]>([
    ['the same name twice', [{}, {}], 'is registered already'],
    ['a counter with and without _total', [{ name: 'app_jobs' }, {}], 'is registered already'],
    [
      'a gauge named as a counter without _total',
      [{}, gauge('app_jobs')],
      "belongs to the metric 'app_jobs_total'",
    ],
    ['a gauge in the place of _created', [{}, gauge('app_jobs_created')], "the name 'app_jobs_created'"],
    [
      'a gauge in the place of _bucket',
      [histogram('app_h'), gauge('app_h_bucket')],
      "the name 'app_h_bucket'",
    ],
    ['a gauge in the place of _sum', [histogram('app_h'), gauge('app_h_sum')], "the name 'app_h_sum'"],
    ['a gauge in the place of _count', [histogram('app_h'), gauge('app_h_count')], "the name 'app_h_count'"],
    ['a histogram around a gauge', [gauge('app_h_count'), histogram('app_h')], "the name 'app_h_count'"],
    [
      'a gauge in the place of a summary',
      [{ type: 'summary', name: 'app_s' }, gauge('app_s_sum')],
      "'app_s_sum'",
    ],
    ["a metric of Node's", [{ name: 'process_cpu_seconds_total' }], 'is registered already'],
  ])('refuses %s', (_, specs, why) => {
    expect(() => register(...specs)).toThrow(TypeError);
    expect(() => register(...specs)).toThrow(why);
  });

  it('takes no name when it refuses', () => {
    const { metrics } = rig();
    metrics.registerMetric({ type: 'gauge', name: 'app_h_count', help: 'x' });
    expect(() => metrics.registerMetric({ type: 'histogram', name: 'app_h', help: 'x' })).toThrow();
    metrics.registerMetric({ type: 'gauge', name: 'app_h', help: 'x' });
  });

  it('shows counters and histograms without labels at zero, gauges once they are set', async () => {
    const { metrics, scrape } = rig();
    metrics.registerMetric(good);
    metrics.registerMetric({ type: 'histogram', name: 'app_h', help: 'x' });
    metrics.registerMetric({ type: 'gauge', name: 'app_g', help: 'x' });
    metrics.registerMetric({ type: 'counter', name: 'app_labelled_total', help: 'x', labels: ['a'] });
    const read = await scrape();
    expect(read.value('app_jobs_total')).toBe(0);
    expect(read.value('app_h_count')).toBe(0);
    expect(read.all('app_g')).toEqual([]);
    expect(read.all('app_labelled_total')).toEqual([]);
  });

  it('appends _total where a counter lacks it, in both formats', async () => {
    const { metrics, scrape } = rig();
    metrics.registerMetric({ type: 'counter', name: 'app_jobs', help: 'x', labels: ['kind'] });
    metrics.updateCounter('app_jobs', { kind: 'a' }, 3);
    expect((await scrape()).value('app_jobs_total', { kind: 'a' })).toBe(3);
    expect((await scrape('application/openmetrics-text')).value('app_jobs_total', { kind: 'a' })).toBe(3);
  });

  it('takes buckets from the configuration before those of the spec', async () => {
    const { metrics, scrape } = rig({ buckets: { app_h: [7] } });
    metrics.registerMetric({ type: 'histogram', name: 'app_h', help: 'x', buckets: [1, 2] });
    expect((await scrape()).all('app_h_bucket').map(({ labels }) => labels.le)).toEqual(['7', '+Inf']);
  });

  it('keeps no hold on the lists it was given', async () => {
    const { metrics, scrape } = rig();
    const [labels, buckets] = [['a'], [1, 2]];
    metrics.registerMetric({ type: 'histogram', name: 'app_h', help: 'x', labels, buckets });
    labels[0] = 'b';
    buckets[0] = 9;
    metrics.observeHistogram('app_h', { a: 'x' }, 1);
    expect((await scrape()).value('app_h_bucket', { a: 'x', le: '1' })).toBe(1);
  });
});

describe('configured buckets', () => {
  it('replace those of a metric of ours', async () => {
    const { bus, scrape } = rig({ buckets: { snakepit_worker_startup_seconds: [3, 4] } });
    bus.emit(
      'snakepit.worker.started',
      { startup_ms: 3500 },
      { pool_name: 'default', pid: 1, python_version: '3', codec: 'json' },
    );
    const read = await scrape();
    expect(
      read.all('snakepit_worker_startup_seconds_bucket').map(({ labels, value }) => [labels.le, value]),
    ).toEqual([
      ['3', 0],
      ['4', 1],
      ['+Inf', 1],
    ]);
  });

  it('are refused for a histogram of ours that does not exist', () => {
    expect(() => rig({ buckets: { snakepit_request_seconds: [1] } })).toThrow(
      /metrics\.buckets\.snakepit_request_seconds: there is no such histogram\. Histograms: snakepit_request_duration_seconds,/,
    );
    expect(() => rig({ buckets: { snakepit_requests_total: [1] } })).toThrow('there is no such histogram');
  });
});
