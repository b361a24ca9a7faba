import { type EventBus, type EventHandle, monotonic } from '../events/index.ts';
import { Chain, Link } from './chain.ts';
import type { Request } from './request.ts';

/** How busy the workers are, for the events of the queue. */
export interface Load {
  readonly busy_workers: number;
  readonly available_workers: number;
}

/**
 * The requests that wait for a worker, in order, up to a limit. It says once when it is full and once when it has room again, with room between the two so that a
 * queue at its brim does not flap.
 */
export class RequestQueue {
  readonly #chain = new Chain<Request>();
  readonly #parked: { readonly count: number };
  readonly #saturated: EventHandle<'snakepit.pool.saturated'>;
  readonly #recovered: EventHandle<'snakepit.pool.recovered'>;
  readonly #poolName: string;
  readonly #load: () => Load;
  #fullSince: number | undefined;
  saturatedTotal = 0;

  constructor(
    readonly capacity: number,
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
    return this.#chain.size + this.#parked.count;
  }

  get empty(): boolean {
    return this.#chain.size === 0;
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

  push(request: Request): void {
    request.phase = 'queued';
    request.queueLink ??= new Link(request);
    this.#chain.push(request.queueLink);
  }

  /** Puts requests that came back from a worker before all others, in their order. */
  putBack(requests: readonly Request[]): void {
    for (const request of requests.toReversed()) {
      request.phase = 'queued';
      request.worker = undefined;
      request.queueLink ??= new Link(request);
      this.#chain.unshift(request.queueLink);
    }
  }

  shift(): Request | undefined {
    const request = this.#chain.shift();
    if (this.#fullSince !== undefined && this.depth < this.capacity / 2) this.#recover();
    return request;
  }

  remove(request: Request): void {
    if (request.queueLink !== undefined) this.#chain.remove(request.queueLink);
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
