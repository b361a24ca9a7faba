import { tmpdir } from 'node:os';
import { resolve } from 'node:path';
import {
  availableCpus,
  type ConfigSource,
  copyTree,
  locateApp,
  type ResolvedOptions,
  type ResolvedPool,
  usesGrpc,
} from './config/index.ts';
import {
  createSessionStore,
  KeepAlive,
  type Launcher,
  MemoryGuard,
  type OomWitness,
  Pit,
  Pool,
  type PoolFacts,
  processLauncher,
  type Recycled,
  remoteLauncher,
  Sessions,
} from './core/index.ts';
import { EventBus, every, type Timer, withoutContext } from './events/index.ts';
import {
  createGatewayApp,
  type HttpServer,
  listen,
  OpsServer,
  type Page,
  type ReportBug,
} from './http/index.ts';
import { Live } from './live.ts';
import { createObservers, type Observers } from './observers.ts';
import { createPage } from './page.ts';
import {
  acquireGuardian,
  type FoundPython,
  findPython,
  type Guardian,
  markDirectory,
  type OomCounters,
  oomEvidence,
  readMemory,
  readOomCounters,
  sweepLeftovers,
  usesSlot,
  workerEnv,
} from './process/index.ts';
import { createInstanceSanitizer, type InstanceSanitizer } from './sanitize/index.ts';
import {
  createGrpcTransport,
  createRemoteTransport,
  createSocketTransport,
  type RemoteTransport,
  type Transport,
} from './transport/index.ts';

// What the room `testing` puts in the place of Python processes is made from these.
export { type ResolvedPool, resolveOptions } from './config/index.ts';
export type { Launcher } from './core/index.ts';
export type { ProcessExit } from './process/index.ts';
export {
  codecs,
  type Failure,
  type LinkHandler,
  type OutgoingRequest,
  PayloadTooLarge,
  prepare,
  type SessionChange,
  type SlotProgress,
  UnserializableValue,
  type WorkerLink,
} from './transport/index.ts';

/** What the options do not hold. */
export interface RuntimeExtra {
  /** The options as they were written, for telling defaults from them. Default: the resolved ones. */
  readonly source?: ConfigSource;
  /** An interpreter named for every pool, e.g. by `--python`, and where it was named. */
  readonly python?: { readonly value: string; readonly source: string };
  /** True for a library in somebody's program: its servers do not keep Node alive. */
  readonly guest: boolean;
  /** How the workers of each pool are started, in place of Python processes; for tests without Python. */
  readonly launcherOf?: (pool: string, options: ResolvedPool) => Launcher;
}

/**
 * Everything composed: the only place that knows every layer, and longer than other files for that.
 *
 * The ops server listens before any worker starts, so that a start can be watched; the gateway listens at the same time, and what
 * comes early waits in the queue.
 */
export class Runtime {
  readonly bus = new EventBus();
  /** The options of everything here, one copy. Live changes are made in it. */
  readonly #options: ResolvedOptions;
  readonly #extra: RuntimeExtra;
  /** One for everything here that shows something. */
  readonly #sanitizer: InstanceSanitizer;
  readonly #keepAlive = new KeepAlive();
  readonly #transports: Transport[] = [];
  #ops: OpsServer | undefined;
  #gateway: HttpServer | undefined;
  readonly #pools = new Map<string, Pool>();
  readonly pit: Pit;
  readonly sessions: Sessions;
  /** The configuration in force, and its changes. */
  readonly live: Live;
  observers!: Observers;
  /** What the live page reads; null where it is switched off. */
  page: Page | null = null;
  /** Where the gateway is reached; undefined when it is not served. */
  gatewayUrl: string | undefined;
  readonly #guardians: Guardian[] = [];
  /** They look up the names of remote workers. */
  readonly #lookUps: Timer[] = [];
  #memoryGuard: MemoryGuard | undefined;
  #closing: Promise<void> | undefined;
  readonly #closeHooks: (() => void)[] = [];

