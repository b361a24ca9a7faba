import type { ResolvedPool } from '../config/index.ts';
import type { SnakepitError, WorkerExit } from '../errors/index.ts';
import { after, type EventBus, epochOf, monotonic, type RecycleReason, type Timer } from '../events/index.ts';
import { certify, type OomWitness } from './certificate.ts';
import type { Failures } from './failures.ts';
import type { Launcher } from './launcher.ts';
import type { Recycled } from './port.ts';
import { Replacement } from './replacement.ts';
import type { Request } from './request.ts';
import { restartDelay, wasOfUse } from './restart-policy.ts';
import { add, EMPTY, NOTHING, Slot, type SlotTotals } from './slot.ts';
import { Worker, type WorkerInit, type WorkerListener } from './worker.ts';
import { WorkerEvents } from './worker-events.ts';
import { type Death, isPlanned, type WorkerStatus } from './worker-status.ts';

/** What the supervisor tells the pool. */
export interface SupervisorListener {
  /** A worker can take requests. */
  workerReady(worker: Worker): void;
  /** No worker is ready and the last start failed: nothing can be served until one succeeds. */
  startsFail(error: SnakepitError): void;
  /** Every slot is quarantined. */
  crashLoop(): void;
  /** What a dead worker held. */
  requestsLost(
    death: Death,
    exit: WorkerExit,
    begun: readonly Request[],
    untouched: readonly Request[],
  ): void;
}

/** What a supervisor is made from. */
export interface SupervisorInit {
  readonly name: string;
  readonly options: ResolvedPool;
  readonly launcher: Launcher;
  readonly bus: EventBus;
  readonly failures: Failures;
  readonly oomEvidence: OomWitness;
  readonly listener: SupervisorListener;
  readonly workerListener: WorkerListener;
}

let lastWorker = 0;
const nextWorkerId = (pool: string): string =>
  `${pool}-${process.pid.toString(36)}-${(++lastWorker).toString(36)}`;

/**
 * Keeps every slot of a pool filled: starts workers, replaces those that are lost and those that are to be recycled, and ends them all. Over the usual length because whatever
 * may happen to a slot must be seen side by side.
 */
export class Supervisor {
  slots: Slot[];
  readonly parked = { count: 0 };
  readonly events: WorkerEvents;
  readonly #init: SupervisorInit;
  /** Which slot a living worker belongs to. */
  readonly #home = new Map<Worker, Slot>();
  readonly #waiting: Slot[] = [];
  readonly #timers = new Map<Worker, Timer>();
  readonly #goneWaiters = new Set<() => void>();
  /** Slots that are no more, but whose workers still finish what they hold. */
  readonly #retired = new Set<Slot>();
  /** What slots that are no more have counted; undefined while there never were any. */
  #gone: SlotTotals | undefined;
  #starting = 0;
  #closing = false;

  constructor(init: SupervisorInit) {
    this.#init = init;
    this.events = new WorkerEvents(init.bus, init.name);
    this.slots = Array.from({ length: init.options.workers }, (_, index) => new Slot(index));
  }

  start(): void {
    for (const slot of this.slots) this.#startSoon(slot);
  }

  /** Every living process of the pool. */
  get workers(): Iterable<Worker> {
    return this.#home.keys();
  }

  slotOf(worker: Worker): Slot | undefined {
    return this.#home.get(worker);
  }

  byId(workerId: string): Worker | undefined {
    for (const worker of this.workers) if (worker.id === workerId) return worker;
    return undefined;
  }

  /** A worker past its start exists. */
  get serving(): boolean {
    for (const worker of this.workers) if (worker.serving) return true;
    return false;
  }

  /** Why no worker is started, while every slot is quarantined. Stamps are monotonic. */
  get crashLoop(): { since: number; until: number; why: string } | undefined {
    let loop: { since: number; until: number; why: string } | undefined;
    for (const { state } of this.slots) {
      if (state.kind !== 'quarantined') return undefined;
      loop = {
        since: Math.max(loop?.since ?? 0, state.since),
        until: Math.min(loop?.until ?? Number.POSITIVE_INFINITY, state.until),
        why: state.why,
      };
    }
    return loop;
  }

