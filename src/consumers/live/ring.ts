import type { Entry } from './entry.ts';

/** The last events, as many as its bounds allow. */
export class Ring {
  readonly #maxEvents: number;
  readonly #maxBytes: number;
  readonly #slots: (Entry | undefined)[];
  /** Position of the oldest. */
  #start = 0;
  #size = 0;
  #bytes = 0;
  /** Of the newest event that had to go; 0 while none had to. */
  evicted = 0;

  constructor(maxEvents: number, maxBytes: number) {
    this.#maxEvents = maxEvents;
    this.#maxBytes = maxBytes;
    this.#slots = new Array(maxEvents).fill(undefined);
  }

  get size(): number {
    return this.#size;
  }

  get bytes(): number {
    return this.#bytes;
  }

  push(entry: Entry): void {
    if (this.#size === this.#maxEvents) this.#evict();
    this.#slots[(this.#start + this.#size) % this.#maxEvents] = entry;
    this.#size++;
    this.#bytes += entry.bytes;
    while (this.#bytes > this.#maxBytes && this.#size > 1) this.#evict();
  }

  /** Those after a sequence number, oldest first. */
  after(seq: number): Entry[] {
    const found: Entry[] = [];
    for (let i = 0; i < this.#size; i++) {
      const entry = this.#slots[(this.#start + i) % this.#maxEvents] as Entry;
      if (entry.seq > seq) found.push(entry);
    }
    return found;
  }

  clear(): void {
    while (this.#size > 0) this.#evict();
  }

  #evict(): void {
    const entry = this.#slots[this.#start] as Entry;
    this.#slots[this.#start] = undefined;
    this.#start = (this.#start + 1) % this.#maxEvents;
    this.#size--;
    this.#bytes -= entry.bytes;
    this.evicted = entry.seq;
  }
}
