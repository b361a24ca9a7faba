import type { SnakepitEvent } from '../catalog.ts';
import type { CircuitOptions } from './circuit.ts';
import type { QueueOptions } from './intake.ts';
import type { RetryOptions } from './retry.ts';

/** What comes with an event. */
export interface Delivery {
  /**
   * How many events this one stands for, so that totals can be estimated from what was sampled: 1 for one that is always kept, 1 / rate for a sampled one, 0 for one that was let go by
   * sampling and delivered after all since its request failed or was slow.
   */
  readonly weight: number;
  /** Aborted when the deadline has passed, or the consumer is removed. */
  readonly signal: AbortSignal;
}

/** What comes with a batch. */
export interface BatchDelivery {
  /** One for each event; see {@link Delivery.weight}. */
  readonly weights: readonly number[];
  readonly signal: AbortSignal;
}

/** Takes one event. What it returns is waited for if it is a promise. */
export type EventHandler = (event: SnakepitEvent, delivery: Delivery) => unknown;
/** Takes several at once: all are delivered, or none. */
export type BatchHandler = (events: readonly SnakepitEvent[], delivery: BatchDelivery) => unknown;
/** Takes one event inside the emit, so it must be quick. Has no deadline, hence no signal. */
export type InlineHandler = (event: SnakepitEvent, delivery: Pick<Delivery, 'weight'>) => unknown;

/** Something that wants events: a function, or an object with a name. Events are shared by all consumers: for reading only. */
export type Consumer =
  | EventHandler
  | { readonly name: string; readonly handle: EventHandler }
  | { readonly name: string; readonly handleBatch: BatchHandler };

/** How a consumer gets its events. */
export interface ConsumerOptions {
  /**
   * `queued`: from a queue of its own, once the emitter's turn is over, so that nothing it does is felt by a request. `inline`: called inside the emit, in order with everything else that happens
   * there; it must take microseconds, and what it returns is not waited for. Default: `queued`.
   */
  readonly delivery?: 'queued' | 'inline';
  /** Whether sampling and rate limits apply. Default: true. */
  readonly sampled?: boolean;
  readonly queue?: Partial<QueueOptions>;
  readonly batch?: Partial<BatchOptions>;
  /** How long one delivery may take before it counts as failed. Milliseconds, default 5000. */
  readonly deadlineMs?: number;
  /** A delivery that holds the event loop longer than this counts as a failure for the circuit, though not for the event. Milliseconds, default 50. */
  readonly maxBlockMs?: number;
  /** The most of the thread's time it may take, 0 to 1. What it cannot take in that time waits in its queue, and is dropped when that is full. Default: 0.2. */
  readonly share?: number;
  readonly retry?: Partial<RetryOptions>;
  readonly circuit?: Partial<CircuitOptions>;
}

/** For `handleBatch`. */
export interface BatchOptions {
  /** Events in one batch at most. Default: 512. */
  readonly maxEvents: number;
  /** How long to wait for more after the first. Milliseconds, default 0. */
  readonly waitMs: number;
}

/** {@link ConsumerOptions} with every default filled in. */
export interface ResolvedConsumerOptions {
  readonly delivery: 'queued' | 'inline';
  readonly sampled: boolean;
  readonly queue: QueueOptions;
  readonly batch: BatchOptions;
  readonly deadlineMs: number;
  readonly maxBlockMs: number;
  readonly share: number;
  readonly retry: RetryOptions;
  readonly circuit: CircuitOptions;
}
