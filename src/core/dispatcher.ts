import { after, monotonic, type Timer } from '../events/index.ts';
import { Chain } from './chain.ts';
import type { RequestQueue } from './queue.ts';
import type { Request } from './request.ts';
import type { Worker } from './worker.ts';

/** How often a busy worker that holds unstarted requests is looked at: they must not wait behind a slow one while others are free. */
const REBALANCE_MS = 5;

/**
 * Brings requests and workers together in O(1).
 *
 * A worker with a free slot gets a request at once, of several the one that runs least. Where none is free, workers whose requests have been short get a few ahead of time, so that
 * they need not wait for the next one to travel; what they have not begun can be called back.
 */
export class Dispatcher {
  /** Workers with a free slot, by how many requests they run: more than one row only where workers run several at a time. */
  readonly #free: Chain<Worker>[] = [new Chain<Worker>()];
  #freeWorkers = 0;
  readonly #feedable = new Chain<Worker>();
  readonly #queue: RequestQueue;
  readonly #workers: () => Iterable<Worker>;
  readonly #send: (worker: Worker, request: Request, now: number) => void;
  readonly #waitingFor: (worker: Worker) => Request | undefined;
  #rebalance: Timer | undefined;

  /**
   * @param send - sends a request, or settles it when it cannot be sent
   * @param waitingFor - takes out the next request that only this worker may have
   */
  constructor(
    queue: RequestQueue,
    workers: () => Iterable<Worker>,
    send: (worker: Worker, request: Request, now: number) => void,
    waitingFor: (worker: Worker) => Request | undefined,
  ) {
    this.#queue = queue;
    this.#workers = workers;
    this.#send = send;
    this.#waitingFor = waitingFor;
  }

  /** Workers with a free slot. */
  get freeWorkers(): number {
    return this.#freeWorkers;
  }

  /** Hands a new request to a worker, or queues it behind those that wait already. */
  dispatch(request: Request, now = request.acceptedAt): void {
    const worker = this.#queue.empty ? this.#take(now) : undefined;
    if (worker === undefined) this.#queue.push(request);
    else this.assign(worker, request, now);
  }

  /** Puts a worker among the free, the feedable, or neither, after anything about it changed. */
  place(worker: Worker): void {
    this.#placeFree(worker);
    if (!worker.feedable) this.#feedable.remove(worker.feedLink);
    else if (worker.feedLink.chain === undefined) this.#feedable.push(worker.feedLink);
  }

  /** Gives a worker what it has room for. */
  fill(worker: Worker): void {
    while (worker.hasFreeSlot) {
      const request = this.#waitingFor(worker);
      if (request === undefined) break;
      this.assign(worker, request, monotonic());
    }
    while (!this.#queue.empty && (worker.hasFreeSlot || (this.#freeWorkers === 0 && worker.feedable))) {
      // A stamp of its own: what was settled before it must not count as the encoding of this one.
      this.assign(worker, this.#queue.shift() as Request, monotonic());
    }
    this.place(worker);
  }

  /** Takes requests back that a worker did not begin; they go before all others. */
  takeBack(requests: readonly Request[]): void {
    this.#queue.putBack(requests);
    for (
      let worker = this.#least?.first;
      worker !== undefined && !this.#queue.empty;
      worker = this.#least?.first
    ) {
      this.fill(worker);
    }
  }

  stop(): void {
    this.#rebalance?.stop();
  }

  /** Those with a free slot that run least. */
  get #least(): Chain<Worker> | undefined {
    return this.#freeWorkers === 0 ? undefined : this.#free.find((row) => row.size > 0);
  }

  #placeFree(worker: Worker): void {
    const link = worker.freeLink;
    const row = worker.hasFreeSlot ? this.#row(worker.load.running) : undefined;
    if (link.chain === row) return;
    if (link.chain === undefined) this.#freeWorkers++;
    else link.chain.remove(link);
    if (row === undefined) this.#freeWorkers--;
    else row.push(link);
  }

  #row(running: number): Chain<Worker> {
    while (this.#free.length <= running) this.#free.push(new Chain<Worker>());
    return this.#free[running] as Chain<Worker>;
  }

  #take(now: number): Worker | undefined {
    const free = this.#least?.rotate();
    if (free !== undefined) return free;
    const feedable = this.#feedable.rotate();
    if (feedable === undefined || !feedable.load.stalled(now)) return feedable;
    // What it runs turned out slow; it is placed anew with its next answer.
    this.#feedable.remove(feedable.feedLink);
    return undefined;
  }

  /** Hands a request to a worker, which must have room for it. */
  assign(worker: Worker, request: Request, now: number): void {
    this.#send(worker, request, now);
    this.place(worker);
    if (worker.load.parked > 0) this.#watch();
  }

  #watch(): void {
    this.#rebalance ??= after(REBALANCE_MS, () => this.#recallStranded());
  }

  #recallStranded(): void {
    this.#rebalance = undefined;
    const now = monotonic();
    for (const worker of this.#workers()) {
      if (worker.load.parked === 0) continue;
      this.#watch();
      if (this.#freeWorkers > 0 && worker.load.stalled(now)) worker.recall();
    }
  }
}
