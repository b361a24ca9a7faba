import type { EventBus, EventHandle } from '../../events/index.ts';
import { Chain, Link } from '../chain.ts';
import type { Request } from '../request.ts';
import type { Worker } from '../worker.ts';

/**
 * How firmly a session stays with the worker that has served it. `hint`: that worker if it is free, else any. `strict_queue`: that worker alone; its requests wait for it.
 * `strict_fail_fast`: that worker alone, and a request that finds it busy is refused.
 */
export type AffinityMode = 'hint' | 'strict_queue' | 'strict_fail_fast';

/** Why a session is no longer with its worker. */
export type BrokenReason = 'recycled' | 'died' | 'forgotten';

/** Where a session is. */
type Place =
  | { readonly kind: 'held'; readonly worker: Worker }
  /** Its worker is gone and has left this for the next one. */
  | { readonly kind: 'moved'; readonly state: State }
  /** Its worker is gone and what it held in memory with it; the next request hears so, once. */
  | { readonly kind: 'lost'; readonly workerId: string };

/** What a worker leaves of a session for the next one. */
export interface State {
  readonly value: unknown;
  readonly tagged: boolean;
}

/** Where a request of a session is to go. */
export type Course =
  | { readonly kind: 'any' }
  | { readonly kind: 'worker'; readonly worker: Worker }
  | { readonly kind: 'wait'; readonly worker: Worker }
  | { readonly kind: 'busy' | 'unavailable'; readonly workerId: string };

const ANY: Course = { kind: 'any' };

/** What an affinity is made from. */
export interface AffinityInit {
  readonly poolName: string;
  readonly mode: () => AffinityMode;
  /** Sessions remembered at most; the one used longest ago is forgotten first. */
  readonly max: () => number;
  readonly bus: EventBus;
  /** Where requests that wait for their worker count: they are queued like any other. */
  readonly parked: { count: number };
}

/** Which worker of a pool has which session, and who waits for a worker of his own. */
export class Affinity {
  readonly #init: AffinityInit;
  /** Ordered by last use. */
  readonly #places = new Map<string, Place>();
  readonly #heldBy = new Map<Worker, Set<string>>();
  readonly #waiting = new Map<Worker, Chain<Request>>();
  readonly #assigned: EventHandle<'snakepit.session.affinity_assigned'>;
  readonly #broken: EventHandle<'snakepit.session.affinity_broken'>;

  constructor(init: AffinityInit) {
    this.#init = init;
    this.#assigned = init.bus.event('snakepit.session.affinity_assigned');
    this.#broken = init.bus.event('snakepit.session.affinity_broken');
  }

  /** Sessions that have a worker. */
  get size(): number {
    return this.#places.size;
  }

