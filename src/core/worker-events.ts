import type { SnakepitError, WorkerExit } from '../errors/index.ts';
import { type EventBus, type ExitReason, monotonic, type RecycleReason } from '../events/index.ts';
import { failureMetadata } from './ledger.ts';
import type { Worker } from './worker.ts';
import type { Death, EndReason } from './worker-status.ts';

/** Says what happens to the workers of one pool. None of it is frequent. */
export class WorkerEvents {
  readonly #bus: EventBus;
  readonly #poolName: string;

  constructor(bus: EventBus, poolName: string) {
    this.#bus = bus;
    this.#poolName = poolName;
  }

  starting(worker: Worker, failures: number): void {
    const about = { ...this.#about(worker), pid: worker.pid ?? 0 };
    this.#bus.event('snakepit.worker.starting').emit({ attempt: failures }, about);
  }

  /** @param restarts - replacements of lost workers in its slot */
  started(worker: Worker, restarts: number): void {
    const startup_ms = worker.readyAt - worker.spawnedAt;
    const { introduction } = worker;
    this.#bus.event('snakepit.worker.started').emit(
      { startup_ms },
      {
        ...this.#about(worker),
        pid: worker.pid ?? 0,
        python_version: introduction?.pythonVersion ?? '',
        codec: introduction?.codec ?? 'json',
      },
    );
    if (worker.origin !== 'restart') return;
    this.#bus.event('snakepit.worker.restarted').emit({ startup_ms, restarts }, this.#about(worker));
  }

  startFailed(worker: Worker, error: SnakepitError, exit: WorkerExit): void {
    const about = { ...this.#about(worker), ...failureMetadata(error), exit };
    this.#bus
      .event('snakepit.worker.start_failed')
      .emit({ startup_ms: monotonic() - worker.spawnedAt }, about);
  }

  stopped(worker: Worker, exit: WorkerExit): void {
    this.#bus.event('snakepit.worker.stopped').emit(life(worker), { ...this.#about(worker), exit });
  }

  recycled(worker: Worker, reason: RecycleReason, exit: WorkerExit, drain_ms: number): void {
    const about = { ...this.#about(worker), exit, reason };
    this.#bus.event('snakepit.worker.recycled').emit({ ...life(worker), drain_ms }, about);
  }

  crashed(worker: Worker, death: Death, error: SnakepitError, exit: WorkerExit): void {
    const rss = worker.lastStats?.rssBytes;
    this.#bus.event('snakepit.worker.crashed').emit(
      {
        ...life(worker),
        in_flight: exit.in_flight.length,
        ...(rss !== undefined && { memory_mb: rss / 2 ** 20 }),
      },
      { ...this.#about(worker), ...failureMetadata(error), exit, reason: exitReason(death.why, exit) },
    );
  }

  /** @param silence - as it was when the heartbeat was missed; taking a stack takes time */
  heartbeatMissed(
    worker: Worker,
    silence: { readonly missed: number; readonly silent_ms: number },
    stack: string | undefined,
  ): void {
    const about = { ...this.#about(worker), python_stack: stack };
    this.#bus.event('snakepit.worker.heartbeat_missed').emit(silence, about);
  }

  stuck(worker: Worker, why: 'heartbeat' | 'cancel', stack: string | undefined): void {
    const about = { ...this.#about(worker), why, python_stack: stack };
    const silent_ms = monotonic() - worker.pulse.heardAt;
    this.#bus.event('snakepit.worker.stuck').emit({ silent_ms }, about);
  }

  quarantined(slot: number, failures: number, cool_down_ms: number, why: string): void {
    const about = { pool_name: this.#poolName, worker_slot: slot, why };
    this.#bus.event('snakepit.worker.quarantined').emit({ failures, cool_down_ms }, about);
  }

  #about(worker: Worker) {
    return { pool_name: this.#poolName, worker_id: worker.id, worker_slot: worker.slot };
  }
}

const life = (worker: Worker) => ({
  uptime_ms: monotonic() - worker.spawnedAt,
  requests: worker.load.finished,
});

/** A fault in what a worker sent, or a broken connection, ends it like any other crash. */
const exitReason = (why: EndReason, exit: WorkerExit): ExitReason => {
  if (why === 'stuck') return 'stuck';
  return exit.oom ? 'oom' : 'crashed';
};
