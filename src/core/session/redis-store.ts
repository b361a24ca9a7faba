import { every, monotonic, type Timer } from '../../events/index.ts';
import { codecs, prepare } from '../../transport/index.ts';
import type { RedisClient, Reply } from './redis-client.ts';
import {
  type Opened,
  type SessionData,
  type SessionStore,
  type StoredSession,
  type StoreListener,
  type StoreState,
  StoreUnavailable,
  type Written,
} from './store.ts';

/** Options of {@link RedisStore}; read at each use. */
export interface RedisStoreOptions {
  readonly ttlMs: number;
  readonly maxSessions: number;
  readonly evict: 'oldest' | 'none';
  /** How long the server may take. Milliseconds. */
  readonly timeoutMs: number;
  /** Before every key. */
  readonly keyPrefix: string;
}

const SWEEP_MS = 1000;
const SWEEP_MAX = 1000;

/** Makes the client; given what to call on each fault of the connection. */
export type Connect = (onFault: (error: Error) => void) => Promise<RedisClient>;

/**
 * Sessions in Redis or Valkey, shared by all processes that use the same server and prefix. All keys carry one hash tag, so that a cluster keeps them together.
 */
export class RedisStore implements SessionStore {
  readonly kind = 'redis';
  readonly immediate = false;
  readonly #options: RedisStoreOptions;
  readonly #client: Promise<RedisClient>;
  readonly #prefix: string;
  readonly #index: string;
  #known: RedisClient | undefined;
  #listener: StoreListener | undefined;
  #sweeping: Timer | undefined;
  #active: number | null = null;
  #latencyMs: number | null = null;
  #fault: string | null = null;
  #downSince: number | undefined;
  #closed = false;

  constructor(options: RedisStoreOptions, connect: Connect) {
    this.#options = options;
    this.#prefix = `{${options.keyPrefix}}:session:`;
    this.#index = `{${options.keyPrefix}}:sessions`;
    this.#client = connect((error) => this.#failed(error));
    // Whoever asks hears of it; so does start().
    this.#client.then(
      (client) => {
        this.#known = client;
      },
      () => {},
    );
  }

  /** Resolves when the client is there, connected or not. Rejects with `invalid_configuration` where there is none. */
  async loaded(): Promise<void> {
    await this.#client;
  }

  start(listener: StoreListener): void {
    this.#listener = listener;
    this.#sweeping = every(SWEEP_MS, () => void this.#sweep());
    void this.#sweep();
  }

  async open(id: string, create: boolean, opener: string): Promise<Opened> {
    const { ttlMs, maxSessions, evict } = this.#options;
    const args = [id, ttlMs, create ? 1 : 0, opener, maxSessions, evict === 'oldest' ? 1 : 0, this.#prefix];
    const reply = (await this.#ask((c) => c.open(this.#prefix + id, this.#index, ...args))) as Reply[];
    const [kind, version, data, evicted] = reply;
    const word = String(kind);
    if (word === 'missing' || word === 'full') return { kind: word };
    if (Buffer.isBuffer(evicted)) this.#listener?.ended(String(evicted), 'evicted');
    return { kind: 'opened', created: word === 'created', session: session(version, data) };
  }

  async read(id: string): Promise<StoredSession | undefined> {
    const reply = (await this.#ask((c) => c.read(this.#prefix + id, 'v', 'd'))) as Reply[];
    return reply[0] === null ? undefined : session(reply[0], reply[1]);
  }

  async write(id: string, version: number, data: SessionData, writer: string): Promise<Written> {
    // Copied: the bytes are the codec's, and are sent later.
    const bytes = Buffer.from(codecs.msgpack.encode([data.value], data.tagged));
    const args = [id, this.#options.ttlMs, version, bytes, writer];
    return String(await this.#ask((c) => c.write(this.#prefix + id, this.#index, ...args))) as Written;
  }

  async remove(id: string): Promise<boolean> {
    const removed = await this.#ask((c) => c.remove(this.#prefix + id, this.#index, id));
    if (removed === 1) this.#listener?.ended(id, 'deleted');
    return removed === 1;
  }

  state(): StoreState {
    return {
      kind: this.kind,
      available: this.#fault === null && this.#known?.connected() === true,
      active: this.#active,
      capacity: this.#options.maxSessions,
      latency_ms: this.#latencyMs,
      error: this.#fault,
    };
  }

  async close(): Promise<void> {
    this.#closed = true;
    this.#sweeping?.stop();
    await this.#client.then(
      (client) => client.close(),
      () => {},
    );
  }

  async #ask(command: (client: RedisClient) => Promise<Reply>): Promise<Reply> {
    const began = monotonic();
    if (this.#downSince !== undefined && began - this.#downSince > this.#options.timeoutMs) {
      // It has been away for longer than anybody waits; the client goes on trying to reach it.
      if (this.#known?.connected() !== true)
        throw new StoreUnavailable(`Redis does not answer: ${this.#fault}`);
    }
    try {
      const reply = await command(await this.#client);
      this.#latencyMs = monotonic() - began;
      this.#fault = null;
      this.#downSince = undefined;
      return reply;
    } catch (error) {
      this.#failed(error as Error);
      throw new StoreUnavailable(`Redis does not answer: ${(error as Error).message}`, { cause: error });
    }
  }

  #failed(error: Error): void {
    if (this.#closed) return;
    this.#fault = error.message;
    this.#downSince ??= monotonic();
  }

  /** Tells of what has expired, and counts what there is. */
  async #sweep(): Promise<void> {
    const began = monotonic();
    try {
      const [active, ended] = (await this.#ask((c) => c.sweep(this.#index, SWEEP_MAX))) as [number, Buffer[]];
      this.#active = active;
      for (const id of ended) this.#listener?.ended(String(id), 'expired');
      if (ended.length > 0) this.#listener?.swept(ended.length, monotonic() - began);
    } catch {
      // It is noted; the next sweep tries again.
      this.#active = null;
    }
  }
}

const session = (version: Reply | undefined, data: Reply | undefined): StoredSession => {
  const [value] = Buffer.isBuffer(data) ? (codecs.msgpack.decode(data) as [unknown]) : [null];
  return { ...prepare(value), version: Number(version) };
};
