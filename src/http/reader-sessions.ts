import { createHash, randomBytes } from 'node:crypto';

/** How long a login lasts. Milliseconds. */
const LIFETIME_MS = 12 * 3600 * 1000;
/** Logins kept at most; the oldest gives way. */
const MAX_SESSIONS = 100;
/** More of a Cookie header is not looked at. */
const MAX_COOKIE = 16 * 1024;

/** A browser that has logged in, which lets it read. */
export interface ReaderSession {
  /** Aborted when it ends: by time, by logging out, or since another took its place. */
  readonly ended: AbortSignal;
}

interface Kept extends ReaderSession {
  readonly until: number;
  end(): void;
}

/** Where the cookie is sent to. */
export interface CookieScope {
  /** Cookies ignore ports, so two servers of one host need names of their own. */
  readonly name: string;
  readonly path: string;
}

/** The name of a server's cookie: the same for the same server after a restart, so that old ones do not pile up in browsers. */
export const cookieName = (identity: readonly string[]): string =>
  `snakepit_${createHash('sha256').update(JSON.stringify(identity)).digest('hex').slice(0, 12)}`;

/** A name nobody else has. */
export const randomCookieName = (): string => `snakepit_${randomBytes(6).toString('hex')}`;

/** Only digests are kept: an id could be read from a dump of the memory, and be used. */
const digestOf = (id: string) => createHash('sha256').update(id).digest('base64');

/** The browsers that have logged in at one server, bounded in number and time. */
export class ReaderSessions {
  readonly #scope: CookieScope;
  readonly #now: () => number;
  /** By digest of the id, oldest first. */
  readonly #kept = new Map<string, Kept>();

  constructor(scope: CookieScope, now: () => number = Date.now) {
    this.#scope = scope;
    this.#now = now;
  }

  get size(): number {
    return this.#kept.size;
  }

  /** The session whose cookie the caller sends. */
  of(headers: Headers): ReaderSession | undefined {
    if (this.#kept.size === 0) return undefined;
    for (const id of this.#idsIn(headers)) {
      const session = this.#kept.get(digestOf(id));
      if (session === undefined) continue;
      if (session.until > this.#now()) return session;
      this.#end(digestOf(id));
    }
    return undefined;
  }

  /**
   * Begins a session.
   *
   * @returns the header `Set-Cookie`
   */
  open(secure: boolean): string {
    this.#sweep();
    const id = randomBytes(32).toString('base64url');
    const ending = new AbortController();
    const timer = setTimeout(() => this.#end(digestOf(id)), LIFETIME_MS);
    timer.unref();
    this.#kept.set(digestOf(id), {
      ended: ending.signal,
      until: this.#now() + LIFETIME_MS,
      end: () => {
        clearTimeout(timer);
        ending.abort();
      },
    });
    return this.#cookie(id, LIFETIME_MS / 1000, secure);
  }

  /**
   * Ends the session whose cookie the caller sends.
   *
   * @returns the header `Set-Cookie` that removes the cookie
   */
  close(headers: Headers, secure: boolean): string {
    for (const id of this.#idsIn(headers)) this.#end(digestOf(id));
    return this.#cookie('', 0, secure);
  }

  /** What has ended goes, and so much more that there is room for one. */
  #sweep(): void {
    const now = this.#now();
    for (const [key, { until }] of this.#kept) {
      if (until > now && this.#kept.size < MAX_SESSIONS) return;
      this.#end(key);
    }
  }

  #end(key: string): void {
    const session = this.#kept.get(key);
    this.#kept.delete(key);
    session?.end();
  }

  /** Cookies of several paths may come under one name. */
  #idsIn(headers: Headers): readonly string[] {
    const cookies = headers.get('cookie');
    if (cookies === null || cookies.length > MAX_COOKIE) return [];
    const start = `${this.#scope.name}=`;
    return cookies
      .split(';')
      .map((pair) => pair.trim())
      .flatMap((pair) => (pair.startsWith(start) ? [pair.slice(start.length)] : []));
  }

  #cookie(value: string, maxAge: number, secure: boolean): string {
    const { name, path } = this.#scope;
    return `${name}=${value}; Path=${path}; Max-Age=${maxAge}; HttpOnly; SameSite=Strict${secure ? '; Secure' : ''}`;
  }
}
