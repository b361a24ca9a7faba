import { isDeepStrictEqual } from 'node:util';
import { type ResolvedPool, usesGrpc } from '../config/index.ts';
import { type ErrorCode, SnakepitError, type WorkerExit } from '../errors/index.ts';
import { after, type CommandInfo, type EventBus, monotonic, type PoolState } from '../events/index.ts';
import { createInstanceSanitizer, type InstanceSanitizer } from '../sanitize/index.ts';
import { Admission } from './admission.ts';
import { Breaker } from './breaker.ts';
import type { OomWitness } from './certificate.ts';
import { Deadlines } from './deadlines.ts';
import { Dispatcher } from './dispatcher.ts';
import type { PoolFacts } from './facts.ts';
import { Failures } from './failures.ts';
import { Graces } from './graces.ts';
import { Heart } from './heart.ts';
import type { KeepAlive } from './keepalive.ts';
import type { Launcher } from './launcher.ts';
import { Leaks } from './leaks.ts';
import { Ledger } from './ledger.ts';
import { Poison } from './poison.ts';
import { RequestQueue } from './queue.ts';
import { Recycler } from './recycler.ts';
import { Relay } from './relay.ts';
import { Request, type RequestInit } from './request.ts';
import { Retries } from './retries.ts';
import { hasSession, Keeper } from './session/keeper.ts';
import type { Sessions } from './session/sessions.ts';
import { Stacks } from './stacks.ts';
import { Supervisor } from './supervisor.ts';
import { Watch } from './watch.ts';
import type { Worker, WorkerListener } from './worker.ts';
import { type Death, isPlanned, type WorkerStatus } from './worker-status.ts';

/** What a pool is made from. */
export interface PoolInit {
  readonly name: string;
  readonly options: ResolvedPool;
  readonly launcher: Launcher;
  readonly oomEvidence: OomWitness;
  /** How workers are replaced where the options leave it open. */
  readonly recycleOrder: 'start_first' | 'stop_first';
  readonly bus: EventBus;
  readonly keepAlive: KeepAlive;
  /** Of all pools. */
  readonly sessions: Sessions;
  /** Sessions whose worker is remembered at most. */
  readonly maxSessions: () => number;
  /** Arguments whose scalars error contexts may show. */
  readonly showArgs: readonly string[];
  /** What errors show is sanitized with it. Default: one without options. */
  readonly sanitizer?: InstanceSanitizer | undefined;
  /** What `pool.started` shows of the configuration; sanitized. */
  readonly shownConfig: Record<string, unknown>;
  readonly facts: PoolFacts;
}

const CLOSED_MEANWHILE = 'The pool was closed while the request waited.';

/**
 * Accepts requests, has them run by workers, and settles each exactly once. Over the usual length because it is the one place where requests, workers and the
 * policies for both meet; each policy is a file of its own.
 */
export class Pool {
  readonly name: string;
  readonly options: ResolvedPool;
  readonly facts: PoolFacts;
  readonly supervisor: Supervisor;
  readonly recycler: Recycler;
  readonly stacks: Stacks;
  readonly queue: RequestQueue;
  readonly dispatcher: Dispatcher;
  readonly poison: Poison;
  readonly breaker: Breaker | undefined;
  readonly retries: Retries;
  readonly leaks = new Leaks();
  readonly keeper: Keeper;
  readonly admission: Admission;
  readonly startedAt = monotonic();
  state: PoolState = 'starting';
  commands: readonly CommandInfo[] = [];
  /** Requests accepted and not settled. */
  inFlight = 0;
  readonly #init: PoolInit;
  readonly #ledger: Ledger;
  readonly #failures: Failures;
  readonly #watch: Watch;
  readonly #heart: Heart;
  readonly #graces: Graces;
  #idempotent: ReadonlySet<string>;
  readonly #deadlines = new Deadlines<Request>((request) => this.#onDue(request));
  readonly #readyWaiters: { resolve(): void; reject(error: Error): void }[] = [];
  readonly #idleWaiters = new Set<() => void>();
  #begun = 0;

