import type { RequestListener, Server } from 'node:http';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { requireTool } from '../../support/tools.ts';
import { complete, hostile, MOMENT, pool, rig, snapshotOf, worker } from './fixtures.ts';
import { Prometheus, serveOn } from './prometheus.ts';

const SCHEMA = 3;
const COUNT = 5000;

/** Numbers between 0 and 1 that are the same in each run. */
const random = (seed: number) => () => {
  seed = (seed * 1_103_515_245 + 12_345) % 2 ** 31;
  return seed / 2 ** 31;
};

/** Latencies as they are: most around 50 ms, some of seconds. */
const latencies = (): number[] => {
  const next = random(7);
  return Array.from({ length: COUNT }, () => {
    const normal = Math.sqrt(-2 * Math.log(1 - next())) * Math.cos(2 * Math.PI * next());
    return Math.exp(Math.log(0.05) + normal);
  });
};
const values = latencies();
const sorted = values.toSorted((a, b) => a - b);
const truth = (q: number): number => sorted[Math.ceil(q * COUNT) - 1] as number;

const crowd = () => {
  const of = rig({ native: { schema: SCHEMA, zeroThreshold: 2 ** -128, maxBuckets: 160 } });
  const { bus, levels, metrics } = of;
  levels.snapshot = () => snapshotOf(pool('default', { workers: [worker(0), worker(1)] }));
  metrics.registerMetric({
    type: 'histogram',
    name: 'app_latency_seconds',
    help: 'Latency.',
    labels: ['route'],
    unit: 'seconds',
  });
  metrics.registerMetric({
    type: 'histogram',
    name: 'app_balance',
    help: 'May be negative.',
    buckets: [-10, 0, 10],
  });
  metrics.registerMetric({ type: 'histogram', name: 'app_idle_seconds', help: 'Observed nothing.' });
  metrics.registerMetric({ type: 'summary', name: 'app_size_bytes', help: 'Sizes.', unit: 'bytes' });
  metrics.registerMetric({
    type: 'counter',
    name: 'app_odd',
    help: 'Odd "labels" \\ in\nhelp.',
    labels: ['l'],
  });
  for (const value of values) metrics.observeHistogram('app_latency_seconds', { route: 'a "b"\n' }, value);
  for (let i = -50; i <= 50; i++) metrics.observeHistogram('app_balance', {}, i);
  for (let i = 1; i <= 1000; i++) metrics.observeSummary('app_size_bytes', {}, i);
  hostile.forEach((l, i) => {
    metrics.updateCounter('app_odd', { l }, i + 1);
  });
  for (let i = 0; i < 10; i++) complete(bus);
  return of;
};

