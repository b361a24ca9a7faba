// Above 300 lines: the whole of what users call, with its documentation, and the one place that knows when to look.
import { criterionNames, type ResolvedOptions } from '../../config/index.ts';
import {
  type EventBus,
  every,
  type HealthStatus,
  type Measurements,
  type Metadata,
  monotonic,
  now,
  type PoolSnapshot,
  type SnakepitEvent,
  type Snapshotter,
  type Timer,
} from '../../events/index.ts';
import { createSanitizer } from '../../sanitize/index.ts';
import { Announcer, reasons } from './announcer.ts';
import { canaryCheck, type SendRequest } from './canary.ts';
import { missingWorkers } from './criteria/availability.ts';
import type { HealthOptions } from './criteria/finding.ts';
import type { MemoryReading } from './criteria/process.ts';
import { Dependencies } from './dependencies/dependencies.ts';
import type { CheckFunction, CheckOptions } from './dependencies/options.ts';
import { History } from './history.ts';
import { Judge } from './judge.ts';
import { judgeLiveness } from './liveness.ts';
import { type Look, look } from './look.ts';
import { type PoolMemory, rememberPools, viewPool } from './pools.ts';
import { judgeReadiness, neededDependencies } from './readiness.ts';
import { type LagSource, ProcessReadings } from './readings.ts';
import { LONGEST_SPAN_MS, poolHealth, pythonRows, workerRows } from './rows.ts';
import { judgeStartup } from './startup.ts';
import { SystemReadings } from './system.ts';
import { type TelemetryReport, telemetryOf } from './telemetry.ts';
import { Traffic } from './traffic.ts';
import type {
  DetailedHealth,
  HealthCheck,
  HealthReport,
  PythonRow,
  Standing,
  StartupReport,
  WorkerRow,
} from './types.ts';
import { worstOf } from './verdict.ts';

/** What {@link Health} is made from. */
export interface HealthInit {
  /** The option `health`, once it is not `false`. */
  readonly options: HealthOptions;
  readonly bus: EventBus;
  /** Hands out the levels of the moment. */
  readonly snapshot: Snapshotter;
  readonly pools: ResolvedOptions['pools'];
  /** Reads the memory that counts against a limit. Default: the check `memory` judges nothing. */
  readonly memory?: (() => MemoryReading) | undefined;
  /** Sends the requests of the canaries. Default: there are none, whatever the options say. */
  readonly send?: SendRequest | undefined;
  /** Masks secrets in what checks say. Default: a sanitizer without options. */
  readonly sanitizer?: { text(text: string): string } | undefined;
  /** What the log could not write, for the telemetry. */
  readonly logs?: (() => object) | undefined;
  /** How late the event loop is. Default: measured. */
  readonly lag?: LagSource | undefined;
  /** Whether it looks by itself now and then. Default true. */
  readonly background?: boolean | undefined;
}

/** Under load the overall status is looked at this often. */
const EVALUATION_MS = 1000;
/** Without events or questions it is looked at this often: a threshold may be passed or left in silence. */
const BACKGROUND_MS = 5000;

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
 * Longer than other files, since it is the whole of what is asked about health; what is judged, and how, stands in the files beside it.
 *
 * Health of the process and its pools. Levels are asked from the snapshot at the moment of the question, so an answer is never
 * older than the question; rates come from the events of the last quarter of an hour; checks of things outside are run in the background, and their last results
 * count only while they are young.
 *
 * Registers as consumer `health`. Looks on lifecycle events, on questions, every five seconds, and at most once a second while requests complete; what has changed by then it
 * tells as `snakepit.health.status_changed`, `snakepit.health.check_failed`, `snakepit.threshold.exceeded` and `snakepit.threshold.recovered`.
 */
