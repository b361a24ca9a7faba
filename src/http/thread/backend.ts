import { type FetchLike, guarded } from '../node-handler.ts';
import { type Relay, type Ticket, ticketOf } from '../page/broadcast.ts';
import type { ReportBug } from '../ports.ts';
import {
  type HeaderList,
  ownChunk,
  type RequestHead,
  type Site,
  type ToMain,
  type ToThread,
  WINDOW,
} from './messages.ts';

/** Sends to the listener's thread. */
export type Post = (message: ToThread, transfer?: ArrayBuffer[]) => void;

/** What answers at each site. */
export type Handlers = Partial<Record<Site, FetchLike>>;

/** One forwarded request while it is answered. */
class Exchange {
  readonly #id: number;
  readonly #post: Post;
  readonly #relay: Relay;
  readonly #gone = new AbortController();
  #credit = WINDOW;
  #credited: (() => void) | undefined;
  #body: ReadableStreamDefaultController<Uint8Array> | undefined;
  #pulled: (() => void) | undefined;

  constructor(id: number, post: Post, relay: Relay) {
    this.#id = id;
    this.#post = post;
    this.#relay = relay;
  }

  /** The request as the app sees it; `signal` is aborted when the client has gone. */
  request({ method, url, headers }: RequestHead): Request {
    const init = { method, headers: headers as [string, string][], signal: this.#gone.signal };
    if (method === 'GET' || method === 'HEAD') return new Request(url, init);
    // A Request cannot be made with it, though HTTP has it.
    if (method === 'TRACE') {
      return Object.defineProperty(new Request(url, { ...init, method: 'GET' }), 'method', { value: method });
    }
    return new Request(url, { ...init, body: this.#bodyStream(), duplex: 'half' } as RequestInit);
  }

  get isGone(): boolean {
    return this.#gone.signal.aborted;
  }

  /** Sends an answer, part by part as they are taken. */
  async send(response: Response): Promise<void> {
    const { status, headers, body } = response;
    if (this.isGone) {
      await body?.cancel();
      return;
    }
    const ticket = ticketOf(body);
    this.#post({
      kind: 'head',
      id: this.#id,
      status,
      headers: [...headers] as HeaderList,
      hasBody: body !== null,
      ...(ticket !== undefined && { topics: ticket.topics }),
    });
    if (body === null) return;
    if (ticket !== undefined) {
      await this.#seat(ticket);
      return;
    }
    const reader = body.getReader();
    this.#gone.signal.addEventListener('abort', () => reader.cancel().catch(() => {}));
    await this.#sendParts(reader);
  }

  /** The client has gone: whatever is being made for it is not needed. */
  abandon(): void {
    this.#gone.abort();
    this.#credited?.();
    this.#failBody();
  }

  allow(chunks: number): void {
    this.#credit += chunks;
    this.#credited?.();
  }

  /** Takes the next part of the request's body; null is its end. */
  takeBody(chunk: Uint8Array | null): void {
    const controller = this.#body;
    if (controller === undefined) return;
    if (chunk === null) {
      this.#body = undefined;
      controller.close();
    } else controller.enqueue(chunk);
    this.#pulled?.();
  }

  failBody(): void {
    this.#failBody();
  }

  /** One who looks at what all are told: the thread sees to it, until one side has enough. */
  async #seat(ticket: Ticket): Promise<void> {
    const id = this.#id;
    this.#gone.signal.addEventListener('abort', ticket.leave);
    const chunk = ownChunk(ticket.handOver(this.#relay));
    this.#post({ kind: 'chunk', id, chunk }, [chunk.buffer]);
    await ticket.left;
    if (!this.isGone) this.#post({ kind: 'end', id });
  }

  async #sendParts(reader: ReadableStreamDefaultReader<Uint8Array>): Promise<void> {
    const id = this.#id;
    for (;;) {
      await this.#someCredit();
      const { done, value } = await reader.read();
      if (this.#gone.signal.aborted) return;
      if (done) {
        this.#post({ kind: 'end', id });
        return;
      }
      this.#credit--;
      const chunk = ownChunk(value);
      this.#post({ kind: 'chunk', id, chunk }, [chunk.buffer]);
    }
  }

  async #someCredit(): Promise<void> {
    if (this.#credit > 0 || this.#gone.signal.aborted) return;
    await new Promise<void>((resolve) => {
      this.#credited = resolve;
    });
  }

  #bodyStream(): ReadableStream<Uint8Array> {
    return new ReadableStream<Uint8Array>(
      {
        start: (controller) => {
          this.#body = controller;
        },
        pull: () =>
          new Promise<void>((resolve) => {
            this.#pulled = resolve;
            this.#post({ kind: 'pull', id: this.#id });
          }),
        cancel: () => {
          this.#body = undefined;
        },
      },
      { highWaterMark: 0 },
    );
  }

  #failBody(): void {
    this.#body?.error(new Error('The body broke off.'));
    this.#body = undefined;
    this.#pulled?.();
  }
}

/** Answers in the main thread what the listener's thread forwards. */
export class Backend {
  readonly #handlers: Handlers;
  readonly #post: Post;
  readonly #reportBug: ReportBug | undefined;
  readonly #exchanges = new Map<number, Exchange>();
  /** Each frame crosses once, however many look. */
  readonly #relay: Relay = {
    frame: (topic, frame) => {
      const bytes = ownChunk(frame);
      this.#post({ kind: 'frame', topic, bytes }, [bytes.buffer]);
    },
    end: (words) => {
      const bytes = ownChunk(words);
      this.#post({ kind: 'farewell', bytes }, [bytes.buffer]);
    },
  };

  constructor(handlers: Handlers, post: Post, reportBug: ReportBug | undefined) {
    this.#handlers = handlers;
    this.#post = post;
    this.#reportBug = reportBug;
  }

  receive(message: Extract<ToMain, { id: number }>): void {
    if (message.kind === 'request') {
      void this.#serve(message);
      return;
    }
    const exchange = this.#exchanges.get(message.id);
    if (message.kind === 'credit') exchange?.allow(message.chunks);
    else if (message.kind === 'body') exchange?.takeBody(message.chunk);
    else if (message.kind === 'body_failed') exchange?.failBody();
    else exchange?.abandon();
  }

  /** The thread is gone, and with it everybody who waits. */
  abandon(): void {
    for (const exchange of this.#exchanges.values()) exchange.abandon();
  }

  async #serve(head: RequestHead): Promise<void> {
    const { id, site } = head;
    const exchange = new Exchange(id, this.#post, this.#relay);
    this.#exchanges.set(id, exchange);
    try {
      const fetch = guarded(this.#handlers[site] as FetchLike, this.#reportBug);
      await exchange.send(await fetch(exchange.request(head)));
    } catch (error) {
      if (exchange.isGone) return;
      // It could not be made, or it broke off: the thread answers for us, or ends the connection.
      this.#reportBug?.(error, { method: head.method, path: new URL(head.url).pathname });
      this.#post({ kind: 'broken', id });
    } finally {
      this.#exchanges.delete(id);
    }
  }
}
