import type { ResolvedOptions } from '../../config/index.ts';
import { type EventBus, now, type Snapshotter } from '../../events/index.ts';
import { catalogEntries, specOf } from './catalog.ts';
import { MetricsCollection } from './collection.ts';
import { negotiate } from './expose/negotiate.ts';
import { type Exposition, Scraper } from './expose/scrape.ts';
import { Feed } from './feed/feed.ts';
import { NodeMetrics } from './levels/node.ts';
import { OwnMetrics } from './own.ts';
import { ApplicationMetrics, type LabelValues } from './record/application.ts';
import { Names } from './record/names.ts';
import { RecordedFamilies } from './record/recorded.ts';
import type { MetricSpec } from './record/spec.ts';

/** What {@link Metrics} is made from. */
export interface MetricsInit {
  /** The options under `metrics`. */
  readonly options: Exclude<ResolvedOptions['metrics'], false>;
  /** Where events come from. A consumer named `metrics` is registered on it. */
  readonly bus: EventBus;
  /** Reads the levels, once for each scrape. */
  readonly snapshot: Snapshotter;
  /** Whether the readiness check passes. Default: none, and `snakepit_ready` is left out. */
  readonly ready?: (() => boolean) | undefined;
  /** Version of this package, for `snakepit_build_info`. */
  readonly version: string;
  /** Epoch milliseconds, for `_created`. Default: the clock of the events. */
  readonly now?: () => number;
}

/**
 * The metrics consumer: counts what the bus says happened, reads levels when somebody scrapes, takes the application's
 * own metrics, and writes all of it as Prometheus text
 * (exposition format 0.0.4) or OpenMetrics 1.0.0.
 *
 * It keeps no timer and no handle, so it does not keep Node alive.
 */
export class Metrics {
  readonly #application: ApplicationMetrics;
  readonly #scraper: Scraper;
  readonly #release: () => void;
  readonly #node: NodeMetrics | undefined;

  /**
   * @throws SnakepitError `invalid_configuration` when `buckets` names a metric of Snakepit that is no histogram
   * @throws TypeError when the bus has a consumer named `metrics` already
   */
  constructor({ options, bus, snapshot, ready, version, now: clock = now }: MetricsInit) {
    const { buckets, maxSeries } = options;
    const setting = {
      maxSeries,
      now: clock,
      onLimit: ({ name }: { name: string }) => own.limitReached(name),
    };
    const recorded = new RecordedFamilies(setting, buckets);
    const own = new OwnMetrics(recorded);
    const feed = new Feed(recorded, snapshot, maxSeries, () => own.reject('malformed_event'));
    this.#release = bus.registerConsumer(
      { patterns: feed.wanted },
      { name: 'metrics', handle: (event) => feed.handle(event) },
    );
    this.#node = options.defaultMetrics ? new NodeMetrics() : undefined;

    const names = new Names();
    for (const [name] of catalogEntries) names.claim(specOf(name));
    for (const spec of this.#node?.specs() ?? []) names.claim(spec);
    this.#application = new ApplicationMetrics({
      setting,
      names,
      buckets,
      reject: (reason) => own.reject(reason),
    });
    this.#scraper = new Scraper(
      new MetricsCollection({
        recorded,
        own,
        bus,
        snapshot,
        ready,
        version,
        application: this.#application,
        node: this.#node,
        onSnapshot: (levels) => feed.zero(levels),
      }),
    );
  }

  /**
   * Registers a metric of the application. Without labels a counter or histogram is exposed at zero from here on; every
   * other series appears with its first update.
   *
   * @throws TypeError, saying why, when the name, a label, the unit or a bucket cannot be exposed, or the name is
   *   taken: by another metric, or by what another one exposes beside its own name (`_total`,
   * `_bucket`, `_sum`, `_count`, `_created`)
   */
  registerMetric(spec: MetricSpec): void {
    this.#application.register(spec);
  }

  /**
   * Adds to a counter. Never throws: what cannot be taken is counted in `snakepit_metrics_rejected_total`, by reason.
   *
   * @param name - as it was registered
   * @param labels - a value for each label, in any order; `{}` where there are none
   * @param value - finite, 0 or more. Default: 1
   */
  updateCounter(name: string, labels: LabelValues = {}, value = 1): void {
    this.#application.update('counter', name, labels, value);
  }

  /**
   * Sets a gauge. Never throws; see {@link Metrics.updateCounter}.
   *
   * @param value - any number, NaN and the infinities too
   */
  updateGauge(name: string, labels: LabelValues, value: number): void {
    this.#application.update('gauge', name, labels, value);
  }

  /**
   * Counts a value in a histogram. Never throws; see {@link Metrics.updateCounter}.
   *
   * @param value - in the unit of the metric; finite, and 0 or more unless a bucket is negative
   */
  observeHistogram(name: string, labels: LabelValues, value: number): void {
    this.#application.update('histogram', name, labels, value);
  }

  /**
   * Writes all metrics as they are at one moment. The text is made in slices with the event loop running in between,
   * and calls that come meanwhile share it.
   *
   * @param accept - the `Accept` header of the request. Default, and where it names no format of ours: Prometheus text 0.0.4
   */
  render(accept?: string): Promise<Exposition> {
    return this.#scraper.scrape(negotiate(accept));
  }

  /** Leaves the bus and stops watching this process. What has been counted can still be rendered. */
  close(): void {
    this.#release();
    this.#node?.close();
  }
}
