/** Why an event did not reach a consumer; the label `reason` of `snakepit_events_dropped_total`. */
export const dropReasons = [
  'sampled',
  'rate_limited',
  'overflow',
  'circuit_open',
  'failed',
  'shutdown',
  'removed',
] as const;
export type DropReason = (typeof dropReasons)[number];

export type CircuitState = 'closed' | 'half_open' | 'open';

/** What became of the events offered to one consumer. At every moment offered = delivered + dropped + pending. */
export interface ConsumerCounts {
  readonly name: string;
  readonly offered: number;
  /** The consumer took it: its function returned, or its promise was fulfilled in time. */
  readonly delivered: number;
  readonly dropped: Readonly<Record<DropReason, number>>;
  /** Waiting, being delivered, or held until its request is over. */
  readonly pending: number;
  readonly circuit: CircuitState;
}

/** Counts of one consumer name. They outlive the consumer, so that no sum falls when it goes or comes again. */
export class Tally {
  offered = 0;
  delivered = 0;
  pending = 0;
  readonly dropped: Record<DropReason, number> = {
    sampled: 0,
    rate_limited: 0,
    overflow: 0,
    circuit_open: 0,
    failed: 0,
    shutdown: 0,
    removed: 0,
  };

  /** Adds what another has counted; of a name that is given up. */
  absorb(other: Tally): void {
    this.offered += other.offered;
    this.delivered += other.delivered;
    this.pending += other.pending;
    for (const reason of dropReasons) this.dropped[reason] += other.dropped[reason];
  }

  read(name: string, circuit: CircuitState): ConsumerCounts {
    const { offered, delivered, pending } = this;
    return { name, offered, delivered, dropped: { ...this.dropped }, pending, circuit };
  }
}
