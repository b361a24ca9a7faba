import { Chain, Link } from './chain.ts';

/** While requests of several levels wait, one in so many goes to a lower one. */
const LOWER_TURN = 16;

/** What decides the place of something that waits. */
export interface Placed {
  /** An integer of a small range; higher goes first. */
  readonly priority: number;
  /** Whatever has the same key shares its turns; what has none shares those of one more key. */
  readonly fairnessKey: string | undefined;
  readonly acceptedAt: number;
}

/** What waits of one key. */
class Lane<T> {
  readonly waiting = new Chain<T>();
  readonly turn: Link<Lane<T>> = new Link(this);
  constructor(readonly key: string | undefined) {}
}

/** What waits of one priority. Its keys take turns, one request each, so that a key that floods the queue delays another by no more than its share. */
class Level<T extends Placed> {
  readonly #keyless = new Lane<T>(undefined);
  readonly #keyed = new Map<string, Lane<T>>();
  /** Lanes with something in them, the next to be served first. Empty while no key waits: the turns of one lane would be work for nothing. */
  readonly #turns = new Chain<Lane<T>>();
  #withKey = 0;

  constructor(readonly priority: number) {}

  get size(): number {
    return this.#keyless.waiting.size + this.#withKey;
  }

  /** What waits without a key. May be changed from outside while no key waits. */
  get keyless(): Chain<T> {
    return this.#keyless.waiting;
  }

