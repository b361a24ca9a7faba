import { after, monotonic, type Timer } from '../clock.ts';
import { type Parcel, ParcelQueue } from './queue.ts';

/** What waits for a consumer, and what happens when it is too much. */
export interface QueueOptions {
  /** Events that may wait. Default: 2048. */
  readonly maxEvents: number;
  /** Memory they may take, roughly. Bytes, default 8 MiB. */
  readonly maxBytes: number;
  /**
   * What happens to an event that does not fit: `drop_oldest` makes room for it, `drop_newest` lets it go, `block` lets it wait outside for at most `blockMs`. The emitter never waits:
   * it is a request. Default: `drop_oldest`.
   */
  readonly onFull: 'drop_oldest' | 'drop_newest' | 'block';
  /** How long an event may wait for room under `block`. Milliseconds, default 1000. */
  readonly blockMs: number;
}

interface Waiting {
  readonly parcel: Parcel;
  readonly until: number;
}

/**
 * The bounded queue of one consumer. Under `block` there is a waiting room before it, as large as the queue: it has to end
 * somewhere, or a dead consumer would fill the memory.
 */
export class Intake {
  readonly #options: QueueOptions;
  /** An event was let go for want of room. */
  readonly #overflow: (parcel: Parcel) => void;
  readonly #queue = new ParcelQueue();
  readonly #outside: Waiting[] = [];
  #outsideBytes = 0;
  #timer: Timer | undefined;

  constructor(options: QueueOptions, overflow: (parcel: Parcel) => void) {
    this.#options = options;
    this.#overflow = overflow;
  }

  /** Events that can be taken. */
  get size(): number {
    return this.#queue.size;
  }

  push(parcel: Parcel): void {
    if (parcel.bytes > this.#options.maxBytes) this.#overflow(parcel);
    else if (this.#outside.length === 0 && this.#fits(parcel)) this.#queue.push(parcel);
    else this.#crowded(parcel);
  }

  shift(): Parcel | undefined {
    const parcel = this.#queue.shift();
    if (this.#outside.length > 0) this.#admit();
    return parcel;
  }

  /** Takes everything out. */
  clear(each: (parcel: Parcel) => void): void {
    this.#timer?.stop();
    const outside = this.#outside.splice(0);
    for (let parcel = this.#queue.shift(); parcel !== undefined; parcel = this.#queue.shift()) each(parcel);
    for (const { parcel } of outside) each(parcel);
    this.#outsideBytes = 0;
  }

  #fits(parcel: Parcel): boolean {
    const { maxEvents, maxBytes } = this.#options;
    return this.#queue.size < maxEvents && this.#queue.bytes + parcel.bytes <= maxBytes;
  }

  #crowded(parcel: Parcel): void {
    const { onFull } = this.#options;
    if (onFull === 'block') this.#wait(parcel);
    else if (onFull === 'drop_newest') this.#overflow(parcel);
    else {
      while (!this.#fits(parcel)) this.#overflow(this.#queue.shift() as Parcel);
      this.#queue.push(parcel);
    }
  }

  #wait(parcel: Parcel): void {
    const { maxEvents, maxBytes, blockMs } = this.#options;
    if (this.#outside.length >= maxEvents || this.#outsideBytes + parcel.bytes > maxBytes) {
      this.#overflow(parcel);
      return;
    }
    this.#outside.push({ parcel, until: monotonic() + blockMs });
    this.#outsideBytes += parcel.bytes;
    if (this.#outside.length === 1) this.#arm(blockMs);
  }

  #leave(): Parcel {
    const { parcel } = this.#outside.shift() as Waiting;
    this.#outsideBytes -= parcel.bytes;
    return parcel;
  }

  #admit(): void {
    while (this.#outside.length > 0 && this.#fits((this.#outside[0] as Waiting).parcel)) {
      this.#queue.push(this.#leave());
    }
  }

  /** All wait equally long, so the first is always the next whose time is over. */
  #arm(ms: number): void {
    this.#timer?.stop();
    this.#timer = after(ms, () => this.#expire());
  }

  #expire(): void {
    const at = monotonic();
    while (this.#outside.length > 0 && (this.#outside[0] as Waiting).until <= at)
      this.#overflow(this.#leave());
    this.#admit();
    const next = this.#outside[0];
    if (next !== undefined) this.#arm(Math.max(1, next.until - at));
  }
}
