import { resolveOptions, type SnakepitOptions } from './config/index.ts';
import type { Errors } from './consumers/errors/index.ts';
import type { Health } from './consumers/health/index.ts';
import type { LogRequestOptions } from './consumers/logging/index.ts';
import type { Metrics } from './consumers/metrics/index.ts';
import type {
  CallOptions,
  CallResult,
  CallStream,
  ControlPort,
  Recycled,
  Sessions,
  WorkerStacks,
} from './core/index.ts';
import type { EventBus, Snapshot } from './events/index.ts';
import { type OpsHandler, opsHandler, type Page } from './http/index.ts';
import type { Live } from './live.ts';
import { Observability } from './observability.ts';
import type { Observers } from './observers.ts';
import { type Runtime, startGuest } from './runtime.ts';

/** What a service may do with sessions beside using them in calls. */
export type SessionsControl = Pick<Sessions, 'get' | 'delete' | 'state'>;

/** A running instance: its pools, and what is seen of them. */
export class Snakepit implements ControlPort, AsyncDisposable {
  readonly #runtime: Runtime;
  readonly #observability: Observability;

  /** @internal Use {@link createSnakepit}. */
  constructor(runtime: Runtime) {
    this.#runtime = runtime;
    this.#observability = new Observability(runtime.live);
  }

  /** The event bus: everything that happens passes here. */
  get bus(): EventBus {
    return this.#runtime.bus;
  }

  /** The metrics consumer. Takes calls also when metrics are switched off. */
  get metrics(): Metrics {
    return this.#runtime.observers.metrics;
  }

  /** The health consumer. Answers also when health is switched off, without rates then. */
  get health(): Health {
    return this.#runtime.observers.health;
  }

  /** The errors consumer: recent errors, their groups, slow requests. */
  get errors(): Errors {
    return this.#runtime.observers.errors;
  }

  /** The structured logger. */
  get logger(): Observers['logging']['logger'] {
    return this.#runtime.logger;
  }

  /**
   * Logs everything about the requests of one correlation id, whatever level, sampling and rate limits say; sanitized all the same. For a minute's look at one caller.
   *
   * @param correlationId - as given to the call, or sent in `x-correlation-id`
   * @param options - `forMs`: for how long. Milliseconds, at most 24 hours. Default: ten minutes
   * @returns until when, epoch milliseconds
   * @throws SnakepitError `invalid_arguments`
   */
  logRequest(correlationId: string, options?: LogRequestOptions): number {
    return this.#runtime.observers.logging.logRequest(correlationId, options);
  }

  /** Sessions: what is kept for each `sessionId`. */
  get sessions(): SessionsControl {
    return this.#runtime.sessions;
  }

  /** Live control: changes the configuration while running, and says what it is. */
  get observability(): Observability {
    return this.#observability;
  }

  /** Where the ops server is reached; undefined unless `ops.port` is set. */
  get opsUrl(): string | undefined {
    return this.#runtime.opsUrl;
  }

  /** Where the live page is reached; undefined unless `ops.port` is set, and with `dashboard: false`. */
  get dashboardUrl(): string | undefined {
    return this.#runtime.dashboardUrl;
  }

  /** Where the probes are reached at `ops.livenessPort`; undefined unless that is set. */
  get livenessUrl(): string | undefined {
    return this.#runtime.livenessUrl;
  }

  /** Where `grpc.health.v1` is reached, as `host:port`; undefined unless `ops.grpcPort` is set. */
  get grpcHealthAddress(): string | undefined {
    return this.#runtime.grpcHealthAddress;
  }

  /** Where the gateway is reached; undefined unless `gateway.port` is set. */
  get gatewayUrl(): string | undefined {
    return this.#runtime.gatewayUrl;
  }

  /**
   * Runs a command and resolves with its result. Arguments are read when a worker takes the request: do not change them before it is settled.
   *
   * @param command - as the app defines it
   * @param args - by name; see the values table for what can be sent. Default: none
   * @throws SnakepitError, as a rejection, with the code that says what happened
   */
  execute<T = unknown>(command: string, args?: Record<string, unknown>, options?: CallOptions): Promise<T> {
    return this.#runtime.pit.execute<T>(command, args, options);
  }

  /** Like {@link Snakepit.execute}, with the ids, timings and attempts beside the result. */
  call<T = unknown>(
    command: string,
    args?: Record<string, unknown>,
    options?: CallOptions,
  ): Promise<CallResult<T>> {
    return this.#runtime.pit.call<T>(command, args, options);
  }

  /**
   * Runs a command and yields its chunks as they come: what a generator yields, or the one result of any other command. Leaving the
   * loop cancels the Python generator. Errors surface from the iteration.
   */
  stream<T = unknown>(command: string, args?: Record<string, unknown>, options?: CallOptions): CallStream<T> {
    return this.#runtime.pit.stream<T>(command, args, options);
  }

  /** The levels of this moment, by pool and worker. */
  snapshot(): Snapshot {
    return this.#runtime.pit.snapshot();
  }

