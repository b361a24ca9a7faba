import { problemResponse } from '../node-handler.ts';
import { Audience, type Viewer } from '../page/audience.ts';
import type { Heart } from './heart.ts';
import {
  ownChunk,
  type ResponseHead,
  type Site,
  type Told,
  type ToMain,
  type ToThread,
  WINDOW,
} from './messages.ts';
import { PROBE_PATIENCE_MS } from './probe-desk.ts';

/** How long requests other than probes wait for a main thread that does not run. Milliseconds. */
const PATIENCE_MS = 5000;

/** How far a forwarded request has come. */
type Stage =
  | { readonly kind: 'asked'; readonly answer: (response: Response | Promise<Response>) => void }
  | { readonly kind: 'answering'; readonly parts: Parts }
  /** It is told what all are told. */
  | { readonly kind: 'looking'; readonly viewer: Viewer };

interface Forwarded {
  readonly site: Site;
  readonly request: Request;
  readonly isProbe: boolean;
  body?: ReadableStreamDefaultReader<Uint8Array> | undefined;
  stage: Stage;
}

/** The body of an answer as its parts come, with leave given for as many as the client takes. */
class Parts {
  readonly stream: ReadableStream<Uint8Array>;
  #controller!: ReadableStreamDefaultController<Uint8Array>;
  /** Parts that may come without our asking. */
  #expected = WINDOW;

  constructor(allow: (chunks: number) => void, onCancel: () => void) {
    this.stream = new ReadableStream<Uint8Array>(
      {
        start: (controller) => {
          this.#controller = controller;
        },
        pull: (controller) => {
          const more = (controller.desiredSize ?? 0) - this.#expected;
          if (more <= 0) return;
          this.#expected += more;
          allow(more);
        },
        cancel: onCancel,
      },
      { highWaterMark: WINDOW },
    );
  }

  add(chunk: Uint8Array): void {
    this.#expected--;
    this.#controller.enqueue(chunk);
  }

  end(): void {
    this.#controller.close();
  }

  fail(): void {
    this.#controller.error(new Error('The answer broke off.'));
  }
}

interface ForwarderInit {
  readonly post: (message: ToMain, transfer?: ArrayBuffer[]) => void;
  readonly heart: Heart;
  readonly paths: ReadonlySet<string>;
  readonly stuckAfterMs: number;
  /** Answers in the main thread's place. */
  readonly instead: (site: Site, request: Request, isProbe: boolean) => Promise<Response>;
}

/** Has requests answered by the main thread, as long as it runs. */
export class Forwarder {
  readonly #init: ForwarderInit;
  readonly #forwarded = new Map<number, Forwarded>();
  readonly #audience = new Audience();
  #lastId = 0;

  constructor(init: ForwarderInit) {
    this.#init = init;
  }

