import { type EventBus, type EventHandle, monotonic } from '../../events/index.ts';
import { prepare } from '../../transport/index.ts';
import type { SessionUse } from './session.ts';
import type { MaybePromise, Opened, SessionEnd, SessionStore, StoreState, Written } from './store.ts';

/** A session as it is given out: a copy. */
export interface SessionView {
  readonly id: string;
  readonly data: unknown;
  /** Grows with each change. */
  readonly version: number;
}

type Handles = {
  readonly [K in
    | 'created'
    | 'accessed'
    | 'expired'
    | 'deleted'
    | 'cleanup']: EventHandle<`snakepit.session.${K}`>;
};

/** Sessions of all pools: the store, and what is told of it. */
export class Sessions {
  readonly store: SessionStore;
  readonly #ttlMs: () => number;
  readonly #events: Handles;
  /** Told of each session that ended, with its id. */
  readonly #forget = new Set<(sessionId: string) => void>();
  #started = false;

  /** @param ttlMs - as it is now; for the events */
  constructor(store: SessionStore, bus: EventBus, ttlMs: () => number) {
    this.store = store;
    this.#ttlMs = ttlMs;
    this.#events = {
      created: bus.event('snakepit.session.created'),
      accessed: bus.event('snakepit.session.accessed'),
      expired: bus.event('snakepit.session.expired'),
      deleted: bus.event('snakepit.session.deleted'),
      cleanup: bus.event('snakepit.session.cleanup'),
    };
  }

  get state(): StoreState {
    return this.store.state();
  }

  get ttlMs(): number {
    return this.#ttlMs();
  }

  /** Calls `forget` for each session that ends from now on. */
  onEnd(forget: (sessionId: string) => void): void {
    this.#forget.add(forget);
  }

  start(): void {
    if (this.#started) return;
    this.#started = true;
    this.store.start({
      ended: (id, why) => this.#ended(id, why),
      swept: (count, duration_ms) => this.#events.cleanup.emit({ count, duration_ms }, {}),
    });
  }

  /** Reads the session of a request, and makes it where it may. */
  open(request: OfSession, pool: string): MaybePromise<Opened> {
    const { store } = this;
    const { id, create } = request.session;
    if (store.immediate)
      return this.#opened(store.open(id, create, request.requestId) as Opened, request, pool);
    const began = monotonic();
    return (store.open(id, create, request.requestId) as Promise<Opened>).then((opened) =>
      this.#opened(opened, request, pool, monotonic() - began),
    );
  }

  /** Keeps what a request has made of its session. */
  write(request: OfSession, data: unknown, pool: string): MaybePromise<Written> {
    const { store } = this;
    const { id, stored } = request.session;
    const began = store.immediate ? 0 : monotonic();
    const written = store.write(id, stored?.version ?? 0, prepare(data), request.requestId);
    if (!(written instanceof Promise)) {
      this.#accessed(request, pool, 'write', undefined);
      return written;
    }
    return written.then((outcome) => {
      this.#accessed(request, pool, 'write', monotonic() - began);
      return outcome;
    });
  }

  /** A copy of a session; undefined where there is none. Does not renew its time. */
  async get(id: string): Promise<SessionView | undefined> {
    const stored = await this.store.read(id);
    return stored === undefined
      ? undefined
      : { id, data: structuredClone(stored.value), version: stored.version };
  }

  /** Whether there was one. */
  async delete(id: string): Promise<boolean> {
    return this.store.remove(id);
  }

  close(): Promise<void> {
    return this.store.close();
  }

  #opened(opened: Opened, request: OfSession, pool: string, storeMs?: number): Opened {
    if (opened.kind !== 'opened') return opened;
    request.session.stored = opened.session;
    if (opened.created) this.#events.created.emit({ ttl_ms: this.#ttlMs() }, about(request, pool));
    this.#accessed(request, pool, 'open', storeMs);
    return opened;
  }

  #accessed(request: OfSession, pool: string, op: 'open' | 'write', store_ms: number | undefined): void {
    const { accessed } = this.#events;
    // One for every request of a session: built only if somebody wants it.
    if (accessed.wanted) accessed.emit({ store_ms }, { ...about(request, pool), op });
    else accessed.count++;
  }

  #ended(session_id: string, why: SessionEnd): void {
    for (const forget of this.#forget) forget(session_id);
    if (why === 'expired') this.#events.expired.emit({}, { session_id });
    else this.#events.deleted.emit({}, { session_id, reason: why });
  }
}

/** A request, as far as sessions look at it. */
export interface OfSession {
  readonly session: SessionUse;
  readonly requestId: string;
  readonly correlationId: string;
  readonly command: string;
}

const about = ({ session, requestId, correlationId, command }: OfSession, pool_name: string) => ({
  pool_name,
  session_id: session.id,
  request_id: requestId,
  correlation_id: correlationId,
  command,
});
