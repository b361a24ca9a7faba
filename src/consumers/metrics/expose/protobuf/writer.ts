const FIRST_BYTES = 16 * 1024;

/** Tag of a field: its number and how it is encoded. */
export const varintField = (field: number): number => field << 3;
export const doubleField = (field: number): number => (field << 3) | 1;
export const bytesField = (field: number): number => (field << 3) | 2;

/** Calling into C++ costs more than writing so many characters here, if they are ASCII. */
const SHORT = 48;

/** How many bytes a number takes as a varint. */
export const sizeOf = (value: number): number => {
  let size = 1;
  for (let rest = value; rest >= 128; rest = Math.floor(rest / 128)) size++;
  return size;
};

/**
 * Writes the Protocol Buffers wire format (protobuf.dev, "Encoding") into a buffer that grows. Numbers are whole and at most 2^53.
 */
export class ProtobufWriter {
  #buffer = Buffer.allocUnsafe(FIRST_BYTES);
  #at = 0;

  get length(): number {
    return this.#at;
  }

  /** Takes out what has been written and begins anew. */
  take(): Uint8Array {
    const taken = Uint8Array.prototype.slice.call(this.#buffer, 0, this.#at);
    this.#at = 0;
    return taken;
  }

  varint(value: number): void {
    this.#room(10);
    let rest = value;
    // Shifts would cut at 32 bits.
    while (rest >= 0x8000_0000) {
      this.#buffer[this.#at++] = (rest % 128) | 128;
      rest = Math.floor(rest / 128);
    }
    while (rest >= 128) {
      this.#buffer[this.#at++] = (rest & 127) | 128;
      rest >>>= 7;
    }
    this.#buffer[this.#at++] = rest;
  }

  /** A signed number, small ones of either sign in few bytes. */
  zigzag(value: number): void {
    this.varint(value < 0 ? -value * 2 - 1 : value * 2);
  }

  uint(field: number, value: number): void {
    this.varint(varintField(field));
    this.varint(value);
  }

  sint(field: number, value: number): void {
    this.varint(varintField(field));
    this.zigzag(value);
  }

  double(field: number, value: number): void {
    this.varint(doubleField(field));
    this.#room(8);
    this.#at = this.#buffer.writeDoubleLE(value, this.#at);
  }

  string(field: number, text: string): void {
    this.varint(bytesField(field));
    this.#room(text.length * 3 + 10);
    const mark = this.#at++;
    if (!this.#ascii(text)) this.#at += this.#buffer.write(text, this.#at);
    this.end(mark);
  }

  #ascii(text: string): boolean {
    const { length } = text;
    if (length > SHORT) return false;
    const buffer = this.#buffer;
    const at = this.#at;
    for (let i = 0; i < length; i++) {
      const code = text.charCodeAt(i);
      if (code > 127) return false;
      buffer[at + i] = code;
    }
    this.#at += length;
    return true;
  }

  /** Begins a nested message or a packed list. @returns what {@link ProtobufWriter.end} needs */
  begin(field: number): number {
    this.varint(bytesField(field));
    this.#room(1);
    return this.#at++;
  }

  /** Ends it: now its length is known. One byte was kept for that; where more are needed, the content moves up. */
  end(mark: number): void {
    const length = this.#at - mark - 1;
    const extra = sizeOf(length) - 1;
    if (extra > 0) {
      this.#room(extra);
      this.#buffer.copyWithin(mark + 1 + extra, mark + 1, this.#at);
    }
    this.#at = mark;
    this.varint(length);
    this.#at += length;
  }

  #room(bytes: number): void {
    const needed = this.#at + bytes;
    if (needed <= this.#buffer.length) return;
    const larger = Buffer.allocUnsafe(Math.max(needed, this.#buffer.length * 2));
    this.#buffer.copy(larger, 0, 0, this.#at);
    this.#buffer = larger;
  }
}
