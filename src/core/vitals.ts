import type { WorkerStats } from '../transport/index.ts';

const STDERR_LINES = 50;
const READINGS = 10;

/** What is kept of a living worker for the day it dies: last readings, last words, last stack. All bounded. */
export class Vitals {
  readonly stderrTail: string[] = [];
  /** The last Python stack that was captured. */
  lastStack: string | undefined;
  /** What has run since the last reading: its memory, and the command where it was one and the same. */
  readonly since = { rss: 0, command: undefined as string | undefined, requests: 0 };
  readonly #readings: WorkerStats[] = [];

  add(stats: WorkerStats): void {
    this.#readings.push(stats);
    if (this.#readings.length > READINGS) this.#readings.shift();
  }

  /** A line on standard error. */
  said(line: string): void {
    this.stderrTail.push(line);
    if (this.stderrTail.length > STDERR_LINES) this.stderrTail.shift();
  }

  get last(): WorkerStats | undefined {
    return this.#readings.at(-1);
  }

  /** Resident memory at the last readings, oldest first, in MiB. */
  get memoryCurve(): number[] {
    return this.#readings.map(({ rssBytes }) => Math.round((rssBytes / 2 ** 20) * 10) / 10);
  }
}
