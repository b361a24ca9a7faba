import type { ResolvedPool } from '../config/index.ts';
import { type ErrorCode, SnakepitError } from '../errors/index.ts';
import { type CommandInfo, type EventBus, monotonic, type PoolState } from '../events/index.ts';
import { PayloadTooLarge, prepare, UnserializableValue } from '../transport/index.ts';
import { Deadlines } from './deadlines.ts';
import { Dispatcher } from './dispatcher.ts';
import type { PoolFacts } from './facts.ts';
import { Failures } from './failures.ts';
import type { KeepAlive } from './keepalive.ts';
import type { LaunchSettings } from './launcher.ts';
import { Ledger } from './ledger.ts';
import { RequestQueue } from './queue.ts';
import { Relay } from './relay.ts';
import { Request, type RequestInit } from './request.ts';
import { Supervisor } from './supervisor.ts';
import type { Death, Worker, WorkerListener, WorkerStatus } from './worker.ts';

/** What a pool is made from. */
export interface PoolInit {
  readonly name: string;
  readonly options: ResolvedPool;
  readonly launch: LaunchSettings;
  readonly bus: EventBus;
  readonly keepAlive: KeepAlive;
  /** Arguments whose scalars error contexts may show. */
  readonly showArgs: readonly string[];
  /** What `pool.started` shows of the configuration; sanitized. */
  readonly shownConfig: Record<string, unknown>;
  readonly facts: PoolFacts;
}

/** Accepts requests, has them run by workers, and settles each exactly once. */
export class Pool {
  readonly name: string;
  readonly options: ResolvedPool;
  readonly facts: PoolFacts;
  readonly supervisor: Supervisor;
  readonly queue: RequestQueue;
  readonly dispatcher: Dispatcher;
  readonly startedAt = monotonic();
  state: PoolState = 'starting';
  commands: readonly CommandInfo[] = [];
  /** Requests accepted and not settled. */
  inFlight = 0;
  /** Why no worker can be started, until one can. */
  startError: SnakepitError | undefined;
  readonly #init: PoolInit;
  readonly #ledger: Ledger;
  readonly #failures: Failures;
  readonly #deadlines = new Deadlines<Request>((request) => this.#onDeadline(request));
  /** Requests whose callers have their answer while Python is still at it, with the time it gets to end them. */
  readonly #graces = new Map<Request, NodeJS.Timeout>();
  readonly #readyWaiters: { resolve(): void; reject(error: Error): void }[] = [];
  readonly #idleWaiters = new Set<() => void>();

