import type { Request } from './request.ts';

/** Requests that take longer than this are not worth queueing behind one another. */
const SHORT_MS = 1;
/** Weight of the newest service time in the running mean. */
const ALPHA = 1 / 8;

/** How much one worker may hold. */
export interface WorkloadLimits {
  /** Requests that run at a time. */
  readonly concurrency: number;
  /** Requests it may hold unbegun. */
  readonly maxPrefetch: number;
  /** Unbegun requests of all workers of the pool together; each worker keeps its share up to date. */
  readonly parked: { count: number };
}

/**
 * The requests one worker holds: some run, a few may wait behind them. A worker begins them in the order in which they came, so
 * what runs can be told without asking.
 */
export class Workload {
  /** Requests it has finished. */
  finished = 0;
  running = 0;
  readonly #limits: WorkloadLimits;
  readonly #began: (request: Request) => void;
  readonly #open = new Map<number, Request>();
  readonly #unbegun: Request[] = [];
  #lastWireId = 0;
  #busySince = 0;
  #busyMs = 0;
  #slotBusyMs = 0;
  #meanMs = Number.POSITIVE_INFINITY;

  /** @param began - told when a request gets a slot */
  constructor(limits: WorkloadLimits, began: (request: Request) => void) {
    this.#limits = limits;
    this.#began = began;
  }

  get full(): boolean {
    return this.running >= this.#limits.concurrency;
  }

  /** Requests it holds unbegun. */
  get parked(): number {
    return this.#unbegun.length;
  }

  /** Whether one more unbegun request would get its turn soon: about a millisecond of work may wait. */
  get feedable(): boolean {
    return this.#unbegun.length < Math.min(this.#limits.maxPrefetch, Math.floor(SHORT_MS / this.#meanMs));
  }

  /** Whether the oldest request takes longer than is worth waiting behind. */
  stalled(now: number): boolean {
    for (const request of this.#open.values()) return now - request.startedAt > SHORT_MS;
    return false;
  }

  /** What it holds, oldest first; those already settled among them are still in Python's hands. */
  get open(): IterableIterator<Request> {
    return this.#open.values();
  }

  get unbegunIds(): number[] {
    return this.#unbegun.map((request) => request.wireId);
  }

  byId(id: number): Request | undefined {
    return this.#open.get(id);
  }

  /** The id the next request gets on the wire: 1 … 2^32 − 1, then 1 again. */
  nextId(): number {
    return this.#lastWireId === 0xffffffff ? 1 : this.#lastWireId + 1;
  }

  /** Takes a request that was sent under {@link nextId}. */
  add(request: Request, now: number): void {
    const id = this.nextId();
    this.#lastWireId = id;
    request.wireId = id;
    request.startedAt = 0;
    this.#open.set(id, request);
    if (!this.full) this.#begin(request, now);
    else {
      request.phase = 'assigned';
      this.#unbegun.push(request);
      this.#limits.parked.count++;
    }
  }

  /** A request has left Python, whether or not its caller still waits. */
  finish(request: Request, pythonMs: number, now: number): void {
    this.#open.delete(request.wireId);
    this.finished++;
    // One that was cancelled before it began had no slot.
    if (request.startedAt === 0 && this.#unpark(request)) return;
    this.#meanMs =
      this.#meanMs === Number.POSITIVE_INFINITY ? pythonMs : this.#meanMs + (pythonMs - this.#meanMs) * ALPHA;
    this.#slotBusyMs += now - request.startedAt;
    if (--this.running === 0) this.#busyMs += now - this.#busySince;
  }

  /** Gives free slots to what waits here. */
  advance(now: number): void {
    while (this.#unbegun.length > 0 && !this.full) {
      this.#limits.parked.count--;
      this.#begin(this.#unbegun.shift() as Request, now);
    }
  }

  /** Takes out those of the ids that have not begun; returns the ones whose callers still wait. */
  takeUnbegun(ids: readonly number[]): Request[] {
    const back: Request[] = [];
    for (const id of ids) {
      const request = this.#open.get(id);
      if (request === undefined || !this.#unpark(request)) continue;
      this.#open.delete(id);
      if (request.phase !== 'settled') back.push(request);
    }
    return back;
  }

  /**
   * Takes everything out of a dead worker, without what is settled already: what may have begun, and what certainly has not.
   *
   * @param lastBegun - the last request begun in each slot, as the process itself noted it; 0 for none
   */
  takeAll(lastBegun: readonly number[]): { begun: Request[]; untouched: Request[] } {
    const begun: Request[] = [];
    const untouched: Request[] = [];
    for (const request of this.#open.values()) {
      if (request.phase === 'settled') continue;
      // What is told from here may be wrong both ways: an answer may have been lost while Python had gone on, or a free slot filled that Python never came to.
      // Its own word decides.
      const reached = lastBegun.some((last) => last !== 0 && ((request.wireId - last) | 0) <= 0);
      const noWord = lastBegun.length === 0 && request.phase === 'running';
      if (reached || noWord) begun.push(request);
      else untouched.push(this.#unbegin(request));
    }
    this.#open.clear();
    this.#limits.parked.count -= this.#unbegun.length;
    this.#unbegun.length = 0;
    return { begun, untouched };
  }

  /** Time with at least one request running. */
  busyMs(now: number): number {
    return this.#busyMs + (this.running > 0 ? now - this.#busySince : 0);
  }

  /** Time of each request running, added up. */
  slotBusyMs(now: number): number {
    let total = this.#slotBusyMs;
    for (const request of this.#open.values()) if (request.startedAt > 0) total += now - request.startedAt;
    return total;
  }

  #begin(request: Request, now: number): void {
    if (this.running++ === 0) this.#busySince = now;
    request.startedAt = now;
    if (request.phase === 'settled') return;
    request.phase = 'running';
    request.attempts++;
    this.#began(request);
  }

  /** It never got there: what was counted for it is taken back. */
  #unbegin(request: Request): Request {
    if (request.phase === 'running') request.attempts--;
    request.startedAt = 0;
    return request;
  }

  /** Takes a request out of the unbegun ones; false when it is not among them. */
  #unpark(request: Request): boolean {
    const at = this.#unbegun.indexOf(request);
    if (at < 0) return false;
    this.#unbegun.splice(at, 1);
    this.#limits.parked.count--;
    return true;
  }
}
