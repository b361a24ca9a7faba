import { Gauge, Registry } from 'prom-client';
import { describe, expect, it } from 'vitest';
import { isAlive, python, startPit, until } from '../../support/pit.ts';
import { requireTool } from '../../support/tools.ts';
import { pool, rig, snapshotOf } from './fixtures.ts';
import { promtoolFaults } from './oracles.ts';
import { type Parsed, parse } from './parse.ts';

const app = () => python`
  from snakepit import metrics
  tokens = metrics.counter("app_tokens_total", "Tokens made.", labels=["model"])
  wait = metrics.histogram("app_wait_seconds", "Waited.", buckets=[0.1, 1], unit="seconds")
  size = metrics.summary("app_size", "Sizes.", by_worker=True)
  loaded = metrics.gauge("app_loaded", "Models loaded.")
  loaded.set(2)

  @command
  def work(n: int):
      for i in range(n):
          tokens.inc(2, model="small")
          wait.observe(0.5)
          size.observe(i)
      return n

  @command
  def wrong():
      tokens.inc(-1, model="small")
      tokens.inc(1)
      tokens.inc(1, model="a", other="b")
      tokens.inc("x", model="a")
      tokens.inc(1, model=object())
      wait.observe(float("nan"))
      return True
`;

describe('metrics of a Python app', () => {
  it('are exposed with the pool, and the slot where that was asked for', async () => {
    const { pit } = await startPit({ pool: { app: app(), workers: 2, statsIntervalMs: 50 } });
    const scrape = async (): Promise<Parsed> => parse((await pit.metrics.render()).text);
    await Promise.all(Array.from({ length: 20 }, () => pit.execute('work', { n: 200 })));
    const counted = async () =>
      (await scrape()).value('app_tokens_total', { model: 'small', pool_name: 'default' }) === 20 * 200 * 2;
    await until(counted, 'all is counted');
    const told = async () => {
      const now = await scrape();
      return now.all('app_loaded').length === 2 && now.all('snakepit_worker_threads').length === 2;
    };
    await until(told, 'both workers have sent a batch and readings');
    const read = await scrape();
    expect(read.value('app_wait_seconds_bucket', { pool_name: 'default', le: '1' })).toBe(4000);
    expect(read.value('app_wait_seconds_sum', { pool_name: 'default' })).toBe(2000);
    expect(read.sum('app_size_count')).toBe(4000);
    expect(
      read
        .all('app_loaded')
        .map(({ labels, value }) => [labels.worker_slot, value])
        .sort(),
    ).toEqual([
      ['0', 2],
      ['1', 2],
    ]);
    expect(read.sum('snakepit_metrics_rejected_total')).toBe(0);
    if (requireTool('promtool')) expect(promtoolFaults((await pit.metrics.render()).text)).toBe('');
    // What the workers' readings say comes with them.
    for (const name of ['threads', 'open_fds', 'uptime_seconds', 'memory_bytes', 'gc_collections_total'])
      expect(read.all(`snakepit_worker_${name}`), name).toHaveLength(2);
  });

  it('may be made of its events, beside those of a prom-client registry', async () => {
    const registry = new Registry();
    new Gauge({ name: 'shop_open', help: 'Open.', registers: [registry] }).set(1);
    const { pit } = await startPit({
      pool: {
        app: python`
          @command
          def generate(n: int):
              emit("tokens", {"count": n, "ms": 1500}, {"model": "small"})
        `,
      },
      metrics: {
        registry,
        native: { schema: 4 },
        custom: {
          app_tokens_total: {
            type: 'counter',
            event: 'python.tokens',
            value: 'measurements.count',
            labels: { model: 'metadata.model', pool_name: 'metadata.pool_name' },
            help: 'Tokens.',
          },
          app_batch_seconds: {
            type: 'histogram',
            event: 'python.tokens',
            value: 'measurements.ms',
            scale: 0.001,
            help: 'Time.',
          },
        },
      },
    });
    await pit.execute('generate', { n: 40 });
    await pit.execute('generate', { n: 2 });
    const read = parse((await pit.metrics.render()).text);
    expect(read.value('app_tokens_total', { model: 'small', pool_name: 'default' })).toBe(42);
    expect(read.value('app_batch_seconds_sum')).toBe(3);
    expect(read.value('shop_open')).toBe(1);
    expect((await pit.metrics.render('application/vnd.google.protobuf')).byteLength).toBeGreaterThan(1000);
  });

  it('count on when a worker is replaced, and its gauges go with it', async () => {
    const { pit, pids } = await startPit({ pool: { app: app(), statsIntervalMs: 50 } });
    const scrape = async (): Promise<Parsed> => parse((await pit.metrics.render()).text);
    await pit.execute('work', { n: 10 });
    await until(async () => (await scrape()).sum('app_tokens_total') === 20, 'it is counted');
    const [pid] = pids();
    await pit.recyclePool();
    await until(() => pid !== undefined && !isAlive(pid), 'the old worker is gone');
    await pit.execute('work', { n: 1 });
    await until(async () => (await scrape()).sum('app_tokens_total') === 22, 'it is counted on');
    expect((await scrape()).all('app_loaded')).toHaveLength(1);
  });

  it('come through however many events the app invents', async () => {
    const { pit } = await startPit({
      pool: {
        app: python`
          from snakepit import metrics
          made = metrics.counter("app_made", "Made.")

          @command
          def work():
              for i in range(300):
                  emit(f"name_{i}")
              made.inc(3)
        `,
        statsIntervalMs: 50,
      },
    });
    await pit.execute('work');
    const counted = async () =>
      parse((await pit.metrics.render()).text).value('app_made_total', { pool_name: 'default' }) === 3;
    await until(counted, 'it is counted');
  });

  it('are counted when they cannot be taken, and hurt no request', async () => {
    const { pit } = await startPit({ pool: { app: app(), statsIntervalMs: 50 } });
    const scrape = async (): Promise<Parsed> => parse((await pit.metrics.render()).text);
    expect(await pit.execute('wrong')).toBe(true);
    await until(
      async () => (await scrape()).sum('snakepit_metrics_rejected_total') === 6,
      'all are rejected',
    );
    const read = await scrape();
    const count = (reason: string) => read.value('snakepit_metrics_rejected_total', { reason });
    expect([count('negative'), count('labels'), count('not_a_number')]).toEqual([1, 3, 2]);
    expect(read.sum('app_tokens_total')).toBe(0);
  });
});

