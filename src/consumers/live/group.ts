import type { Entry } from './entry.ts';
import type { Matcher } from './filter.ts';
import type { Frames } from './frames.ts';

/** Events that are not sent. */
export interface Lost {
  /** Of the last of them. */
  readonly seq: number;
  readonly count: number;
}

type Item = Entry | Lost;
const isLost = (item: Item): item is Lost => 'count' in item;

const encoder = new TextEncoder();

/** What all viewers of a group get at once. It is written when the first of them takes it. */
export class Chunk {
  /** Up to here nothing is missing. */
  readonly seq: number;
  readonly sent: number;
  readonly dropped: number;
  /** What it takes, roughly. */
  readonly size: number;
  readonly #items: readonly Item[];
  readonly #frames: Frames;
  #bytes: Uint8Array | undefined;

  constructor(items: readonly Item[], seq: number, frames: Frames) {
    this.#items = items;
    this.#frames = frames;
    this.seq = seq;
    let [dropped, size] = [0, 0];
    for (const item of items) {
      if (isLost(item)) dropped += item.count;
      else size += item.bytes;
    }
    this.dropped = dropped;
    this.sent = items.filter((item) => !isLost(item)).length;
    this.size = size;
  }

  get matched(): number {
    return this.sent + this.dropped;
  }

  bytes(): Uint8Array {
    this.#bytes ??= encoder.encode(this.#items.map((item) => this.#write(item)).join(''));
    return this.#bytes;
  }

  #write(item: Item): string {
    return isLost(item) ? this.#frames.dropped(item.seq, item.count) : this.#frames.event(item);
  }
}

/** How many of each depth have to go, so that `excess` do: the most frequent first. */
const goingOf = (items: readonly Item[], excess: number): number[] => {
  const there = [0, 0, 0];
  for (const item of items) if (!isLost(item)) there[item.depth] = (there[item.depth] as number) + 1;
  let left = excess;
  for (const depth of [2, 1, 0]) {
    there[depth] = Math.min(left, there[depth] as number);
    left -= there[depth] as number;
  }
  return there;
};

/** Lets the oldest go until `max` are left: of those that come most often first. What goes leaves its count in its place. */
export const thin = (items: readonly Item[], max: number): readonly Item[] => {
  const excess = items.reduce((sum, item) => (isLost(item) ? sum : sum + 1), -max);
  if (excess <= 0) return items;
  const going = goingOf(items, excess);
  const left: Item[] = [];
  for (const item of items) {
    if (!isLost(item)) {
      const goes = going[item.depth] as number;
      going[item.depth] = goes - 1;
      if (goes <= 0) {
        left.push(item);
        continue;
      }
    }
    const count = isLost(item) ? item.count : 1;
    const before = left.at(-1);
    if (before === undefined || !isLost(before)) left.push({ seq: item.seq, count });
    else left[left.length - 1] = { seq: item.seq, count: before.count + count };
  }
  return left;
};

/** Viewers who want the same in the same way: it is chosen and written once for all of them. */
export class Group {
  readonly matcher: Matcher;
  readonly immediate: boolean;
  /** Told of each chunk. */
  readonly members = new Set<{ take(chunk: Chunk): void }>();
  readonly #max: number;
  readonly #frames: Frames;
  #pending: Item[] = [];
  /** Up to here everything has been handed out or was of no interest. */
  sealed: number;

  /** @param max - events in one flush */
  constructor(matcher: Matcher, immediate: boolean, init: { max: number; frames: Frames; seq: number }) {
    this.matcher = matcher;
    this.immediate = immediate;
    this.#max = init.max;
    this.#frames = init.frames;
    this.sealed = init.seq;
  }

  /** Picks its own out of what has come. */
  look(entries: readonly Entry[]): void {
    for (const entry of entries) if (this.matcher.matches(entry.event)) this.#pending.push(entry);
    // Thinning goes through all: not for each one that is too many.
    if (this.#pending.length > 2 * this.#max) this.#pending = [...thin(this.#pending, this.#max)];
  }

  /** Hands out what it has. */
  flush(seq: number): void {
    this.sealed = seq;
    if (this.#pending.length === 0) return;
    const chunk = new Chunk(thin(this.#pending, this.#max), seq, this.#frames);
    this.#pending = [];
    for (const member of this.members) member.take(chunk);
  }
}
