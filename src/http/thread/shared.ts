const BEAT = 0;
const VERSION = 1;
const HITS = 2;
/** Far more than the ways in which orchestrators and balancers ask one process. */
export const SLOTS = 64;

/** How often the main thread shows that it runs. Milliseconds. */
export const BEAT_MS = 100;

/** The memory both threads see. It works also while one of them is stuck, which is why nothing of this is a message. */
export class Shared {
  readonly buffer: SharedArrayBuffer;
  readonly #words: Int32Array;

  constructor(buffer = new SharedArrayBuffer(4 * (HITS + SLOTS))) {
    this.buffer = buffer;
    this.#words = new Int32Array(buffer);
  }

  /** The main thread runs. */
  beat(): void {
    Atomics.add(this.#words, BEAT, 1);
  }

  get beats(): number {
    return Atomics.load(this.#words, BEAT);
  }

  /** Of what health depends on. An answer made from an earlier one must not be given any more. */
  get version(): number {
    return Atomics.load(this.#words, VERSION);
  }

  invalidate(): void {
    Atomics.add(this.#words, VERSION, 1);
  }

  /** Notes that a kept answer was given. */
  hit(slot: number): void {
    Atomics.store(this.#words, HITS + slot, 1);
  }

  /** Whether it was since this was last asked. */
  takeHit(slot: number): boolean {
    return Atomics.exchange(this.#words, HITS + slot, 0) === 1;
  }
}
