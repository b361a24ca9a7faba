import { performance } from 'node:perf_hooks';

/** Milliseconds since the process started, never running backwards. The clock of all durations and deadlines. */
export const monotonic = (): number => performance.now();

const RESYNC_MS = 1000;
let origin = performance.timeOrigin;
let synced = Number.NEGATIVE_INFINITY;

/**
 * Epoch milliseconds of a monotonic stamp, so that one clock read serves both as duration and as time of day. The offset is taken
 * anew once a second: the monotonic clock stands still while a machine sleeps, and the time of day is corrected under us.
 */
export const epochOf = (stamp: number): number => {
  if (stamp - synced > RESYNC_MS) {
    synced = performance.now();
    origin = Date.now() - synced;
  }
  return origin + stamp;
};

/** Epoch milliseconds now. */
export const now = (): number => epochOf(performance.now());
