import { performance } from 'node:perf_hooks';

/** A wait that can be put off or given up. */
export interface Timer {
  /** Waits anew, from now. */
  refresh(): void;
  stop(): void;
}

/** Where time comes from. Tests put a manual one in its place. */
export interface Clock {
  /** Milliseconds since the process started, never running backwards. */
  monotonic(): number;
  /** Epoch milliseconds. */
  wall(): number;
  /** Calls once, `ms` from now. Does not keep Node alive. */
  after(ms: number, due: () => void): Timer;
  /** Calls every `ms`. Does not keep Node alive. */
  every(ms: number, due: () => void): Timer;
}

const systemClock: Clock = {
  monotonic: () => performance.now(),
  wall: () => Date.now(),
  after: (ms, due) => timer(setTimeout(due, ms)),
  every: (ms, due) => timer(setInterval(due, ms)),
};

const timer = (timeout: NodeJS.Timeout): Timer => {
  timeout.unref();
  return {
    refresh: () => {
      timeout.refresh();
    },
    stop: () => clearTimeout(timeout),
  };
};

let clock = systemClock;

/**
 * Puts another clock in place of the system's, for the whole process.
 *
 * @returns puts the former one back
 */
export const useClock = (other: Clock): (() => void) => {
  const before = clock;
  const set = (next: Clock) => {
    clock = next;
    synced = Number.NEGATIVE_INFINITY;
  };
  set(other);
  return () => set(before);
};

/** Milliseconds since the process started, never running backwards. The clock of all durations and deadlines. */
export const monotonic = (): number => clock.monotonic();

/** See {@link Clock.after}. */
export const after = (ms: number, due: () => void): Timer => clock.after(ms, due);

/** See {@link Clock.every}. */
export const every = (ms: number, due: () => void): Timer => clock.every(ms, due);

const RESYNC_MS = 1000;
let origin = performance.timeOrigin;
let synced = Number.NEGATIVE_INFINITY;

/**
 * Epoch milliseconds of a monotonic stamp, so that one clock read serves both as duration and as time of day. The offset is taken
 * anew once a second: the monotonic clock stands still while a machine sleeps, and the time of day is corrected under us.
 */
export const epochOf = (stamp: number): number => {
  if (stamp - synced > RESYNC_MS) {
    synced = clock.monotonic();
    origin = clock.wall() - synced;
  }
  return origin + stamp;
};

/** Epoch milliseconds now. */
export const now = (): number => epochOf(clock.monotonic());
