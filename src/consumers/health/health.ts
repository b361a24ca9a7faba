import type { ResolvedOptions } from '../../config/index.ts';
import {
  type EventBus,
  type EventHandle,
  type HealthStatus,
  type Measurements,
  type Metadata,
  now,
  type SnakepitEvent,
  type Snapshotter,
} from '../../events/index.ts';
import { type HealthOptions, runChecks } from './checks.ts';
import { type Look, look } from './look.ts';
import { type PoolMemory, rememberPools } from './pools.ts';
import { judgeReadiness } from './readiness.ts';
import { poolHealth, pythonRows, workerRows } from './rows.ts';
import { judgeStartup } from './startup.ts';
import { SystemReadings } from './system.ts';
import type {
  DetailedHealth,
  HealthCheck,
  HealthReport,
  PythonRow,
  StartupReport,
  WorkerRow,
} from './types.ts';
import { seconds, worst } from './verdict.ts';

/** What {@link Health} is made from. */
export interface HealthInit {
  /** The option `health`, once it is not `false`. */
  readonly options: HealthOptions;
  readonly bus: EventBus;
  /** Hands out the levels of the moment. */
  readonly snapshot: Snapshotter;
  readonly pools: ResolvedOptions['pools'];
  /** Time the figures of the detailed report look back on. Milliseconds, default 60000. */
  readonly windowMs?: number;
  /** Epoch milliseconds, the clock of the events. Default: the one the bus stamps events with. */
  readonly clock?: () => number;
}

const DEFAULT_WINDOW_MS = 60_000;
/** Under load the overall status is looked at this often. */
const EVALUATION_MS = 1000;

const COMPLETED = 'snakepit.request.completed';
/** Exact names where a wildcard would take in hot events: whatever is registered for is built for every request. */
const PATTERNS = [
  COMPLETED,
  'snakepit.pool.*',
  'snakepit.worker.started',
  'snakepit.worker.start_failed',
  'snakepit.worker.stopped',
  'snakepit.worker.crashed',
  'snakepit.worker.restarted',
];

/**
 * Health of the process and its pools. Levels are asked from the snapshot at the moment of the question, so an answer is never
 * older than the question; rates come from the events of the last minute.
 *
 * Registers as consumer `health`. Emits `snakepit.health.status_changed` when the overall status changes, which is looked at on
 * lifecycle events, on questions, and at most once a second while requests complete.
 */
export class Health {
  #options: HealthOptions;
  readonly #snapshot: Snapshotter;
  readonly #memory: ReadonlyMap<string, PoolMemory>;
  readonly #windowMs: number;
  readonly #clock: () => number;
  readonly #changed: EventHandle<'snakepit.health.status_changed'>;
  readonly #system = new SystemReadings();
  readonly #unregister: () => void;
  readonly #createdAt: number;
  #status: HealthStatus | undefined;
  #evaluatedAt = 0;
  #scheduled = false;
  #shutdown = false;
  #closed = false;

  constructor({ options, bus, snapshot, pools, windowMs = DEFAULT_WINDOW_MS, clock = now }: HealthInit) {
    this.#options = options;
    this.#snapshot = snapshot;
    this.#windowMs = windowMs;
    this.#clock = clock;
    this.#createdAt = clock();
    this.#memory = rememberPools(pools, Math.max(windowMs, options.criteria.error_rate.windowMs));
    this.#changed = bus.event('snakepit.health.status_changed');
    this.#unregister = bus.registerConsumer(
      { patterns: PATTERNS },
      { name: 'health', handle: (event) => this.#handle(event) },
      { delivery: 'inline', sampled: false },
    );
  }

  /** Liveness: ok while the process answers and its core runs, also while starting or draining. */
  checkHealth(): HealthReport {
    const { snapshot, fault } = this.#look();
    if (fault !== undefined) return { status: 'error', checks: [fault] };
    const pools = Object.values(snapshot.pools);
    if (pools.length > 0 && pools.every((pool) => pool.state === 'closed')) {
      const check: HealthCheck = {
        name: 'core',
        status: 'error',
        message: 'Closed',
        why: 'every pool was closed',
        remedy: 'Create a new instance, or end the process.',
      };
      return { status: 'error', checks: [check] };
    }
    const message = `Answering, up ${seconds(snapshot.uptime_ms)}`;
    return { status: 'ok', checks: [{ name: 'core', status: 'ok', message }] };
  }

