import type { Worker } from './worker.ts';

/** A place for a worker. Its counters go on while workers come and go, so that no sum of them ever falls. */
export class Slot {
  worker: Worker | undefined;
  /** Replacements of a worker that was lost. */
  restarts = 0;
  /** Failed starts in a row. */
  failedStarts = 0;
  /** Waits before the next start. */
  timer: NodeJS.Timeout | undefined;
  #requests = 0;
  #busyMs = 0;
  #slotBusyMs = 0;
  #cpuSeconds = 0;

  constructor(readonly index: number) {}

  /** Takes over what a dead worker counted. */
  fold(worker: Worker, now: number): void {
    this.#requests += worker.load.finished;
    this.#busyMs += worker.load.busyMs(now);
    this.#slotBusyMs += worker.load.slotBusyMs(now);
    this.#cpuSeconds += worker.lastStats?.cpuSeconds ?? 0;
    this.worker = undefined;
  }

  get requestsTotal(): number {
    return this.#requests + (this.worker?.load.finished ?? 0);
  }

  get cpuSecondsTotal(): number {
    return this.#cpuSeconds + (this.worker?.lastStats?.cpuSeconds ?? 0);
  }

  busyMsTotal(now: number): number {
    return this.#busyMs + (this.worker?.load.busyMs(now) ?? 0);
  }

  slotBusyMsTotal(now: number): number {
    return this.#slotBusyMs + (this.worker?.load.slotBusyMs(now) ?? 0);
  }
}
