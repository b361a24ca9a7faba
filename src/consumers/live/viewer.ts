import type { Frames } from './frames.ts';
import type { Chunk, Group } from './group.ts';
import type { LiveViewer, ViewerCounts } from './types.ts';

/** What may wait for one viewer. */
const MAX_EVENTS = 1000;
const MAX_BYTES = 2 ** 20;

const encoder = new TextEncoder();

interface ViewerInit {
  readonly group: Group;
  readonly frames: Frames;
  /** The first frame. */
  readonly first: string;
  /** Up to here it knows all. */
  readonly seq: number;
  /** What it has to catch up on. */
  readonly replay: readonly Chunk[];
  readonly onClose: (viewer: Viewer) => void;
}

/** One viewer and what waits for it. A slow one loses the oldest, and is told how many. */
export class Viewer implements LiveViewer {
  readonly group: Group;
  readonly #frames: Frames;
  readonly #onClose: ViewerInit['onClose'];
  #first: string | undefined;
  #seq: number;
  #queue: Chunk[];
  /** Catching up does not count against the bounds: it is bounded by what is kept. */
  #replays: number;
  #events = 0;
  #bytes = 0;
  #lost = { seq: 0, count: 0 };
  #matched = 0;
  #sent = 0;
  #dropped = 0;
  #state: 'open' | 'ending' | 'closed' = 'open';
  #waiting: (() => void) | undefined;

  constructor({ group, frames, first, seq, replay, onClose }: ViewerInit) {
    this.group = group;
    this.#frames = frames;
    this.#first = first;
    this.#seq = seq;
    this.#queue = [...replay];
    this.#replays = replay.length;
    this.#onClose = onClose;
    for (const { matched } of replay) this.#matched += matched;
  }

  take(chunk: Chunk): void {
    this.#matched += chunk.matched;
    this.#queue.push(chunk);
    this.#events += chunk.sent;
    this.#bytes += chunk.size;
    while ((this.#events > MAX_EVENTS || this.#bytes > MAX_BYTES) && this.#queue.length > 1) this.#lose();
    this.#wake();
  }

  async next(): Promise<Uint8Array | undefined> {
    for (;;) {
      if (this.#state === 'closed') return undefined;
      const bytes = this.#step();
      if (bytes !== undefined) return bytes;
      await new Promise<void>((resolve) => {
        this.#waiting = resolve;
      });
    }
  }

  heartbeat(): Uint8Array {
    const quiet = this.#queue.length === 0 && this.#lost.count === 0 && this.#first === undefined;
    if (quiet) this.#seq = Math.max(this.#seq, this.group.sealed);
    return encoder.encode(this.#frames.heartbeat(this.#seq));
  }

  /** Says the last words after what waits. */
  end(): void {
    if (this.#state === 'open') this.#state = 'ending';
    this.#wake();
  }

  close(): void {
    if (this.#state === 'closed') return;
    this.#state = 'closed';
    this.#queue = [];
    this.#wake();
    this.#onClose(this);
  }

  counts(): ViewerCounts {
    const [matched, sent, dropped] = [this.#matched, this.#sent, this.#dropped];
    return { matched, sent, dropped, pending: matched - sent - dropped };
  }

  #wake(): void {
    this.#waiting?.();
    this.#waiting = undefined;
  }

  /** What can be sent now. */
  #step(): Uint8Array | undefined {
    if (this.#first !== undefined) {
      const first = encoder.encode(this.#first);
      this.#first = undefined;
      return first;
    }
    if (this.#lost.count > 0) {
      const { seq, count } = this.#lost;
      this.#lost = { seq: 0, count: 0 };
      this.#dropped += count;
      this.#seq = seq;
      return encoder.encode(this.#frames.dropped(seq, count));
    }
    const chunk = this.#queue.shift();
    if (chunk !== undefined) return this.#send(chunk);
    if (this.#state !== 'ending') return undefined;
    this.close();
    return encoder.encode(this.#frames.bye());
  }

  #send(chunk: Chunk): Uint8Array {
    this.#forget(chunk);
    this.#sent += chunk.sent;
    this.#dropped += chunk.dropped;
    this.#seq = chunk.seq;
    return chunk.bytes();
  }

  #lose(): void {
    const chunk = this.#queue.shift() as Chunk;
    this.#forget(chunk);
    this.#lost = { seq: chunk.seq, count: this.#lost.count + chunk.matched };
  }

  #forget({ sent, size }: Chunk): void {
    if (this.#replays > 0) {
      this.#replays--;
      return;
    }
    this.#events -= sent;
    this.#bytes -= size;
  }
}