export class Health {
  #options: HealthOptions;
  readonly #bus: EventBus;
  readonly #snapshot: Snapshotter;
  readonly #send: SendRequest | undefined;
  readonly #logs: (() => object) | undefined;
  readonly #memory: ReadonlyMap<string, PoolMemory>;
  readonly #readings: ProcessReadings;
  readonly #dependencies: Dependencies;
  readonly #judge = new Judge();
  readonly #history = new History();
  readonly #announcer: Announcer;
  readonly #system = new SystemReadings();
  readonly #unregister: () => void;
  readonly #timer: Timer | undefined;
  readonly #createdAt = monotonic();
  /** What requests did, span by span. */
  readonly traffic: Traffic;
  #status: HealthStatus | undefined;
  #checks: readonly HealthCheck[] = [];
  #evaluatedAt = Number.NEGATIVE_INFINITY;
  #scheduled = false;
  #shutdown = false;
  #closed = false;

  constructor({
    options,
    bus,
    snapshot,
    pools,
    memory,
    send,
    logs,
    lag,
    sanitizer = createSanitizer(),
    background = true,
  }: HealthInit) {
    this.#options = options;
    this.#bus = bus;
    this.#snapshot = snapshot;
    this.#send = send;
    this.#logs = logs;
    this.#memory = rememberPools(pools, reachOf(options));
    this.traffic = new Traffic(this.#memory, this.#createdAt);
    this.#readings = new ProcessReadings(bus, memory, lag);
    this.#announcer = new Announcer(bus);
    this.#dependencies = new Dependencies({
      reserved: criterionNames,
      defaults: () => this.#options.checks,
      onResult: () => this.#evaluateSoon(),
      clean: (text) => sanitizer.text(text),
    });
    this.#unregister = bus.registerConsumer(
      { patterns: PATTERNS },
      { name: 'health', handle: (event) => this.#handle(event) },
      { delivery: 'inline', sampled: false },
    );
    this.#setCanaries();
    this.#timer = background ? every(BACKGROUND_MS, () => this.#evaluateSoon()) : undefined;
  }

  /** Liveness: ok while the process answers and its core runs, also while starting or draining unless `health.liveness.failWhile` says otherwise. No other check counts. */
  checkHealth(): HealthReport {
    return judgeLiveness(this.#look(), this.#options.liveness, this.#shutdown);
  }

  /** Readiness under `health.readiness`, with the load of each pool. `error` means: send no traffic here. */
  checkReadiness(): HealthReport {
    const { pools, fault } = this.#look();
    const { readiness } = this.#options;
    const report = judgeReadiness(pools, readiness);
    const asked: readonly string[] = readiness.checks;
    const more = [
      ...this.#checks.filter(({ name }) => asked.includes(name)),
      ...neededDependencies(this.#dependencies.read(monotonic())),
    ];
    const first = [...(fault === undefined ? [] : [fault]), ...(this.#shutdown ? [SHUTDOWN] : [])];
    const checks = [...first, ...report.checks, ...more];
    return { ...report, status: worstOf(checks), checks };
  }

  /** Which pools serve, each by itself, whether readiness needs them or not. None in a shutdown. */
  poolsReady(): Record<string, boolean> {
    const { pools } = this.#look();
    const { checks } = judgeReadiness(pools, { ...this.#options.readiness, policy: 'all' });
    return Object.fromEntries(
      pools.map(({ name }, i) => [name, !this.#shutdown && checks[i]?.status !== 'error']),
    );
  }

  /** Where everything stands: what was found last, a second ago at most, and readiness of this moment. Cheap enough to be asked several times a second. */
  standing(): Standing {
    const { status: readiness } = this.checkReadiness();
    return {
      status: this.#status ?? 'ok',
      checks: this.#checks,
      ready: readiness !== 'error',
      shutdown: this.#shutdown,
      changes: this.#history.total,
      pools: Object.fromEntries([...this.#memory.keys()].map((name) => [name, this.#judge.standingOf(name)])),
    };
  }

  /** How late the event loop is of late, 99th percentile. Milliseconds. */
  eventLoopLagMs(): number {
    return this.#read().lag.p99Ms;
  }

  /** Workers that a pool has not, as the criterion `worker_availability` counts them; NaN for a pool that is not known. */
  missingWorkers(levels: PoolSnapshot): number {
    const memory = this.#memory.get(levels.name);
    return memory === undefined ? Number.NaN : missingWorkers(viewPool(memory, levels));
  }

  /** From now on readiness says no, while requests are still served: the first step of a shutdown behind a load balancer. Changes are not told any more. */
  announceShutdown(): void {
    this.#shutdown = true;
  }

  /** Judges by other criteria, and by another readiness, from now on. What was seen before is judged by them too. */
  configure(options: HealthOptions): void {
    this.#options = options;
    const reach = reachOf(options);
    for (const pool of this.#memory.values())
      if (!pool.window.reaches(reach)) pool.window = pool.window.longer(reach);
    this.#setCanaries();
    this.#dependencies.reschedule();
    this.#evaluateSoon();
  }

  /**
   * Adds a check of something outside: a store, a model server, a licence. It is run at once and then in the background, each run with a deadline; questions
   * are answered from its last result, and with an error when that is too old. A check that throws, hangs or answers nonsense has failed.
   *
   * @param name - letters, digits and `_ . : -`, at most 64 characters
   * @param fn - resolves with nothing or `true` (ok), `false` (error), `'ok'`, `'warning'`, `'error'`, or `{ status, message, why, remedy }`. Its `signal` is aborted at the deadline
   * @returns takes it away again
   * @throws TypeError when the name is taken or malformed, or an option is
   * @example
   * ```ts
   * const remove = pit.health.registerCheck('store', ({ signal }) => store.ping({ signal }).then(() => true), { critical: true });
   * ```
   */
  registerCheck(name: string, fn: CheckFunction, options: CheckOptions = {}): () => void {
    return this.#dependencies.register(name, fn, options);
  }

  /**
   * Runs the registered checks and canaries now, side by side, and resolves with the health after it. Callers that come meanwhile share the runs under way.
   *
   * @param names - default: all
   * @throws TypeError, as a rejection, on a name there is no check of
   */
  async refresh(names?: readonly string[]): Promise<DetailedHealth> {
    await this.#dependencies.run(names);
    return this.getDetailedHealth();
  }

  /** How far the start has come; `started` stays true once every pool has had a ready worker. */
  startup(): StartupReport {
    const { pools, fault } = this.#look();
    const report = judgeStartup(pools);
    if (fault === undefined) return report;
    return { ...report, status: 'error', checks: [fault], started: false };
  }

  /** Everything: overall status and checks, figures per pool and command, the system, a row per worker, what lies outside, and what has changed of late. */
  getDetailedHealth(): DetailedHealth {
    const at = now();
    const seen = look(this.#snapshot, this.#memory, at);
    const { status, checks } = this.#evaluate(seen, at);
    const observedMs = monotonic() - this.#createdAt;
    return {
      status,
      timestamp: new Date(at).toISOString(),
      pools: Object.fromEntries(seen.pools.map((pool) => [pool.name, poolHealth(pool, at, observedMs)])),
      system: this.#system.read(seen.snapshot, this.#read().lag.p99Ms),
      checks,
      workers: workerRows(seen.snapshot),
      dependencies: this.#dependencies.read(monotonic()).map(({ row }) => row),
      history: this.#history.read(),
    };
  }

  /** The status of each check at this moment. */
  statuses(): readonly { readonly check: string; readonly status: HealthStatus }[] {
    const at = now();
    const { checks } = this.#evaluate(look(this.#snapshot, this.#memory, at), at);
    return checks.map(({ name: check, status }) => ({ check, status }));
  }

  /** A row for every place for a worker. */
  workers(): WorkerRow[] {
    return workerRows(this.#look().snapshot);
  }

  /** Which Python each pool runs on, and why. */
  python(): Record<string, PythonRow> {
    return pythonRows(this.#look().snapshot);
  }

  /** What became of the events of each consumer, the sampling and limits in force, and what the log lost. */
  telemetry(): TelemetryReport {
    return telemetryOf(this.#bus, this.#logs);
  }

  /** Unregisters from the bus, stops its checks and looks no more by itself. Questions are still answered. */
  close(): void {
    this.#closed = true;
    this.#timer?.stop();
    this.#unregister();
    this.#dependencies.close();
    this.#readings.close();
  }

  #setCanaries(): void {
    const send = this.#send;
    if (send === undefined) return;
    this.#dependencies.setCanaries(this.#options.canary, (pool, options) =>
      canaryCheck(pool, options, send, () => this.#memory.get(pool)?.started === true),
    );
  }

  #read() {
    return this.#readings.read(monotonic(), this.#options.criteria);
  }

  #look(): Look {
    const at = now();
    const seen = look(this.#snapshot, this.#memory, at);
    if (this.#isDue()) this.#evaluateQuietly(seen, at);
    return seen;
  }

  /** For whoever did not ask for it: a probe's answer does not hang on what else is looked at. */
  #evaluateQuietly(seen: Look, at: number): void {
    try {
      this.#evaluate(seen, at);
    } catch {
      // Whoever asks for the whole gets the same fault.
    }
  }

  #handle(event: SnakepitEvent): void {
    const pool = this.#memory.get(event.metadata.pool_name as string);
    if (pool === undefined) return;
    switch (event.event_name) {
      case COMPLETED: {
        const { duration_ms } = event.measurements as Measurements<typeof COMPLETED>;
        const { timestamp, status, command } = event.metadata as Metadata<typeof COMPLETED>;
        pool.window.record(timestamp, status, duration_ms);
        pool.commands.record(command, timestamp, status, duration_ms);
        if (this.#isDue()) this.#evaluateSoon();
        return;
      }
      case 'snakepit.worker.started':
      case 'snakepit.pool.started':
        if (!pool.started) {
          pool.started = true;
          this.#dependencies.tryCanary(pool.name);
        }
        break;
      case 'snakepit.worker.crashed':
      case 'snakepit.worker.start_failed':
        pool.deaths.add(event.metadata.timestamp);
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

  #isDue(): boolean {
    return monotonic() - this.#evaluatedAt >= EVALUATION_MS;
  }

  /** Once the emitter is done: in the middle of its emit the levels may not have followed the event yet. */
  #evaluateSoon(): void {
    if (this.#scheduled || this.#closed) return;
    this.#scheduled = true;
    queueMicrotask(() => {
      this.#scheduled = false;
      if (this.#closed) return;
      const at = now();
      // No caller is left to catch anything: thrown from here it would end the process.
      this.#evaluateQuietly(look(this.#snapshot, this.#memory, at), at);
    });
  }

  #evaluate({ pools, fault }: Look, at: number): HealthReport {
    this.#evaluatedAt = monotonic();
    const states = this.#dependencies.read(this.#evaluatedAt);
    const inputs = { pools, now: at, at: this.#evaluatedAt, ...this.#read() };
    const judged = fault === undefined ? this.#judge.run(inputs, this.#options.criteria) : undefined;
    const checks = [...(judged?.checks ?? [fault as HealthCheck]), ...states.map(({ row }) => checkOf(row))];
    const status = worstOf(checks);
    const from = this.#status;
    this.#status = status;
    this.#checks = checks;
    // An end that was asked for is no change of health; it would be told as an error by every orderly exit.
    if (this.#closed || this.#shutdown) return { status, checks };
    this.#history.note(at, checks);
    // The first look only sets the mark: nothing has changed yet.
    const turned = from !== undefined && from !== status;
    if (turned) this.#history.add(at, { check: null, from, to: status, why: reasons(checks) });
    this.#announcer.crossings(judged?.crossings ?? []);
    this.#announcer.failures(states);
    if (turned) this.#announcer.status(from, status, checks);
    return { status, checks };
  }
}

/** The longest time a criterion looks back on in the requests of a pool, and no less than the report does. */
const reachOf = ({ criteria }: HealthOptions): number =>
  Math.max(LONGEST_SPAN_MS, criteria.error_rate.windowMs, criteria.response_time.windowMs);

const checkOf = ({ name, status, message, why, remedy }: HealthCheck): HealthCheck => ({
  name,
  status,
  message,
  ...(why !== undefined && { why }),
  ...(remedy !== undefined && { remedy }),
});

const SHUTDOWN: HealthCheck = {
  name: 'shutdown',
  status: 'error',
  message: 'Shutting down',
  why: 'the process was asked to stop; it still serves what reaches it',
  remedy: 'None needed; another instance takes the traffic.',
};
