import { after, monotonic, type Timer } from '../events/index.ts';
import { Chain, type Link } from './chain.ts';

/** Something that is due at a time of the monotonic clock, after a wait that many others share. */
export interface Due {
  readonly dueAt: number;
  readonly waitMs: number;
  readonly dueLink: Link<this>;
}

interface Lane<T> {
  readonly waitMs: number;
  readonly chain: Chain<T>;
  timer: Timer | undefined;
}

/**
 * Deadlines in O(1). Items that wait equally long become due in the order they came, so each such wait is a list with one timer
 * for its head: a timer for each request would cost more than the request's own bookkeeping.
 */
export class Deadlines<T extends Due> {
  readonly #lanes = new Map<number, Lane<T>>();
  readonly #onDue: (item: T) => void;

  constructor(onDue: (item: T) => void) {
    this.#onDue = onDue;
  }

  add(item: T): void {
    let lane = this.#lanes.get(item.waitMs);
    if (lane === undefined) {
      lane = { waitMs: item.waitMs, chain: new Chain(), timer: undefined };
      this.#lanes.set(item.waitMs, lane);
    }
    lane.chain.push(item.dueLink as Link<T>);
    if (lane.timer === undefined) this.#arm(lane, item.waitMs);
  }

  remove(item: T): void {
    (item.dueLink as Link<T>).chain?.remove(item.dueLink as Link<T>);
  }

  /** Forgets everything. */
  clear(): void {
    for (const lane of this.#lanes.values()) lane.timer?.stop();
    this.#lanes.clear();
  }

  #arm(lane: Lane<T>, afterMs: number): void {
    // Timers fire up to 1 ms early against performance.now(); the item would be looked at twice.
    lane.timer = after(Math.max(1, Math.ceil(afterMs)), () => this.#sweep(lane));
  }

  #sweep(lane: Lane<T>): void {
    // The timer stays noted until the end: what is due may come back into this very lane, and must not arm it a second time.
    const now = monotonic();
    let item = lane.chain.first;
    while (item !== undefined && item.dueAt <= now) {
      lane.chain.remove(item.dueLink as Link<T>);
      this.#onDue(item);
      item = lane.chain.first;
    }
    if (item !== undefined) this.#arm(lane, item.dueAt - now);
    // A caller may choose any wait; empty lanes must not pile up.
    else this.#lanes.delete(lane.waitMs);
  }
}
