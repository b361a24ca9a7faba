import { type ErrorCode, SnakepitError } from '../errors/index.ts';
import {
  currentContext,
  type EventBus,
  isCorrelationId,
  monotonic,
  newCorrelationId,
  newRequestId,
  now,
  type Snapshot,
  traceIdOf,
} from '../events/index.ts';
import { createInstanceSanitizer, type InstanceSanitizer } from '../sanitize/index.ts';
import { Failures } from './failures.ts';
import type { KeepAlive } from './keepalive.ts';
import { Ledger } from './ledger.ts';
import { poolSnapshot, sessionsSnapshot } from './levels.ts';
import type { Pool } from './pool.ts';
import type { CallOptions, CallResult, CallStream, ControlPort, Recycled, WorkerStacks } from './port.ts';
import { Request, type Waiter } from './request.ts';
import { SessionUse, sessionIdFault } from './session/session.ts';
import type { Sessions } from './session/sessions.ts';
import { PitStream } from './stream.ts';
import type { Worker } from './worker.ts';

const NO_ARGS: Record<string, unknown> = Object.freeze({});
const NO_OPTIONS: CallOptions = Object.freeze({});
const MAX_PRIORITY = 10;
/** As of the option `workers`. */
const MAX_WORKERS = 1024;
/** Node's timers overflow above this. */
const MAX_TIMEOUT_MS = 2 ** 31 - 1;

/** All pools behind one front: finds the pool of a call, gives it its ids and its deadline. */
export class Pit implements ControlPort {
  readonly #pools: ReadonlyMap<string, Pool>;
  readonly #keepAlive: KeepAlive;
  readonly #strays: Ledger;
  readonly #strayFailures: Failures;
  readonly #startedAt = monotonic();
  readonly #sessions: Sessions;
  #closing: Promise<void> | undefined;

  /** @param sanitizer - for what errors show. Default: one without options */
  constructor(
    pools: ReadonlyMap<string, Pool>,
    bus: EventBus,
    keepAlive: KeepAlive,
    sessions: Sessions,
    sanitizer: InstanceSanitizer = createInstanceSanitizer(),
  ) {
    this.#pools = pools;
    this.#keepAlive = keepAlive;
    this.#sessions = sessions;
    this.#strays = new Ledger(bus, '(unknown)');
    this.#strayFailures = new Failures('(unknown)', [], sanitizer);
  }

  /** Runs a command and resolves with its result alone. */
  execute<T = unknown>(command: string, args?: Record<string, unknown>, options?: CallOptions): Promise<T> {
    return new Promise<T>((resolve, reject) => {
      this.#submit(command, args, options, { resolve: resolve as (result: unknown) => void, reject });
    });
  }