  private constructor(options: ResolvedOptions, extra: RuntimeExtra) {
    this.#options = copyTree(options);
    this.#extra = extra;
    this.#sanitizer = createInstanceSanitizer(sanitizerOptions(this.#options));
    const { sessions } = this.#options;
    this.sessions = new Sessions(createSessionStore(sessions), this.bus, () => sessions.ttlMs);
    this.pit = new Pit(this.#pools, this.bus, this.#keepAlive, this.sessions, this.#sanitizer);
    this.live = new Live(extra.source ?? { options }, {
      options: this.#options,
      bus: this.bus,
      pools: this.#pools,
      observers: () => this.observers,
    });
  }

  /**
   * Starts everything; does not wait for workers.
   *
   * @throws SnakepitError `invalid_configuration`; what was started by then is ended again
   */
  static async start(options: ResolvedOptions, extra: RuntimeExtra): Promise<Runtime> {
    const runtime = new Runtime(options, extra);
    try {
      await withoutContext(() => runtime.#start());
      return runtime;
    } catch (error) {
      await runtime.close();
      throw error;
    }
  }

  /** Where the ops server is reached; undefined when it is not served. */
  get opsUrl(): string | undefined {
    return this.#ops?.urls.ops;
  }

  /** Where the live page is reached; undefined when it is not served. */
  get dashboardUrl(): string | undefined {
    const { opsUrl } = this;
    return opsUrl === undefined || this.page === null
      ? undefined
      : `${opsUrl}${this.#options.ops.prefix}/dashboard`;
  }

  /** Where `ops.livenessPort` is reached; undefined when it is not served. */
  get livenessUrl(): string | undefined {
    return this.#ops?.urls.probes;
  }

  /** Where `ops.grpcPort` is reached, as `host:port`; undefined when it is not served. */
  get grpcHealthAddress(): string | undefined {
    return this.#ops?.urls.grpc;
  }

  get logger(): Observers['logging']['logger'] {
    return this.observers.logging.logger;
  }

  /** Resolves when every pool has a ready worker; rejects with `worker_start_failed` when one cannot get any. */
  ready(): Promise<void> {
    return this.pit.ready();
  }

  /** Readiness says no from now on; requests are still taken. */
  beginShutdown(): void {
    this.observers.health.announceShutdown();
    this.#ops?.changed();
  }

  /** Takes nothing new and waits for what is there, at most `withinMs` (default: each pool's `drainTimeoutMs`). */
  drain(withinMs?: number): Promise<boolean> {
    return this.pit.drain(withinMs);
  }

  /** Replaces every worker of every pool, e.g. since the app has changed. A start that fails leaves the old workers at work. */
  async reload(): Promise<readonly ({ pool: string } & Recycled)[]> {
    const rolls = [...this.#pools].map(async ([pool, { recycler }]) =>
      (await recycler.all('reload')).map((outcome) => ({ pool, ...outcome })),
    );
    return (await Promise.all(rolls)).flat();
  }

  /**
   * Changes the number of workers of a pool, as a live change of the configuration.
   *
   * @throws SnakepitError `unknown_pool`, `invalid_configuration`
   */
  resize(pool: string, workers: number): void {
    // An unknown pool in a patch would be a new one, which needs a restart.
    if (!this.#pools.has(pool)) this.pit.refuseUnknown(pool);
    this.live.apply({ pools: { [pool]: { workers } } }, 'code');
  }

  /** What SIGHUP asks for: log files are opened anew, and the configuration is read anew where there is one to read. */
  async hangUp(read?: () => Promise<ConfigSource>): Promise<void> {
    try {
      this.observers.logging.reopen();
    } catch (error) {
      this.logger.error(`The log goes on to the file that was open. ${(error as Error).message}`, {
        event: 'snakepit.log.reopen_failed',
      });
    }
    if (read !== undefined) await this.live.reload(read, 'sighup');
  }

  /** Calls when closing begins. */
  onClose(hook: () => void): void {
    this.#closeHooks.push(hook);
  }

  /** Drains, ends workers and servers, flushes logs. Calling it again gives the same promise. */
  close(drainMs?: number): Promise<void> {
    if (this.#closing === undefined) {
      for (const hook of this.#closeHooks) hook();
      this.#closing = this.#close(drainMs);
    }
    return this.#closing;
  }

  async #start(): Promise<void> {
    await this.sessions.store.loaded();
    this.observers = await createObservers(
      this.#options,
      this.bus,
      this.#sanitizer,
      () => this.pit.snapshot(),
      () => this.live.lastReload,
      (pool, command, args, options) => this.pit.execute(command, args, { ...options, pool }),
    );
    this.page = createPage({
      options: this.#options,
      bus: this.bus,
      pit: this.pit,
      live: this.live,
      observers: this.observers,
      sanitizer: this.#sanitizer,
    });
    this.#watchSessions();
    this.#ops = this.#prepareOps();
    // What an earlier host could not put away is put away before anything new is made. Nobody waits for it.
    if (this.#extra.launcherOf === undefined) void sweepLeftovers(this.#options.runtimeDir ?? tmpdir());
    for (const [name, options] of Object.entries(this.#options.pools)) await this.#addPool(name, options);
    await this.#listen();
    for (const pool of this.#pools.values()) pool.start();
    this.#guardMemory();
  }

  /** A store outside this process is something to depend on. */
  #watchSessions(): void {
    const { store, critical, timeoutMs } = this.#options.sessions;
    if (store === 'memory') return;
    this.sessions.start();
    const check = () => {
      const { available, error, latency_ms } = this.sessions.state;
      if (!available) throw new Error(error ?? 'Redis was not reached yet');
      return { status: 'ok' as const, message: `Redis answers after ${latency_ms?.toFixed(1)} ms` };
    };
    this.observers.health.registerCheck('session_store', check, { critical, timeoutMs, intervalMs: 1000 });
  }

  #guardMemory(): void {
    const { memoryGuard: options } = this.#options;
    if (options === false) return;
    const pools = () => this.#pools.values();
    this.#memoryGuard = new MemoryGuard({ options, pools, read: readMemory, bus: this.bus });
    this.#memoryGuard.start();
  }

  async #addPool(name: string, options: ResolvedPool): Promise<void> {
    const { launcher, facts, remote } = await this.#workersOf(name, options);
    const pool = new Pool({
      name,
      options,
      bus: this.bus,
      keepAlive: this.#keepAlive,
      sessions: this.sessions,
      maxSessions: () => this.#options.sessions.maxSessions,
      showArgs: this.#options.errors.showArgs,
      sanitizer: this.#sanitizer,
      shownConfig: this.#sanitizer.config(options) as Record<string, unknown>,
      launcher,
      oomEvidence: this.#extra.launcherOf === undefined && remote === undefined ? oomWitness() : NO_KERNEL,
      // Workers that are each bound to a device of their own do not fit on it twice, nor does a second one at an address.
      recycleOrder: remote !== undefined || usesSlot(options.env) ? 'stop_first' : 'start_first',
      facts,
    });
    this.#pools.set(name, pool);
    if (remote?.addresses.dynamic && options.remote !== undefined)
      this.#lookUps.push(every(options.remote.resolveIntervalMs, () => void this.#lookUp(pool, remote)));
  }

  async #workersOf(name: string, options: ResolvedPool): Promise<Staff> {
    if (this.#extra.launcherOf !== undefined)
      return { launcher: this.#extra.launcherOf(name, options), facts: NO_PYTHON };
    return options.remote === undefined ? this.#processes(name, options) : this.#remotes(name, options);
  }

  /** How the remote workers of a pool are reached: a slot for each address. */
  async #remotes(name: string, options: ResolvedPool): Promise<Staff> {
    const remote = await createRemoteTransport({
      ...this.#grpcSettings(name, options),
      remote: options.remote as NonNullable<ResolvedPool['remote']>,
    });
    // A name that cannot be looked up yet is told by the first start.
    await remote.addresses.refresh().catch(() => {});
    options.workers = remote.addresses.count;
    const facts = { transport: remote.kind, pythonPath: '', pythonReason: 'remote workers have their own' };
    return { launcher: remoteLauncher(remote), facts, remote };
  }

  async #lookUp(pool: Pool, { addresses }: RemoteTransport): Promise<void> {
    try {
      await addresses.refresh();
      if (addresses.count !== pool.options.workers) pool.resize(addresses.count);
      // All of them each time: one that was still connecting when its address left the name may serve by now.
      for (const { index, worker } of pool.supervisor.slots) {
        const stays = worker?.address === addresses.peek(index);
        // Elsewhere there is room for the next one already: no request has to wait for what the old one still runs.
        if (worker?.serving && !stays) void pool.recycler.one(worker, 'reload', 'start_first');
      }
    } catch (error) {
      this.logger.warn(`The workers of pool '${pool.name}' stay as they are. ${(error as Error).message}`, {
        pool_name: pool.name,
      });
    }
  }

  #grpcSettings(name: string, options: ResolvedPool) {
    const { codec, maxFrameBytes, statsIntervalMs, logRate, exchange } = options;
    const { maxDataBytes: maxSessionBytes } = this.#options.sessions;
    return { poolName: name, codec, maxFrameBytes, statsIntervalMs, logRate, exchange, maxSessionBytes };
  }

  /** How the Python processes of a pool are started. */
  async #processes(name: string, options: ResolvedPool): Promise<Staff> {
    const cwd = resolve(options.cwd ?? process.cwd());
    const python = await this.#findPython(name, options, cwd);
    const app = locateApp(options.app as string | URL, process.cwd());
    const settings = {
      ...this.#grpcSettings(name, options),
      runtimeDir: this.#options.runtimeDir,
      app: app.kind === 'file' ? app.path : app.name,
      cwd,
      concurrency: options.concurrency,
    };
    const transport = await (usesGrpc(options)
      ? createGrpcTransport(settings)
      : createSocketTransport(settings));
    this.#transports.push(transport);
    markDirectory(transport.directory);
    const guardian = acquireGuardian(python.executable, (message) =>
      this.logger.warn(message, { pool_name: name }),
    );
    this.#guardians.push(guardian);
    guardian.watchDirectory(transport.directory);
    const launcher = processLauncher({
      python: python.path,
      cwd,
      transport,
      guardian,
      envOf: environmentOf(options),
      outputRate: options.logRate,
      stackSignal: () => options.stackSignal,
    });
    const facts = { transport: transport.kind, pythonPath: python.path, pythonReason: python.reason };
    return { launcher, facts };
  }

  #findPython(name: string, options: ResolvedPool, cwd: string): Promise<FoundPython> {
    const ofPool =
      options.python === undefined ? undefined : { value: options.python, source: `pools.${name}.python` };
    return findPython({
      explicit: this.#extra.python ?? ofPool,
      app: options.app,
      cwd: process.cwd(),
      workerCwd: cwd,
      env: process.env,
    });
  }