  /**
   * Resolves when every pool has a ready worker.
   *
   * @throws SnakepitError `worker_start_failed` with the Python traceback when a pool cannot get any
   */
  ready(): Promise<void> {
    return this.#runtime.ready();
  }

  /**
   * Takes nothing new and waits for what runs and waits.
   *
   * @param withinMs - at most that long. Default: each pool's `drainTimeoutMs`. Milliseconds
   * @returns whether all of it was finished in time
   */
  drain(withinMs?: number): Promise<boolean> {
    return this.#runtime.drain(withinMs);
  }

  /**
   * Replaces a worker by a new one; what runs on it is finished first. Resolves when the new one is ready and the old one gone.
   *
   * @throws SnakepitError `no_workers` when no worker has that id
   */
  recycleWorker(workerId: string): Promise<Recycled> {
    return this.#runtime.pit.recycleWorker(workerId);
  }

  /**
   * Replaces the workers of a pool one after the other. A start that fails ends it, and the old workers go on.
   *
   * @throws SnakepitError `unknown_pool`
   */
  recyclePool(pool = 'default'): Promise<readonly Recycled[]> {
    return this.#runtime.pit.recyclePool(pool);
  }

  /**
   * The Python stacks of a worker, without stopping it: also while C code holds the GIL.
   *
   * @throws SnakepitError `no_workers` when no worker has that id
   */
  stackOf(workerId: string): Promise<WorkerStacks> {
    return this.#runtime.pit.stackOf(workerId);
  }

  /**
   * Lets quarantined slots start workers again, and quarantined requests through.
   *
   * @returns which slots, and how many requests
   * @throws SnakepitError `unknown_pool`
   */
  unquarantine(pool = 'default'): { readonly slots: readonly number[]; readonly requests: number } {
    return this.#runtime.pit.unquarantine(pool);
  }

  /**
   * Changes the number of workers of a pool, 1 to 1024. Workers that are too many finish what they hold. The same as a live change of
   * `pools.<name>.workers`.
   *
   * @throws SnakepitError `unknown_pool`, `invalid_configuration`
   */
  async resize(pool: string, workers: number): Promise<void> {
    this.#runtime.resize(pool, workers);
  }

  /** Drains, ends the workers and servers, and flushes what is not written. Safe to call again. */
  close(): Promise<void> {
    return this.#runtime.close();
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.close();
  }

  /** @internal */
  onClose(hook: () => void): void {
    this.#runtime.onClose(hook);
  }

  /** @internal */
  get served(): Observers['served'] & { readonly config: Live; readonly page: Page | null } {
    const { observers, live, page } = this.#runtime;
    return { ...observers.served, config: live, page };
  }
}

/**
 * Starts pools of Python workers.
 *
 * @param options - validated here; everything with a default may be left out
 * @returns resolves when each pool has a ready worker, or at once with `waitFor: 'none'`
 * @throws SnakepitError `invalid_configuration` naming the key; `worker_start_failed` with the Python traceback when no worker of a pool can be started
 */
export const createSnakepit = async (options: SnakepitOptions): Promise<Snakepit> =>
  new Snakepit(await startGuest(resolveOptions(options), { source: { options } }));

const INSTANCES = Symbol.for('snakepit.instances');
type Instances = Map<string, Promise<Snakepit>>;

/**
 * One instance per process and key, also across module reloads (development servers, several copies of this package): the first call
 * starts it, later ones get the same. Closing it, or a failed start, forgets it.
 *
 * @param key - any name
 * @param options - used by the first call only
 */
export const getSnakepit = (key: string, options: SnakepitOptions): Promise<Snakepit> => {
  const holder = globalThis as { [INSTANCES]?: Instances };
  holder[INSTANCES] ??= new Map();
  const instances = holder[INSTANCES];
  const known = instances.get(key);
  if (known !== undefined) return known;
  const created = createSnakepit(options);
  instances.set(key, created);
  const forget = () => {
    if (instances.get(key) === created) instances.delete(key);
  };
  created.then((pit) => pit.onClose(forget), forget);
  return created;
};

/** Who may read mounted ops endpoints. */
export interface OpsHandlerOptions {
  /** `open`: whoever reaches it; the application it is mounted in decides. Default: only probes answer without the token. */
  readonly access?: 'open';
  readonly token?: string;
  /** Accepted `Host` values. Default: any. */
  readonly allowedHosts?: readonly string[];
  /** Read-only paths that need no token, e.g. `/metrics`. */
  readonly open?: readonly string[];
  /** Path before every endpoint, as the request's URL shows it. */
  readonly prefix?: string;
}

/**
 * The ops endpoints (metrics, health) as handlers to mount in a server of yours.
 *
 * @returns `fetch` for Web-standard servers, `node` for `node:http` and its kin
 */
export const createOpsHandler = (pit: Snakepit, options: OpsHandlerOptions = {}): OpsHandler =>
  opsHandler({ ...pit.served, control: pit, ...options });
