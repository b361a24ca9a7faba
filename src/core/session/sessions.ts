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
  open(use: SessionUse, about: SessionAbout): MaybePromise<Opened> {
    const { store } = this;
    if (store.immediate)
      return this.#opened(store.open(use.id, use.create, about.request_id) as Opened, use, about);
    const began = monotonic();
    return (store.open(use.id, use.create, about.request_id) as Promise<Opened>).then((opened) =>
      this.#opened(opened, use, about, monotonic() - began),
    );
  }

  /** Keeps what a request has made of its session. */
  write(use: SessionUse, data: unknown, about: SessionAbout): MaybePromise<Written> {
    const { store } = this;
    const version = use.stored?.version ?? 0;
    const began = store.immediate ? 0 : monotonic();
    const written = store.write(use.id, version, prepare(data), about.request_id);
    if (!(written instanceof Promise)) return written;
    return written.then((outcome) => {
      this.#accessed(about, use, 'write', monotonic() - began);
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

  #opened(opened: Opened, use: SessionUse, about: SessionAbout, storeMs?: number): Opened {
    if (opened.kind !== 'opened') return opened;
    use.stored = opened.session;
    if (opened.created) {
      const measurements = { ttl_ms: this.#ttlMs() };
      this.#events.created.emit(measurements, { ...about, session_id: use.id });
    }
    this.#accessed(about, use, 'open', storeMs);
    return opened;
  }

  #accessed(about: SessionAbout, use: SessionUse, op: 'open' | 'write', store_ms?: number): void {
    const { accessed } = this.#events;
    // One for every request of a session: built only if somebody wants it.
    if (accessed.wanted) accessed.emit({ store_ms }, { ...about, session_id: use.id, op });
    else accessed.count++;
  }

  #ended(session_id: string, why: SessionEnd): void {
    for (const forget of this.#forget) forget(session_id);
    if (why === 'expired') this.#events.expired.emit({}, { session_id });
    else this.#events.deleted.emit({}, { session_id, reason: why });
  }
}

/** What the events of a session say of the request it was used by. */
export interface SessionAbout {
  readonly pool_name: string;
  readonly request_id: string;
  readonly correlation_id: string;
  readonly command: string;
}