  get #strict(): boolean {
    return this.#init.mode() !== 'hint';
  }

  /** Where a request goes. A loss is told to one request; after it the session begins anew. */
  course(sessionId: string): Course {
    const place = this.#places.get(sessionId);
    if (place === undefined || place.kind === 'moved') return ANY;
    if (place.kind === 'lost') {
      this.#places.delete(sessionId);
      return this.#strict ? { kind: 'unavailable', workerId: place.workerId } : ANY;
    }
    const { worker } = place;
    if (worker.hasFreeSlot) return { kind: 'worker', worker };
    const mode = this.#init.mode();
    if (mode === 'hint') return ANY;
    if (mode === 'strict_queue') return { kind: 'wait', worker };
    return { kind: worker.serving ? 'busy' : 'unavailable', workerId: worker.id };
  }

  /** Whether a worker may have a request of a session. */
  admits(worker: Worker, sessionId: string): boolean {
    if (!this.#strict) return true;
    const place = this.#places.get(sessionId);
    return (
      place === undefined || place.kind === 'moved' || (place.kind === 'held' && place.worker === worker)
    );
  }

  /** A worker is about to get a request of a session: it is its worker from here on, unless another is. Returns what it must be given of it. */
  taken(worker: Worker, request: Request): State | undefined {
    const { id } = request.session as NonNullable<Request['session']>;
    const place = this.#places.get(id);
    this.#places.delete(id);
    if (place?.kind === 'held') {
      this.#places.set(id, place);
      return undefined;
    }
    this.#hold(id, worker);
    const moved = place?.kind === 'moved';
    this.#assigned.emit(
      {},
      {
        pool_name: this.#init.poolName,
        session_id: id,
        worker_id: worker.id,
        worker_slot: worker.slot,
        restored: moved,
      },
    );
    return moved ? place.state : undefined;
  }

  /** A request waits for its worker. */
  wait(worker: Worker, request: Request): void {
    let chain = this.#waiting.get(worker);
    if (chain === undefined) {
      chain = new Chain();
      this.#waiting.set(worker, chain);
    }
    request.phase = 'queued';
    request.pinLink ??= new Link(request);
    chain.push(request.pinLink);
    this.#init.parked.count++;
  }

  /** The next request that waits for a worker, taken out. */
  next(worker: Worker): Request | undefined {
    if (this.#waiting.size === 0) return undefined;
    const chain = this.#waiting.get(worker);
    const request = chain?.shift();
    if (request !== undefined) this.#init.parked.count--;
    if (chain?.size === 0) this.#waiting.delete(worker);
    return request;
  }

  /** A request waits no longer. */
  leave(request: Request): void {
    const link = request.pinLink;
    if (link?.chain === undefined) return;
    link.chain.remove(link);
    this.#init.parked.count--;
  }

  /** Takes out all that waits. */
  leaveAll(): Request[] {
    return [...this.#waiting.keys()].flatMap((worker) => this.#takeAll(worker));
  }

  /** The sessions that a worker has. */
  of(worker: Worker): readonly string[] {
    return [...(this.#heldBy.get(worker) ?? [])];
  }

  /**
   * A worker has ended.
   *
   * @param states - what it has left, by session
   * @returns the requests that waited for it
   */
  ended(worker: Worker, reason: BrokenReason, states: ReadonlyMap<string, State> = new Map()): Request[] {
    for (const id of this.#heldBy.get(worker) ?? []) {
      const state = states.get(id);
      if (state !== undefined) this.#places.set(id, { kind: 'moved', state });
      else if (this.#strict) this.#places.set(id, { kind: 'lost', workerId: worker.id });
      else this.#places.delete(id);
      this.#tellBroken(id, worker, reason, state !== undefined);
    }
    this.#heldBy.delete(worker);
    return this.#takeAll(worker);
  }

  /** A session has ended: nothing is known of it any more. */
  forget(sessionId: string): void {
    const place = this.#places.get(sessionId);
    if (place === undefined) return;
    this.#places.delete(sessionId);
    if (place.kind === 'held') this.#heldBy.get(place.worker)?.delete(sessionId);
  }

  #takeAll(worker: Worker): Request[] {
    const all: Request[] = [];
    for (let next = this.next(worker); next !== undefined; next = this.next(worker)) all.push(next);
    return all;
  }

  #hold(id: string, worker: Worker): void {
    if (this.#places.size >= this.#init.max()) this.#forgetOldest();
    this.#places.set(id, { kind: 'held', worker });
    const held = this.#heldBy.get(worker);
    if (held === undefined) this.#heldBy.set(worker, new Set([id]));
    else held.add(id);
  }

  #forgetOldest(): void {
    for (const [id, place] of this.#places) {
      this.forget(id);
      if (place.kind === 'held') this.#tellBroken(id, place.worker, 'forgotten', false);
      return;
    }
  }

  #tellBroken(session_id: string, worker: Worker, reason: BrokenReason, moved: boolean): void {
    this.#broken.emit(
      {},
      {
        pool_name: this.#init.poolName,
        session_id,
        worker_id: worker.id,
        worker_slot: worker.slot,
        reason,
        moved,
      },
    );
  }
}