  readonly #reportBug: ReportBug = (error, { method, path }) =>
    this.logger.error('The HTTP edge failed; this is a bug.', { err: error, method, path });

  /** The ops server's thread takes a moment to start, in which Python can be looked for. */
  #prepareOps(): OpsServer | undefined {
    const { ops } = this.#options;
    const { port, livenessPort, grpcPort } = ops;
    if (port === undefined && livenessPort === undefined && grpcPort === undefined) return undefined;
    return new OpsServer({
      parts: {
        ...this.observers.served,
        control: this.pit,
        config: this.live,
        page: this.page,
        reportBug: this.#reportBug,
      },
      options: ops,
      ref: !this.#extra.guest,
      warn: (message) => this.logger.warn(message, { event: 'snakepit.ops.thread_unavailable' }),
    });
  }

  async #listen(): Promise<void> {
    const { gateway, pools } = this.#options;
    const ref = !this.#extra.guest;
    const reportBug = this.#reportBug;
    if (this.#ops !== undefined) {
      await this.#ops.listen();
      const probes = { name: 'probes', handle: () => this.#ops?.changed() };
      this.bus.registerConsumer({ patterns: HEALTH_CHANGES }, probes, { delivery: 'inline', sampled: false });
    }
    if (gateway.port !== undefined) {
      const app = createGatewayApp({
        port: this.pit,
        options: gateway,
        pools,
        sanitizer: this.#sanitizer,
        log: this.observers.logging,
        reportBug,
      });
      this.#gateway = await listen(app, {
        section: 'gateway',
        host: gateway.host,
        port: gateway.port,
        ref,
        reportBug,
      });
      this.gatewayUrl = this.#gateway.url;
    }
  }

  /** What consumers did not get in time is said in the log, the last to be closed. */
  async #closeBus(): Promise<void> {
    const { observability } = this.#options;
    const unflushed = await this.bus.close(observability === false ? 0 : observability.flushMs);
    for (const { consumer, events } of unflushed) {
      this.logger.warn(`Consumer ${consumer} did not take its last ${events} events in time`, {
        event: 'snakepit.observability.unflushed',
        consumer,
        events,
      });
    }
  }

  async #close(drainMs: number | undefined): Promise<void> {
    this.observers?.health.announceShutdown();
    this.#ops?.changed();
    this.#memoryGuard?.stop();
    for (const timer of this.#lookUps) timer.stop();
    await this.pit.close(drainMs);
    // Streams of events have no end of their own, and a server waits for what it is answering.
    this.observers?.events.end();
    this.page?.end();
    await Promise.all([this.#ops, this.#gateway].map((server) => server?.close({ graceMs: 1000 })));
    await Promise.all(this.#transports.map((transport) => transport.close()));
    await Promise.all(this.#guardians.map((guardian) => guardian.release()));
    await this.#closeBus();
    await this.observers?.close();
  }
}

/** How a pool gets its workers. */
interface Staff {
  readonly launcher: Launcher;
  readonly facts: PoolFacts;
  /** Set where somebody else starts them. */
  readonly remote?: RemoteTransport;
}

/** After these a probe may be answered otherwise. Exact names where a wildcard would take in what happens for every request. */
const HEALTH_CHANGES = [
  'snakepit.pool.*',
  'snakepit.worker.started',
  'snakepit.worker.start_failed',
  'snakepit.worker.stopped',
  'snakepit.worker.crashed',
  'snakepit.worker.restarted',
  'snakepit.worker.stuck',
  'snakepit.worker.quarantined',
  'snakepit.health.status_changed',
];

/** What is not given must not be there: it would count as given. */
const sanitizerOptions = ({ sanitize: { hashKey, ...options } }: ResolvedOptions) => ({
  ...options,
  ...(hashKey !== undefined && { hashKey }),
});

/** What a pool says of its interpreter when it has none. */
const NO_PYTHON: PoolFacts = { transport: 'socket', pythonPath: '', pythonReason: 'no Python is used' };

/** Where there are no processes the kernel kills none. */
const NO_KERNEL: OomWitness = { born: () => {}, evidence: () => undefined };

/** Compares the kernel's counters at a worker's death with what they were at its start. */
const oomWitness = (): OomWitness => {
  const before = new WeakMap<object, OomCounters>();
  return {
    born: (worker) => before.set(worker, readOomCounters()),
    evidence: (worker) => {
      const counters = before.get(worker);
      return counters === undefined ? undefined : oomEvidence(counters, readOomCounters());
    },
  };
};

const environmentOf = (options: ResolvedPool) => {
  const cpus = availableCpus();
  const { inheritEnv, env: extra } = options;
  // How many workers share the CPUs can change.
  return (slot: number) =>
    workerEnv({ host: process.env, inheritEnv, extra, cpus, workers: options.workers, slot });
};

/** Starts everything for `serve`; see {@link Runtime.start}. */
export const startRuntime = (options: ResolvedOptions, extra: RuntimeExtra): Promise<Runtime> =>
  Runtime.start(options, extra);

/** Starts everything for a guest and waits as `waitFor` says. What cannot become ready is ended again. */
export const startGuest = async (
  options: ResolvedOptions,
  extra: Omit<RuntimeExtra, 'guest'> = {},
): Promise<Runtime> => {
  const runtime = await Runtime.start(options, { ...extra, guest: true });
  if (options.waitFor === 'none') return runtime;
  try {
    await runtime.ready();
    return runtime;
  } catch (error) {
    await runtime.close(0);
    throw error;
  }
};
