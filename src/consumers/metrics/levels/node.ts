import perfHooks, { type IntervalHistogram } from 'node:perf_hooks';
import { collectDefaultMetrics, Registry } from 'prom-client';
import type { FamilyCopy, FamilySpec } from '../family.ts';
import { copyOf } from './prom.ts';

/**
 * Runs a function and remembers what it starts to observe this process with. prom-client keeps no handle of its garbage
 * collection observer and its event loop monitor, so they could never be
 * stopped, and each `create`/`close` would leave one of both behind. Both constructors are looked up on the module when
 * called, which is where they can be caught; the function is
 * synchronous, so nobody else meets the replacements.
 */
const catchObservers = (fn: () => void): (() => void) => {
  const { PerformanceObserver, monitorEventLoopDelay } = perfHooks;
  const observers: InstanceType<typeof PerformanceObserver>[] = [];
  const monitors: IntervalHistogram[] = [];
  try {
    perfHooks.PerformanceObserver = class extends PerformanceObserver {
      constructor(callback: ConstructorParameters<typeof PerformanceObserver>[0]) {
        super(callback);
        observers.push(this);
      }
    };
    perfHooks.monitorEventLoopDelay = (options) => {
      const monitor = monitorEventLoopDelay(options);
      monitors.push(monitor);
      return monitor;
    };
    fn();
  } finally {
    perfHooks.PerformanceObserver = PerformanceObserver;
    perfHooks.monitorEventLoopDelay = monitorEventLoopDelay;
  }
  return () => {
    for (const observer of observers) observer.disconnect();
    for (const monitor of monitors) monitor.disable();
  };
};

/** Statistics of the event loop's delay since the last scrape. */
const LAG = /^nodejs_eventloop_lag_[a-z0-9]+_seconds$/;

/**
 * When the loop has not turned since the last scrape there are no statistics: the mean is NaN then, and the least delay
 * reads 292 years.
 */
const isEmptyMean = ({ spec, ...copy }: FamilyCopy) =>
  spec.name === 'nodejs_eventloop_lag_mean_seconds' && copy.kind === 'scalar' && Number.isNaN(copy.values[0]);

/** Node's own metrics, by prom-client, in a registry nobody else sees. */
export class NodeMetrics {
  readonly #registry = new Registry();
  readonly #stop: () => void;

  /** @param has - which metrics somebody else exposes already */
  constructor(has: (name: string) => boolean = () => false) {
    this.#stop = catchObservers(() => collectDefaultMetrics({ register: this.#registry }));
    for (const { name, type } of this.specs()) {
      // Three gauges that repeat the sum of the gauge beside them, under names that only counters may have.
      if ((type === 'gauge' && name.endsWith('_total')) || has(name)) this.#registry.removeSingleMetric(name);
    }
  }

  /** What is exposed, for the names it takes. */
  specs(): Pick<FamilySpec, 'name' | 'type'>[] {
    return this.#registry
      .getMetricsAsArray()
      .map(({ name, type }) => ({ name, type: String(type) as FamilySpec['type'] }));
  }

  async collect(): Promise<FamilyCopy[]> {
    const metrics = await this.#registry.getMetricsAsJSON();
    const copies = metrics.map(copyOf).filter((copy) => copy !== undefined);
    return copies.some(isEmptyMean) ? copies.filter(({ spec }) => !LAG.test(spec.name)) : copies;
  }

  /** Stops watching the garbage collector and the event loop. */
  close(): void {
    this.#stop();
    this.#registry.clear();
  }
}
