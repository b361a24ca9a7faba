/** What happens to a delivery that failed. */
export interface RetryOptions {
  /** How often it is tried again. One that passed its deadline is not: it may still succeed. Default: 0. */
  readonly attempts: number;
  /** Wait before the first repetition; doubles with each. Milliseconds, default 100. */
  readonly backoffMs: number;
  /** The longest wait. Milliseconds, default 5000. */
  readonly maxBackoffMs: number;
  /** Whether it may go away by itself. Default: {@link isTransient}. */
  readonly isTransient: (error: unknown) => boolean;
}

const transientCodes: ReadonlySet<unknown> = new Set([
  'ECONNREFUSED',
  'ECONNRESET',
  'ECONNABORTED',
  'EPIPE',
  'ETIMEDOUT',
  'EHOSTUNREACH',
  'ENETUNREACH',
  'ENOTFOUND',
  'EAI_AGAIN',
  'EAGAIN',
  'EBUSY',
  'EMFILE',
  'UND_ERR_SOCKET',
  'UND_ERR_CONNECT_TIMEOUT',
]);

/** How far `cause` is followed. */
const MAX_DEPTH = 5;

/**
 * Whether a failure is one of the network or of a busy system, which goes away by itself: by `code`, by a field `transient: true`, or the same in its `cause` (`fetch` puts
 * the code there). Anything else would fail again.
 */
export const isTransient = (error: unknown): boolean => {
  let at = error as { code?: unknown; transient?: unknown; cause?: unknown } | undefined | null;
  for (let depth = 0; depth < MAX_DEPTH && typeof at === 'object' && at !== null; depth++) {
    if (at.transient === true || transientCodes.has(at.code)) return true;
    at = at.cause as typeof at;
  }
  return false;
};

/** Wait before repetition `attempt` (1 for the first): doubled each time, half of it at random, so that those that failed together do not come back together. */
export const backoff = (
  { backoffMs, maxBackoffMs }: Pick<RetryOptions, 'backoffMs' | 'maxBackoffMs'>,
  attempt: number,
  random: () => number,
): number => Math.min(maxBackoffMs, backoffMs * 2 ** (attempt - 1)) * (0.5 + random() / 2);
