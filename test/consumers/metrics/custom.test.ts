import { Gauge, Registry } from 'prom-client';
import { describe, expect, it } from 'vitest';
import { targetInfo } from '../../../src/consumers/metrics/levels/target.ts';
import { boom, complete, configured, rig } from './fixtures.ts';

const tokens = {
  type: 'counter',
  event: 'python.tokens',
  value: 'measurements.count',
  labels: { model: 'metadata.model', pool_name: 'metadata.pool_name' },
  help: 'Tokens made.',
} as const;

describe('metrics.custom', () => {
  it('makes metrics of the events that Python emits', async () => {
    const { bus, scrape } = configured({
      custom: {
        my_tokens_total: tokens,
        my_batches_total: { type: 'counter', event: 'python.tokens', help: 'Batches.' },
        my_queue_size: { type: 'gauge', event: 'python.tokens', value: 'metadata.deep.size', help: 'Size.' },
        my_batch_seconds: {
          type: 'histogram',
          event: 'python.*',
          value: 'measurements.duration_ms',
          scale: 0.001,
          buckets: [0.1, 1],
          help: 'Time.',
          unit: 'seconds',
        },
        my_length: {
          type: 'summary',
          event: '**',
          value: 'measurements.count',
          quantiles: [0.5],
          help: 'Length.',
        },
      },
    });
    const about = { model: 'small', pool_name: 'default', deep: { size: 4 } };
    bus.emit('python.tokens', { count: 10, duration_ms: 500 }, about);
    bus.emit('python.tokens', { count: 20, duration_ms: 2000 }, about);
    const read = await scrape();
    expect(read.value('my_tokens_total', { model: 'small', pool_name: 'default' })).toBe(30);
    expect(read.value('my_batches_total')).toBe(2);
    expect(read.value('my_queue_size')).toBe(4);
    expect(read.value('my_batch_seconds_bucket', { le: '1' })).toBe(1);
    expect(read.value('my_batch_seconds_sum')).toBe(2.5);
    expect(read.value('my_length_count')).toBe(2);
  });

  it('counts ours and its own from the same event', async () => {
    const { bus, scrape } = configured({
      custom: {
        my_done_total: {
          type: 'counter',
          event: 'snakepit.request.completed',
          labels: { command: 'metadata.command' },
          help: 'Done.',
        },
      },
    });
    complete(bus);
    const read = await scrape();
    expect(read.value('my_done_total', { command: 'predict' })).toBe(1);
    expect(read.sum('snakepit_requests_total')).toBe(1);
  });

  it.each<[string, string, object, object]>([
    ['no value', 'not_a_number', {}, { model: 'a', pool_name: 'b' }],
    ['a text for a value', 'not_a_number', { count: '7' }, { model: 'a', pool_name: 'b' }],
    ['NaN', 'not_a_number', { count: Number.NaN }, { model: 'a', pool_name: 'b' }],
    ['a step that is negative', 'negative', { count: -1 }, { model: 'a', pool_name: 'b' }],
    ['no label', 'labels', { count: 1 }, { model: 'a' }],
    ['an object for a label', 'labels', { count: 1 }, { model: {}, pool_name: 'b' }],
  ])('counts %s as %s', async (_, reason, measurements, metadata) => {
    const { bus, scrape } = configured({ custom: { my_tokens_total: tokens } });
    bus.emit('python.tokens', measurements as Record<string, unknown>, metadata as Record<string, unknown>);
    const read = await scrape();
    expect(read.value('snakepit_metrics_rejected_total', { reason })).toBe(1);
    expect(read.all('my_tokens_total')).toEqual([]);
    expect(bus.consumers()[0]).toMatchObject({ offered: 1, delivered: 1 });
  });

  it('reads nothing that every object has', async () => {
    const { bus, scrape } = configured({
      custom: {
        my_x_total: { ...tokens, value: 'measurements.count', labels: { kind: 'metadata.constructor.name' } },
      },
    });
    bus.emit('python.tokens', { count: 1 }, {});
    expect((await scrape()).value('snakepit_metrics_rejected_total', { reason: 'labels' })).toBe(1);
  });

  it('counts what throws when it is read', async () => {
    const { bus, scrape } = configured({
      custom: { my_x_total: { ...tokens, value: 'metadata.odd.count', labels: {} } },
    });
    const odd = Object.defineProperty({}, 'count', { get: boom, enumerable: true });
    bus.event('python.tokens').emit({}, { odd });
    expect((await scrape()).value('snakepit_metrics_rejected_total', { reason: 'malformed_event' })).toBe(1);
  });

  it.each<[string, Record<string, unknown>, string]>([
    ['our prefix', { snakepit_x_total: tokens }, "must not begin with 'snakepit_'"],
    ['a bad name', { 'my-x': tokens }, 'letters, digits'],
    ['a reserved label', { my_x_total: { ...tokens, labels: { le: 'metadata.x' } } }, 'reserved'],
    ['a path into nowhere', { my_x_total: { ...tokens, value: 'count' } }, 'measurements.<name>'],
    ['a bad pattern', { my_x_total: { ...tokens, event: 'a.**.b' } }, 'an event name'],
    ['falling buckets', { my_x: { ...tokens, type: 'histogram', buckets: [2, 1] } }, 'rise strictly'],
    ['buckets of a counter', { my_x_total: { ...tokens, buckets: [1] } }, 'only a histogram has buckets'],
    ['a gauge without a value', { my_x: { type: 'gauge', event: 'a', help: 'x' } }, 'say where its value is'],
    ['a gauge in _total', { my_x_total: { ...tokens, type: 'gauge' } }, "only a counter's name may end"],
    ['a clash', { my_x_total: tokens, my_x: tokens }, 'is registered already'],
  ])('refuses %s', (_, custom, why) => {
    const make = () => configured({ custom } as never);
    expect(make).toThrow(why);
    expect(make).toThrow(expect.objectContaining({ code: 'invalid_configuration' }));
  });
});

