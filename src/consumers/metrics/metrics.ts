import type { ResolvedOptions } from '../../config/index.ts';
import { SnakepitError } from '../../errors/index.ts';
import { type EventBus, type EventName, now, type Snapshotter } from '../../events/index.ts';
import { catalogEntries, specOf } from './catalog.ts';
import { MetricsCollection } from './collection.ts';
import { negotiate } from './expose/negotiate.ts';
import { type Exposition, Scraper } from './expose/scrape.ts';
import type { FamilySpec } from './family.ts';
import { CustomMetrics } from './feed/custom.ts';
import { Feed } from './feed/feed.ts';
import { PythonMetrics } from './feed/python.ts';
import { Group } from './group/group.ts';
import { NodeMetrics } from './levels/node.ts';
import { ForeignMetrics } from './levels/registry.ts';
import { targetInfo } from './levels/target.ts';
import { Offers, type PromRegistryLike } from './offer/adapter.ts';
import { OwnMetrics } from './own.ts';
import {
  ApplicationMetrics,
  type BoundMetric,
  checkAllowed,
  type LabelValues,
} from './record/application.ts';
import { configuredFor, type Setting } from './record/family.ts';
import { Names } from './record/names.ts';
import { RecordedFamilies } from './record/recorded.ts';
import type { MetricSpec } from './record/spec.ts';
import type { ConfigReload, Levels, LogReading } from './source.ts';

const COMPLETED = 'snakepit.request.completed';

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
  /** The status of each health check. Default: it is left out. */
  readonly health?: (() => Levels['health']) | undefined;
  /** How the configuration was read last. Default: it is left out. */
  readonly reload?: (() => ConfigReload) | undefined;
  /** Fake secrets that reached a sink. Default: none are looked for, and the metric is left out. */
  readonly canaryLeaks?: (() => number) | undefined;
  /** What became of log lines. Default: it is left out. */
  readonly logs?: (() => LogReading) | undefined;
  /** Version of this package, for `snakepit_build_info`. */
  readonly version: string;
  /** Epoch milliseconds, for `_created`. Default: the clock of the events. */
  readonly now?: () => number;
  /** Where `OTEL_SERVICE_NAME` and `OTEL_RESOURCE_ATTRIBUTES` are read. Default: the process's. */
  readonly environment?: Readonly<Record<string, string | undefined>>;
  /** Events that have nothing to count as things are set up, so that they need not be built for it. */
  readonly except?: readonly EventName[] | undefined;
  /** Where the folder of a group is made. Default: the user's runtime directory, or the temporary one. */
  readonly runtimeDir?: string | undefined;
}

/**
 * The metrics consumer: counts what the bus says happened, reads levels when somebody scrapes, takes the application's
 * own metrics, and writes all of it as Prometheus text
 * (exposition format 0.0.4), OpenMetrics 1.0.0 or Prometheus protobuf.
 *
 * It keeps no timer, and no handle but the socket of a group, so it does not keep Node alive.
 */
export class Metrics {
  readonly #application: ApplicationMetrics;
  readonly #scraper: Scraper;
  readonly #release: () => void;
  readonly #node: NodeMetrics | undefined;
  readonly #offers: Offers;
  readonly #group: Group | undefined;

