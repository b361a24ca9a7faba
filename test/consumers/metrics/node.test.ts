import perfHooks from 'node:perf_hooks';
import { setImmediate } from 'node:timers/promises';
import { setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';
import { Counter, Gauge, Histogram, Registry } from 'prom-client';
import { afterEach, describe, expect, it } from 'vitest';
import { dialects } from '../../../src/consumers/metrics/expose/dialect.ts';
import { render } from '../../../src/consumers/metrics/expose/render.ts';
import { NodeMetrics } from '../../../src/consumers/metrics/levels/node.ts';
import { copyOf } from '../../../src/consumers/metrics/levels/prom.ts';
import { requirePythonModule, requireTool } from '../../support/tools.ts';
import { boom, rig } from './fixtures.ts';
import { promtoolFaults, strictFamilies } from './oracles.ts';
import { parse } from './parse.ts';

const originals = { ...perfHooks };
afterEach(() => {
  perfHooks.PerformanceObserver = originals.PerformanceObserver;
  perfHooks.monitorEventLoopDelay = originals.monitorEventLoopDelay;
});

/** Counts the observers and monitors that are at work: real ones, only watched. */
const watchObservers = () => {
  const open = { observers: new Set<unknown>(), monitors: new Set<unknown>() };
  perfHooks.PerformanceObserver = class extends originals.PerformanceObserver {
    override observe(...args: Parameters<InstanceType<typeof originals.PerformanceObserver>['observe']>) {
      open.observers.add(this);
      return super.observe(...args);
    }
    override disconnect() {
      open.observers.delete(this);
      super.disconnect();
    }
  };
  perfHooks.monitorEventLoopDelay = (options) => {
    const monitor = originals.monitorEventLoopDelay(options);
    const { enable, disable } = monitor;
    monitor.enable = () => {
      open.monitors.add(monitor);
      return enable.call(monitor);
    };
    monitor.disable = () => {
      open.monitors.delete(monitor);
      return disable.call(monitor);
    };
    return monitor;
  };
  return open;
};

describe("Node's own metrics", () => {
  it('are there, less the three gauges that end in _total', async () => {
    const { metrics, scrape } = rig({ defaultMetrics: true });
    const read = await scrape();
    await metrics.close();
    for (const name of [
      'process_cpu_seconds_total',
      'process_start_time_seconds',
      'nodejs_heap_size_used_bytes',
      'nodejs_version_info',
    ]) {
      expect([name, read.all(name).length]).toEqual([name, 1]);
    }
    for (const [name, type] of read.types)
      if (name.endsWith('_total')) expect([name, type]).toEqual([name, 'counter']);
    expect(read.find('nodejs_version_info')?.labels).toMatchObject({
      version: process.version,
      major: process.versions.node.split('.')[0],
    });
    expect(read.samples.filter(({ value }) => Number.isNaN(value) || value > 1e18)).toEqual([]);
  });

  it('are not there when they are switched off', async () => {
    const { scrape } = rig({ defaultMetrics: false });
    const names = (await scrape()).samples.map(({ name }) => name);
    expect(names.filter((name) => !name.startsWith('snakepit_'))).toEqual([]);
  });

  it.skipIf(!requireTool('promtool'))('please promtool', async () => {
    const { metrics } = rig({ defaultMetrics: true });
    expect(promtoolFaults((await metrics.render()).text)).toBe('');
    await metrics.close();
  });

  it.skipIf(!requirePythonModule('prometheus_client'))('please the strict parser', async () => {
    const { metrics } = rig({ defaultMetrics: true });
    const families = strictFamilies((await metrics.render('application/openmetrics-text')).text);
    await metrics.close();
    expect(families.map(({ name }) => name)).toContain('process_cpu_seconds');
  });

  it('leave nothing at work once closed, however often', async () => {
    const open = watchObservers();
    for (let i = 0; i < 20; i++) {
      const { metrics } = rig({ defaultMetrics: true });
      expect([open.observers.size, open.monitors.size]).toEqual([1, 1]);
      await metrics.render();
      await metrics.close();
      expect([open.observers.size, open.monitors.size]).toEqual([0, 0]);
    }
  });

  it('put back what they borrowed to be stoppable', () => {
    const { PerformanceObserver, monitorEventLoopDelay } = perfHooks;
    const node = new NodeMetrics();
    node.close();
    expect(perfHooks.PerformanceObserver).toBe(PerformanceObserver);
    expect(perfHooks.monitorEventLoopDelay).toBe(monitorEventLoopDelay);
  });

  it('can be collected by two at a time, since no registry is shared', () => {
    const { metrics } = rig({ defaultMetrics: true });
    const again = rig({ defaultMetrics: true });
    void metrics.close();
    void again.metrics.close();
  });

  it('keep nothing alive that would keep the process alive', () => {
    const before = process.getActiveResourcesInfo().sort();
    const { metrics } = rig({ defaultMetrics: true });
    expect(process.getActiveResourcesInfo().sort()).toEqual(before);
    void metrics.close();
  });

  it('are garbage once closed', async () => {
    setFlagsFromString('--expose-gc');
    const collectGarbage = runInNewContext('gc') as () => void;
    const closed = (): WeakRef<object> => {
      const node = new NodeMetrics();
      node.close();
      return new WeakRef(node);
    };
    const refs = Array.from({ length: 10 }, closed);
    const left = () => refs.filter((ref) => ref.deref() !== undefined).length;
    // A reference that was just made lives until the current job ends, and one collection need not find all.
    for (let turn = 0; turn < 50 && left() > 0; turn++) {
      await setImmediate();
      collectGarbage();
    }
    expect(left()).toBe(0);
  });

  it('count as a collector: failing, they are lost alone', async () => {
    const { metrics, scrape } = rig({ defaultMetrics: true });
    const { memoryUsage } = process;
    // What prom-client reads in the middle of a collection.
    process.memoryUsage = Object.assign(boom, { rss: memoryUsage.rss });
    const hrtime = process.hrtime;
    process.hrtime = Object.assign(boom, { bigint: hrtime.bigint });
    try {
      const read = await scrape();
      expect(read.value('snakepit_metrics_collect_failures_total', { collector: 'node' })).toBe(1);
      expect(read.all('process_start_time_seconds')).toEqual([]);
      expect(read.value('snakepit_uptime_seconds')).toBe(90.5);
    } finally {
      process.memoryUsage = memoryUsage;
      process.hrtime = hrtime;
      await metrics.close();
    }
  });
});

describe('metrics of a prom-client registry', () => {
  it('come out as prom-client itself would write them', async () => {
    const registry = new Registry();
    const registers = [registry];
    const counter = new Counter({ name: 'app_c_total', help: 'c', labelNames: ['a'], registers });
    counter.inc({ a: 'x "y"\n' }, 3);
    const gauge = new Gauge({ name: 'app_g', help: 'g', labelNames: ['a', 'b'], registers });
    gauge.set({ a: '1' }, 2.5);
    const histogram = new Histogram({
      name: 'app_h',
      help: 'h',
      labelNames: ['a'],
      buckets: [1, 2],
      registers,
    });
    histogram.observe({ a: '1' }, 0.5);
    histogram.observe({ a: '1' }, 1.5);
    histogram.observe({ a: '2' }, 9);
    const copies = (await registry.getMetricsAsJSON()).map(copyOf).filter((copy) => copy !== undefined);
    const ours = parse([...render(copies, dialects.text)].join(''));
    const theirs = parse((await registry.metrics()).replaceAll('\n\n', '\n'));
    const sorted = ({ samples }: typeof ours) =>
      samples
        .map(({ name, labels, value }) => JSON.stringify([name, Object.entries(labels).sort(), value]))
        .sort();
    expect(sorted(ours)).toEqual(sorted(theirs));
  });
});
