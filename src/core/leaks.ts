import type { MemoryHint } from '../events/index.ts';
import type { Worker } from './worker.ts';

/** Commands beyond this many are not told apart. */
const MAX_COMMANDS = 200;
/** Less growth than this is the allocator breathing. Bytes. */
const MIN_GROWTH = 1 << 20;
/** Readings it takes to call it growth. */
const MIN_READINGS = 5;

interface Tally {
  requests: number;
  grown: number;
  readings: number;
  rising: number;
}

/**
 * Which command leaves memory behind: the growth of a worker's resident memory between two readings is held against the command that ran in between, where only one
 * did. A hint, not a proof: caches grow too.
 */
export class Leaks {
  readonly #tallies = new Map<string, Tally>();

  /** A worker answered a request. */
  ran(worker: Worker, command: string): void {
    const { since } = worker.vitals;
    // Two commands in one interval cannot be told apart.
    since.command = since.requests === 0 || since.command === command ? command : undefined;
    since.requests++;
  }

  measured(worker: Worker, rss: number): void {
    const { since } = worker.vitals;
    // Before the first reading there is nothing to compare with.
    if (since.command !== undefined && since.rss > 0)
      this.#add(since.command, since.requests, rss - since.rss);
    since.rss = rss;
    since.command = undefined;
    since.requests = 0;
  }

  get hints(): MemoryHint[] {
    return [...this.#tallies]
      .filter(
        ([, { grown, readings, rising }]) =>
          grown >= MIN_GROWTH && readings >= MIN_READINGS && rising * 2 > readings,
      )
      .map(([command, { requests, grown }]) => ({
        command,
        rss_bytes_per_request: Math.round(grown / requests),
        requests,
      }));
  }

  #add(command: string, requests: number, growth: number): void {
    let tally = this.#tallies.get(command);
    if (tally === undefined) {
      if (this.#tallies.size >= MAX_COMMANDS) return;
      tally = { requests: 0, grown: 0, readings: 0, rising: 0 };
      this.#tallies.set(command, tally);
    }
    tally.requests += requests;
    tally.grown += growth;
    tally.readings++;
    if (growth > 0) tally.rising++;
  }
}