  /**
   * @throws SnakepitError `invalid_configuration` when an option names a metric or label that is not there, a metric cannot be exposed, or
   *   the group can have no folder
   * @throws TypeError when the bus has a consumer named `metrics` already
   */
  constructor({
    options,
    bus,
    snapshot,
    ready,
    health,
    reload,
    canaryLeaks,
    logs,
    version,
    now: clock = now,
    environment = process.env,
    runtimeDir,
    except = [],
  }: MetricsInit) {
    const { buckets, maxSeries } = options;
    const setting: Setting = {
      maxSeries,
      limits: options.limits,
      allowed: options.labels,
      native: options.native || undefined,
      now: clock,
      onLimit: (family, limit) => {
        own.limitReached(family.name);
        warn(bus, family, limit);
      },
    };
    checkNames(options, setting);
    const recorded = new RecordedFamilies(setting, buckets);
    const own = new OwnMetrics(recorded, options.group !== undefined);
    const reject = own.reject.bind(own);
    const names = new Names();
    for (const [name] of catalogEntries) names.claim(specOf(name));
    const foreign =
      options.registry && new ForeignMetrics(options.registry, names, () => own.collectFailed('registry'));
    this.#node = options.defaultMetrics ? new NodeMetrics((name) => foreign?.has(name) ?? false) : undefined;
    for (const spec of this.#node?.specs() ?? []) names.claim(spec);

    this.#application = new ApplicationMetrics({
      setting,
      names,
      buckets,
      reject,
      onFamily: (spec) => this.#offers.add(spec),
    });
    const feed = new Feed(recorded, snapshot, maxSeries, () => reject('malformed_event'));
    const collection = new MetricsCollection({
      recorded,
      own,
      bus,
      snapshot,
      ready,
      health,
      reload,
      canaryLeaks,
      logs,
      version,
      application: this.#application,
      node: this.#node,
      foreign,
      target: targetInfo(environment),
      onSnapshot: (levels) => feed.zero(levels),
    });
    this.#offers = new Offers(() => collection.classic('text'));
    for (const [name] of catalogEntries) this.#offers.add(specOf(name));
    const custom = new CustomMetrics({ declared: options.custom, application: this.#application, reject });
    const python = new PythonMetrics(this.#application, reject);
    this.#release = bus.registerConsumer(
      { patterns: [...feed.wanted, ...custom.wanted, ...python.wanted], except },
      {
        name: 'metrics',
        handle: (event) => {
          feed.handle(event);
          // By far the most frequent; neither of the others has to look at it.
          if (event.event_name === COMPLETED && !custom.takes(COMPLETED)) return;
          custom.handle(event);
          python.handle(event);
        },
      },
      { delivery: 'inline', sampled: false },
    );
    this.#group =
      options.group === undefined
        ? undefined
        : new Group({
            group: options.group,
            own: collection,
            environment,
            runtimeDir,
            onFailure: () => own.collectFailed('group'),
          });
    this.#scraper = new Scraper(this.#group ?? collection);
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
   * Observes a value of a summary. Never throws; see {@link Metrics.updateCounter}.
   *
   * @param value - in the unit of the metric; finite, 0 or more
   */
  observeSummary(name: string, labels: LabelValues, value: number): void {
    this.#application.update('summary', name, labels, value);
  }

  /**
   * One series, for where updates are frequent: the look-ups are done once, here.
   *
   * @param type - as the metric was registered
   * @throws TypeError when there is no such metric, it has another type, or other labels
   */
  bind(type: MetricSpec['type'], name: string, labels: LabelValues = {}): BoundMetric {
    return this.#application.bind(type, name, labels);
  }

  /**
   * Offers these metrics, the application's included, to a prom-client registry: for a `/metrics` that is there already. Native histograms, exemplars and Node's default metrics are left out.
   *
   * @returns takes them out again
   * @throws TypeError when the registry has one of the names already
   */
  register(registry: PromRegistryLike): () => void {
    return this.#offers.register(registry);
  }

  /**
   * Writes all metrics as they are at one moment. The text is made in slices with the event loop running in between,
   * and calls that come meanwhile share it.
   *
   * @param accept - the `Accept` header of the request. Default, and where it names no format of ours: Prometheus text 0.0.4
   * @param signal - aborted when nobody waits any more
   * @throws the signal's reason when it is aborted
   */
  render(accept?: string, signal?: AbortSignal): Promise<Exposition> {
    return this.#scraper.scrape(negotiate(accept), signal);
  }

  /**
   * Leaves the bus and stops watching this process, and hands what has been counted to the group, where there is one. It can still be
   * rendered.
   */
  async close(): Promise<void> {
    this.#release();
    if (this.#group !== undefined) await this.#group.close();
    this.#node?.close();
  }
}

/** Said once for each metric, where somebody reads: by the log, as a warning. */
const warn = (bus: EventBus, { name }: FamilySpec, limit: number): void => {
  bus
    .event('snakepit.threshold.exceeded')
    .emit(
      { value: limit + 1, threshold: limit },
      { check: `metrics.maxSeries of ${name}`, level: 'warning' },
    );
};

/** @throws SnakepitError `invalid_configuration` on a limit or a list of label values for a metric of ours that takes none */
const checkNames = ({ limits, labels }: MetricsInit['options'], setting: Setting): void => {
  const recorded = catalogEntries
    .filter(([, { from }]) => from.kind === 'events')
    .map(([name]) => specOf(name));
  for (const [option, given] of Object.entries({ limits, labels })) {
    const stray = Object.keys(given).find(
      (name) =>
        name.startsWith('snakepit_') &&
        !recorded.some((spec) => configuredFor({ [name]: true }, spec) === true),
    );
    if (stray === undefined) continue;
    throw new SnakepitError(
      'invalid_configuration',
      `metrics.${option}.${stray}: there is no such metric that counts events. Those are: ${recorded.map(({ name }) => name).join(', ')}.`,
    );
  }
  try {
    for (const spec of recorded) checkAllowed(spec, setting);
  } catch (error) {
    throw new SnakepitError('invalid_configuration', (error as Error).message);
  }
};