  call<T = unknown>(
    command: string,
    args?: Record<string, unknown>,
    options?: CallOptions,
  ): Promise<CallResult<T>> {
    return new Promise((resolve, reject) => {
      this.#submit(command, args, options, {
        resolve: (result, request) => resolve(request.result(result as T)),
        reject,
      });
    });
  }

  stream<T = unknown>(
    command: string,
    args?: Record<string, unknown>,
    options: CallOptions = NO_OPTIONS,
  ): CallStream<T> {
    const pool = this.#pools.get(options.pool ?? 'default');
    const stream = new PitStream<T>(pool?.options.streamBuffer ?? 1, pool?.options.idleTimeoutMs ?? 1, {
      credit: (request, count) => request.worker?.credit(request, count),
      leave: (request) => pool?.cancel(request, 'The reader left the stream.'),
      silent: (request, afterMs) =>
        pool?.timeOut(request, `The stream sent no chunk for ${afterMs} ms (idleTimeoutMs).`),
    });
    this.#submit(command, args, options, stream);
    return stream;
  }

  snapshot(): Snapshot {
    const pools = [...this.#pools].map(([name, pool]) => [name, poolSnapshot(pool)] as const);
    return {
      timestamp: now(),
      uptime_ms: monotonic() - this.#startedAt,
      sessions: sessionsSnapshot(this.#sessions, this.#pools.values()),
      pools: Object.fromEntries(pools),
    };
  }

  /** Resolves when every pool has a ready worker; rejects with the first that cannot get one. */
  async ready(): Promise<void> {
    await Promise.all([...this.#pools.values()].map((pool) => pool.ready()));
  }

  /** Takes nothing new and waits for what runs and waits. Resolves with whether all of it was finished in time. */
  async drain(withinMs?: number): Promise<boolean> {
    const drained = [...this.#pools.values()].map((pool) =>
      pool.drain(withinMs ?? pool.options.drainTimeoutMs),
    );
    return (await Promise.all(drained)).every(Boolean);
  }

  async recycleWorker(workerId: string): Promise<Recycled> {
    const { pool, worker } = this.#worker(workerId);
    return this.#awaited(pool.recycler.one(worker, 'reload'));
  }

  async recyclePool(pool: string): Promise<readonly Recycled[]> {
    return this.#awaited(this.#pool(pool).recycler.all('reload'));
  }

  async stackOf(workerId: string): Promise<WorkerStacks> {
    const { pool, worker } = this.#worker(workerId);
    return this.#awaited(pool.stacks.ofWorker(worker));
  }

  unquarantine(pool: string): { slots: number[]; requests: number } {
    return this.#pool(pool).unquarantine();
  }

  async resize(pool: string, workers: number): Promise<void> {
    if (!Number.isInteger(workers) || workers < 1 || workers > MAX_WORKERS) {
      const message = `The number of workers is a whole one from 1 to ${MAX_WORKERS}, got ${String(workers)}.`;
      throw new SnakepitError('invalid_configuration', message);
    }
    this.#pool(pool).resize(workers);
  }

  /** Drains, then ends every worker. Calling it again gives the same promise. */
  close(drainMs?: number): Promise<void> {
    this.#closing ??= Promise.all(
      [...this.#pools.values()].map((pool) => pool.close(drainMs ?? pool.options.drainTimeoutMs)),
    )
      .then(() => this.#sessions.close())
      .then(() => this.#keepAlive.stop());
    return this.#closing;
  }

  /** What somebody waits for keeps Node running, as a request does. */
  #awaited<T>(work: Promise<T>): Promise<T> {
    this.#keepAlive.hold();
    return work.finally(() => this.#keepAlive.release());
  }

  #pool(name: string): Pool {
    return this.#pools.get(name) ?? this.refuseUnknown(name);
  }

  /** @throws SnakepitError `unknown_pool`, saying which there are */
  refuseUnknown(name: string): never {
    throw new SnakepitError('unknown_pool', this.#noPool(name));
  }

  #noPool(name: string): string {
    const known = [...this.#pools.keys()].map((key) => `'${key}'`).join(', ');
    return `There is no pool '${name}'. Configured: ${known}.`;
  }

  #worker(id: string): { pool: Pool; worker: Worker } {
    for (const pool of this.#pools.values()) {
      const worker = pool.supervisor.byId(id);
      if (worker !== undefined) return { pool, worker };
    }
    const living = [...this.#pools.values()].flatMap((pool) =>
      Array.from(pool.supervisor.workers, (worker) => worker.id),
    );
    throw new SnakepitError(
      'no_workers',
      `No worker has the id '${id}'. Living: ${living.join(', ') || 'none'}.`,
    );
  }

  #submit(
    command: string,
    args: Record<string, unknown> = NO_ARGS,
    options: CallOptions = NO_OPTIONS,
    waiter: Waiter,
  ): void {
    const name = options.pool ?? 'default';
    const pool = this.#pools.get(name);
    const context = currentContext();
    const traceparent = options.traceparent ?? context?.traceparent;
    const timeoutMs = options.timeoutMs ?? pool?.options.timeoutMs ?? 1;
    const fault = faultOf(command, args, timeoutMs, options);
    const init = {
      requestId: newRequestId(),
      correlationId: correlationIdOf(options, context?.correlation_id, traceparent),
      traceparent,
      context,
      command,
      rawArgs: args,
      timeoutMs,
      slowAfterMs: pool?.options.slowAfterMs ?? timeoutMs / 2,
      idempotent: options.idempotent ?? pool?.isIdempotent(command) ?? false,
      priority: options.priority ?? 0,
      fairnessKey: options.fairnessKey,
      session: fault === undefined ? sessionOf(options) : undefined,
      acceptedAt: monotonic(),
      waiter,
      aborted: options.signal?.aborted === true,
    };
    if (pool === undefined || fault !== undefined) {
      this.#refuse(
        new Request(init),
        fault === undefined ? 'unknown_pool' : 'invalid_arguments',
        fault ?? this.#noPool(name),
      );
      return;
    }
    const { signal } = options;
    const request = pool.submit(init);
    if (signal !== undefined && request.phase !== 'settled') watch(signal, request, pool);
  }

  /** Refuses what reaches no pool, with the same events as any other refusal. */
  #refuse(request: Request, code: ErrorCode, message: string): void {
    request.waiter.bind?.(request);
    this.#strays.queued(request, 0);
    request.phase = 'settled';
    request.settledAt = monotonic();
    const error = this.#strayFailures.ofRequest(request, code, message);
    this.#strays.settled(request, error);
    request.waiter.reject(error);
  }
}

const sessionOf = ({ sessionId, create }: CallOptions): SessionUse | undefined =>
  sessionId === undefined ? undefined : new SessionUse(sessionId, create !== false);

const correlationIdOf = (
  options: CallOptions,
  inherited: string | undefined,
  traceparent: string | undefined,
): string => {
  const wanted = options.correlationId ?? inherited;
  // An id that is too long or has other characters would break log lines and headers further on.
  if (wanted !== undefined && isCorrelationId(wanted)) return wanted;
  return (traceparent === undefined ? undefined : traceIdOf(traceparent)) ?? newCorrelationId();
};

const faultOf = (
  command: unknown,
  args: unknown,
  timeoutMs: number,
  { priority, fairnessKey, sessionId }: CallOptions,
): string | undefined => {
  if (priority !== undefined && !(Number.isInteger(priority) && Math.abs(priority) <= MAX_PRIORITY)) {
    return `priority is a whole number from -${MAX_PRIORITY} to ${MAX_PRIORITY}, got ${String(priority)}.`;
  }
  if (fairnessKey !== undefined && typeof fairnessKey !== 'string') {
    return `fairnessKey is a string, got ${String(fairnessKey)}.`;
  }
  const sessionFault = sessionId === undefined ? undefined : sessionIdFault(sessionId);
  if (sessionFault !== undefined) return sessionFault;
  if (typeof command !== 'string' || command === '') return `A command is a name, got ${String(command)}.`;
  if (typeof args !== 'object' || args === null || Array.isArray(args)) {
    return `Arguments are an object of names and values, got ${Array.isArray(args) ? 'an array' : String(args)}.`;
  }
  if (typeof timeoutMs === 'number' && timeoutMs > 0 && timeoutMs <= MAX_TIMEOUT_MS) return undefined;
  return `timeoutMs is a number above 0 and at most ${MAX_TIMEOUT_MS}, got ${String(timeoutMs)}.`;
};

const watch = (signal: AbortSignal, request: Request, pool: Pool): void => {
  const abort = () => pool.cancel(request);
  signal.addEventListener('abort', abort, { once: true });
  request.release = () => signal.removeEventListener('abort', abort);
};
