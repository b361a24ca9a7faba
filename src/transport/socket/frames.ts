import { PayloadTooLarge } from '../contract.ts';

/** Bytes of the length prefix. */
export const HEADER = 4;
const BATCH = 64 * 1024;

/** What arrived is not the protocol. */
export class ProtocolFault extends Error {
  /** The stream ended within a frame. */
  truncated = false;
}

/**
 * Cuts a byte stream into frames. Whole frames inside one read are handed on as views, without a copy; a frame that spans reads is collected
 * in a buffer of its exact size.
 */
export class FrameReader {
  readonly #limit: number;
  readonly #header = new Uint8Array(HEADER);
  #headerFilled = 0;
  #body: Uint8Array | undefined;
  #bodyFilled = 0;

  constructor(limit: number) {
    this.#limit = limit;
  }

  /** Whether the stream may end here: not within a frame. */
  get atBoundary(): boolean {
    return this.#headerFilled === 0 && this.#body === undefined;
  }

  /**
   * Takes what was read and calls `onFrame` for each body now complete. A body is only valid during the call.
   *
   * @throws ProtocolFault on a length of 0 or above the limit
   */
  push(chunk: Uint8Array, onFrame: (body: Uint8Array) => void): void {
    let at = this.#resume(chunk, onFrame);
    while (chunk.length - at >= HEADER) {
      const length = this.#check(
        (((chunk[at] as number) << 24) |
          ((chunk[at + 1] as number) << 16) |
          ((chunk[at + 2] as number) << 8) |
          (chunk[at + 3] as number)) >>>
          0,
      );
      const end = at + HEADER + length;
      if (end > chunk.length) {
        this.#body = new Uint8Array(length);
        this.#body.set(chunk.subarray(at + HEADER));
        this.#bodyFilled = chunk.length - at - HEADER;
        return;
      }
      onFrame(chunk.subarray(at + HEADER, end));
      at = end;
    }
    for (; at < chunk.length; at++) this.#header[this.#headerFilled++] = chunk[at] as number;
  }

  /** Finishes the frame that an earlier read began; returns where the next one starts. */
  #resume(chunk: Uint8Array, onFrame: (body: Uint8Array) => void): number {
    let at = 0;
    if (this.#headerFilled > 0) {
      while (this.#headerFilled < HEADER && at < chunk.length) {
        this.#header[this.#headerFilled++] = chunk[at++] as number;
      }
      if (this.#headerFilled < HEADER) return at;
      const length = this.#check(new DataView(this.#header.buffer).getUint32(0));
      this.#headerFilled = 0;
      this.#body = new Uint8Array(length);
      this.#bodyFilled = 0;
    }
    const body = this.#body;
    if (body === undefined) return at;
    const take = Math.min(body.length - this.#bodyFilled, chunk.length - at);
    body.set(chunk.subarray(at, at + take), this.#bodyFilled);
    this.#bodyFilled += take;
    if (this.#bodyFilled === body.length) {
      this.#body = undefined;
      onFrame(body);
    }
    return at + take;
  }

  #check(length: number): number {
    if (length === 0 || length > this.#limit) {
      throw new ProtocolFault(`announced a frame of ${length} bytes, 1 to ${this.#limit} are allowed`);
    }
    return length;
  }
}

/**
 * Collects frames and hands them on in one piece, so that a burst of requests is one system call.
 *
 * Buffers are filled from the front and never reused: a write may still be under way when the next frame comes.
 */
export class FrameWriter {
  readonly #limit: number;
  readonly #write: (bytes: Uint8Array) => void;
  #buffer = Buffer.allocUnsafeSlow(BATCH);
  #start = 0;
  #end = 0;
  #scheduled = false;

  constructor(limit: number, write: (bytes: Uint8Array) => void) {
    this.#limit = limit;
    this.#write = write;
  }

  /**
   * Adds a frame; it leaves after the current turn, together with all others of this turn.
   *
   * @returns the size of `body`
   * @throws PayloadTooLarge above the limit; nothing is sent then
   */
  add(body: Uint8Array): number {
    const length = body.length;
    if (length > this.#limit) throw new PayloadTooLarge(length, this.#limit);
    this.#reserve(HEADER + length);
    const buffer = this.#buffer;
    const at = this.#end;
    buffer[at] = length >>> 24;
    buffer[at + 1] = length >>> 16;
    buffer[at + 2] = length >>> 8;
    buffer[at + 3] = length;
    buffer.set(body, at + HEADER);
    this.#end = at + HEADER + length;
    if (!this.#scheduled) {
      this.#scheduled = true;
      // After the microtasks: the continuations of all results of one read add their next requests first.
      process.nextTick(this.#flushSoon);
    }
    return length;
  }

  readonly #flushSoon = (): void => {
    this.#scheduled = false;
    this.flush();
  };

  /** Hands on what is there now. */
  flush(): void {
    if (this.#end === this.#start) return;
    const bytes = this.#buffer.subarray(this.#start, this.#end);
    this.#start = this.#end;
    this.#write(bytes);
  }

  #reserve(size: number): void {
    if (this.#end + size <= this.#buffer.length) return;
    this.flush();
    this.#buffer = Buffer.allocUnsafeSlow(Math.max(BATCH, size));
    this.#start = 0;
    this.#end = 0;
  }
}