describe('a batch of a worker', () => {
  const about = { pool_name: 'default', worker_slot: 0, worker_id: 'w1' };
  const declared = { type: 'counter', name: 'app_x', help: 'x', labels: ['l'], by_worker: false };
  const send = (batch: object, from: object = about) => {
    const of = rig();
    of.levels.snapshot = () => snapshotOf(pool('default'));
    of.bus.emit('python._metrics', {}, { declared: [], updates: [], ...batch, ...from });
    return of.scrape();
  };

  it.each<[string, object, string, number]>([
    ['a name of ours', { declared: [{ ...declared, name: 'snakepit_x' }] }, 'declaration', 1],
    ['a bad label', { declared: [{ ...declared, labels: ['__x'] }] }, 'declaration', 1],
    ['a label that the host sets', { declared: [{ ...declared, labels: ['pool_name'] }] }, 'declaration', 1],
    ['the same again, differently', { declared: [declared, { ...declared, help: 'y' }] }, 'declaration', 1],
    ['what is no declaration', { declared: [null, 7] }, 'malformed_event', 1],
    ['no list', { updates: 'x' }, 'malformed_event', 1],
    ['an update of nothing', { updates: [['app_y', [], [], 1]] }, 'unknown_metric', 1],
    ['an update that is none', { updates: [null] }, 'malformed_event', 1],
    [
      'a label called __proto__',
      { declared: [declared], updates: [['app_x', ['__proto__'], ['x'], 1]] },
      'labels',
      1,
    ],
    ['what was lost', { lost: 12 }, 'lost', 12],
  ])('with %s is counted as rejected', async (_, batch, reason, count) => {
    const read = await send(batch);
    expect(read.value('snakepit_metrics_rejected_total', { reason })).toBeGreaterThanOrEqual(count);
    expect(read.sum('app_x_total')).toBe(0);
  });

  it('shows its gauges until it has ended, unless another worker has set them since', async () => {
    const { bus, scrape } = rig();
    const gauge = { ...declared, type: 'gauge', by_worker: true };
    const set = (worker_id: string, value: number) =>
      bus.emit(
        'python._metrics',
        {},
        {
          declared: [gauge],
          updates: [['app_x', ['l'], ['a'], value]],
          ...about,
          worker_id,
        },
      );
    const end = (worker_id: string) =>
      bus.emit(
        'snakepit.worker.stopped',
        { uptime_ms: 1 },
        { pool_name: 'default', worker_slot: 0, worker_id },
      );
    const shown = async () => (await scrape()).all('app_x').map(({ value }) => value);
    set('w1', 1);
    set('w2', 2);
    end('w1');
    expect(await shown()).toEqual([2]);
    end('w2');
    expect(await shown()).toEqual([]);
    set('w3', 3);
    expect(await shown()).toEqual([3]);
  });

  it('cannot declare more than 200 metrics', async () => {
    const many = Array.from({ length: 250 }, (_, i) => ({ ...declared, name: `app_${i}` }));
    const updates = many.map(({ name }) => [name, ['l'], ['x'], 1]);
    const read = await send({ declared: many, updates });
    expect(read.samples.filter(({ name }) => name.startsWith('app_'))).toHaveLength(200);
    expect(read.value('snakepit_metrics_rejected_total', { reason: 'declaration' })).toBe(50);
  });
});
