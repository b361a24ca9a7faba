import {
  after,
  type EventBus,
  type PatternLike,
  type SnakepitEvent,
  type Timer,
} from '../../events/index.ts';
import { createInstanceSanitizer, type InstanceSanitizer } from '../../sanitize/index.ts';
import { type Entry, entryOf } from './entry.ts';
import { Matcher } from './filter.ts';
import { Frames, type ResetReason, type ToldEvent } from './frames.ts';
import { Chunk, Group } from './group.ts';
import { type Depth, namesAt } from './kinds.ts';
import { Pace } from './pace.ts';
import { Ring } from './ring.ts';
import type { LiveFilter, Refused, WatchOptions } from './types.ts';
import { Viewer } from './viewer.ts';

/** What {@link LiveEvents} is made from. */
export interface LiveEventsInit {
  readonly bus: EventBus;
  /** What is handed out is sanitized with it. Default: one without options. */
  readonly sanitizer?: InstanceSanitizer | undefined;
  /** How many may look at once. Default: 100. */
  readonly maxViewers?: number | undefined;
  /** Events kept of each of three sorts: failures and what happens to pools and workers; what Python and your code say; the rest. Default: 2000. */
  readonly keep?: number | undefined;
  /** Memory those of a sort may take, roughly. Bytes, default 4 MiB. */
  readonly maxBytes?: number | undefined;
}

const MIB = 2 ** 20;
/** What is asked of the bus, by depth. */
const PATTERNS: Readonly<Record<Depth, PatternLike>> = {
  0: { patterns: namesAt(0) },
  1: { patterns: ['**'], except: namesAt(2) },
  2: { patterns: ['**'] },
};
/** Silence between two flushes. Milliseconds. */
const COALESCED_MS = 250;
const IMMEDIATE_MS = 50;
/** Events in one flush at most. */
const COALESCED_EVENTS = 50;
const IMMEDIATE_EVENTS = 50;
/** Looked at together; more at once would hold up the one who emits. */
const LOOK_EVENTS = 512;
/** How long after the last viewer has left everything is still kept, for when it comes back. */
const LINGER_MS = 60_000;
/** Events written in one go for one who catches up. */
const REPLAY_EVENTS = 100;

/**
 * The events of late, and those who look at them as they come. Registers as consumer `live`.
 *
 * It takes what somebody wants, until a minute after he has left, and else only what is rare: failures, and what happens to pools and workers. An event costs a place in a ring and a place in a list,
 * however many look. Four times a second the list is gone through, once for each different filter, and nothing is written that is not sent.
 */
export class LiveEvents {
  readonly #bus: EventBus;
  readonly #frames: Frames;
  readonly #maxViewers: number;
  /** By depth. */
  readonly #rings: Readonly<Record<Depth, Ring>>;
  readonly #groups = new Map<string, Group>();
  readonly #viewers = new Set<Viewer>();
  readonly #coalesced = new Pace(COALESCED_MS, () => this.#flush(false));
  readonly #immediate = new Pace(IMMEDIATE_MS, () => this.#flush(true));
  #immediates = 0;
  /** What no group has looked at. */
  #fresh: Entry[] = [];
  #seq = 0;
  /** How deep it is taken from now. */
  #depth: Depth = 0;
  /** Since when without a break, by depth. */
  readonly #takenSince: [number, number, number] = [0, 0, 0];
  #ended = false;
  #unregister: () => void;
  #linger: Timer | undefined;

  constructor({
    bus,
    sanitizer = createInstanceSanitizer(),
    maxViewers = 100,
    keep = 2000,
    maxBytes = 4 * MIB,
  }: LiveEventsInit) {
    this.#bus = bus;
    this.#frames = new Frames(sanitizer);
    this.#maxViewers = maxViewers;
    const ring = () => new Ring(keep, maxBytes);
    this.#rings = { 0: ring(), 1: ring(), 2: ring() };
    this.#unregister = this.#register();
  }

  /** How many look. */
  get viewers(): number {
    return this.#viewers.size;
  }

  /** How many may look at once. */
  get maxViewers(): number {
    return this.#maxViewers;
  }

