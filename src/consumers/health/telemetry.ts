import type { EventBus } from '../../events/index.ts';

/** What became of the events, and the rules they are under. Wire spelling, since it is answered as it is. */
export interface TelemetryReport {
  /** For each consumer offered = delivered + dropped + pending. */
  readonly consumers: ReturnType<EventBus['consumers']>;
  readonly events: { readonly emitted: number; readonly malformed: number };
  readonly sampling: Readonly<Record<string, number>>;
  readonly rate_limits: Readonly<
    Record<string, { per_second: number; burst: number | null; key: string | null }>
  >;
  readonly keep: { readonly per_second: number; readonly burst: number };
  readonly hold: { readonly max_events: number; readonly max_age_ms: number };
  /** Consumers that were switched off. */
  readonly switched_off: readonly string[];
  /** What the log could not write; null where nobody says. */
  readonly logs: Readonly<Record<string, unknown>> | null;
}

/** Everything there is to say about the observability itself. */
export const telemetryOf = (bus: EventBus, logs: (() => object) | undefined): TelemetryReport => {
  const { sampling, rateLimits, keep, hold, consumers } = bus.settings();
  return {
    consumers: bus.consumers(),
    events: {
      emitted: bus.counts().reduce((sum, { count }) => sum + count, 0),
      malformed: bus.malformed,
    },
    sampling,
    rate_limits: Object.fromEntries(
      Object.entries(rateLimits).map(([pattern, { perSecond, burst = null, key = null }]) => [
        pattern,
        { per_second: perSecond, burst, key },
      ]),
    ),
    keep: { per_second: keep.perSecond, burst: keep.burst },
    hold: { max_events: hold.maxEvents, max_age_ms: hold.maxAgeMs },
    switched_off: Object.entries(consumers).flatMap(([name, on]) => (on ? [] : [name])),
    logs: logs === undefined ? null : snake(logs()),
  };
};

const snake = (counts: object): Record<string, unknown> =>
  Object.fromEntries(
    Object.entries(counts).map(([name, value]) => [
      name.replaceAll(/[A-Z]/g, (letter) => `_${letter.toLowerCase()}`),
      value,
    ]),
  );
