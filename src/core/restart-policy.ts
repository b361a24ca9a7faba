import type { ResolvedPool } from '../config/index.ts';
import type { Worker } from './worker.ts';

type Policy = Pick<ResolvedPool, 'restartDelayMs' | 'maxRestartDelayMs' | 'stableAfterMs'>;

/**
 * Wait before the next start: doubles with each failure in a row up to a limit, and a random half of it is taken off, so that
 * what failed together does not come back together ("equal jitter").
 *
 * @param failures - workers in a row that came to nothing; 0 and 1 wait the same
 * @param random - from 0 to 1
 */
export const restartDelay = (failures: number, policy: Policy, random = Math.random()): number => {
  const doublings = Math.min(30, Math.max(0, failures - 1));
  const full = Math.min(policy.maxRestartDelayMs, policy.restartDelayMs * 2 ** doublings);
  return full / 2 + (random * full) / 2;
};

/** Whether a worker was of use before it died. A slot whose workers never are is in a crash loop. */
export const wasOfUse = (worker: Worker, policy: Policy, now: number): boolean =>
  worker.readyAt > 0 && (worker.load.finished > 0 || now - worker.readyAt >= policy.stableAfterMs);
