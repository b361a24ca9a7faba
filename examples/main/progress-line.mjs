const ON_TERMINAL_MS = 500;
const ELSEWHERE_MS = 3000;

/** One line that moves: rewritten in place on a terminal, written anew every few seconds elsewhere. */
export class ProgressLine {
  #text;
  #timer;

  /** @param text - makes the line */
  constructor(text) {
    this.#text = text;
    this.#timer = setInterval(() => this.#show(), process.stdout.isTTY ? ON_TERMINAL_MS : ELSEWHERE_MS);
  }

  end() {
    clearInterval(this.#timer);
    if (process.stdout.isTTY) process.stdout.write('\r\x1b[K');
  }

  #show() {
    const { isTTY, columns = 80 } = process.stdout;
    // A line that wraps could not be rewritten.
    process.stdout.write(isTTY ? `\r${this.#text().slice(0, columns - 1)}\x1b[K` : `${this.#text()}\n`);
  }
}