  constructor(init: PoolInit) {
    const { name, options, bus } = init;
    this.#init = init;
    this.name = name;
    this.options = options;
    this.facts = init.facts;
    this.#ledger = new Ledger(bus, name);
    this.#failures = new Failures(name, init.showArgs);
    this.supervisor = new Supervisor({
      ...init,
      failures: this.#failures,
      listener: {
        workerReady: () => this.#onReady(),
        startsFail: (error) => this.#onStartsFail(error),
        requestsLost: (_worker, death, begun, untouched) => this.#onLost(death, begun, untouched),
      },
      workerListener: this.#workerListener(new Relay(bus, name)),
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
    );
  }

  /** Starts the workers. Requests are taken before that already; they wait. */
  start(): void {
    this.supervisor.start();
  }

  /** Workers without a free slot. */
  get busyWorkers(): number {
    return this.supervisor.workers.filter((worker) => worker.status.kind === 'busy').length;
  }

  /** Resolves with the first ready worker; rejects when every slot has failed to start, or the pool is closed first. */
  ready(): Promise<void> {
    if (this.startError !== undefined) return Promise.reject(this.startError);
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
      : this.#refusal(request);
    if (refusal !== undefined) this.#settle(request, refusal, undefined, monotonic());
    else {
      this.#deadlines.add(request);
      this.dispatcher.dispatch(request);
    }
    return request;
  }

  /** Answers the caller with `cancelled` now and has Python stop. Does nothing once it is settled. */
  cancel(request: Request, message = 'The caller cancelled the request.'): void {
    this.#giveUp(request, 'cancelled', message);
  }

  /** The same for a request whose time is up. */
  timeOut(request: Request, message: string): void {
    this.#giveUp(request, 'timeout', message);
  }

  /** Takes nothing new and waits for what is there, at most `withinMs`. Resolves with whether all of it was finished. */
  async drain(withinMs: number): Promise<boolean> {
    if (this.state === 'starting' || this.state === 'running') {
      this.state = 'draining';
      const queue_size = this.queue.depth;
      const draining = this.#init.bus.event('snakepit.pool.draining');
      draining.emit({ in_flight: this.inFlight - queue_size, queue_size }, { pool_name: this.name });
    }
    if (this.inFlight === 0) return true;
    return new Promise((resolve) => {
      const settle = (idle: boolean) => {
        clearTimeout(timer);
        this.#idleWaiters.delete(onIdle);
        resolve(idle);
      };
      const onIdle = () => settle(true);
      const timer = setTimeout(() => settle(false), withinMs);
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
    this.#refuseQueued((request) =>
      this.#error(request, 'draining', 'The pool was closed while the request waited.'),
    );
    for (const worker of this.supervisor.workers) {
      for (const request of [...worker.load.open])
        this.cancel(request, 'The pool was closed before the request was finished.');
    }
    await this.supervisor.close(this.options.termTimeoutMs, this.options.killTimeoutMs);
    this.dispatcher.stop();
    this.#deadlines.clear();
    for (const request of this.#graces.keys()) this.#endGrace(request);
    const uptime_ms = monotonic() - this.startedAt;
    this.#init.bus.event('snakepit.pool.stopped').emit({ uptime_ms }, { pool_name: this.name });
    this.#init.keepAlive.release();
  }

  /** Why a request cannot be taken, or undefined. Makes its arguments sendable. */
  #refusal(request: Request): SnakepitError | undefined {
    if (this.state === 'draining' || this.state === 'closed') {
      return this.#error(
        request,
        'draining',
        `The pool '${this.name}' is ${this.state} and takes no new requests.`,
      );
    }
    if (this.startError !== undefined) {
      const { message, context } = this.startError;
      const retryAfterMs = this.options.maxRestartDelayMs;
      return this.#failures.ofRequest(request, 'worker_start_failed', message, { context, retryAfterMs });
    }
    if (this.dispatcher.freeWorkers === 0 && !this.queue.hasRoom()) {
      const message = `The queue of pool '${this.name}' is full (${this.queue.capacity} requests wait): send less, or raise workers or maxQueue.`;
      return this.#failures.ofRequest(request, 'queue_full', message, { retryAfterMs: 1000 });
    }
    try {
      const { value, tagged } = prepare(request.rawArgs);
      request.args = value;
      request.tagged = tagged;
      return undefined;
    } catch (error) {
      return this.#unsendable(request, error);
    }
  }

  #send(worker: Worker, request: Request, now: number): void {
    try {
      worker.assign(request, now);
    } catch (error) {
      this.#settle(request, this.#unsendable(request, error), undefined, now);
    }
  }

