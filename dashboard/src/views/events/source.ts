import { pauseMs } from '../../data/feed.ts';
import { type Problem, problemOf, unreachable } from '../../data/problem.ts';
import { json } from '../../data/shape.ts';
import { type Message, SseReader } from '../../text/sse.ts';

/** How the stream of events is. */
export type SourceState =
  | { readonly kind: 'connecting' }
  | { readonly kind: 'live' }
  /** It is tried again by itself. */
  | { readonly kind: 'lost'; readonly problem: Problem }
  /** It is not tried again: what is asked for cannot be had. */
  | { readonly kind: 'refused'; readonly problem: Problem };

export interface SourceParts {
  readonly url: string;
  readonly onMessages: (messages: readonly Message[]) => void;
  readonly onState: (state: SourceState) => void;
  readonly onLogin: () => void;
}

/** The server says something every 15 s. */
const SILENCE_MS = 40_000;
/** A tab that nobody looks at gives its connection back; a short look elsewhere is no reason to. */
const HIDDEN_MS = 10_000;

const isFinal = (status: number): boolean =>
  status >= 400 && status < 500 && status !== 429 && status !== 408;

/**
 * The stream of events, which looks after itself: it goes on with `Last-Event-ID` where it was. Read by fetch, since an
 * EventSource hears only names it was told of, and does not say why it was refused.
 */
export class EventFeed {
  readonly #parts: SourceParts;
  #stop: AbortController | undefined;
  #retry: ReturnType<typeof setTimeout> | undefined;
  #silence: ReturnType<typeof setTimeout> | undefined;
  #hiding: ReturnType<typeof setTimeout> | undefined;
  #lastId = '';
  #tries = 0;
  #final = false;

  constructor(parts: SourceParts) {
    this.#parts = parts;
    document.addEventListener('visibilitychange', this.#onVisibility);
    void this.#open();
  }

  close(): void {
    this.#final = true;
    document.removeEventListener('visibilitychange', this.#onVisibility);
    clearTimeout(this.#hiding);
    this.#shut();
  }

  #shut(): void {
    clearTimeout(this.#retry);
    clearTimeout(this.#silence);
    this.#stop?.abort();
    this.#stop = undefined;
  }

  async #open(): Promise<void> {
    this.#shut();
    const stop = new AbortController();
    this.#stop = stop;
    if (this.#tries === 0) this.#parts.onState({ kind: 'connecting' });
    this.#watch();
    const headers: Record<string, string> = { accept: 'text/event-stream' };
    if (this.#lastId !== '') headers['last-event-id'] = this.#lastId;
    try {
      const response = await fetch(this.#parts.url, {
        ...{ headers, signal: stop.signal, cache: 'no-store', credentials: 'same-origin' },
      });
      if (response.ok && response.body !== null) await this.#read(response.body, stop);
      else await this.#refused(response, stop);
    } catch {
      // Whatever broke, it is tried again below.
    }
    if (this.#stop === stop) this.#again(unreachable);
  }

  async #read(body: ReadableStream<Uint8Array>, stop: AbortController): Promise<void> {
    let messages: Message[] = [];
    const reader = new SseReader((message) => messages.push(message), this.#lastId);
    const decoder = new TextDecoder();
    const parts = body.getReader();
    for (;;) {
      const { value, done } = await parts.read();
      if (done || this.#stop !== stop) return;
      this.#watch();
      reader.push(decoder.decode(value, { stream: true }));
      this.#lastId = reader.lastId;
      if (this.#tries >= 0) this.#parts.onState({ kind: 'live' });
      this.#tries = 0;
      if (messages.length > 0) this.#parts.onMessages(messages);
      messages = [];
    }
  }

  async #refused(response: Response, stop: AbortController): Promise<void> {
    const problem = problemOf(response.status, json(await response.text()));
    if (this.#stop !== stop) return;
    if (response.status === 401) this.#parts.onLogin();
    if (isFinal(response.status)) {
      this.#final = true;
      this.#shut();
      this.#parts.onState({ kind: 'refused', problem });
    } else this.#again(problem);
  }

  #again(problem: Problem): void {
    this.#shut();
    if (this.#final) return;
    this.#tries += 1;
    this.#parts.onState({ kind: 'lost', problem });
    this.#retry = setTimeout(() => void this.#open(), pauseMs(this.#tries));
  }

  /** A connection that is up and says nothing is no better than none. */
  #watch(): void {
    clearTimeout(this.#silence);
    this.#silence = setTimeout(() => this.#again(unreachable), SILENCE_MS);
  }

  readonly #onVisibility = (): void => {
    clearTimeout(this.#hiding);
    if (this.#final) return;
    if (document.visibilityState === 'visible') {
      if (this.#stop === undefined) void this.#open();
    } else this.#hiding = setTimeout(() => this.#shut(), HIDDEN_MS);
  };
}
