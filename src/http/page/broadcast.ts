import { every, monotonic, type Timer } from '../../events/index.ts';
import { Audience, type Viewer } from './audience.ts';
import { type Topic, topics } from './frames.ts';

/** A frame that could be sent: without what makes it news, undefined where there is none. */
export interface Draft {
  /** Same as before: nothing has happened. */
  readonly short: string;
  /** The JSON of the frame. */
  json(): string;
}

/** Makes the frames of each topic. */
export type Producers = Readonly<Record<Topic, () => Draft | undefined>>;

export interface BroadcastInit {
  readonly producers: Producers;
  /** Tells the ids of this instance from those of others. */
  readonly mark: string;
  readonly maxViewers: number;
  /** Looks for fake secrets in what leaves. */
  readonly inspect?: ((text: string) => void) | undefined;
}

/** Who passes frames on to others, e.g. to a thread. */
export interface Relay {
  frame(topic: Topic, bytes: Uint8Array): void;
  end(bytes: Uint8Array): void;
}

/** A viewer whose body a relay may serve in its place. */
export interface Ticket {
  readonly topics: readonly Topic[];
  /**
   * Hands it over: frames go to the relay from now on, once each however many it serves.
   *
   * @returns what it is to get first
   */
  handOver(relay: Relay): Uint8Array;
  /** It looks no more, e.g. since it has gone. */
  leave(): void;
  /** Resolves when it looks no more, for whatever reason. */
  readonly left: Promise<void>;
}

/** How often something may be sent, and how often it is if nothing happens. Milliseconds. */
const rhythms: Readonly<Record<Topic, { readonly everyMs: number; readonly atLeastMs: number }>> = {
  now: { everyMs: 250, atLeastMs: 1000 },
  workers: { everyMs: 500, atLeastMs: 1000 },
  slice: { everyMs: 250, atLeastMs: Number.POSITIVE_INFINITY },
};
const TICK_MS = 250;
/** A tick may come a little early. */
const SLACK_MS = 20;
const RETRY_MS = 1000;

const encoder = new TextEncoder();

interface Last {
  readonly at: number;
  readonly short: string;
  readonly bytes: Uint8Array;
}

/** By the body of the answer: it stays the same however often the answer around it is made anew. */
const tickets = new WeakMap<object, Ticket>();

/** Whether a body is that of a viewer. */
export const ticketOf = (body: ReadableStream<Uint8Array> | null): Ticket | undefined =>
  body === null ? undefined : tickets.get(body);

/**
 * Frames for those who look: each is made once, at its pace, and only while somebody looks; all get the same bytes.
 */
export class Broadcast {
  readonly #init: BroadcastInit;
  readonly #here = new Audience();
  /** With whom they serve. */
  readonly #relays = new Map<Relay, Set<Viewer>>();
  readonly #wanted = new Map<Topic, number>();
  readonly #last = new Map<Topic, Last>();
  #viewers = 0;
  #seq = 0;
  #ticking: Timer | undefined;
  #ended = false;

  constructor(init: BroadcastInit) {
    this.#init = init;
  }

  get maxViewers(): number {
    return this.#init.maxViewers;
  }

  get viewers(): number {
    return this.#viewers;
  }

  /** Lets somebody look: the body of its answer, or why not. */
  watch(wanted: readonly Topic[]): Viewer | 'full' | 'ended' {
    if (this.#ended) return 'ended';
    if (this.#viewers >= this.#init.maxViewers) return 'full';
    this.#enter(wanted);
    const first = this.#first(wanted);
    let tell = () => {};
    const left = new Promise<void>((resolve) => {
      tell = resolve;
    });
    const viewer: Viewer = this.#here.add(wanted, () => {
      this.#release(viewer);
      this.#leave(wanted);
      tell();
    });
    viewer.begin(first);
    tickets.set(viewer.stream, {
      topics: wanted,
      handOver: (relay) => {
        this.#here.release(viewer);
        const served = this.#relays.get(relay) ?? new Set();
        this.#relays.set(relay, served.add(viewer));
        return viewer.handOver();
      },
      leave: () => viewer.close(),
      left,
    });
    return viewer;
  }

  /** Sends all their last words. Nobody may look any more. */
  end(): void {
    if (this.#ended) return;
    this.#ended = true;
    this.#ticking?.stop();
    const bytes = encoder.encode(this.#write('bye', JSON.stringify({ reason: 'shutdown' })));
    this.#here.end(bytes);
    for (const [relay, served] of this.#relays) {
      relay.end(bytes);
      for (const viewer of served) viewer.close();
    }
  }

  #enter(wanted: readonly Topic[]): void {
    this.#viewers++;
    for (const topic of wanted) this.#wanted.set(topic, (this.#wanted.get(topic) ?? 0) + 1);
    this.#ticking ??= every(TICK_MS, () => this.#tick());
  }

  #leave(wanted: readonly Topic[]): void {
    this.#viewers--;
    for (const topic of wanted) this.#wanted.set(topic, (this.#wanted.get(topic) ?? 0) - 1);
    if (this.#viewers > 0) return;
    this.#ticking?.stop();
    this.#ticking = undefined;
    this.#last.clear();
  }

  #release(viewer: Viewer): void {
    for (const [relay, served] of this.#relays)
      if (served.delete(viewer) && served.size === 0) this.#relays.delete(relay);
  }

  #first(wanted: readonly Topic[]): Uint8Array {
    const parts = wanted.map((topic) => this.#current(topic)).filter((part) => part !== undefined);
    return Buffer.concat([encoder.encode(`retry: ${RETRY_MS}\n\n`), ...parts]);
  }

  /** The frame of now: that of the others, if there is a young one. */
  #current(topic: Topic): Uint8Array | undefined {
    const last = this.#last.get(topic);
    const isYoung = last !== undefined && monotonic() - last.at < rhythms[topic].everyMs;
    return isYoung ? last.bytes : (this.#make(topic) ?? last?.bytes);
  }

  #tick(): void {
    for (const topic of topics) {
      if ((this.#wanted.get(topic) ?? 0) === 0) continue;
      const last = this.#last.get(topic);
      if (last !== undefined && monotonic() - last.at < rhythms[topic].everyMs - SLACK_MS) continue;
      this.#make(topic);
    }
  }

  /** Makes a frame and sends it to all who want it, unless it says nothing new. */
  #make(topic: Topic): Uint8Array | undefined {
    const { producers, inspect } = this.#init;
    const at = monotonic();
    const last = this.#last.get(topic);
    const draft = draftOf(producers[topic]);
    if (draft === undefined) return undefined;
    const isDue = last === undefined || at - last.at >= rhythms[topic].atLeastMs - SLACK_MS;
    if (!isDue && draft.short === last.short) return undefined;
    const json = draft.json();
    inspect?.(json);
    const bytes = encoder.encode(this.#write(topic, json));
    this.#last.set(topic, { at, short: draft.short, bytes });
    this.#here.frame(topic, bytes);
    for (const relay of this.#relays.keys()) relay.frame(topic, bytes);
    return bytes;
  }

  #write(name: string, json: string): string {
    return `id: ${this.#init.mark}-${++this.#seq}\nevent: ${name}\ndata: ${json}\n\n`;
  }
}

/** A core that cannot say has no frame; the next is tried again. */
const draftOf = (produce: () => Draft | undefined): Draft | undefined => {
  try {
    return produce();
  } catch {
    return undefined;
  }
};
