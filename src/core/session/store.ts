/** An answer at once, or later. */
export type MaybePromise<T> = T | Promise<T>;

/** Data of a session, in a form that can be sent. */
export interface SessionData {
  /** Checked as arguments are; null at first. */
  readonly value: unknown;
  /** Whether it holds anything JSON has no form for. */
  readonly tagged: boolean;
}

/** A session as it is kept. */
export interface StoredSession extends SessionData {
  /** Grows with each change: whoever writes says which one he has read. */
  readonly version: number;
}

/** What came of opening a session. */
export type Opened =
  | { readonly kind: 'opened'; readonly created: boolean; readonly session: StoredSession }
  /** It does not exist and was not to be created. */
  | { readonly kind: 'missing' }
  /** There is no room for one more. */
  | { readonly kind: 'full' };

/** What came of writing. `gone`: it was deleted or has expired meanwhile. */
export type Written = 'written' | 'conflict' | 'gone';

/** Why a session ended. */
export type SessionEnd = 'expired' | 'deleted' | 'evicted';

/** What a store tells of sessions that end without being asked to. */
export interface StoreListener {
  /** Called for each; must not throw. */
  ended(sessionId: string, why: SessionEnd): void;
  /** A sweep has found something. */
  swept(count: number, durationMs: number): void;
}

/** How a store does. */
export interface StoreState {
  readonly kind: string;
  /** Whether it answers. */
  readonly available: boolean;
  /** Sessions there are; null while not known. */
  readonly active: number | null;
  readonly capacity: number | null;
  /** What the last round trip took. Milliseconds; null where there is none. */
  readonly latency_ms: number | null;
  /** What went wrong last; null while it answers. */
  readonly error: string | null;
}

/** The store does not answer, or not in time. Whatever was asked may have been done. */
export class StoreUnavailable extends Error {}

/**
 * Keeps the data of sessions, each for its time to live since it was last used. Changes are atomic: of two that were made from the same version, one is `written`.
 *
 * One contract for all stores, which a conformance suite holds them to.
 */
export interface SessionStore {
  readonly kind: string;
  /** Whether its answers come at once: then a session is read at the moment a worker takes the request, not before it waits for one. */
  readonly immediate: boolean;
  /**
   * Resolves when it can be used, whether or not a server answers yet.
   *
   * @throws SnakepitError `invalid_configuration`, as a rejection, where what it needs is not installed
   */
  loaded(): Promise<void>;
  /** Begins to work. */
  start(listener: StoreListener): void;
  /**
   * Reads a session and renews its time to live; creates it where it does not exist, unless told not to.
   *
   * @param opener - tells one opening from another: one whose answer was lost is told `created` again when it is repeated
   * @throws StoreUnavailable, also as a rejection; so do all that follow
   */
  open(sessionId: string, create: boolean, opener: string): MaybePromise<Opened>;
  /** Reads a session and does not renew its time. */
  read(sessionId: string): MaybePromise<StoredSession | undefined>;
  /**
   * Writes data that was made from `version`, and renews the time to live.
   *
   * @param writer - tells one writing from another: one whose answer was lost is not refused when it is repeated
   */
  write(sessionId: string, version: number, data: SessionData, writer: string): MaybePromise<Written>;
  /** Whether there was one. */
  remove(sessionId: string): MaybePromise<boolean>;
  state(): StoreState;
  close(): Promise<void>;
}
