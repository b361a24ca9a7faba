import type { SnakepitEvent } from '../catalog.ts';
import { weigh } from '../weigh.ts';

/** One event on its way to a consumer. */
export interface Parcel {
  readonly event: SnakepitEvent;
  readonly weight: number;
  /** Roughly what it keeps in memory. */
  readonly bytes: number;
}

/** What an event counts for that cannot be weighed: anybody may emit a cycle, or values that do not let themselves be looked at. */
const UNKNOWN_BYTES = 2 ** 20;

/** An event on its way. Never throws. */
export const parcelOf = (event: SnakepitEvent, weight: number): Parcel => {
  let bytes = UNKNOWN_BYTES;
  try {
    bytes = Math.min(weigh(event), UNKNOWN_BYTES);
  } catch {
    // A getter or a proxy threw.
  }
  return { event, weight, bytes };
};

const FIRST_CAPACITY = 16;

/** First in, first out, in a ring that grows as needed: what is taken out is not kept alive, and taking out moves nothing. */
export class ParcelQueue {
  #ring: (Parcel | undefined)[] = new Array(FIRST_CAPACITY).fill(undefined);
  #head = 0;
  size = 0;
  bytes = 0;

  push(parcel: Parcel): void {
    if (this.size === this.#ring.length) this.#grow();
    this.#ring[(this.#head + this.size) & (this.#ring.length - 1)] = parcel;
    this.size++;
    this.bytes += parcel.bytes;
  }

  shift(): Parcel | undefined {
    if (this.size === 0) return undefined;
    const parcel = this.#ring[this.#head] as Parcel;
    this.#ring[this.#head] = undefined;
    this.#head = (this.#head + 1) & (this.#ring.length - 1);
    this.size--;
    this.bytes -= parcel.bytes;
    return parcel;
  }

  #grow(): void {
    const old = this.#ring;
    const head = this.#head;
    this.#ring = Array.from({ length: 2 * old.length }, (_, i) =>
      i < old.length ? old[(head + i) & (old.length - 1)] : undefined,
    );
    this.#head = 0;
  }
}
