import { type IntervalHistogram, monitorEventLoopDelay } from 'node:perf_hooks';
import type { LagReading } from './criteria/process.ts';

/** How often the loop's delay is sampled, in native code. Milliseconds. */
const RESOLUTION_MS = 20;

const monitor = (): IntervalHistogram => {
  // Its timer is native and does not keep the process alive.
  const histogram = monitorEventLoopDelay({ resolution: RESOLUTION_MS });
  histogram.enable();
  return histogram;
};

/**
 * How late the timers of this process fired of late. Two monitors take turns: one is read, the other was begun half a window later and
 * takes its place, so that what is read is never older than the window nor shorter than half of it.
 */
export class EventLoopLag {
  #read = monitor();
  #next = monitor();
  #nextBegun: number;

  /** @param at - the clock of durations */
  constructor(at: number) {
    this.#nextBegun = at;
  }

  /** @param at - the clock of durations */
  read(at: number, windowMs: number): LagReading {
    if (at - this.#nextBegun >= windowMs / 2) {
      [this.#read, this.#next] = [this.#next, this.#read];
      this.#next.reset();
      this.#nextBegun = at;
    }
    const samples = this.#read.count;
    // The histogram holds the distances between samples; what exceeds the resolution is the delay. Empty, it reads NaN.
    const p99Ms = samples === 0 ? 0 : Math.max(0, this.#read.percentile(99) / 1e6 - RESOLUTION_MS);
    return { p99Ms, samples };
  }

  close(): void {
    this.#read.disable();
    this.#next.disable();
  }
}
