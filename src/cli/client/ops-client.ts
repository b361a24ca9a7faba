import { packageVersion } from '../../version.ts';
import { CommandFailure, Unreachable } from '../exit.ts';
import { plainLine } from '../show/plain.ts';
import { figure } from '../show/units.ts';
import { serverProblem } from './problem.ts';
import type { Target } from './target.ts';

/** Parameters of a URL; undefined ones are left out. */
export type Query = Readonly<Record<string, string | number | undefined>>;

/** What a server said. */
export interface Answer<T> {
  /** As it came, for `--json`. */
  readonly text: string;
  /** What it means. Any member may be missing: the server may be of another version. */
  readonly value: T;
}

interface Asking {
  readonly method: 'GET' | 'POST' | 'PATCH';
  readonly path: string;
  readonly body?: unknown;
  readonly headers?: Readonly<Record<string, string>>;
}

/** By this the server tells who changes things. */
const USER_AGENT = `snakepit-cli/${packageVersion()}`;

/** Speaks to the ops server of one running instance. The token goes to that host only: redirects are not followed. */
export class OpsClient {
  readonly #target: Target;
  readonly #timeoutMs: number;

  /** @param timeoutMs - for an answer as a whole */
  constructor(target: Target, timeoutMs: number) {
    this.#target = target;
    this.#timeoutMs = timeoutMs;
  }

  /** Where it speaks to. */
  get url(): string {
    return this.#target.url;
  }

  /**
   * Reads an endpoint.
   *
   * @throws CommandFailure when there is no answer, or one that says no
   */
  get<T>(path: string, query: Query = {}): Promise<Answer<T>> {
    return this.#ask({ method: 'GET', path: path + searchOf(query) });
  }

  /** Changes something. @throws CommandFailure as {@link get} does */
  post<T>(path: string, body: object = {}): Promise<Answer<T>> {
    return this.#ask({ method: 'POST', path, body });
  }

  /** Changes something by a JSON merge patch. @throws CommandFailure as {@link get} does */
  patch<T>(path: string, body: object, query: Query, ifMatch?: string): Promise<Answer<T>> {
    const headers = {
      'content-type': 'application/merge-patch+json',
      ...(ifMatch !== undefined && { 'if-match': ifMatch }),
    };
    return this.#ask({ method: 'PATCH', path: path + searchOf(query), body, headers });
  }

  /**
   * Opens a stream of server-sent events. The time limit is for its beginning.
   *
   * @param path - with its query
   * @param stop - ends it
   * @throws CommandFailure as {@link get} does
   */
  async events(
    path: string,
    { lastEventId, stop }: { readonly lastEventId: string | undefined; readonly stop: AbortSignal },
  ): Promise<ReadableStream<Uint8Array>> {
    const headers = {
      accept: 'text/event-stream, application/problem+json',
      ...(lastEventId !== undefined && { 'last-event-id': lastEventId }),
    };
    const late = new AbortController();
    const timer = setTimeout(() => late.abort(new DOMException('', 'TimeoutError')), this.#timeoutMs);
    try {
      const response = await this.#fetch(
        { method: 'GET', path, headers },
        AbortSignal.any([stop, late.signal]),
      );
      const type = response.headers.get('content-type') ?? '';
      if (response.ok && response.body !== null && /^text\/event-stream\b/i.test(type)) return response.body;
      throw this.#refused({ response, text: await response.text() }) ?? this.#strange(response, type);
    } finally {
      clearTimeout(timer);
    }
  }

  async #ask<T>(asking: Asking): Promise<Answer<T>> {
    const { response, text } = await this.#exchange(asking);
    const refused = this.#refused({ response, text });
    if (refused !== undefined) throw refused;
    const type = response.headers.get('content-type') ?? '';
    // A report that says `error` comes with 503, and is the answer all the same.
    const value = /^application\/json\b/i.test(type) ? parse<T>(text) : undefined;
    if (value === undefined || (!response.ok && response.status !== 503)) throw this.#strange(response, type);
    return { text, value };
  }

  async #exchange(asking: Asking): Promise<{ response: Response; text: string }> {
    const response = await this.#fetch(asking, AbortSignal.timeout(this.#timeoutMs));
    try {
      return { response, text: await response.text() };
    } catch (error) {
      throw this.#unanswered(error as Error, asking.method);
    }
  }

  async #fetch({ method, path, body, headers: more }: Asking, signal: AbortSignal): Promise<Response> {
    const { token } = this.#target;
    const headers = {
      accept: 'application/json',
      'user-agent': USER_AGENT,
      ...(body !== undefined && { 'content-type': 'application/json' }),
      ...more,
      // Headers carry bytes as Latin-1; the server compares UTF-8.
      ...(token !== undefined && {
        authorization: `Bearer ${Buffer.from(token, 'utf8').toString('latin1')}`,
      }),
    };
    try {
      return await fetch(this.url + path, {
        method,
        headers,
        redirect: 'manual',
        signal,
        ...(body !== undefined && { body: JSON.stringify(body) }),
      });
    } catch (error) {
      throw this.#unanswered(error as Error, method);
    }
  }

  /** A redirect, or a no. */
  #refused({ response, text }: { response: Response; text: string }): Error | undefined {
    if (response.status >= 300 && response.status < 400) return this.#redirected(response);
    const type = response.headers.get('content-type') ?? '';
    if (!/^application\/problem\+json\b/i.test(type)) return undefined;
    return serverProblem(text, response.status, this.#target.token !== undefined);
  }

  #unanswered(error: Error & { cause?: unknown }, method: Asking['method']): Unreachable {
    const { code, message } = Object(error.cause) as { code?: string; message?: string };
    if (code === 'ECONNREFUSED') {
      return new Unreachable(
        `connection refused: nothing listens at ${this.url}. ` +
          'Is it still running? `snakepit serve app.py` starts an instance.',
      );
    }
    if (error.name === 'TimeoutError' || code === 'UND_ERR_HEADERS_TIMEOUT') {
      return new Unreachable(
        `${this.url} has not answered within ${figure(this.#timeoutMs / 1000)} s (--timeout gives it longer).` +
          (method === 'GET' ? '' : ' What it has begun goes on there.'),
      );
    }
    return new Unreachable(`${this.url} cannot be asked: ${plainLine(message || code || error.message)}.`);
  }

  #redirected(response: Response): CommandFailure {
    const to = plainLine(response.headers.get('location') ?? 'nowhere');
    return new CommandFailure(
      `${this.url} answers with a redirect to ${to}, which is not followed: a token belongs to the host that was named. ` +
        'Name the right one with --ops-url.',
    );
  }

  #strange(response: Response, type: string): CommandFailure {
    return new CommandFailure(
      `${this.url} answers with HTTP ${response.status} and ${plainLine(type) || 'no content type'}: this is no ops server of Snakepit.`,
    );
  }
}

const searchOf = (query: Query): string => {
  const given = Object.entries(query).flatMap(([key, value]) =>
    value === undefined ? [] : [[key, String(value)] as [string, string]],
  );
  return given.length === 0 ? '' : `?${new URLSearchParams(given)}`;
};

const parse = <T>(text: string): T | undefined => {
  try {
    return JSON.parse(text) ?? undefined;
  } catch {
    return undefined;
  }
};

/** The server's JSON, on lines of its own; nothing else of it is changed. */
export const jsonLine = ({ text }: Answer<unknown>): string => (text.endsWith('\n') ? text : `${text}\n`);
