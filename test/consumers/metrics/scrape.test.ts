import { describe, expect, it } from 'vitest';
import { SLICE_CHARACTERS } from '../../../src/consumers/metrics/expose/render.ts';
import { boom, complete, pool, rig, snapshotOf } from './fixtures.ts';
import { parse } from './parse.ts';

const crowded = (series: number) => {
  const of = rig({ maxSeries: series });
  of.metrics.registerMetric({ type: 'histogram', name: 'app_h', help: 'h', labels: ['a'] });
  for (let i = 0; i < series; i++) of.metrics.observeHistogram('app_h', { a: `series ${i}` }, i);
  return of;
};

/** Runs `step` in every turn of the event loop until the promise settles; how many turns there were. */
const meanwhile = async (until: Promise<unknown>, step: () => void = () => {}): Promise<number> => {
  let turns = 0;
  let over = false;
  const turn = () => {
    turns++;
    step();
    if (!over) setImmediate(turn);
  };
  setImmediate(turn);
  await until;
  over = true;
  return turns;
};

describe('a scrape', () => {
  it('lets the event loop turn between slices', async () => {
    const { metrics } = crowded(10_000);
    const rendering = metrics.render();
    const turns = await meanwhile(rendering);
    const { slices } = await rendering;
    expect(slices.length).toBeGreaterThan(50);
    expect(turns).toBeGreaterThanOrEqual(slices.length);
    for (const slice of slices) expect(slice.length).toBeLessThan(2 * SLICE_CHARACTERS);
  });

  it('shows one moment, though events go on while it is rendered', async () => {
    const { bus, metrics } = crowded(5000);
    bus.registerConsumer(
      'snakepit.request.**',
      { name: 'failing', handle: boom },
      { delivery: 'inline', sampled: false },
    );
    const rendering = metrics.render();
    await meanwhile(rendering, () =>
      complete(bus, { about: { status: 'failure', code: 'python_exception' } }),
    );
    const read = parse((await rendering).text);
    const requests = read.sum('snakepit_requests_total');
    expect(read.value('snakepit_events_total', { event: 'snakepit.request.completed' })).toBe(requests);
    expect(read.sum('snakepit_request_duration_seconds_count')).toBe(requests);
    expect(read.sum('snakepit_errors_total')).toBe(requests);
    for (const consumer of ['metrics', 'failing']) {
      const offered = read.value('snakepit_events_offered_total', { consumer });
      const delivered = read.value('snakepit_events_delivered_total', { consumer }) ?? Number.NaN;
      expect(offered).toBe(delivered + read.sum('snakepit_events_dropped_total', { consumer }));
    }
    expect(parse((await metrics.render()).text).sum('snakepit_requests_total')).toBeGreaterThan(requests);
  });

  it('is shared by those who ask for the same format meanwhile, and by nobody after', async () => {
    let readings = 0;
    const { levels, metrics } = rig();
    levels.snapshot = () => {
      readings++;
      return snapshotOf(pool('default'));
    };
    const openmetrics = 'application/openmetrics-text';
    const [a, b, c] = [metrics.render(), metrics.render('text/plain'), metrics.render(openmetrics)];
    expect(await a).toBe(await b);
    expect(await c).not.toBe(await a);
    expect(readings).toBe(2);
    await metrics.render();
    expect(readings).toBe(3);
  });

  it('offers its body whole and in slices', async () => {
    const { metrics } = crowded(2000);
    const exposition = await metrics.render();
    expect(exposition.slices.join('')).toBe(exposition.body);
    expect(exposition.contentType).toBe('text/plain; version=0.0.4; charset=utf-8');
  });
});

describe('a collector that fails', () => {
  const failures = (of: ReturnType<typeof rig>) =>
    of
      .scrape()
      .then((read) =>
        Object.fromEntries(
          read
            .all('snakepit_metrics_collect_failures_total')
            .map(({ labels, value }) => [labels.collector, value]),
        ),
      );

  it('loses its own metrics, is counted in the same scrape, and comes back', async () => {
    const of = rig();
    complete(of.bus);
    of.levels.snapshot = () => {
      throw new Error('not now');
    };
    const read = await of.scrape();
    expect(read.all('snakepit_uptime_seconds')).toEqual([]);
    expect(read.sum('snakepit_requests_total')).toBe(1);
    expect(read.value('snakepit_events_offered_total', { consumer: 'metrics' })).toBe(1);
    expect(read.value('snakepit_metrics_collect_failures_total', { collector: 'snapshot' })).toBe(1);
    of.levels.snapshot = () => snapshotOf(pool('default'));
    const after = await of.scrape();
    expect(after.value('snakepit_pool_slots')).toBe(1);
    expect(after.value('snakepit_metrics_collect_failures_total', { collector: 'snapshot' })).toBe(1);
  });

  it('may be the readiness check', async () => {
    const of = rig({}, { ready: boom });
    expect(await failures(of)).toEqual({
      snapshot: 0,
      bus: 0,
      ready: 1,
      health: 0,
      reload: 0,
      event_loop: 0,
      node: 0,
      registry: 0,
    });
    expect((await of.scrape()).value('snakepit_ready')).toBeUndefined();
  });

  it('may hand out what is no level', async () => {
    const of = rig();
    of.levels.snapshot = () => snapshotOf(pool('default', { queue_depth: undefined as never }));
    expect(await failures(of)).toEqual({
      snapshot: 1,
      bus: 0,
      ready: 0,
      health: 0,
      reload: 0,
      event_loop: 0,
      node: 0,
      registry: 0,
    });
    expect((await of.scrape()).all('snakepit_pool_queue_depth')).toEqual([]);
  });
});
