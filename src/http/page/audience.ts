import type { Topic } from './frames.ts';

/** A part of the stream, for reading only: others get the very same bytes. */
type Bytes = Uint8Array;

const END = Symbol('end');

/**
 * One who looks, as a stream of frames. The latest wins: what the socket has not taken yet gives way to the next frame of its topic, so one who is slow skips
 * frames and never has more waiting than one of each.
 */
export class Viewer {
  readonly stream: ReadableStream<Uint8Array>;
  readonly topics: ReadonlySet<string>;
  /** Frames it did not get, since the next came before they could be sent. */
  skipped = 0;
  readonly #onClose: (viewer: Viewer) => void;
  /** The newest of each topic that waits, in the order in which they are sent. */
  readonly #waiting = new Map<Topic | 'first' | typeof END, Bytes>();
  #controller: ReadableStreamDefaultController<Uint8Array> | undefined;
  #isWanted = false;

  /** @param onClose - told once, when it looks no more */
  constructor(topics: Iterable<string>, onClose: (viewer: Viewer) => void) {
    this.topics = new Set(topics);
    this.#onClose = onClose;
    this.stream = new ReadableStream<Uint8Array>(
      {
        start: (controller) => {
          this.#controller = controller;
        },
        pull: () => {
          this.#isWanted = true;
          this.#send();
        },
        cancel: () => this.close(),
      },
      // Nothing waits in the stream, where it could not be taken back.
      { highWaterMark: 0 },
    );
  }

  /** What is sent before all frames. */
  begin(bytes: Bytes): void {
    this.#waiting.set('first', bytes);
    this.#send();
  }

  take(topic: Topic, bytes: Bytes): void {
    if (!this.topics.has(topic) || this.#waiting.has(END)) return;
    if (this.#waiting.has(topic)) this.skipped++;
    this.#waiting.set(topic, bytes);
    this.#send();
  }

  /** Sends its last words after what waits, and ends. */
  end(bytes: Bytes): void {
    this.#waiting.set(END, bytes);
    this.#send();
  }

  /** Everything that waits, to be sent by somebody else from now on. */
  handOver(): Bytes {
    const waiting = [...this.#waiting.values()];
    this.#waiting.clear();
    return Buffer.concat(waiting);
  }

  /** It broke off. */
  fail(): void {
    this.#controller?.error(new Error('The answer broke off.'));
    this.#closed();
  }

  /** Looks no more. */
  close(): void {
    if (this.#controller === undefined) return;
    try {
      this.#controller.close();
    } catch {
      // It was cancelled from the other side.
    }
    this.#closed();
  }

  #send(): void {
    if (!this.#isWanted || this.#controller === undefined) return;
    for (const [topic, bytes] of this.#waiting) {
      this.#waiting.delete(topic);
      this.#isWanted = false;
      this.#controller.enqueue(bytes);
      if (topic === END) this.close();
      return;
    }
  }

  #closed(): void {
    if (this.#controller === undefined) return;
    this.#controller = undefined;
    this.#waiting.clear();
    this.#onClose(this);
  }
}

/** Those who look at one place: in this process, or in the listener's thread. */
export class Audience {
  readonly #viewers = new Set<Viewer>();

  get size(): number {
    return this.#viewers.size;
  }

  get viewers(): Iterable<Viewer> {
    return this.#viewers;
  }

  add(topics: Iterable<string>, onClose: () => void = () => {}): Viewer {
    const viewer = new Viewer(topics, (closed) => {
      this.#viewers.delete(closed);
      onClose();
    });
    this.#viewers.add(viewer);
    return viewer;
  }

  /** It gets nothing more from here, and counts as one who looks until it is closed. */
  release(viewer: Viewer): void {
    this.#viewers.delete(viewer);
  }

  frame(topic: Topic, bytes: Bytes): void {
    for (const viewer of this.#viewers) viewer.take(topic, bytes);
  }

  end(bytes: Bytes): void {
    for (const viewer of this.#viewers) viewer.end(bytes);
  }
}
