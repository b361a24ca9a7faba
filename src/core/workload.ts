import { monotonic } from '../events/index.ts';
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
  /** Unbegun requests of all workers of the pool together whose callers still wait; each worker keeps its share up to date. */
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
  #concurrency: number;
  #maxPrefetch: number;
  #lastWireId = 0;
  #busySince = 0;
  #busyMs = 0;
  #slotBusyMs = 0;
  #meanMs = Number.POSITIVE_INFINITY;

  /** @param began - told when a request gets a slot */
  constructor(limits: WorkloadLimits, began: (request: Request) => void) {
    this.#limits = limits;
    this.#concurrency = limits.concurrency;
    this.#maxPrefetch = limits.maxPrefetch;
    this.#began = began;
  }

  get full(): boolean {
    return this.running >= this.#concurrency;
  }

  /** The worker itself runs no more than this at a time. */
  limitTo(concurrency: number): void {
    this.#concurrency = Math.min(this.#concurrency, concurrency);
  }

  /** The worker keeps what it is given, so it gets nothing before its turn. */
  holdNoneUnbegun(): void {
    this.#maxPrefetch = 0;
  }

  /** Whether it holds nothing at all. */
  get empty(): boolean {
    return this.#open.size === 0;
  }

  /** Whether somebody waits for what it runs. What it has not begun does not count: that can run elsewhere. */
  get awaited(): boolean {
    for (const request of this.#open.values()) if (request.phase === 'running') return true;
    return false;
  }

  /** Requests it holds unbegun. */
  get parked(): number {
    return this.#unbegun.length;
  }

  /** Whether one more unbegun request would get its turn soon: about a millisecond of work may wait. */
  get feedable(): boolean {
    return this.#unbegun.length < Math.min(this.#maxPrefetch, Math.floor(SHORT_MS / this.#meanMs));
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

  /** Takes an id out of the row, for what is no request. */
  claimId(): number {
    this.#lastWireId = this.nextId();
    return this.#lastWireId;
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
    this.#vacate(request, now);
  }

  /** A request is about to be settled. One that is held unbegun waits no longer, though it may take a while until it is given back. */
  settling(request: Request): void {
    if (request.phase === 'assigned' && this.#unbegun.includes(request)) this.#limits.parked.count--;
  }

  /** Gives free slots to what waits here. */
  advance(now: number): void {
    while (this.#unbegun.length > 0 && !this.full) {
      const next = this.#unbegun.shift() as Request;
      this.#countOut(next);
      this.#begin(next, now);
    }
  }

  /**
   * Takes out what the worker has given back unbegun; returns those whose callers still wait.
   *
   * One of them may count as running here: its answer to the request before may have overtaken its word that it has given the next one back.
   */
  takeBack(ids: readonly number[], now: number): Request[] {
    const back: Request[] = [];
    for (const id of ids) {
      const request = this.#open.get(id);
      if (request === undefined) continue;
      this.#open.delete(id);
      if (!this.#unpark(request)) this.#vacate(request, now);
      if (request.phase !== 'settled') back.push(this.#unbegin(request));
    }
    return back;
  }

  /**
   * Takes everything out of a dead worker, without what is settled already: what may have begun, and what certainly has not.
   *
   * @param lastBegun - the last request begun in each slot, as the process itself noted it; 0 for none
   */
  takeAll(lastBegun: readonly number[], now = monotonic()): { begun: Request[]; untouched: Request[] } {
    const begun: Request[] = [];
    const untouched: Request[] = [];
    for (const request of this.#open.values()) {
      if (request.phase === 'settled') continue;
      // What is told from here may be wrong both ways: an answer may have been lost while Python had gone on, or a free slot filled that Python never came to.
      // Its own word decides.
      const reached = lastBegun.some((last) => last !== 0 && ((request.wireId - last) | 0) <= 0);
      // No word of what it came to, as of a worker whose link was cut: all that it held may have begun.
      const noWord = lastBegun.length === 0;
      // It was begun, though the answer that would have told so never came: that is an attempt like any other.
      if ((reached || noWord) && request.startedAt === 0) this.#begin(request, now);
      if (reached || noWord) begun.push(request);
      else untouched.push(this.#unbegin(request));
    }
    this.#open.clear();
    for (const request of this.#unbegun.splice(0)) this.#countOut(request);
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

  /** Its slot is free. */
  #vacate(request: Request, now: number): void {
    this.#slotBusyMs += now - request.startedAt;
    if (--this.running === 0) this.#busyMs += now - this.#busySince;
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
    this.#countOut(request);
    return true;
  }

  /** It is no longer held unbegun. One that is settled was counted out by {@link settling}. */
  #countOut(request: Request): void {
    if (request.phase !== 'settled') this.#limits.parked.count--;
  }
}
