import cluster from 'node:cluster';
import type { ResolvedOptions } from '../../config/index.ts';
import { servingOf } from '../grpc-health/serving.ts';
import type { OpsParts } from '../ops/app.ts';
import { DEFAULT_GRACE_MS, type HttpServer, listen } from '../server/listen.ts';
import type { Handlers } from './backend.ts';
import { Front, type FrontInit, ThreadUnavailable } from './front.ts';
import { GrpcHere } from './grpc-here.ts';
import type { Bind, Listening } from './messages.ts';
import { PORT_KEYS } from './port-keys.ts';
import { bindsOf, handlersOf, probePaths } from './sites.ts';

/** Options of {@link listenOps}. */
export interface OpsListenOptions {
  /** What is served. */
  readonly parts: Omit<OpsParts, 'options' | 'access'>;
  /** At least one of `port`, `livenessPort` and `grpcPort` is set. */
  readonly options: ResolvedOptions['ops'];
  /** Whether the server keeps Node alive. */
  readonly ref: boolean;
  /** Told of what the operator should know, though all goes on. */
  readonly warn: (message: string) => void;
}

/** Who listens. */
type Listener =
  | { readonly kind: 'thread'; readonly front: Front }
  /** Nobody yet, and no thread can be had. */
  | { readonly kind: 'none'; readonly why: Error }
  | { readonly kind: 'process'; readonly servers: readonly (HttpServer | GrpcHere)[] };

const WITHOUT =
  'The ops server listens in the main thread instead: its probes are not answered while that is blocked.';

/** The ops server, once it listens: in a thread of its own, or where there is none, in the main thread. */
export class OpsServer {
  readonly #options: OpsListenOptions;
  readonly #handlers: Handlers;
  #listener: Listener;
  #binds: readonly Bind[];
  #closed = false;
  /** The change to the main thread, after the thread was lost. */
  #moving: Promise<void> = Promise.resolve();
  /** Where this machine reaches each port. */
  urls: Partial<Record<Listening, string>> = {};

  /**
   * Starts the thread, which takes a moment; it does not listen yet.
   *
   * @throws SnakepitError `invalid_configuration` when others could reach it without a token
   */
  constructor(options: OpsListenOptions) {
    this.#options = options;
    this.#handlers = handlersOf(options.parts, options.options);
    this.#binds = bindsOf(options.options);
    this.#listener = this.#listenerOf();
  }

  /** `thread` as a rule. */
  get where(): Listener['kind'] {
    return this.#listener.kind;
  }

  /** @throws SnakepitError `invalid_configuration` when an address cannot be bound */
  async listen(): Promise<void> {
    if (this.#listener.kind === 'process') return this.#listenHere();
    try {
      await this.#listenThere();
    } catch (error) {
      if (!(error instanceof ThreadUnavailable)) throw error;
      this.#options.warn(`The thread of the ops server could not be started: ${error.message}. ${WITHOUT}`);
      await this.#listenHere();
    }
  }

  /** Health may have changed: no probe that comes from now on is answered from before. */
  changed(): void {
    const listener = this.#listener;
    if (listener.kind === 'thread') listener.front.changed();
    else if (listener.kind === 'process')
      for (const server of listener.servers) if (server instanceof GrpcHere) server.changed();
  }

  /** As `HttpServer.close`. */
  async close({ graceMs = DEFAULT_GRACE_MS }: { readonly graceMs?: number } = {}): Promise<void> {
    this.#closed = true;
    await this.#moving;
    const listener = this.#listener;
    if (listener.kind === 'thread') await listener.front.close(graceMs);
    else if (listener.kind === 'process')
      await Promise.all(listener.servers.map((server) => server.close({ graceMs })));
  }

  /** Workers of `node:cluster` share a port only where their main threads listen on it. */
  #listenerOf(): Listener {
    if (cluster.isWorker) return { kind: 'process', servers: [] };
    try {
      return { kind: 'thread', front: new Front(this.#frontInit()) };
    } catch (error) {
      return { kind: 'none', why: error as Error };
    }
  }

  async #listenThere(): Promise<void> {
    const listener = this.#listener;
    if (listener.kind === 'none') throw listener.why;
    if (listener.kind === 'process') return;
    const addresses = await listener.front.listen(this.#binds);
    // Should the thread be lost, the same ports are bound again.
    this.#binds = this.#binds.map((bind) => ({ ...bind, port: addresses[bind.site]?.port ?? bind.port }));
    for (const { site } of this.#binds) this.urls = { ...this.urls, [site]: addresses[site]?.url };
  }

  #frontInit(): FrontInit {
    const { parts, options, ref } = this.#options;
    const { host, token, insecure, allowedHosts, open, prefix, stuckAfterMs } = options;
    return {
      handlers: this.#handlers,
      thread: {
        probePaths: probePaths(parts, prefix),
        ops: { host, token, insecure, allowedHosts, open, prefix, stuckAfterMs },
      },
      ref,
      reportBug: parts.reportBug,
      serving: options.grpcPort === undefined ? undefined : () => servingOf(parts.health),
      onLost: (why) => {
        this.#moving = this.#move(why);
      },
    };
  }

  async #move(why: string): Promise<void> {
    const { warn } = this.#options;
    warn(`The thread of the ops server has ended: ${why}. ${WITHOUT}`);
    this.#listener = { kind: 'process', servers: [] };
    try {
      await this.#listenHere();
    } catch (error) {
      warn(`The ops server is not reachable any more. ${(error as Error).message}`);
    }
  }

  async #listenHere(): Promise<void> {
    const servers: (HttpServer | GrpcHere)[] = [];
    this.#listener = { kind: 'process', servers };
    try {
      for (const bind of this.#binds) {
        if (this.#closed) return;
        const server = await this.#serveHere(bind);
        if (server === undefined) continue;
        servers.push(server);
        this.urls = { ...this.urls, [bind.site]: server.url };
      }
    } catch (error) {
      await Promise.all(servers.map((server) => server.close({ graceMs: 0 })));
      throw error;
    }
  }

  async #serveHere({ site, host, port }: Bind): Promise<HttpServer | GrpcHere | undefined> {
    const { ref, parts } = this.#options;
    if (site === 'grpc') return GrpcHere.listen({ serving: () => servingOf(parts.health), host, port, ref });
    const handler = this.#handlers[site];
    if (handler === undefined) return undefined;
    const { reportBug } = parts;
    return listen(handler, { section: 'ops', portKey: PORT_KEYS[site], host, port, ref, reportBug });
  }
}

/**
 * Serves the ops endpoints, from a thread that answers probes also while the main thread cannot.
 *
 * @throws SnakepitError `invalid_configuration` when an address cannot be bound, or others could reach it without a token
 */
export const listenOps = async (options: OpsListenOptions): Promise<OpsServer> => {
  const server = new OpsServer(options);
  await server.listen();
  return server;
};
