import type { EventBus, EventHandle, HealthStatus } from '../../events/index.ts';
import type { CheckState } from './dependencies/check.ts';
import type { Crossing } from './judge.ts';
import type { HealthCheck } from './types.ts';

/** Tells the bus what has changed, once each time. */
export class Announcer {
  readonly #changed: EventHandle<'snakepit.health.status_changed'>;
  readonly #failed: EventHandle<'snakepit.health.check_failed'>;
  readonly #exceeded: EventHandle<'snakepit.threshold.exceeded'>;
  readonly #recovered: EventHandle<'snakepit.threshold.recovered'>;
  #failing = new Set<string>();

  constructor(bus: EventBus) {
    this.#changed = bus.event('snakepit.health.status_changed');
    this.#failed = bus.event('snakepit.health.check_failed');
    this.#exceeded = bus.event('snakepit.threshold.exceeded');
    this.#recovered = bus.event('snakepit.threshold.recovered');
  }

  crossings(crossings: readonly Crossing[]): void {
    for (const { check, pool, level, value, threshold } of crossings) {
      const about = { check, ...(pool !== undefined && { pool_name: pool }) };
      if (level === undefined) this.#recovered.emit({ value, threshold }, about);
      else this.#exceeded.emit({ value, threshold }, { ...about, level });
    }
  }

  /** Each failure is told once, until the check is well again. */
  failures(states: readonly CheckState[]): void {
    const before = this.#failing;
    // Set before anything is emitted: whoever hears of it may ask for health at once.
    this.#failing = new Set(
      states.flatMap(({ row, reason, pending }) =>
        reason !== undefined || (pending && before.has(row.name)) ? [row.name] : [],
      ),
    );
    for (const { row, reason } of states) {
      if (reason === undefined || before.has(row.name)) continue;
      const { name: check, critical, message, latency_ms } = row;
      this.#failed.emit({ duration_ms: latency_ms ?? 0 }, { check, critical, reason, message });
    }
  }

  status(from: HealthStatus, to: HealthStatus, checks: readonly HealthCheck[]): void {
    this.#changed.emit({}, { from, to, why: reasons(checks) });
  }
}

/** Why the whole is not ok, in words. */
export const reasons = (checks: readonly HealthCheck[]): string => {
  const bad = checks.filter((check) => check.status !== 'ok');
  if (bad.length === 0) return 'every check is ok';
  return bad.map((check) => `${check.name}: ${check.why ?? check.message}`).join('; ');
};
