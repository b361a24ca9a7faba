/** One message of a stream of server-sent events. */
export interface Message {
  readonly id: string;
  readonly event: string;
  readonly data: string;
}

/** What reading a stream has to know besides its messages. */
export interface Reading {
  /** The id that is sent when coming back: that of the last block, also of one without data. */
  readonly lastId: string;
  /** Milliseconds to wait before coming back, as the server asked; undefined where it did not. */
  readonly retryMs: number | undefined;
}

/**
 * Reads server-sent events (WHATWG HTML, section 9.2). `EventSource` would do that as well, but it hears only names it
 * was told of, and events of the app's own have any; and it does not tell what a refusal says.
 */
export class SseReader implements Reading {
  readonly #onMessage: (message: Message) => void;
  #rest = '';
  #begun = false;
  #data: string[] = [];
  #event = '';
  #id = '';
  lastId = '';
  retryMs: number | undefined;

  constructor(onMessage: (message: Message) => void, lastId = '') {
    this.#onMessage = onMessage;
    this.lastId = lastId;
    this.#id = lastId;
  }

  /** Takes the next part of the text, which may end anywhere. */
  push(chunk: string): void {
    // A carriage return at the end may be half of a line break.
    const lines = (this.#rest + chunk).split(/\r\n|\n|\r(?!$)/);
    this.#rest = lines.pop() ?? '';
    for (const line of lines) {
      this.#line(this.#begun ? line : line.replace(/^\ufeff/, ''));
      this.#begun = true;
    }
  }

  #line(line: string): void {
    if (line === '') return this.#dispatch();
    const colon = line.indexOf(':');
    if (colon === 0) return;
    const field = colon < 0 ? line : line.slice(0, colon);
    const value = colon < 0 ? '' : line.slice(colon + 1).replace(/^ /, '');
    if (field === 'data') this.#data.push(value);
    else if (field === 'event') this.#event = value;
    else if (field === 'id' && !value.includes('\0')) this.#id = value;
    else if (field === 'retry' && /^\d+$/.test(value)) this.retryMs = Number(value);
  }

  #dispatch(): void {
    this.lastId = this.#id;
    const [data, event] = [this.#data, this.#event];
    this.#data = [];
    this.#event = '';
    if (data.length === 0) return;
    this.#onMessage({ id: this.lastId, event: event === '' ? 'message' : event, data: data.join('\n') });
  }
}
