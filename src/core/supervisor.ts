import type { ResolvedPool } from '../config/index.ts';
import type { SnakepitError } from '../errors/index.ts';
import { type EventBus, type ExitReason, monotonic } from '../events/index.ts';
import type { Failures } from './failures.ts';
import { type LaunchSettings, launch } from './launcher.ts';
import { failureMetadata } from './ledger.ts';
import type { Request } from './request.ts';
import { Slot } from './slot.ts';
import { type Death, type StopReason, Worker, type WorkerListener, type WorkerStatus } from './worker.ts';

/** What the supervisor tells the pool. */
export interface SupervisorListener {
  /** A worker can take requests. */
  workerReady(worker: Worker): void;
  /** No worker is ready and the last start failed: nothing can be served until one succeeds. */
  startsFail(error: SnakepitError): void;
  /** What a dead worker held. */
  requestsLost(worker: Worker, death: Death, begun: readonly Request[], untouched: readonly Request[]): void;
}

let lastWorker = 0;
const nextWorkerId = (pool: string): string =>
  `${pool}-${process.pid.toString(36)}-${(++lastWorker).toString(36)}`;

/** Keeps every slot of a pool filled: starts workers, replaces lost ones, and ends them all. */
export class Supervisor {
  readonly slots: Slot[];
  readonly parked = { count: 0 };
  readonly #name: string;
  readonly #options: ResolvedPool;
  readonly #launch: LaunchSettings;
  readonly #bus: EventBus;
  readonly #failures: Failures;
  readonly #listener: SupervisorListener;
  readonly #workerListener: WorkerListener;
  readonly #waiting: Slot[] = [];
  readonly #startTimers = new Map<Worker, NodeJS.Timeout>();
  readonly #goneWaiters = new Set<() => void>();
  #starting = 0;
  #closing = false;

  constructor(init: {
    name: string;
    options: ResolvedPool;
    launch: LaunchSettings;
    bus: EventBus;
    failures: Failures;
    listener: SupervisorListener;
    workerListener: WorkerListener;
  }) {
    this.#name = init.name;
    this.#options = init.options;
    this.#launch = init.launch;
    this.#bus = init.bus;
    this.#failures = init.failures;
    this.#listener = init.listener;
    this.#workerListener = init.workerListener;
    this.slots = Array.from({ length: init.options.workers }, (_, index) => new Slot(index));
  }

  start(): void {
    for (const slot of this.slots) this.#schedule(slot, 0);
  }

  get workers(): Worker[] {
    return this.slots.flatMap((slot) => slot.worker ?? []);
  }

  /** A worker past its start exists. */
  get serving(): boolean {
    return this.slots.some((slot) => slot.worker?.serving);
  }