  /** What slots that are no more have counted; undefined where there never were any. */
  goneTotals(now: number): SlotTotals | undefined {
    if (this.#gone === undefined && this.#retired.size === 0) return undefined;
    const totals = { ...NOTHING, ...this.#gone };
    for (const slot of this.#retired) add(totals, slot.totals(now));
    return totals;
  }

  /**
   * Replaces a worker, with the requests it runs finished first. Joins a replacement of the same slot that is under way.
   *
   * @param order - as of `recycle.order`
   */
  recycle(worker: Worker, reason: RecycleReason, order: 'start_first' | 'stop_first'): Promise<Recycled> {
    const slot = this.#home.get(worker);
    if (slot?.replacement !== undefined) return slot.replacement.done;
    const replacement = new Replacement(worker, reason, order);
    if (slot === undefined || slot.worker !== worker || slot.retired || this.#closing) {
      replacement.failed('The worker is on its way out already.');
      return replacement.done;
    }
    slot.replacement = replacement;
    if (order === 'stop_first') worker.stop(reason);
    else slot.state = { kind: 'replacing', worker, successor: this.#spawn(slot, 'successor') };
    return replacement.done;
  }

  /** Starts workers in quarantined slots now. Returns their numbers. */
  unquarantine(): number[] {
    const slots = this.slots.filter((slot) => slot.state.kind === 'quarantined');
    for (const slot of slots) {
      slot.failures = 0;
      slot.stopWaiting();
      this.#startSoon(slot);
    }
    return slots.map(({ index }) => index);
  }

  /** Makes slots, or retires the last ones: their workers finish what they hold. */
  resize(workers: number): void {
    for (let index = this.slots.length; index < workers; index++) {
      const slot = new Slot(index);
      this.slots.push(slot);
      this.#startSoon(slot);
    }
    for (const slot of this.slots.splice(workers)) {
      slot.retired = true;
      slot.stopWaiting();
      slot.replacement?.failed('The pool has become smaller.');
      this.#retired.add(slot);
      for (const worker of slot.workers) worker.stop('stopped');
      this.#settleRetired(slot, monotonic());
    }
  }

  /** Asks every worker to end: `on_stop` gets `termMs`, then the process groups are killed. Resolves when all are gone, at the latest after `killMs` more. */
  async close(termMs: number, killMs: number): Promise<void> {
    this.#closing = true;
    this.#waiting.length = 0;
    for (const slot of this.slots) {
      slot.stopWaiting();
      slot.replacement?.failed('The pool was closed.');
    }
    for (const worker of [...this.workers]) worker.stop('stopped');
    if (await this.#allGone(termMs)) return;
    for (const worker of [...this.workers]) worker.kill('stopped');
    await this.#allGone(killMs);
  }

  // Called by the pool, which hears the workers

  statusChanged(worker: Worker, before: WorkerStatus): void {
    const status = worker.status;
    if (before.kind === 'starting' && status.kind !== 'starting') this.#startOver(worker);
    if (status.kind === 'ready' && before.kind === 'starting') this.#ready(worker);
    if (status.kind === 'draining') this.emptier(worker);
  }

  /** A worker that is to end has finished something: with nothing left, `on_stop` gets its time from here. */
  emptier(worker: Worker): void {
    if (worker.status.kind !== 'draining' || !worker.load.empty || this.#timers.has(worker)) return;
    const { why } = worker.status;
    if (isPlanned(why)) {
      this.#timers.set(
        worker,
        after(this.#init.options.termTimeoutMs, () => worker.kill(why)),
      );
    }
  }

  died(worker: Worker, death: Death): void {
    const now = monotonic();
    const slot = this.#home.get(worker) as Slot;
    // With what it was at, which is taken from it next.
    slot.fold(worker, now);
    const { begun, untouched } = worker.takeOpen();
    // The killer ends by SIGKILL; whoever ended otherwise was not its victim, whatever happened to others meanwhile.
    const killed =
      (death.why === 'crashed' || death.why === 'start_failed') && death.exit.signal === 'SIGKILL';
    const evidence = killed ? this.#init.oomEvidence.evidence(worker) : undefined;
    const exit = this.#init.failures.shown(certify(worker, death, begun, evidence, now));
    this.#home.delete(worker);
    this.#timers.get(worker)?.stop();
    this.#timers.delete(worker);
    this.#report(worker, death, exit);
    if (!isPlanned(death.why)) slot.lastExit = { ...exit, worker_id: worker.id, at: epochOf(now) };
    this.#init.listener.requestsLost(death, exit, begun, untouched);
    this.#refill(slot, worker, death, exit, now);
    if (this.#home.size === 0) for (const resolve of this.#goneWaiters) resolve();
  }

  /** What the death of a worker means for its slot. */
  #refill(slot: Slot, worker: Worker, death: Death, exit: WorkerExit, now: number): void {
    const { state, replacement } = slot;
    if (replacement?.old === worker && replacement.oldEnded()) slot.replacement = undefined;
    if (slot.leaving.delete(worker)) this.#settleRetired(slot, now);
    else if (state.kind === 'replacing' && state.successor === worker) {
      slot.state = { kind: 'filled', worker: state.worker };
      slot.replacement = undefined;
      replacement?.failed(this.#startError(worker, death, exit).message);
    } else if (state.kind === 'replacing') {
      if (!isPlanned(death.why)) slot.restarts++;
      slot.state = { kind: 'filled', worker: state.successor };
    } else {
      slot.state = EMPTY;
      if (slot.retired) this.#settleRetired(slot, now);
      else if (!this.#closing) this.#replaceLost(slot, worker, death, exit, now);
    }
  }

  #replaceLost(slot: Slot, worker: Worker, death: Death, exit: WorkerExit, now: number): void {
    const { options, listener } = this.#init;
    if (slot.replacement?.old === worker && isPlanned(death.why)) {
      slot.state = { kind: 'filled', worker: this.#spawn(slot, 'successor') };
      return;
    }
    slot.startFailed = worker.readyAt === 0;
    if (slot.startFailed) {
      const error = this.#startError(worker, death, exit);
      slot.replacement?.failed(error.message);
      slot.replacement = undefined;
      const hopeless = !this.serving && this.slots.every((other) => other.startFailed);
      if (hopeless) listener.startsFail(error);
    } else slot.restarts++;
    slot.failures = wasOfUse(worker, options, now) ? 0 : slot.failures + 1;
    // Where there is nobody to be reached it is no use to wait longer than any other time.
    const unreachable = options.remote !== undefined && worker.introduction === undefined;
    if (slot.failures >= options.crashLoopAfter && !unreachable)
      this.#quarantine(slot, worker, death, exit, now);
    else {
      const timer = after(restartDelay(slot.failures, options), () => this.#startSoon(slot));
      slot.state = { kind: 'backoff', timer };
    }
  }

  #quarantine(slot: Slot, worker: Worker, death: Death, exit: WorkerExit, now: number): void {
    const { crashLoopCoolDownMs } = this.#init.options;
    const error = slot.startFailed
      ? this.#startError(worker, death, exit)
      : this.#init.failures.ofDeath(worker, death, exit);
    // Slots that failed together come back one after the other: the first of them shows whether it is worth it.
    const coolDownMs = crashLoopCoolDownMs * (1 + slot.index / 10);
    const timer = after(coolDownMs, () => {
      // One more failure, and it is empty again.
      slot.failures = this.#init.options.crashLoopAfter - 1;
      this.#startSoon(slot);
    });
    slot.state = { kind: 'quarantined', timer, since: now, until: now + coolDownMs, why: error.message };
    slot.replacement?.failed(error.message);
    slot.replacement = undefined;
    this.events.quarantined(slot.index, slot.failures, coolDownMs, error.message);
    if (this.crashLoop !== undefined) this.#init.listener.crashLoop();
  }

  #startSoon(slot: Slot): void {
    slot.state = EMPTY;
    this.#waiting.push(slot);
    this.#startWaiting();
  }

  #startWaiting(): void {
    while (!this.#closing && this.#starting < this.#init.options.startConcurrency) {
      const slot = this.#waiting.shift();
      if (slot === undefined) return;
      if (slot.retired) continue;
      const worker = this.#spawn(slot, slot.restarts > 0 ? 'restart' : 'first');
      slot.state = { kind: 'filled', worker };
    }
  }

  #spawn(slot: Slot, origin: WorkerInit['origin']): Worker {
    const { name, options, launcher, workerListener: listener } = this.#init;
    const { concurrency, maxPrefetch, startTimeoutMs } = options;
    const limits = { concurrency, maxPrefetch, parked: this.parked };
    const worker = new Worker({ id: nextWorkerId(name), slot: slot.index, origin, limits, listener });
    this.#home.set(worker, slot);
    this.#starting++;
    this.#timers.set(
      worker,
      after(startTimeoutMs, () => worker.kill('start_failed')),
    );
    this.#init.oomEvidence.born(worker);
    launcher(worker).then(
      () => {
        this.events.starting(worker, slot.failures);
        if (this.#closing || slot.retired) worker.kill('stopped');
      },
      // The link could not be made; there is no process, so its end is told by hand.
      (error: Error) => {
        worker.closed(undefined);
        worker.exited({ code: null, signal: null, error });
      },
    );
    return worker;
  }

  #startOver(worker: Worker): void {
    this.#timers.get(worker)?.stop();
    this.#timers.delete(worker);
    this.#starting--;
    this.#startWaiting();
  }

  #ready(worker: Worker): void {
    const slot = this.#home.get(worker) as Slot;
    const { replacement } = slot;
    slot.startFailed = false;
    this.events.started(worker, slot.restarts);
    this.#init.listener.workerReady(worker);
    if (slot.state.kind === 'replacing' && slot.state.successor === worker) {
      const { worker: old } = slot.state;
      slot.leaving.add(old);
      slot.state = { kind: 'filled', worker };
      old.stop(replacement?.reason ?? 'reload');
    }
    // Whoever comes after the old one is its successor, also where that one crashed on its way out.
    if (replacement !== undefined && replacement.old !== worker && replacement.ready(worker))
      slot.replacement = undefined;
  }

  #settleRetired(slot: Slot, now: number): void {
    if (slot.workers.length > 0 || !this.#retired.delete(slot)) return;
    this.#gone ??= { ...NOTHING };
    add(this.#gone, slot.totals(now));
  }

  #startError(worker: Worker, death: Death, exit: WorkerExit): SnakepitError {
    return this.#init.failures.ofStart(worker, death, this.#init.options.startTimeoutMs, exit);
  }

  #report(worker: Worker, death: Death, exit: WorkerExit): void {
    const { why } = death;
    if (why === 'stopped') this.events.stopped(worker, exit);
    else if (isPlanned(why)) this.events.recycled(worker, why, exit, death.drainMs);
    else if (worker.readyAt === 0)
      this.events.startFailed(worker, this.#startError(worker, death, exit), exit);
    else this.events.crashed(worker, death, this.#init.failures.ofDeath(worker, death, exit), exit);
  }

  async #allGone(withinMs: number): Promise<boolean> {
    if (this.#home.size === 0) return true;
    return new Promise((resolve) => {
      const settle = (gone: boolean) => {
        timer.stop();
        this.#goneWaiters.delete(done);
        resolve(gone);
      };
      const done = () => settle(true);
      const timer = after(withinMs, () => settle(false));
      this.#goneWaiters.add(done);
    });
  }
}