  constructor(init: PoolInit) {
    const { name, options, bus } = init;
    this.#init = init;
    this.name = name;
    this.options = options;
    this.facts = init.facts;
    this.#idempotent = new Set(options.idempotent);
    this.#ledger = new Ledger(bus, name, usesGrpc(options));
    this.#failures = new Failures(name, init.showArgs, init.sanitizer ?? createInstanceSanitizer());
    this.stacks = new Stacks(options);
    this.#watch = new Watch(this.stacks, this.#ledger);
    this.poison = new Poison(options);
    this.breaker = options.circuitBreaker === undefined ? undefined : new Breaker(options.circuitBreaker);
    this.supervisor = new Supervisor({
      ...init,
      failures: this.#failures,
      listener: {
        workerReady: () => this.#onReady(),
        startsFail: (error) => this.#onStartsFail(error),
        crashLoop: () => this.#onCrashLoop(),
        requestsLost: (...lost) => this.#onLost(...lost),
      },
      workerListener: this.#workerListener(new Relay(bus, name)),
    });
    this.recycler = new Recycler(options, this.supervisor, init.recycleOrder);
    this.#graces = new Graces(options, this.stacks, this.supervisor.events);
    this.#heart = new Heart(options, () => this.supervisor.workers, {
      missed: (worker) => void this.#onMissed(worker),
      stuck: (worker) => this.#onStuck(worker),
    });
    this.queue = new RequestQueue(options.maxQueue, {
      bus,
      poolName: name,
      parked: this.supervisor.parked,
      load: () => ({ busy_workers: this.busyWorkers, available_workers: this.dispatcher.freeWorkers }),
    });
    this.dispatcher = new Dispatcher(
      this.queue,
      () => this.supervisor.workers,
      (worker, request, now) => this.#send(worker, request, now),
      (worker) => this.keeper.affinity.next(worker),
    );
    this.keeper = new Keeper({
      ...init,
      poolName: name,
      parked: this.supervisor.parked,
      error: (...about) => this.#error(...about),
      settle: (request, error, result) => this.#settle(request, error, result, monotonic()),
      assign: (worker, request) => this.dispatcher.assign(worker, request, monotonic()),
      dispatch: (request) => this.dispatcher.dispatch(request, monotonic()),
      refusal: (request) =>
        this.state === 'closed' ? this.#error(request, 'draining', CLOSED_MEANWHILE) : undefined,
    });
    this.retries = new Retries(
      options.retries,
      () => this.#begun,
      (request) => this.#again(request),
    );
    const { queue, supervisor, poison, breaker } = this;
    this.admission = new Admission({
      name,
      options,
      queue,
      supervisor,
      poison,
      breaker,
      failures: this.#failures,
    });
  }

  /** Starts the workers. Requests are taken before that already; they wait. */
  start(): void {
    this.supervisor.start();
    this.#heart.start();
  }

  /** Workers without a free slot. */
  get busyWorkers(): number {
    let busy = 0;
    for (const worker of this.supervisor.workers) if (worker.status.kind === 'busy') busy++;
    return busy;
  }

  /** Resolves with the first ready worker; rejects when every slot has failed to start, or the pool is closed first. */
  ready(): Promise<void> {
    const { startError } = this.admission;
    if (startError !== undefined) return Promise.reject(startError);
    if (this.state !== 'starting') return Promise.resolve();
    this.#init.keepAlive.hold();
    const waiting = new Promise<void>((resolve, reject) => this.#readyWaiters.push({ resolve, reject }));
    return waiting.finally(() => this.#init.keepAlive.release());
  }

  /** Accepts a request or refuses it; either way its waiter hears exactly once. */
  submit(init: RequestInit): Request {
    const request = new Request(init);
    init.waiter.bind?.(request);
    if (this.inFlight++ === 0) this.#init.keepAlive.hold();
    this.#ledger.queued(request, this.queue.depth + 1);
    const refusal = init.aborted
      ? this.#error(request, 'cancelled', 'The caller had cancelled the request before it was made.', true)
      : this.admission.refusal(request, this.state, this.dispatcher.freeWorkers === 0);
    if (refusal !== undefined) this.#settle(request, refusal, undefined, monotonic());
    else {
      this.#deadlines.add(request);
      if (hasSession(request)) this.keeper.submit(request);
      else this.dispatcher.dispatch(request);
    }
    return request;
  }

  /** Whether a command may be started again where the caller does not say. */
  isIdempotent(command: string): boolean {
    return this.#idempotent.has(command);
  }

  /** Answers the caller with `cancelled` now and has Python stop. Does nothing once it is settled. */
  cancel(request: Request, message = 'The caller cancelled the request.'): void {
    this.#giveUp(request, 'cancelled', message);
  }

  /** The same for a request whose time is up; the error tells what it was doing. */
  timeOut(request: Request, message: string): void {
    this.#watch.late(request, () => this.#giveUp(request, 'timeout', message));
  }

  /** Changes the number of workers; clears what keeps slots empty. */
  resize(workers: number): void {
    this.options.workers = workers;
    this.supervisor.resize(workers);
    this.supervisor.unquarantine();
  }

  /**
   * The options were changed in place, which who reads them at each use has seen; here is done what it takes beyond that.
   *
   * @param before - the options as they were
   */
  reconfigured(before: ResolvedPool): void {
    const { options } = this;
    this.#idempotent = new Set(options.idempotent);
    this.queue.resize(options.maxQueue);
    if (options.heartbeatIntervalMs !== before.heartbeatIntervalMs) this.#heart.intervalChanged();
    if (this.state === 'closed') return;
    if (!isDeepStrictEqual(options.recycle, before.recycle)) this.recycler.limitsChanged();
    if (options.workers !== before.workers) this.resize(options.workers);
  }

  /** Lets quarantined slots start and quarantined requests through. */
  unquarantine(): { slots: number[]; requests: number } {
    return { slots: this.supervisor.unquarantine(), requests: this.poison.clear() };
  }

  /** Takes nothing new and waits for what is there, at most `withinMs`. Resolves with whether all of it was finished. */
  async drain(withinMs: number): Promise<boolean> {
    if (this.state === 'starting' || this.state === 'running') {
      this.state = 'draining';
      const queue_size = this.queue.depth;
      const draining = this.#init.bus.event('snakepit.pool.draining');
      draining.emit({ in_flight: this.inFlight - queue_size, queue_size }, { pool_name: this.name });
    }
    if (this.inFlight === 0 || withinMs <= 0) return this.inFlight === 0;
    return new Promise((resolve) => {
      const settle = (idle: boolean) => {
        timer.stop();
        this.#idleWaiters.delete(onIdle);
        resolve(idle);
      };
      const onIdle = () => settle(true);
      const timer = after(withinMs, () => settle(false));
      this.#idleWaiters.add(onIdle);
    });
  }

  /** Drains, then ends every worker. What is not finished after `drainMs` is cancelled. */
  async close(drainMs: number): Promise<void> {
    this.#init.keepAlive.hold();
    await this.drain(drainMs);
    this.state = 'closed';
    const closed = new SnakepitError(
      'draining',
      `The pool '${this.name}' was closed before it had a ready worker.`,
    );
    for (const waiter of this.#readyWaiters.splice(0)) waiter.reject(closed);
    this.#refuseWaiting((request) => this.#error(request, 'draining', CLOSED_MEANWHILE));
    for (const worker of this.supervisor.workers) {
      for (const request of [...worker.load.open])
        this.cancel(request, 'The pool was closed before the request was finished.');
    }
    await this.supervisor.close(this.options.termTimeoutMs, this.options.killTimeoutMs);
    this.#heart.stop();
    this.dispatcher.stop();
    this.#deadlines.clear();
    this.#graces.stop();
    const uptime_ms = monotonic() - this.startedAt;
    this.#init.bus.event('snakepit.pool.stopped').emit({ uptime_ms }, { pool_name: this.name });
    this.#init.keepAlive.release();
  }

  #send(worker: Worker, request: Request, now: number): void {
    // Others like it may have killed while it waited.
    const poison = this.admission.poisoned(request);
    if (poison !== undefined) {
      this.#settle(request, poison, undefined, now);
      return;
    }
    if (hasSession(request) && !this.keeper.sending(worker, request)) return;
    try {
      worker.assign(request, now);
    } catch (error) {
      this.#settle(request, this.admission.unsendable(request, error), undefined, now);
    }
  }

  /** The only place where a request ends. */
  #settle(request: Request, error: SnakepitError | undefined, result: unknown, now: number): void {
    if (request.phase === 'settled') return;
    this.#watch.settling(request);
    this.#deadlines.remove(request);
    this.queue.remove(request);
    this.retries.remove(request);
    this.keeper.affinity.leave(request);
    (request.worker as Worker | undefined)?.load.settling(request);
    request.phase = 'settled';
    request.settledAt = now;
    request.release?.();
    this.breaker?.settled(request, error?.code, request.attempts > 0, now);
    this.#ledger.settled(request, error);
    if (--this.inFlight === 0) {
      this.#init.keepAlive.release();
      for (const onIdle of this.#idleWaiters) onIdle();
    }
    if (error === undefined) request.waiter.resolve(result, request);
    else request.waiter.reject(error);
  }

  #error(request: Request, code: ErrorCode, message: string, retryable?: boolean): SnakepitError {
    return this.#failures.ofRequest(request, code, message, retryable === undefined ? {} : { retryable });
  }

  #onDue(request: Request): void {
    const now = monotonic();
    if (request.awaitDeadline(now)) {
      this.#deadlines.add(request);
      void this.#watch.slow(request);
    } else if (request.phase === 'queued') {
      const message = `The request waited ${request.timeoutMs} ms for a worker of pool '${this.name}' (timeoutMs): add workers or raise the deadline.`;
      const retryAfterMs = this.queue.retryAfterMs(now);
      const error = this.#failures.ofRequest(request, 'queue_timeout', message, { retryAfterMs });
      this.#settle(request, error, undefined, now);
    } else this.timeOut(request, `The request was not finished after ${request.timeoutMs} ms (timeoutMs).`);
  }

  #giveUp(request: Request, code: 'cancelled' | 'timeout', message: string): void {
    if (request.phase === 'settled') return;
    const { phase } = request;
    const elsewhere = phase === 'retrying' || phase === 'keeping';
    const worker = elsewhere ? undefined : (request.worker as Worker | undefined);
    // One that a worker holds unbegun, as far as is known here, may have begun by now: it waited, but it is not safe to repeat.
    const shown = code === 'timeout' && phase === 'assigned' ? 'queue_timeout' : code;
    const repeatable = request.idempotent || (worker === undefined && request.attempts === 0);
    this.#settle(request, this.#error(request, shown, message, repeatable), undefined, monotonic());
    if (worker !== undefined) this.#graces.begin(request, worker, code);
  }

  #refuseWaiting(why: (request: Request) => SnakepitError): void {
    for (let request = this.queue.shift(); request !== undefined; request = this.queue.shift()) {
      this.#settle(request, why(request), undefined, monotonic());
    }
    for (const request of this.keeper.affinity.leaveAll())
      this.#settle(request, why(request), undefined, monotonic());
    for (const request of this.retries.stop()) this.#settle(request, why(request), undefined, monotonic());
  }

  #workerListener(relay: Relay): WorkerListener {
    return {
      statusChanged: (worker, before) => this.#onStatus(worker, before),
      commandsKnown: (commands) => {
        this.commands = commands;
      },
      began: (request) => {
        this.#begun++;
        this.queue.drainRate.began(request);
        this.#ledger.started(request);
        request.waiter.begun?.();
      },
      answered: (request, result, now, change) => {
        this.poison.survived(request);
        if (change !== undefined && hasSession(request)) this.keeper.answered(request, result, change.data);
        else this.#settle(request, undefined, result, now);
        this.#ran(request);
      },
      failed: (request, failure, now) => {
        this.poison.survived(request);
        this.#settle(request, this.#failures.ofPython(request, failure), undefined, now);
        this.#ran(request);
      },
      released: (request) => {
        this.#graces.end(request);
        this.#ran(request);
      },
      chunk: (request, value, bytes) => this.#onChunk(request, value, bytes),
      roomier: (worker) => {
        if (worker.serving) this.dispatcher.fill(worker);
        else this.#emptier(worker);
      },
      recalled: (requests) => this.dispatcher.takeBack(this.keeper.takeBack(requests)),
      parting: (worker) => (this.state === 'closed' ? undefined : this.keeper.parting(worker)),
      measured: (worker, { rssBytes }) => {
        this.leaks.measured(worker, rssBytes);
        this.recycler.check(worker);
      },
      event: (...event) => relay.event(...event),
      log: (...log) => relay.log(...log),
      died: (worker, death) => {
        this.#graces.forget(worker);
        // Before what it held goes elsewhere: that depends on where its sessions are.
        this.keeper.died(worker, isPlanned(death.why) ? 'recycled' : 'died');
        this.supervisor.died(worker, death);
      },
    };
  }

  #ran(request: Request): void {
    const worker = request.worker as Worker;
    this.leaks.ran(worker, request.command);
    if (this.recycler.countsRequests) this.recycler.check(worker);
  }

  #emptier(worker: Worker): void {
    this.#graces.review(worker);
    this.supervisor.emptier(worker);
  }

  #onStatus(worker: Worker, before: WorkerStatus): void {
    const { kind } = worker.status;
    this.dispatcher.place(worker);
    this.supervisor.statusChanged(worker, before);
    if (kind === 'busy' && before.kind === 'ready') this.#ledger.workerBusy(worker);
    else if (kind === 'ready' && before.kind === 'busy') this.#ledger.workerIdle(worker);
  }

  async #onMissed(worker: Worker): Promise<void> {
    // It gets nothing new until it answers.
    this.dispatcher.place(worker);
    const { missed, heardAt } = worker.pulse;
    const silence = { missed, silent_ms: monotonic() - heardAt };
    const stack = missed === 1 ? await this.stacks.ofSilent(worker) : undefined;
    if (worker.pulse.silent) worker.pulse.stack ??= stack;
    this.supervisor.events.heartbeatMissed(worker, silence, stack);
    this.#graces.review(worker);
  }

  #onStuck(worker: Worker): void {
    this.supervisor.events.stuck(worker, 'heartbeat', worker.pulse.stack);
    worker.kill('stuck');
  }

  #onReady(): void {
    this.admission.startError = undefined;
    if (this.state !== 'starting') return;
    this.state = 'running';
    const startup_ms = monotonic() - this.startedAt;
    const { shownConfig: config } = this.#init;
    const metadata = {
      pool_name: this.name,
      config,
      python_path: this.facts.pythonPath,
      python_reason: this.facts.pythonReason,
    };
    this.#init.bus
      .event('snakepit.pool.started')
      .emit({ startup_ms, workers: this.options.workers }, metadata);
    for (const waiter of this.#readyWaiters.splice(0)) waiter.resolve();
  }

  #onStartsFail(error: SnakepitError): void {
    this.admission.startError = error;
    for (const waiter of this.#readyWaiters.splice(0)) waiter.reject(error);
    this.#refuseWaiting((request) => this.admission.unserved(request) ?? error);
  }

  #onCrashLoop(): void {
    this.admission.looping = true;
    const message = `The workers of pool '${this.name}' fail as fast as they start.`;
    this.#refuseWaiting(
      (request) => this.admission.unserved(request) ?? this.#error(request, 'crash_loop', message),
    );
  }

  #onLost(death: Death, exit: WorkerExit, begun: readonly Request[], untouched: readonly Request[]): void {
    const now = monotonic();
    this.poison.died(begun);
    for (const request of begun) {
      const error = this.#failures.ofLostRequest(request, death, exit);
      const delayMs = this.state === 'closed' ? undefined : this.retries.offer(request, error, now);
      if (delayMs === undefined) this.#settle(request, error, undefined, now);
      else this.#ledger.retried(request, request.failedAttempts?.at(-1), delayMs);
    }
    this.dispatcher.takeBack(this.keeper.takeBack(untouched));
  }

  /** Starts a request again. What has happened to the pool meanwhile counts, a full queue does not: it was accepted. */
  #again(request: Request): void {
    const refusal = this.admission.unserved(request);
    if (refusal !== undefined) this.#settle(request, refusal, undefined, monotonic());
    else if (hasSession(request)) this.keeper.submit(request);
    else this.dispatcher.dispatch(request, monotonic());
  }

  #onChunk(request: Request, value: unknown, bytes: number): void {
    const now = monotonic();
    if (request.chunks++ === 0) request.firstChunkAt = now;
    this.#ledger.chunk(request, bytes, now);
    request.waiter.chunk?.(value);
  }
}