  /** Asks every worker to end: `on_stop` gets `termMs`, then the process groups are killed. Resolves when all are gone, at the latest after `killMs` more. */
  async close(termMs: number, killMs: number): Promise<void> {
    this.#closing = true;
    this.#waiting.length = 0;
    for (const slot of this.slots) clearTimeout(slot.timer);
    for (const worker of this.workers) worker.stop('stopped');
    if (await this.#allGone(termMs)) return;
    for (const worker of this.workers) worker.kill('stopped');
    await this.#allGone(killMs);
  }

  // Called by the pool, which hears the workers

  statusChanged(worker: Worker, before: WorkerStatus): void {
    const status = worker.status;
    if (before.kind === 'starting' && status.kind !== 'starting') this.#startOver(worker);
    if (status.kind === 'ready' && before.kind === 'starting') this.#ready(worker);
  }

  died(worker: Worker, death: Death): void {
    const now = monotonic();
    const slot = this.slots[worker.slot] as Slot;
    const { begun, untouched } = worker.takeOpen();
    slot.fold(worker, now);
    this.#report(worker, death, begun, now);
    this.#listener.requestsLost(worker, death, begun, untouched);
    if (this.slots.every((other) => other.worker === undefined))
      for (const resolve of this.#goneWaiters) resolve();
    if (this.#closing) return;
    if (worker.readyAt === 0) this.#startFailed(slot, worker, death);
    else {
      slot.restarts++;
      this.#schedule(slot, this.#options.restartDelayMs);
    }
  }

  #schedule(slot: Slot, delayMs: number): void {
    if (delayMs > 0) {
      slot.timer = setTimeout(() => this.#schedule(slot, 0), delayMs).unref();
      return;
    }
    slot.timer = undefined;
    this.#waiting.push(slot);
    this.#startWaiting();
  }

  #startWaiting(): void {
    while (!this.#closing && this.#starting < this.#options.startConcurrency) {
      const slot = this.#waiting.shift();
      if (slot === undefined) return;
      this.#spawn(slot);
    }
  }

  #spawn(slot: Slot): void {
    const { concurrency, maxPrefetch, startTimeoutMs } = this.#options;
    const limits = { concurrency, maxPrefetch, parked: this.parked };
    const worker = new Worker(nextWorkerId(this.#name), slot.index, limits, this.#workerListener);
    slot.worker = worker;
    this.#starting++;
    this.#startTimers.set(worker, setTimeout(() => worker.kill('start_failed'), startTimeoutMs).unref());
    launch(worker, this.#launch).then(
      () => {
        this.#bus
          .event('snakepit.worker.starting')
          .emit({ attempt: slot.failedStarts }, { ...this.#about(worker), pid: worker.pid ?? 0 });
        if (this.#closing) worker.kill('stopped');
      },
      // The link could not be made; there is no process, so its end is told by hand.
      (error: Error) => {
        worker.closed(undefined);
        worker.exited({ code: null, signal: null, error });
      },
    );
  }

  #startOver(worker: Worker): void {
    clearTimeout(this.#startTimers.get(worker));
    this.#startTimers.delete(worker);
    this.#starting--;
    this.#startWaiting();
  }

  #ready(worker: Worker): void {
    const slot = this.slots[worker.slot] as Slot;
    slot.failedStarts = 0;
    const startup_ms = worker.readyAt - worker.spawnedAt;
    const introduction = worker.introduction;
    this.#bus.event('snakepit.worker.started').emit(
      { startup_ms },
      {
        ...this.#about(worker),
        pid: worker.pid ?? 0,
        python_version: introduction?.pythonVersion ?? '',
        codec: introduction?.codec ?? 'json',
      },
    );
    if (slot.restarts > 0) {
      this.#bus
        .event('snakepit.worker.restarted')
        .emit({ startup_ms, restarts: slot.restarts }, this.#about(worker));
    }
    this.#listener.workerReady(worker);
  }

  #startFailed(slot: Slot, worker: Worker, death: Death): void {
    slot.failedStarts++;
    const { restartDelayMs, maxRestartDelayMs, startTimeoutMs } = this.#options;
    const hopeless = !this.serving && this.slots.every((other) => other.failedStarts > 0);
    if (hopeless) this.#listener.startsFail(this.#failures.ofStart(worker, death, startTimeoutMs));
    this.#schedule(
      slot,
      Math.min(maxRestartDelayMs, restartDelayMs * 2 ** Math.min(20, slot.failedStarts - 1)),
    );
  }

  #report(worker: Worker, death: Death, begun: readonly Request[], now: number): void {
    const about = this.#about(worker);
    const uptime_ms = now - worker.spawnedAt;
    if (worker.readyAt === 0 && death.why !== 'stopped') {
      const error = this.#failures.ofStart(worker, death, this.#options.startTimeoutMs);
      this.#bus
        .event('snakepit.worker.start_failed')
        .emit({ startup_ms: uptime_ms }, { ...about, ...failureMetadata(error) });
    } else if (death.why === 'stopped') {
      this.#bus.event('snakepit.worker.stopped').emit({ uptime_ms, requests: worker.load.finished }, about);
    } else {
      const error = this.#failures.ofDeath(worker, death, begun);
      const rss = worker.lastStats?.rssBytes;
      this.#bus.event('snakepit.worker.crashed').emit(
        {
          uptime_ms,
          requests: worker.load.finished,
          in_flight: begun.length,
          ...(rss !== undefined && { memory_mb: rss / 2 ** 20 }),
        },
        { ...about, ...failureMetadata(error), reason: exitReason(death.why) },
      );
    }
  }

  #about(worker: Worker) {
    return { pool_name: this.#name, worker_id: worker.id, worker_slot: worker.slot };
  }

  async #allGone(withinMs: number): Promise<boolean> {
    if (this.workers.length === 0) return true;
    return new Promise((resolve) => {
      const settle = (gone: boolean) => {
        clearTimeout(timer);
        this.#goneWaiters.delete(done);
        resolve(gone);
      };
      const done = () => settle(true);
      const timer = setTimeout(() => settle(false), withinMs);
      this.#goneWaiters.add(done);
    });
  }
}

/** A fault in what a worker sent, or a broken connection, ends it like any other crash. */
const exitReason = (why: StopReason): ExitReason =>
  why === 'protocol_error' || why === 'transport_error' ? 'crashed' : why;
