import type { SnakepitEvent } from '../catalog.ts';

/** How many events of a name may pass. */
export interface RateLimit {
  /** Events a second in the long run. */
  readonly perSecond: number;
  /** Events that may pass at once after a pause. Default: `perSecond` rounded down, at least 1. */
  readonly burst?: number | undefined;
  /** A field of the metadata; each of its values has a bucket of its own. Default: one bucket for the event. */
  readonly key?: string | undefined;
}

/**
 * Lets `burst` events through at once and `perSecond` after that. Counted in whole numbers of events and exact in the burst: a bucket that is full holds `burst` tokens, never a rounding more.
 */
export class TokenBucket {
  readonly #perMs: number;
  readonly #burst: number;
  #tokens: number;
  #at: number;

  constructor(perSecond: number, burst: number, at: number) {
    this.#perMs = perSecond / 1000;
    this.#burst = burst;
    this.#tokens = burst;
    this.#at = at;
  }

  /** @param at - monotonic milliseconds */
  take(at: number): boolean {
    if (this.#tokens < this.#burst) {
      this.#tokens = Math.min(this.#burst, this.#tokens + Math.max(0, at - this.#at) * this.#perMs);
    }
    this.#at = Math.max(this.#at, at);
    // Refilled in many small steps a whole token may come out a hair short.
    if (this.#tokens < 1 - 1e-9) return false;
    this.#tokens = Math.max(0, this.#tokens - 1);
    return true;
  }

  /** Whether it is as if it had never been used. */
  isFull(at: number): boolean {
    return this.#tokens + (at - this.#at) * this.#perMs >= this.#burst;
  }
}

const MAX_KEYS = 1000;
/** Keys beyond {@link MAX_KEYS} share a bucket. */
const OTHER = '(other)';

/** The rate limit of one event name, a bucket for each value of its key. */
export class RateLimiter {
  readonly limit: RateLimit;
  readonly #burst: number;
  readonly #buckets = new Map<string, TokenBucket>();
  #forgotAt = Number.NEGATIVE_INFINITY;

  constructor(limit: RateLimit) {
    this.limit = limit;
    this.#burst = limit.burst ?? Math.max(1, Math.floor(limit.perSecond));
  }

  /** The key whose bucket is empty, or undefined when the event may pass. `''` where the limit has no key. */
  refuses(event: SnakepitEvent, at: number): string | undefined {
    const key = this.#keyOf(event);
    let bucket = this.#buckets.get(key);
    let name = key;
    if (bucket === undefined) {
      if (this.#buckets.size >= MAX_KEYS) this.#forget(at);
      if (this.#buckets.size >= MAX_KEYS) name = OTHER;
      bucket = this.#buckets.get(name) ?? new TokenBucket(this.limit.perSecond, this.#burst, at);
      this.#buckets.set(name, bucket);
    }
    return bucket.take(at) ? undefined : name;
  }

  #keyOf(event: SnakepitEvent): string {
    const { key } = this.limit;
    if (key === undefined) return '';
    const value = event.metadata[key];
    return typeof value === 'string' ? value : typeof value === 'number' ? String(value) : '(none)';
  }

  /** A full bucket is no different from a new one. Not more often than once a second: it looks at all of them. */
  #forget(at: number): void {
    if (at - this.#forgotAt < 1000) return;
    this.#forgotAt = at;
    for (const [key, bucket] of this.#buckets) if (bucket.isFull(at)) this.#buckets.delete(key);
  }
}

/** @throws TypeError saying what is wrong with it */
export const checkRateLimit = (limit: RateLimit): RateLimit => {
  const { perSecond, burst, key } = limit;
  if (!(Number.isFinite(perSecond) && perSecond > 0)) {
    throw new TypeError(`A rate limit needs 'perSecond', a number above 0, got ${String(perSecond)}.`);
  }
  if (burst !== undefined && !(Number.isInteger(burst) && burst >= 1)) {
    throw new TypeError(`The 'burst' of a rate limit is a whole number from 1, got ${String(burst)}.`);
  }
  if (key !== undefined && typeof key !== 'string') {
    throw new TypeError(`The 'key' of a rate limit names a field of the metadata, got ${typeof key}.`);
  }
  return limit;
};