  /** Events kept now, and the memory they take, roughly. */
  get kept(): { readonly events: number; readonly bytes: number } {
    const rings = Object.values(this.#rings);
    const sum = (of: 'size' | 'bytes') => rings.reduce((all, ring) => all + ring[of], 0);
    return { events: sum('size'), bytes: sum('bytes') };
  }

  /**
   * The events that are kept, newest first: what is rare always, the rest as far as somebody has looked at it.
   *
   * @param passes - which of them
   * @param limit - how many at most
   */
  recent(passes: (event: SnakepitEvent) => boolean, limit: number): ToldEvent[] {
    return Object.values(this.#rings)
      .flatMap((ring) => ring.after(0))
      .filter(({ event }) => passes(event))
      .sort((a, b) => b.seq - a.seq)
      .slice(0, limit)
      .map((entry) => this.#frames.told(entry));
  }

  /**
   * Lets somebody look.
   *
   * @returns the viewer, or why it is refused
   * @throws TypeError on a malformed pattern
   */
  watch(filter: LiveFilter = {}, options: WatchOptions = {}): Viewer | Refused {
    const matcher = new Matcher(filter);
    if (this.#ended) return 'ended';
    if (this.#viewers.size >= this.#maxViewers) return 'full';
    this.#deepen(matcher.depth);
    // What has come so far belongs to those who look already, and to what is replayed.
    this.#look();
    const group = this.#groupOf(matcher, options.immediate === true);
    const { seq, reason, entries } = this.#replay(matcher, options);
    const viewer = new Viewer({
      group,
      frames: this.#frames,
      first: reason === undefined ? this.#frames.hello(seq) : this.#frames.reset(seq, reason),
      seq,
      replay: this.#chunksOf(entries),
      onClose: (closed) => this.#closed(closed),
    });
    group.members.add(viewer);
    this.#viewers.add(viewer);
    if (group.immediate) this.#immediates++;
    this.#settle();
    return viewer;
  }

  /** Sends all viewers what there is and then away. Nobody may look any more. */
  end(): void {
    if (this.#ended) return;
    this.#flush(true);
    this.#flush(false);
    this.#ended = true;
    for (const viewer of this.#viewers) viewer.end();
    this.#stop();
  }

  /** Listens no more. */
  close(): void {
    this.end();
    for (const viewer of this.#viewers) viewer.close();
  }

  #register(): () => void {
    return this.#bus.registerConsumer(
      PATTERNS[this.#depth],
      { name: 'live', handle: (event, { weight }) => this.#handle(event, weight) },
      { delivery: 'inline' },
    );
  }

  #handle(event: SnakepitEvent, weight: number): void {
    const entry = entryOf(++this.#seq, event, weight);
    this.#rings[entry.depth].push(entry);
    if (this.#viewers.size === 0) return;
    this.#fresh.push(entry);
    if (this.#fresh.length >= LOOK_EVENTS) this.#look();
    this.#coalesced.request();
    if (this.#immediates > 0) this.#immediate.request();
  }

  #look(): void {
    if (this.#fresh.length === 0) return;
    const entries = this.#fresh;
    this.#fresh = [];
    for (const group of this.#groups.values()) group.look(entries);
  }

  #flush(immediate: boolean): void {
    this.#look();
    for (const group of this.#groups.values()) if (group.immediate === immediate) group.flush(this.#seq);
  }

  #deepen(depth: Depth): void {
    if (depth <= this.#depth) return;
    // A number of its own: who has seen all until then has missed what nobody took down.
    this.#seq++;
    for (let d = this.#depth + 1; d <= depth; d++) this.#takenSince[d] = this.#seq;
    this.#take(depth);
  }

  #take(depth: Depth): void {
    this.#depth = depth;
    this.#unregister();
    this.#unregister = this.#register();
  }

  /** What those who look need. */
  #needed(): Depth {
    let depth: Depth = 0;
    for (const { matcher } of this.#groups.values()) if (matcher.depth > depth) depth = matcher.depth;
    return depth;
  }

  /** Sees to it that what nobody needs is taken for a while yet, and then no more. */
  #settle(): void {
    if (this.#ended) return;
    if (this.#needed() === this.#depth) {
      this.#linger?.stop();
      this.#linger = undefined;
      return;
    }
    this.#linger ??= after(LINGER_MS, () => {
      this.#linger = undefined;
      const depth = this.#needed();
      for (const d of [1, 2] as const) if (d > depth) this.#rings[d].clear();
      this.#take(depth);
    });
  }

  #stop(): void {
    this.#linger?.stop();
    this.#coalesced.stop();
    this.#immediate.stop();
    this.#unregister();
  }

  #groupOf(matcher: Matcher, immediate: boolean): Group {
    const key = `${immediate ? 'i' : 'c'}${matcher.key}`;
    const known = this.#groups.get(key);
    if (known !== undefined) {
      // Others wait for these; who has just come gets them from the replay, or came after them.
      known.flush(this.#seq);
      return known;
    }
    const max = immediate ? IMMEDIATE_EVENTS : COALESCED_EVENTS;
    const group = new Group(matcher, immediate, { max, frames: this.#frames, seq: this.#seq });
    this.#groups.set(key, group);
    return group;
  }

  #closed(viewer: Viewer): void {
    const { group } = viewer;
    if (!this.#viewers.delete(viewer)) return;
    group.members.delete(viewer);
    if (group.immediate) this.#immediates--;
    if (group.members.size === 0) {
      for (const [key, known] of this.#groups) if (known === group) this.#groups.delete(key);
    }
    if (this.#viewers.size === 0) this.#fresh = [];
    this.#settle();
  }

  /** Where somebody begins, and what it gets first. */
  #replay(matcher: Matcher, { lastEventId, since }: WatchOptions) {
    const all = (seq: number) =>
      Object.values(this.#rings)
        .flatMap((ring) => ring.after(seq))
        .filter(({ event }) => matcher.matches(event))
        .sort((a, b) => a.seq - b.seq);
    if (lastEventId !== undefined) {
      const known = this.#frames.seqOf(lastEventId);
      const seq = known === undefined || known > this.#seq ? 0 : known;
      return { seq, reason: this.#gap(matcher, known), entries: all(seq) };
    }
    if (since === undefined) return { seq: this.#seq, reason: undefined, entries: [] };
    const entries = all(0).filter(({ event }) => event.metadata.timestamp >= since);
    return { seq: (entries[0]?.seq ?? this.#seq + 1) - 1, reason: undefined, entries };
  }

  /** Why not everything after an id can be replayed; undefined where it can. */
  #gap(matcher: Matcher, seq: number | undefined): ResetReason | undefined {
    if (seq === undefined || seq > this.#seq) return 'other_instance';
    for (const depth of [0, 1, 2] as const) {
      if (depth > matcher.depth) return undefined;
      if (seq < this.#rings[depth].evicted || seq < this.#takenSince[depth]) return 'too_old';
    }
    return undefined;
  }

  #chunksOf(entries: readonly Entry[]): Chunk[] {
    const chunks: Chunk[] = [];
    for (let i = 0; i < entries.length; i += REPLAY_EVENTS) {
      const part = entries.slice(i, i + REPLAY_EVENTS);
      chunks.push(new Chunk(part, (part.at(-1) as Entry).seq, this.#frames));
    }
    return chunks;
  }
}