  #unsendable(request: Request, error: unknown): SnakepitError {
    const why = error instanceof Error ? error.message : String(error);
    if (error instanceof PayloadTooLarge) return this.#error(request, 'payload_too_large', why);
    const path = error instanceof UnserializableValue ? error.path : '$';
    const message = `The arguments of '${request.command}' cannot be sent: ${why}.`;
    return this.#failures.ofRequest(request, 'unserializable', message, {
      cause: error,
      context: { path, path_in: 'arguments' },
    });
  }

  /** The only place where a request ends. */
  #settle(request: Request, error: SnakepitError | undefined, result: unknown, now: number): void {
    if (request.phase === 'settled') return;
    this.#deadlines.remove(request);
    this.queue.remove(request);
    request.phase = 'settled';
    request.settledAt = now;
    request.release?.();
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

  #onDeadline(request: Request): void {
    if (request.phase === 'queued') {
      const message = `The request waited ${request.waitMs} ms for a worker of pool '${this.name}' (timeoutMs): add workers or raise the deadline.`;
      this.#settle(request, this.#error(request, 'queue_timeout', message), undefined, monotonic());
    } else this.timeOut(request, `The request was not finished after ${request.waitMs} ms (timeoutMs).`);
  }

  #giveUp(request: Request, code: 'cancelled' | 'timeout', message: string): void {
    if (request.phase === 'settled') return;
    const { worker } = request;
    // One that a worker holds unbegun, as far as is known here, may have begun by now: it waited, but it is not safe to repeat.
    const shown = code === 'timeout' && request.phase === 'assigned' ? 'queue_timeout' : code;
    this.#settle(request, this.#error(request, shown, message, worker === undefined), undefined, monotonic());
    if (worker === undefined) return;
    worker.cancel(request, code);
    const timer = setTimeout(() => {
      this.#graces.delete(request);
      if (worker.holds(request)) worker.kill('stuck');
    }, this.options.cancelGraceMs).unref();
    this.#graces.set(request, timer);
  }

  #endGrace(request: Request): void {
    clearTimeout(this.#graces.get(request));
    this.#graces.delete(request);
  }

  #refuseQueued(why: (request: Request) => SnakepitError): void {
    for (let request = this.queue.shift(); request !== undefined; request = this.queue.shift()) {
      this.#settle(request, why(request), undefined, monotonic());
    }
  }

  #workerListener(relay: Relay): WorkerListener {
    return {
      statusChanged: (worker, before) => this.#onStatus(worker, before),
      commandsKnown: (commands) => {
        this.commands = commands;
      },
      began: (request) => {
        this.#ledger.started(request);
        request.waiter.begun?.();
      },
      answered: (request, result, now) => this.#settle(request, undefined, result, now),
      failed: (request, failure, now) =>
        this.#settle(request, this.#failures.ofPython(request, failure), undefined, now),
      released: (request) => this.#endGrace(request),
      chunk: (request, value, bytes) => this.#onChunk(request, value, bytes),
      roomier: (worker, now) => this.dispatcher.fill(worker, now),
      recalled: (requests) => this.dispatcher.takeBack(requests),
      event: (...event) => relay.event(...event),
      log: (...log) => relay.log(...log),
      died: (worker, death) => this.supervisor.died(worker, death),
    };
  }

  #onStatus(worker: Worker, before: WorkerStatus): void {
    const { kind } = worker.status;
    this.dispatcher.place(worker);
    this.supervisor.statusChanged(worker, before);
    if (kind === 'busy' && before.kind === 'ready') this.#ledger.workerBusy(worker);
    else if (kind === 'ready' && before.kind === 'busy') this.#ledger.workerIdle(worker);
  }

  #onReady(): void {
    this.startError = undefined;
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
    this.startError = error;
    for (const waiter of this.#readyWaiters.splice(0)) waiter.reject(error);
    this.#refuseQueued((request) => this.#refusal(request) ?? error);
  }

  #onLost(death: Death, begun: readonly Request[], untouched: readonly Request[]): void {
    const now = monotonic();
    for (const request of begun)
      this.#settle(request, this.#failures.ofLostRequest(request, death, begun), undefined, now);
    this.dispatcher.takeBack(untouched);
  }

  #onChunk(request: Request, value: unknown, bytes: number): void {
    const now = monotonic();
    if (request.chunks++ === 0) request.firstChunkAt = now;
    this.#ledger.chunk(request, bytes, now);
    request.waiter.chunk?.(value);
  }
}
