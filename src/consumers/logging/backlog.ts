/** Bytes handed on at once. */
const CHUNK = 64 * 1024;
/** UTF-8 needs at most so many bytes for a character of JavaScript. */
const WIDEST = 3;

/** Lines, encoded. */
export interface Batch {
  readonly bytes: Buffer;
  readonly lines: number;
}

export const EMPTY: Batch = { bytes: Buffer.alloc(0), lines: 0 };

/** The lines of a text, each with its newline. */
export const linesOf = (text: string): string[] => text.match(/[^\n]*\n/g) ?? [];

/**
 * Lines that wait, first in, first out. They are encoded as they come: texts that wait, each put together of dozens of pieces, would be most of what the garbage collector has
 * to look at.
 */
export class Backlog {
  /** Bytes that wait. */
  size = 0;
  /** Lines that wait. */
  lines = 0;
  readonly #full: Batch[] = [];
  #chunk: Buffer | undefined;
  #used = 0;
  #inChunk = 0;
  /** One that was given back. */
  #spare: Buffer | undefined;

  add(line: string): void {
    const widest = line.length * WIDEST;
    if (widest > CHUNK) {
      this.#seal();
      const bytes = Buffer.from(line);
      this.#full.push({ bytes, lines: 1 });
      this.#count(bytes.length);
      return;
    }
    if (this.#chunk === undefined || this.#used + widest > CHUNK) {
      this.#seal();
      this.#chunk = this.#spare ?? Buffer.allocUnsafeSlow(CHUNK);
      this.#spare = undefined;
    }
    const written = this.#chunk.write(line, this.#used);
    this.#used += written;
    this.#inChunk++;
    this.#count(written);
  }

  /** The next lines, about 64 KiB of them; {@link EMPTY} when none wait. */
  take(): Batch {
    if (this.#full.length === 0) this.#seal();
    const batch = this.#full.shift() ?? EMPTY;
    this.size -= batch.bytes.length;
    this.lines -= batch.lines;
    return batch;
  }

  /** Takes a batch back whose bytes nobody needs any more, to be used again. */
  giveBack({ bytes }: Batch): void {
    if (bytes.buffer.byteLength === CHUNK) this.#spare = Buffer.from(bytes.buffer);
  }

  /** Every line that waits, which it goes on to do. */
  all(): string[] {
    this.#seal();
    return this.#full.flatMap(({ bytes }) => linesOf(bytes.toString()));
  }

  clear(): void {
    this.#full.length = 0;
    this.#chunk = undefined;
    this.#used = this.#inChunk = this.size = this.lines = 0;
  }

  #count(bytes: number): void {
    this.size += bytes;
    this.lines++;
  }

  #seal(): void {
    if (this.#chunk === undefined || this.#inChunk === 0) return;
    this.#full.push({ bytes: this.#chunk.subarray(0, this.#used), lines: this.#inChunk });
    this.#chunk = undefined;
    this.#used = this.#inChunk = 0;
  }
}
