import type { ResolvedOptions, ThresholdEvent } from './config/index.ts';
import { resolveOptions } from './config/index.ts';
import { Errors } from './consumers/errors/index.ts';
import { Health, type SendRequest } from './consumers/health/index.ts';
import { History } from './consumers/history/index.ts';
import { LiveEvents } from './consumers/live/index.ts';
import { createLogging, type Logger } from './consumers/logging/index.ts';
import { Metrics, type MetricsInit } from './consumers/metrics/index.ts';
import { EventBus, type Snapshotter } from './events/index.ts';
import { readMemory } from './process/index.ts';
import type { CanaryLeak, InstanceSanitizer } from './sanitize/index.ts';
import { packageVersion } from './version.ts';

/** The consumers of one instance. */
export type Observers = Awaited<ReturnType<typeof createObservers>>;

/** What an off switch leaves: a bus on which nothing ever happens. The consumer is there and takes calls, so application code need not ask. */
const silence = (): EventBus => new EventBus();

/** Options of a consumer that is off. */
const quiet = resolveOptions({
  pools: { none: { app: 'none' } },
  metrics: { defaultMetrics: false },
  logs: { level: 'silent' },
});

/** Says that a fake secret got through, not what it was. */
const tellLeak = (logger: Logger, { kind, sink }: CanaryLeak): void =>
  logger.error(
    `A fake secret of the kind '${kind}' (sanitize.canary) came through to '${sink}': secrets are not masked there. Please report it.`,
    { event: 'snakepit.redaction.canary_leaked', kind, sink },
  );

/** A consumer like any other: what it throws or lets hang is its own fault, counted and told. */
const tellThresholds = (bus: EventBus, onThreshold: (event: ThresholdEvent) => unknown): void => {
  bus.registerConsumer(
    { patterns: ['snakepit.threshold.exceeded', 'snakepit.threshold.recovered'] },
    // `async`: what it returns is nothing to the bus, unless it is waited for.
    { name: 'alerts', handle: async (event) => void (await onThreshold(event as ThresholdEvent)) },
    { sampled: false },
  );
};

/**
 * Puts the consumers on the bus, each unless it is switched off.
 *
 * @throws SnakepitError `invalid_configuration` when the log destination cannot be written
 */
export const createObservers = async (
  options: ResolvedOptions,
  bus: EventBus,
  sanitizer: InstanceSanitizer,
  snapshot: Snapshotter,
  reload: MetricsInit['reload'],
  send?: SendRequest,
) => {
  const { observability, pools } = options;
  const isOn = observability !== false;
  const metrics = (isOn && options.metrics) || undefined;
  const health = (isOn && options.health) || undefined;
  const logs = (isOn && options.logs) || undefined;
  bus.enabled = isOn;
  if (isOn) bus.configure(observability);
  const logging = await createLogging({
    options: logs ?? (quiet.logs as Exclude<ResolvedOptions['logs'], false>),
    bus: logs === undefined ? silence() : bus,
    sanitizer,
    showArgs: options.errors.showArgs,
  });
  const { canary } = sanitizer;
  if (canary !== undefined) canary.onLeak = (leak) => tellLeak(logging.logger, leak);
  const healthConsumer = new Health({
    options: health ?? (quiet.health as Exclude<ResolvedOptions['health'], false>),
    bus: health === undefined ? silence() : bus,
    snapshot,
    pools,
    memory: readMemory,
    sanitizer,
    logs: () => logging.counts(),
    ...(health !== undefined && { send }),
    background: health !== undefined,
  });
  const { onThreshold } = options.alerts;
  if (onThreshold !== undefined) tellThresholds(bus, onThreshold);
  const metricsConsumer = new Metrics({
    options: metrics ?? (quiet.metrics as Exclude<ResolvedOptions['metrics'], false>),
    bus: metrics === undefined ? silence() : bus,
    snapshot,
    version: packageVersion(),
    runtimeDir: options.runtimeDir,
    // In memory there are no round trips to time.
    except: options.sessions.store === 'memory' ? ['snakepit.session.accessed'] : [],
    reload,
    ...(logs !== undefined && {
      logs: () => ({
        writeErrors: logging.counts().writeErrors,
        losses: logging.losses(),
        refusedHeaders: logging.refusedHeaders(),
      }),
    }),
    ...(canary !== undefined && { canaryLeaks: () => canary.leaks }),
    ...(health !== undefined && {
      ready: () => healthConsumer.checkReadiness().status !== 'error',
      health: () => healthConsumer.statuses(),
    }),
  });
  const errorsConsumer = new Errors({ bus, sanitizer });
  const liveConsumer = new LiveEvents({ bus, sanitizer });
  const history = options.dashboard
    ? new History({
        bus,
        snapshot,
        sanitizer,
        ...(health !== undefined && {
          traffic: healthConsumer.traffic,
          lagMs: () => healthConsumer.eventLoopLagMs(),
          missing: (pool) => healthConsumer.missingWorkers(pool),
        }),
      })
    : undefined;
  return {
    errors: errorsConsumer,
    events: liveConsumer,
    metrics: metricsConsumer,
    health: healthConsumer,
    /** Undefined where the live page is off. */
    history,
    logging,
    /** What is served; null is answered with 404. */
    served: {
      metrics: metrics === undefined ? null : metricsConsumer,
      health: health === undefined ? null : healthConsumer,
      errors: isOn ? errorsConsumer : null,
      live: isOn ? liveConsumer : null,
      sanitizer,
    },
    close: async (): Promise<void> => {
      errorsConsumer.close();
      liveConsumer.close();
      history?.close();
      await metricsConsumer.close();
      healthConsumer.close();
      await logging.close();
    },
  };
};
