import { StringDecoder } from 'node:string_decoder';

/** Longer lines are cut into pieces of this many characters, so that output without line ends cannot grow memory. */
const MAX_LINE = 16 * 1024;

/** Cuts a byte stream into lines of UTF-8 text. */
export class LineSplitter {
  readonly #onLine: (line: string) => void;
  readonly #decoder = new StringDecoder('utf8');
  #rest = '';

  constructor(onLine: (line: string) => void) {
    this.#onLine = onLine;
  }

  push(chunk: Buffer): void {
    const lines = (this.#rest + this.#decoder.write(chunk)).split(/\r?\n/);
    this.#rest = lines.pop() as string;
    for (const line of lines) this.#emit(line);
    while (this.#rest.length > MAX_LINE) {
      this.#onLine(this.#rest.slice(0, MAX_LINE));
      this.#rest = this.#rest.slice(MAX_LINE);
    }
  }

  /** Hands on what came after the last line end. */
  end(): void {
    this.#emit(this.#rest + this.#decoder.end());
    this.#rest = '';
  }

  #emit(line: string): void {
    for (let at = 0; at < line.length; at += MAX_LINE) this.#onLine(line.slice(at, at + MAX_LINE));
  }
}
