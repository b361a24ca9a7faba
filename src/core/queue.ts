import { type EventBus, type EventHandle, monotonic } from '../events/index.ts';
import { Link } from './chain.ts';
import { DrainRate } from './drain-rate.ts';
import { FairQueue } from './fair-queue.ts';
import type { Request } from './request.ts';

/** How busy the workers are, for the events of the queue. */
export interface Load {
  readonly busy_workers: number;
  readonly available_workers: number;
}

/**
 * The requests that wait for a worker, in the order of a {@link FairQueue}, up to a limit. What it has accepted it keeps: no request is put out for another.
 * It says once when it is full and once when it has room again, with room between the two so that a queue at its brim does not flap.
 */
export class RequestQueue {
  /** To be told of each request that begins. */
  readonly drainRate = new DrainRate();
  readonly #waiting = new FairQueue<Request>();
  readonly #parked: { readonly count: number };
  readonly #saturated: EventHandle<'snakepit.pool.saturated'>;
  readonly #recovered: EventHandle<'snakepit.pool.recovered'>;
  readonly #poolName: string;
  readonly #load: () => Load;
  #fullSince: number | undefined;
  saturatedTotal = 0;

  constructor(
    public capacity: number,
    init: { bus: EventBus; poolName: string; parked: { readonly count: number }; load: () => Load },
  ) {
    this.#parked = init.parked;
    this.#poolName = init.poolName;
    this.#load = init.load;
    this.#saturated = init.bus.event('snakepit.pool.saturated');
    this.#recovered = init.bus.event('snakepit.pool.recovered');
  }

  /** Requests accepted and not begun, those already handed to a worker included. */
  get depth(): number {
    return this.#waiting.size + this.#parked.count;
  }

  get empty(): boolean {
    return this.#waiting.size === 0;
  }

  /** Whether one more fits; says so when it does not. */
  hasRoom(): boolean {
    if (this.depth < this.capacity) return true;
    if (this.#fullSince === undefined) {
      this.#fullSince = monotonic();
      this.saturatedTotal++;
      this.#saturated.emit(
        { queue_size: this.depth, queue_capacity: this.capacity, ...this.#load() },
        { pool_name: this.#poolName },
      );
    }
    return false;
  }

  /** Changes the limit. What waits stays, also where it is more than that now. */
  resize(capacity: number): void {
    this.capacity = capacity;
    if (this.#fullSince !== undefined && this.depth < capacity / 2) this.#recover();
  }

  /** How many requests of a key wait here; those already handed to a worker are not among them. Costs nothing while it is not asked. */
  countOf(key: string | undefined): number {
    return this.#waiting.countOf(key);
  }

  /** Milliseconds (1000 … 60000) until what waits now has begun: when a caller that is refused, or has waited in vain, may try again. */
  retryAfterMs(now: number): number {
    return this.drainRate.retryAfterMs(this.depth, this.#waiting.headSince, now);
  }

  push(request: Request): void {
    request.phase = 'queued';
    request.queueLink ??= new Link(request);
    this.#waiting.push(request.queueLink);
  }

  /** Puts requests that came back from a worker before all others of their priority and key, in their order; their keys get the next turns. */
  putBack(requests: readonly Request[]): void {
    for (const request of requests.toReversed()) {
      request.phase = 'queued';
      request.worker = undefined;
      request.queueLink ??= new Link(request);
      this.#waiting.unshift(request.queueLink);
    }
  }

  shift(): Request | undefined {
    const request = this.#waiting.shift();
    if (this.#fullSince !== undefined && this.depth < this.capacity / 2) this.#recover();
    return request;
  }

  remove(request: Request): void {
    if (request.queueLink !== undefined) this.#waiting.remove(request.queueLink);
    if (this.#fullSince !== undefined && this.depth < this.capacity / 2) this.#recover();
  }

  #recover(): void {
    const saturated_ms = monotonic() - (this.#fullSince as number);
    this.#fullSince = undefined;
    this.#recovered.emit(
      { queue_size: this.depth, queue_capacity: this.capacity, saturated_ms },
      { pool_name: this.#poolName },
    );
  }
}
