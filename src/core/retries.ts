import type { ResolvedPool } from '../config/index.ts';
import type { FailedAttempt, SnakepitError } from '../errors/index.ts';
import { after, type Timer } from '../events/index.ts';
import type { Request } from './request.ts';

const WINDOW_MS = 10_000;
/** Retries that need no requests to pay for them: a quiet pool could never afford one otherwise. */
const FREE = 10;

/**
 * Starts idempotent requests again whose worker died. A budget bounds it: where everything dies, trying everything twice makes it worse.
 *
 * What never began is no retry: it goes elsewhere at once, whether idempotent or not.
 */
export class Retries {
  readonly #options: ResolvedPool['retries'];
  readonly #begun: () => number;
  readonly #again: (request: Request) => void;
  readonly #waiting = new Map<Request, Timer>();
  #windowFrom = Number.NEGATIVE_INFINITY;
  #begunBefore = 0;
  #spent = 0;

  /**
   * @param begun - requests the pool has begun so far
   * @param again - queues a request again
   */
  constructor(options: ResolvedPool['retries'], begun: () => number, again: (request: Request) => void) {
    this.#options = options;
    this.#begun = begun;
    this.#again = again;
  }

  /** Requests that wait to be started again. */
  get waiting(): number {
    return this.#waiting.size;
  }

  /**
   * Notes that an attempt failed, and has the request started again where that is allowed.
   *
   * @returns the wait in milliseconds, or undefined when this was the end of it
   */
  offer(request: Request, error: SnakepitError, now: number): number | undefined {
    if (!request.idempotent || error.category !== 'worker' || request.attempts > this.#options.max)
      return undefined;
    // Its reader has begun to read: it would see the first chunks twice.
    if (request.chunks > 0) return undefined;
    const doubled = this.#options.delayMs * 2 ** (request.attempts - 1);
    const delayMs = doubled / 2 + (Math.random() * doubled) / 2;
    // Its deadline stays what it was: a retry that cannot finish in time is not begun.
    if (now + delayMs >= request.deadline || !this.#afford(now)) return undefined;
    request.failedAttempts ??= [];
    request.failedAttempts.push(attemptOf(request, error, now));
    request.phase = 'retrying';
    this.#waiting.set(
      request,
      after(delayMs, () => {
        this.#waiting.delete(request);
        this.#again(request);
      }),
    );
    return delayMs;
  }

  /** Takes a request out that is settled while it waits. */
  remove(request: Request): void {
    if (request.phase !== 'retrying') return;
    this.#waiting.get(request)?.stop();
    this.#waiting.delete(request);
  }

  /** Ends every wait; returns who waited. */
  stop(): Request[] {
    const waiting = [...this.#waiting.keys()];
    for (const timer of this.#waiting.values()) timer.stop();
    this.#waiting.clear();
    return waiting;
  }

  #afford(now: number): boolean {
    const begun = this.#begun();
    if (now - this.#windowFrom >= WINDOW_MS) {
      this.#windowFrom = now;
      this.#begunBefore = begun;
      this.#spent = 0;
    }
    if (this.#spent >= FREE + this.#options.budget * (begun - this.#begunBefore)) return false;
    this.#spent++;
    return true;
  }
}

const attemptOf = (request: Request, error: SnakepitError, now: number): FailedAttempt => ({
  attempt: request.attempts,
  worker_id: request.worker?.id ?? '',
  code: error.code,
  message: error.message,
  duration_ms: now - request.startedAt,
});
