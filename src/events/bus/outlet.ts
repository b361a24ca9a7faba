import type { SnakepitEvent } from '../catalog.ts';
import type { ConsumerCounts, DropReason, Tally } from './tally.ts';

/**
 * Where the events for one consumer go. Every move of an event changes two counts in one step, which is what keeps offered = delivered + dropped + pending true
 * at every moment.
 */
export abstract class Outlet {
  readonly name: string;
  /** Whether sampling and rate limits apply to it; one that does not sample sees every event. */
  readonly sampled: boolean;
  /** Whether it goes on when the bus is closed. */
  readonly outlasts: boolean = false;
  protected readonly tally: Tally;

  constructor(name: string, sampled: boolean, tally: Tally) {
    this.name = name;
    this.sampled = sampled;
    this.tally = tally;
  }

  /** Takes an event that passed; it is pending from here. */
  offer(event: SnakepitEvent, weight: number): void {
    this.tally.offered++;
    this.tally.pending++;
    this.accept(event, weight);
  }

  /** An event that did not pass. */
  refuse(reason: DropReason): void {
    this.tally.offered++;
    this.tally.dropped[reason]++;
  }

  /** An event that sampling let go, as it does with most: {@link Outlet.refuse} would look the reason up. */
  skip(): void {
    this.tally.offered++;
    this.tally.dropped.sampled++;
  }

  /** An event that may yet be delivered is kept for it elsewhere. */
  hold(): void {
    this.tally.offered++;
    this.tally.pending++;
  }

  /** What was held is delivered after all. */
  release(event: SnakepitEvent, weight: number): void {
    this.accept(event, weight);
  }

  /** A pending event is given up. */
  drop(reason: DropReason): void {
    this.tally.pending--;
    this.tally.dropped[reason]++;
  }

  abstract counts(): ConsumerCounts;
  /** Delivers what waits, by `until` at the latest (monotonic milliseconds); takes nothing more. What is left then is dropped. */
  abstract close(until: number): Promise<void>;
  /** Gives up at once what waits: the consumer was removed. */
  abstract remove(): void;

  /** What to do with a pending event. Must not throw. */
  protected abstract accept(event: SnakepitEvent, weight: number): void;

  protected delivered(): void {
    this.tally.pending--;
    this.tally.delivered++;
  }
}