  /** A handler of a site. */
  fetch(site: Site, request: Request): Promise<Response> {
    const { heart, instead, paths, post } = this.#init;
    const { method, url, headers, signal } = request;
    const isProbe = paths.has(new URL(url).pathname);
    if (heart.silentMs >= patienceOf(isProbe)) return instead(site, request, isProbe);
    const id = ++this.#lastId;
    return new Promise((answer) => {
      this.#forwarded.set(id, { site, request, isProbe, stage: { kind: 'asked', answer } });
      signal.addEventListener('abort', () => this.#drop(id));
      post({ kind: 'request', id, site, method, url, headers: [...headers] });
    });
  }

  receive(message: Extract<ToThread, { id: number }>): void {
    const forwarded = this.#forwarded.get(message.id);
    // Whoever it was for has left, or was answered otherwise.
    if (forwarded === undefined) return;
    const { stage } = forwarded;
    if (message.kind === 'head') this.#answer(forwarded, message);
    else if (message.kind === 'pull') void this.#sendBody(message.id, forwarded);
    else if (stage.kind === 'answering') this.#pass(message, stage.parts);
    else if (stage.kind === 'looking') this.#show(message, stage.viewer);
    else if (message.kind === 'broken') {
      this.#forwarded.delete(message.id);
      stage.answer(problemResponse(new Error('No answer could be made.')));
    }
  }

  /** Passes on what all who look are told. */
  tell(message: Told): void {
    if (message.kind === 'frame') {
      this.#audience.frame(message.topic, message.bytes);
      return;
    }
    // They end by themselves when they have got it; what the main thread says of each of them comes too late.
    for (const [id, { stage }] of this.#forwarded) if (stage.kind === 'looking') this.#forwarded.delete(id);
    this.#audience.end(message.bytes);
  }

  /** Gives up on a main thread that does not run. */
  tick(): void {
    const { heart, instead, stuckAfterMs } = this.#init;
    const { silentMs } = heart;
    for (const [id, { site, request, isProbe, stage }] of this.#forwarded) {
      if (stage.kind === 'asked' && silentMs >= patienceOf(isProbe)) {
        stage.answer(instead(site, request, isProbe));
      } else if (stage.kind === 'answering' && silentMs >= stuckAfterMs) stage.parts.fail();
      else if (stage.kind === 'looking' && silentMs >= stuckAfterMs) stage.viewer.fail();
      else continue;
      this.#cancel(id);
    }
  }

  #answer(forwarded: Forwarded, { id, status, headers, hasBody, topics }: ResponseHead): void {
    if (forwarded.stage.kind !== 'asked') return;
    const { answer } = forwarded.stage;
    const init = { status, headers: headers as [string, string][] };
    if (!hasBody) {
      this.#forwarded.delete(id);
      answer(new Response(null, init));
      return;
    }
    if (topics !== undefined) {
      const viewer = this.#audience.add(topics, () => this.#cancel(id));
      forwarded.stage = { kind: 'looking', viewer };
      answer(new Response(viewer.stream, init));
      return;
    }
    const allow = (chunks: number) => this.#init.post({ kind: 'credit', id, chunks });
    const parts = new Parts(allow, () => this.#cancel(id));
    forwarded.stage = { kind: 'answering', parts };
    answer(new Response(parts.stream, init));
  }

  #pass(message: Extract<ToThread, { id: number }>, parts: Parts): void {
    if (message.kind === 'chunk') {
      parts.add(message.chunk);
      return;
    }
    this.#forwarded.delete(message.id);
    if (message.kind === 'end') parts.end();
    else parts.fail();
  }

  #show(message: Extract<ToThread, { id: number }>, viewer: Viewer): void {
    if (message.kind === 'chunk') {
      viewer.begin(message.chunk);
      return;
    }
    this.#forwarded.delete(message.id);
    if (message.kind === 'end') viewer.close();
    else viewer.fail();
  }

  async #sendBody(id: number, forwarded: Forwarded): Promise<void> {
    const { post } = this.#init;
    try {
      // Touched only when it is wanted: what is left unread is the adapter's to clear away.
      forwarded.body ??= forwarded.request.body?.getReader();
      const { value } = (await forwarded.body?.read()) ?? {};
      const chunk = value === undefined ? null : ownChunk(value);
      post({ kind: 'body', id, chunk }, chunk === null ? [] : [chunk.buffer]);
    } catch {
      post({ kind: 'body_failed', id });
    }
  }

  /** The client has left. */
  #drop(id: number): void {
    const stage = this.#forwarded.get(id)?.stage;
    if (stage === undefined) return;
    this.#cancel(id);
    // Nobody sees it, but the adapter waits for it. A body that has begun it ends by itself.
    if (stage.kind === 'asked') stage.answer(new Response(null, { status: 499 }));
    else if (stage.kind === 'looking') stage.viewer.close();
  }

  #cancel(id: number): void {
    if (this.#forwarded.delete(id)) this.#init.post({ kind: 'cancel', id });
  }
}

const patienceOf = (isProbe: boolean): number => (isProbe ? PROBE_PATIENCE_MS : PATIENCE_MS);
