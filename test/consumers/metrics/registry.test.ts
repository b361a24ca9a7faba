import { Counter, Gauge, Histogram, Registry, Summary } from 'prom-client';
import { describe, expect, it } from 'vitest';
import { requirePythonModule, requireTool } from '../../support/tools.ts';
import { boom, complete, configured, rig } from './fixtures.ts';
import { promtoolFaults, strictFamilies } from './oracles.ts';

describe('metrics.registry', () => {
  const theirs = () => {
    const registry = new Registry();
    const registers = [registry];
    new Counter({ name: 'shop_orders', help: 'Orders.', labelNames: ['kind'], registers }).inc(
      { kind: 'a "b"' },
      3,
    );
    new Gauge({ name: 'shop_open', help: 'Open.', registers }).set(1);
    new Histogram({
      name: 'shop_size',
      help: 'Size.',
      labelNames: ['x'],
      buckets: [1, 2],
      registers,
    }).observe({ x: 'y' }, 1.5);
    const summary = new Summary({ name: 'shop_wait', help: 'Wait.', percentiles: [0.5], registers });
    for (const wait of [1, 2, 3]) summary.observe(wait);
    return registry;
  };

  it('is exposed in every format', async () => {
    const { metrics, scrape } = configured({ registry: theirs() });
    const read = await scrape();
    expect(read.value('shop_orders', { kind: 'a "b"' })).toBe(3);
    expect(read.value('shop_size_bucket', { x: 'y', le: '2' })).toBe(1);
    expect(read.value('shop_wait', { quantile: '0.5' })).toBe(2);
    expect(read.value('shop_wait_sum')).toBe(6);
    expect((await metrics.render('application/openmetrics-text')).text).toContain(
      'shop_orders_total{kind="a \\"b\\""} 3\n',
    );
    expect((await metrics.render('application/vnd.google.protobuf')).body.length).toBeGreaterThan(100);
  });

  it.skipIf(!requirePythonModule('prometheus_client'))('pleases the strict parser', async () => {
    const { metrics } = configured({ registry: theirs() });
    const families = strictFamilies((await metrics.render('application/openmetrics-text')).text);
    expect(families.map(({ name, type }) => `${name} ${type}`)).toEqual(
      expect.arrayContaining([
        'shop_orders counter',
        'shop_open gauge',
        'shop_size histogram',
        'shop_wait summary',
      ]),
    );
  });

  it('says which name clashes with ours', () => {
    const registry = new Registry();
    new Gauge({ name: 'snakepit_ready', help: 'x', registers: [registry] });
    expect(() => configured({ registry })).toThrow(
      "metrics.registry: the metric 'snakepit_ready' cannot be exposed beside ours",
    );
  });

  it('leaves out what clashes later, and counts it', async () => {
    const registry = theirs();
    const { scrape } = configured({ registry });
    new Gauge({ name: 'snakepit_ready', help: 'x', registers: [registry] });
    const read = await scrape();
    expect(read.all('snakepit_ready')).toEqual([]);
    expect(read.value('shop_open')).toBe(1);
    expect(read.value('snakepit_metrics_collect_failures_total', { collector: 'registry' })).toBe(1);
  });

  it('that fails loses its own metrics, counted, and not the scrape', async () => {
    const registry = theirs();
    new Gauge({ name: 'shop_bad', help: 'x', registers: [registry], collect: boom });
    const read = await configured({ registry }).scrape();
    expect(read.all('shop_open')).toEqual([]);
    expect(read.value('snakepit_uptime_seconds')).toBe(90.5);
    expect(read.value('snakepit_metrics_collect_failures_total', { collector: 'registry' })).toBe(1);
  });

  it('that has default metrics already gets no second ones', async () => {
    const registry = new Registry();
    new Counter({ name: 'process_cpu_seconds_total', help: 'Theirs.', registers: [registry] });
    const { metrics, scrape } = configured({ registry, defaultMetrics: true });
    const text = (await metrics.render()).text;
    expect(text.match(/# TYPE process_cpu_seconds_total /g)).toHaveLength(1);
    expect(text).toContain('# HELP process_cpu_seconds_total Theirs.');
    expect((await scrape()).all('process_resident_memory_bytes')).toHaveLength(1);
    await metrics.close();
  });

  it('must be one', () => {
    expect(() => configured({ registry: {} as never })).toThrow('a prom-client Registry');
  });
});

describe('register(registry)', () => {
  it.each([Registry.PROMETHEUS_CONTENT_TYPE, Registry.OPENMETRICS_CONTENT_TYPE])(
    'offers our metrics to a registry of theirs: %s',
    async (type) => {
      const registry = new Registry();
      registry.setContentType(type as never);
      const { bus, metrics, scrape } = rig();
      complete(bus);
      metrics.registerMetric({ type: 'summary', name: 'app_wait', help: 'Wait.', labels: ['l'] });
      const release = metrics.register(registry);
      metrics.registerMetric({ type: 'gauge', name: 'app_later', help: 'Later.' });
      metrics.updateGauge('app_later', {}, 7);
      metrics.observeSummary('app_wait', { l: 'a\n"b"' }, 5);
      const text = await registry.metrics();
      expect(text).toContain(
        'snakepit_requests_total{pool_name="default",command="predict",status="success"} 1',
      );
      expect(text).toContain(
        'snakepit_request_duration_seconds_bucket{pool_name="default",command="predict",le="0.5"} 1',
      );
      expect(text).toContain('app_later 7');
      expect(text).toContain('app_wait_count{l="a\\n\\"b\\""} 1');
      const ours = (await scrape()).samples.filter(({ name }) => name.startsWith('snakepit_request'));
      expect(text.match(/^snakepit_request.*/gm)).toHaveLength(ours.length);
      release();
      expect((await registry.metrics()).trim().replace('# EOF', '')).toBe('');
    },
  );

  it.skipIf(!requireTool('promtool'))('pleases promtool', async () => {
    const registry = new Registry();
    const { bus, metrics } = rig();
    complete(bus);
    metrics.register(registry);
    expect(promtoolFaults(await registry.metrics())).toBe('');
  });

  it('refuses a registry with one of the names, and leaves it as it was', () => {
    const registry = new Registry();
    new Gauge({ name: 'snakepit_pool_slots', help: 'x', registers: [registry] });
    const { metrics } = rig();
    expect(() => metrics.register(registry)).toThrow(
      "The registry has a metric 'snakepit_pool_slots' already",
    );
    expect(registry.getMetricsAsArray()).toHaveLength(1);
    expect(() => metrics.register({} as never)).toThrow('takes a prom-client Registry');
  });
});