describe.skipIf(!requireTool('prometheus'))('a real Prometheus', () => {
  const { metrics } = crowd();
  const asked: Record<string, string[]> = { direct: [], text: [] };
  const types: Record<string, Set<string>> = { direct: new Set(), text: new Set() };
  const servers: Server[] = [];
  let native: Prometheus;
  let classic: Prometheus;

  const listener =
    (name: string, accept?: string): RequestListener =>
    async (req, res) => {
      asked[name]?.push(req.headers.accept ?? '');
      const { contentType, body } = await metrics.render(accept ?? req.headers.accept);
      types[name]?.add(contentType.split(';')[0] as string);
      res.setHeader('content-type', contentType).end(body);
    };

  beforeAll(async () => {
    const direct = await serveOn(listener('direct'));
    const binary = await serveOn(listener('binary'));
    const text = await serveOn(listener('text', 'text/plain;version=0.0.4'));
    servers.push(direct.server, binary.server, text.server);
    asked.binary = [];
    types.binary = new Set();
    native = await Prometheus.start(
      { protobuf: binary.port },
      '--enable-feature=native-histograms,exemplar-storage',
    );
    classic = await Prometheus.start(
      { openmetrics: direct.port, text: text.port },
      '--enable-feature=exemplar-storage',
    );
  });

  afterAll(async () => {
    await Promise.all([native?.stop(), classic?.stop()]);
    for (const server of servers) server.close();
  });

  it.each(['openmetrics', 'text'])('reads %s', async (job) => {
    const of = `{job="${job}"}`;
    expect(await classic.value(`up${of} == 1`)).toBe(1);
    expect(await classic.value(`app_latency_seconds_count${of}`)).toBe(COUNT);
    expect(await classic.value(`app_size_bytes_count${of}`)).toBe(1000);
    expect(await classic.value(`app_idle_seconds_count${of}`)).toBe(0);
    expect(await classic.value(`snakepit_requests_total{job="${job}",status="success"}`)).toBe(10);
    // An empty label value is none, for Prometheus; all others are there.
    expect(await classic.query(`app_odd_total${of}`)).toHaveLength(hostile.length);
  });

  it('reads protobuf', async () => {
    expect(await native.value('up == 1')).toBe(1);
    expect(await native.value('histogram_count(app_latency_seconds)')).toBe(COUNT);
    expect(await native.value('histogram_sum(app_latency_seconds)')).toBeCloseTo(
      values.reduce((a, b) => a + b),
      6,
    );
    expect(await native.value('histogram_count(app_idle_seconds)')).toBe(0);
    expect(await native.value('histogram_count(app_balance)')).toBe(101);
    expect(await native.value('app_size_bytes_count')).toBe(1000);
    expect(await native.value('snakepit_requests_total{status="success"}')).toBe(10);
    expect(await native.query('app_odd_total')).toHaveLength(hostile.length);
  });

  it('was given the format it asked for', async () => {
    await native.value('up == 1');
    await classic.value('up{job="text"} == 1');
    await classic.value('up{job="openmetrics"} == 1');
    expect(asked.binary?.[0]).toContain('application/vnd.google.protobuf');
    expect([...(types.binary ?? [])]).toEqual(['application/vnd.google.protobuf']);
    expect([...(types.direct ?? [])]).toEqual(['application/openmetrics-text']);
    expect([...(types.text ?? [])]).toEqual(['text/plain']);
  });

  it('takes the exemplars, of OpenMetrics and protobuf', async () => {
    for (const prometheus of [native, classic]) {
      const found = await prometheus.exemplars(
        '{__name__=~"snakepit_request_duration_seconds(_bucket)?"}',
        MOMENT,
      );
      expect(found[0]).toMatchObject({ labels: { request_id: 'req_1' }, value: '0.15' });
    }
  });

  it.each([0.1, 0.5, 0.9, 0.99, 0.999])('finds quantile %d within the error of the schema', async (q) => {
    const exact = truth(q);
    const estimate = await native.value(`histogram_quantile(${q}, app_latency_seconds)`);
    const factor = 2 ** (2 ** -SCHEMA);
    expect(estimate).toBeGreaterThan(exact / factor);
    expect(estimate).toBeLessThan(exact * factor);
    // The classic buckets say no more than between which two bounds it is; both must be the same.
    const bounds = [0, 0.001, 0.005, 0.01, 0.05, 0.1, 0.5, 1, 5, 10, 30, 60];
    const bucketOf = (value: number) => bounds.findIndex((bound) => bound >= value);
    for (const job of ['openmetrics', 'text']) {
      const rough = await classic.value(`histogram_quantile(${q}, app_latency_seconds_bucket{job="${job}"})`);
      expect(bucketOf(rough)).toBe(bucketOf(exact));
    }
  });

  it('finds the quantiles of a summary within one per cent', async () => {
    for (const [prometheus, of] of [
      [native, ''],
      [classic, 'job="text",'],
    ] as const) {
      const p90 = await prometheus.value(`app_size_bytes{${of}quantile="0.9"}`);
      expect(Math.abs(p90 - 900)).toBeLessThanOrEqual(10);
    }
  });
});