  /** Readiness under `health.readiness`, with the load of each pool. `error` means: send no traffic here. */
  checkReadiness(): HealthReport {
    const { pools, fault } = this.#look();
    const report = judgeReadiness(pools, this.#options.readiness);
    const checks = [...(fault === undefined ? [] : [fault]), ...(this.#shutdown ? [SHUTDOWN] : [])];
    if (checks.length === 0) return report;
    return { ...report, status: 'error', checks: [...checks, ...report.checks] };
  }

  /** From now on readiness says no, while requests are still served: the first step of a shutdown behind a load balancer. Changes of the overall status are not told any more. */
  announceShutdown(): void {
    this.#shutdown = true;
  }

  /** Judges by other criteria, and by another readiness, from now on. What was seen before is judged by them too. */
  configure(options: HealthOptions): void {
    this.#options = options;
    const { windowMs } = options.criteria.error_rate;
    for (const pool of this.#memory.values())
      if (!pool.window.reaches(windowMs)) pool.window = pool.window.longer(windowMs);
    this.#evaluateSoon();
  }

  /** How far the start has come; `started` stays true once every pool has had a ready worker. */
  startup(): StartupReport {
    const { pools, fault } = this.#look();
    const report = judgeStartup(pools);
    if (fault === undefined) return report;
    return { ...report, status: 'error', checks: [fault], started: false };
  }

  /** Everything: overall status and checks, figures per pool over the last minute, the system, a row per worker. */
  getDetailedHealth(): DetailedHealth {
    const at = this.#clock();
    const seen = look(this.#snapshot, this.#memory, at);
    const { status, checks } = this.#evaluate(seen, at);
    const observedMs = Math.min(this.#windowMs, Math.max(1000, at - this.#createdAt));
    return {
      status,
      timestamp: new Date(at).toISOString(),
      pools: Object.fromEntries(
        seen.pools.map((pool) => [
          pool.name,
          poolHealth(pool, pool.window.read(at, this.#windowMs), observedMs / 1000),
        ]),
      ),
      system: this.#system.read(seen.snapshot),
      checks,
      workers: workerRows(seen.snapshot),
    };
  }

  /** A row for every place for a worker. */
  workers(): WorkerRow[] {
    return workerRows(this.#look().snapshot);
  }

  /** Which Python each pool runs on, and why. */
  python(): Record<string, PythonRow> {
    return pythonRows(this.#look().snapshot);
  }

  /** Unregisters from the bus and stops sampling. Questions are still answered. */
  close(): void {
    this.#closed = true;
    this.#unregister();
    this.#system.close();
  }

  #look(): Look {
    const at = this.#clock();
    const seen = look(this.#snapshot, this.#memory, at);
    if (this.#isDue(at)) this.#evaluate(seen, at);
    return seen;
  }

  #handle(event: SnakepitEvent): void {
    if (event.event_name === COMPLETED) {
      const measurements = event.measurements as Measurements<typeof COMPLETED>;
      const metadata = event.metadata as Metadata<typeof COMPLETED>;
      const pool = this.#memory.get(metadata.pool_name as string);
      if (pool === undefined) return;
      pool.window.record(metadata.timestamp, metadata.status, measurements.duration_ms);
      if (this.#isDue(metadata.timestamp)) this.#evaluateSoon();
      return;
    }
    const pool = this.#memory.get(event.metadata.pool_name as string);
    if (pool === undefined) return;
    switch (event.event_name) {
      case 'snakepit.worker.started':
      case 'snakepit.pool.started':
        pool.started = true;
        break;
      case 'snakepit.pool.saturated':
        pool.saturated = true;
        break;
      case 'snakepit.pool.recovered':
        pool.saturated = false;
        break;
    }
    this.#evaluateSoon();
  }

  /** In either direction: the clock may be set back. */
  #isDue(at: number): boolean {
    return Math.abs(at - this.#evaluatedAt) >= EVALUATION_MS;
  }

  /** Once the emitter is done: in the middle of its emit the levels may not have followed the event yet. */
  #evaluateSoon(): void {
    if (this.#scheduled) return;
    this.#scheduled = true;
    queueMicrotask(() => {
      this.#scheduled = false;
      if (this.#closed) return;
      const at = this.#clock();
      try {
        this.#evaluate(look(this.#snapshot, this.#memory, at), at);
      } catch {
        // No caller is left to catch it, and thrown from here it would end the process. Whoever asks next gets the same fault.
      }
    });
  }

  #evaluate(seen: Look, at: number): HealthReport {
    this.#evaluatedAt = at;
    const checks =
      seen.fault === undefined ? runChecks(seen.pools, this.#options.criteria, at) : [seen.fault];
    const status = worst(checks);
    const from = this.#status;
    this.#status = status;
    // The first look only sets the mark: nothing has changed yet.
    // An end that was asked for is no change of health; it would be told as an error by every orderly exit.
    if (from !== undefined && from !== status && !this.#closed && !this.#shutdown) {
      this.#changed.emit({}, { from, to: status, why: reasons(checks) });
    }
    return { status, checks };
  }
}

const SHUTDOWN: HealthCheck = {
  name: 'shutdown',
  status: 'error',
  message: 'Shutting down',
  why: 'the process was asked to stop; it still serves what reaches it',
  remedy: 'None needed; another instance takes the traffic.',
};

const reasons = (checks: readonly HealthCheck[]): string => {
  const bad = checks.filter((check) => check.status !== 'ok');
  if (bad.length === 0) return 'every check is ok';
  return bad.map((check) => `${check.name}: ${check.why ?? check.message}`).join('; ');
};