describe('bind', () => {
  it('updates one series', async () => {
    const { metrics, scrape } = rig();
    metrics.registerMetric({ type: 'counter', name: 'app_c_total', help: 'c', labels: ['a', 'b'] });
    metrics.registerMetric({ type: 'gauge', name: 'app_g', help: 'g' });
    const bound = metrics.bind('counter', 'app_c_total', { b: 2, a: 'x' });
    bound.update(2);
    bound.update(1);
    bound.update(-1);
    metrics.bind('gauge', 'app_g').update(-4);
    const read = await scrape();
    expect(read.value('app_c_total', { a: 'x', b: '2' })).toBe(3);
    expect(read.value('app_g')).toBe(-4);
    expect(read.value('snakepit_metrics_rejected_total', { reason: 'negative' })).toBe(1);
  });

  it('says what is wrong', () => {
    const { metrics } = rig();
    metrics.registerMetric({ type: 'counter', name: 'app_c_total', help: 'c', labels: ['a'] });
    expect(() => metrics.bind('counter', 'app_x')).toThrow("There is no metric 'app_x'");
    expect(() => metrics.bind('gauge', 'app_c_total', { a: '' })).toThrow('is a counter, not a gauge');
    expect(() => metrics.bind('counter', 'app_c_total', { b: '' })).toThrow('for exactly: a.');
  });
});

describe('target_info', () => {
  const read = (environment: Record<string, string>) => {
    const copy = targetInfo(environment);
    return (
      copy &&
      Object.fromEntries(copy.spec.labels.map((name, i) => [name, (copy.labels as string[][])[0]?.[i]]))
    );
  };

  it('comes from the environment of OpenTelemetry', () => {
    expect(
      read({
        OTEL_SERVICE_NAME: 'shop',
        OTEL_RESOURCE_ATTRIBUTES: 'service.name=other, a.b=1,a_b=2%2C3,1st=x,nonsense,=y,__up=no,bad=%zz',
      }),
    ).toEqual({ service_name: 'shop', a_b: '1;2,3', _1st: 'x', bad: '%zz' });
  });

  it('is not there where the environment says nothing', async () => {
    expect(read({ OTEL_SERVICE_NAME: ' ', OTEL_RESOURCE_ATTRIBUTES: '' })).toBeUndefined();
    expect((await rig().scrape()).all('target_info')).toEqual([]);
  });

  it('is theirs where a registry has one', async () => {
    const registry = new Registry();
    new Gauge({ name: 'target_info', help: 'Theirs.', registers: [registry] }).set(1);
    const of = configured({ registry }, { environment: { OTEL_SERVICE_NAME: 'shop' } });
    expect((await of.scrape()).all('target_info').map(({ labels }) => labels)).toEqual([{}]);
  });
});