  /** Since when the one waits that is next; undefined when none does. */
  get headSince(): number | undefined {
    return (this.#turns.first ?? this.#keyless).waiting.first?.acceptedAt;
  }

  get lanes(): number {
    return this.#keyed.size + (this.#keyless.waiting.size > 0 ? 1 : 0);
  }

  push(link: Link<T>): void {
    this.#enter(link.owner.fairnessKey).waiting.push(link);
  }

  unshift(link: Link<T>): void {
    const lane = this.#enter(link.owner.fairnessKey);
    lane.waiting.unshift(link);
    if (this.#keyed.size === 0) return;
    this.#turns.remove(lane.turn);
    this.#turns.unshift(lane.turn);
  }

  shift(): T | undefined {
    const lane = this.#turns.size === 0 ? this.#keyless : (this.#turns.rotate() as Lane<T>);
    const item = lane.waiting.shift();
    if (item !== undefined) this.#left(lane);
    return item;
  }

  /** Whether it was here. */
  remove(link: Link<T>): boolean {
    const lane = this.#lane(link.owner.fairnessKey);
    if (lane === undefined || link.chain !== lane.waiting) return false;
    lane.waiting.remove(link);
    this.#left(lane);
    return true;
  }

  countOf(key: string | undefined): number {
    return this.#lane(key)?.waiting.size ?? 0;
  }

  #lane(key: string | undefined): Lane<T> | undefined {
    return key === undefined ? this.#keyless : this.#keyed.get(key);
  }

  /** The lane of a key for one more, with the last turn unless it has one already. */
  #enter(key: string | undefined): Lane<T> {
    if (key !== undefined) this.#withKey++;
    else if (this.#keyed.size === 0) return this.#keyless;
    let lane = this.#lane(key);
    if (lane === undefined) {
      if (this.#keyed.size === 0 && this.#keyless.waiting.size > 0) this.#turns.push(this.#keyless.turn);
      lane = new Lane<T>(key);
      this.#keyed.set(key as string, lane);
    }
    if (lane.turn.chain === undefined) this.#turns.push(lane.turn);
    return lane;
  }

  /** Something left a lane. What is empty is forgotten: there may be as many keys as tenants. */
  #left(lane: Lane<T>): void {
    if (lane.key !== undefined) this.#withKey--;
    if (lane.waiting.size > 0) return;
    this.#turns.remove(lane.turn);
    if (lane.key === undefined) return;
    this.#keyed.delete(lane.key);
    if (this.#keyed.size === 0) this.#turns.remove(this.#keyless.turn);
  }
}

/**
 * An ordered queue with priorities and with fairness between keys. All is O(1), given that the priorities are few.
 *
 * - A higher level goes first, except that every 16th request taken while several levels wait is of a lower one: of their heads, the one that has waited
 *   longest. So a lower level is slowed to a sixteenth of the rate but never starved.
 * - Within a level keys take turns, one request each. With k keys waiting, at most k − 1 requests are served between two of one key, however many another has
 *   queued. A key that comes anew gets the last turn.
 * - Within a key the order is first in, first out.
 *
 * While all that waits has the normal priority and no key, it is a {@link Chain} and nothing more: most pools never see anything else, and every request of a
 * busy pool passes here.
 */
export class FairQueue<T extends Placed> {
  readonly #normal = new Level<T>(0);
  readonly #plain = this.#normal.keyless;
  /** How much of what waits has a priority or a key. */
  #special = 0;
  /** Highest first; the normal level always, others while something waits in them. */
  readonly #levels: Level<T>[] = [this.#normal];
  #passedOver = 0;

  get size(): number {
    return this.#plain.size + this.#special;
  }

  /** Since when the one waits that has waited longest among the next of each level; undefined when none does. */
  get headSince(): number | undefined {
    if (this.size === 0) return undefined;
    return Math.min(...this.#levels.map(since));
  }

  /** Lanes in use: one for each key of each level with something waiting. */
  get lanes(): number {
    return this.#levels.reduce((sum, level) => sum + level.lanes, 0);
  }

  /** Levels in use, the normal one always among them. */
  get levels(): number {
    return this.#levels.length;
  }

  /** How much of a key waits, in all levels. */
  countOf(key: string | undefined): number {
    return this.#levels.reduce((sum, level) => sum + level.countOf(key), 0);
  }

  push(link: Link<T>): void {
    if (this.#special === 0 && isPlain(link.owner)) this.#plain.push(link);
    else this.#enter(link.owner).push(link);
  }

  /** Puts something before all else of its key and gives the key the next turn in its level. */
  unshift(link: Link<T>): void {
    this.#enter(link.owner).unshift(link);
  }

  shift(): T | undefined {
    if (this.#special === 0) return this.#plain.shift();
    const level = this.#next();
    const item = level.shift() as T;
    this.#left(level, item);
    return item;
  }

  /** Takes out what waits anywhere in it; does nothing when it does not wait here. */
  remove(link: Link<T>): void {
    if (this.#special === 0) this.#plain.remove(link);
    else if (link.chain !== undefined) {
      const level = this.#find(link.owner.priority);
      if (level?.remove(link)) this.#left(level, link.owner);
    }
  }

  /** The level whose turn it is. Something waits. */
  #next(): Level<T> {
    let top: Level<T> | undefined;
    let lower: Level<T> | undefined;
    for (const level of this.#levels) {
      if (level.size === 0) continue;
      if (top === undefined) top = level;
      else if (lower === undefined || since(level) < since(lower)) lower = level;
    }
    if (lower === undefined || ++this.#passedOver < LOWER_TURN) return top as Level<T>;
    this.#passedOver = 0;
    return lower;
  }

  #find(priority: number): Level<T> | undefined {
    return this.#levels.find((level) => level.priority === priority);
  }

  /** The level for one more. */
  #enter(item: T): Level<T> {
    if (!isPlain(item)) this.#special++;
    const found = this.#find(item.priority);
    if (found !== undefined) return found;
    const level = new Level<T>(item.priority);
    const at = this.#levels.findIndex((other) => other.priority < item.priority);
    this.#levels.splice(at < 0 ? this.#levels.length : at, 0, level);
    return level;
  }

  #left(level: Level<T>, item: T): void {
    if (!isPlain(item)) this.#special--;
    if (level.size === 0 && level !== this.#normal) this.#levels.splice(this.#levels.indexOf(level), 1);
  }
}

const isPlain = (item: Placed): boolean => item.priority === 0 && item.fairnessKey === undefined;

const since = ({ headSince }: { headSince: number | undefined }): number =>
  headSince ?? Number.POSITIVE_INFINITY;
