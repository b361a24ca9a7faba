import { after, monotonic, type Timer } from '../../events/index.ts';
import type {
  Opened,
  SessionData,
  SessionStore,
  StoredSession,
  StoreListener,
  StoreState,
  Written,
} from './store.ts';

/** Options of {@link MemoryStore}; read at each use, so they can be changed while it works. */
export interface MemoryStoreOptions {
  /** Time without use after which a session is gone. Milliseconds. */
  readonly ttlMs: number;
  readonly maxSessions: number;
  /** What happens when there are too many: the one not used for longest goes, or the new one is refused. */
  readonly evict: 'oldest' | 'none';
}

interface Entry {
  readonly id: string;
  session: StoredSession;
  usedAt: number;
}

/** Ended in one go at most; the rest after the event loop had its turn. */
const SWEEP_MAX = 1000;
/** How often it is looked for what has expired, as a share of the time to live. */
const SWEEPS_PER_TTL = 4;
const MIN_SWEEP_MS = 50;
const MAX_SWEEP_MS = 60_000;

/**
 * Sessions in the memory of this process.
 *
 * The map is ordered by last use, since whatever is used is put to its end, and all sessions live equally long: so the first is both the next to expire and the first to
 * give way, and a sweep ends at the first that lives. Nothing is looked for per request.
 */
export class MemoryStore implements SessionStore {
  readonly kind = 'memory';
  readonly immediate = true;
  readonly #options: MemoryStoreOptions;
  readonly #entries = new Map<string, Entry>();
  #listener: StoreListener | undefined;
  #sweep: Timer | undefined;

  constructor(options: MemoryStoreOptions) {
    this.#options = options;
  }

  async loaded(): Promise<void> {}

  start(listener: StoreListener): void {
    this.#listener = listener;
  }

  open(id: string, create: boolean): Opened {
    const now = monotonic();
    const entry = this.#living(id, now);
    if (entry !== undefined) {
      this.#use(entry, now);
      return { kind: 'opened', created: false, session: entry.session };
    }
    if (!create) return { kind: 'missing' };
    if (this.#entries.size >= this.#options.maxSessions && !this.#makeRoom(now)) return { kind: 'full' };
    const session: StoredSession = { value: null, tagged: false, version: 0 };
    this.#entries.set(id, { id, session, usedAt: now });
    this.#sweep ??= this.#sweepLater();
    return { kind: 'opened', created: true, session };
  }

  read(id: string): StoredSession | undefined {
    return this.#living(id, monotonic())?.session;
  }

  write(id: string, version: number, { value, tagged }: SessionData): Written {
    const now = monotonic();
    const entry = this.#living(id, now);
    if (entry === undefined) return 'gone';
    if (entry.session.version !== version) return 'conflict';
    entry.session = { value, tagged, version: version + 1 };
    this.#use(entry, now);
    return 'written';
  }

  remove(id: string): boolean {
    if (this.#living(id, monotonic()) === undefined) return false;
    this.#end(id, 'deleted');
    return true;
  }

  state(): StoreState {
    return {
      kind: this.kind,
      available: true,
      active: this.#entries.size,
      capacity: this.#options.maxSessions,
      latency_ms: null,
      error: null,
    };
  }

  async close(): Promise<void> {
    this.#sweep?.stop();
    this.#sweep = undefined;
    this.#entries.clear();
  }

  /** The session, unless its time is over: nobody is given one that only the next sweep would have taken away. */
  #living(id: string, now: number): Entry | undefined {
    const entry = this.#entries.get(id);
    if (entry === undefined || !this.#expired(entry, now)) return entry;
    this.#end(id, 'expired');
    return undefined;
  }

  #use(entry: Entry, now: number): void {
    entry.usedAt = now;
    this.#entries.delete(entry.id);
    this.#entries.set(entry.id, entry);
  }

  #expired({ usedAt }: Entry, now: number): boolean {
    return now - usedAt >= this.#options.ttlMs;
  }

  #makeRoom(now: number): boolean {
    const oldest = this.#first();
    if (oldest === undefined) return true;
    const expired = this.#expired(oldest, now);
    if (!expired && this.#options.evict === 'none') return false;
    this.#end(oldest.id, expired ? 'expired' : 'evicted');
    return true;
  }

  #first(): Entry | undefined {
    for (const entry of this.#entries.values()) return entry;
    return undefined;
  }

  #end(id: string, why: 'expired' | 'deleted' | 'evicted'): void {
    this.#entries.delete(id);
    this.#listener?.ended(id, why);
  }

  #sweepLater(): Timer {
    const everyMs = Math.min(MAX_SWEEP_MS, Math.max(MIN_SWEEP_MS, this.#options.ttlMs / SWEEPS_PER_TTL));
    return after(everyMs, () => this.#sweepNow());
  }

  #sweepNow(): void {
    const began = monotonic();
    let count = 0;
    for (const entry of this.#entries.values()) {
      if (count >= SWEEP_MAX || !this.#expired(entry, began)) break;
      this.#end(entry.id, 'expired');
      count++;
    }
    if (count > 0) this.#listener?.swept(count, monotonic() - began);
    if (count >= SWEEP_MAX) this.#sweep = after(1, () => this.#sweepNow());
    else this.#sweep = this.#entries.size > 0 ? this.#sweepLater() : undefined;
  }
}
