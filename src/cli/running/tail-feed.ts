import { setTimeout as sleep } from 'node:timers/promises';
import { createParser, type EventSourceMessage } from 'eventsource-parser';
import type { OpsClient } from '../client/ops-client.ts';
import { Unreachable } from '../exit.ts';

/** What a feed has to tell. */
export type Told =
  | { readonly kind: 'event'; readonly data: string }
  /** Events the server did not send, since there were too many or this side was too slow. */
  | { readonly kind: 'dropped'; readonly count: number }
  /** Events are missing that happened while there was no connection; or it is another instance. */
  | { readonly kind: 'reset'; readonly reason: string }
  | { readonly kind: 'disconnected'; readonly why: string }
  | { readonly kind: 'reconnected'; readonly url: string };

interface Feed {
  /** Finds the instance: after a restart it may listen elsewhere. */
  readonly connect: () => Promise<OpsClient>;
  /** Path with its query. @param first - false when it goes on after an id */
  readonly path: (first: boolean) => string;
  readonly stop: AbortSignal;
  readonly tell: (told: Told) => void;
}

/** The server says something every 15 s. Milliseconds. */
const SILENCE_MS = 45_000;
const FIRST_WAIT_MS = 250;
const MAX_WAIT_MS = 5000;
/** More than any one event has. Characters. */
const MAX_EVENT = 16 * 2 ** 20;
const POSITION = /^at (\S+)$/;

/**
 * Follows the stream of events until it is stopped. A connection that is lost is made anew and goes on where the old one ended.
 *
 * @throws CommandFailure, UsageError when there is no first connection, or a later one is refused for good
 */
export const follow = async ({ connect, path, stop, tell }: Feed): Promise<void> => {
  let lastEventId: string | undefined;
  let wait = FIRST_WAIT_MS;
  let state: 'first' | 'connected' | 'disconnected' = 'first';
  while (!stop.aborted) {
    let why = 'the instance has ended the stream';
    try {
      const client = await connect();
      const url = path(lastEventId === undefined);
      const quiet = new AbortController();
      const body = await client.events(url, { lastEventId, stop: AbortSignal.any([stop, quiet.signal]) });
      if (state === 'disconnected') tell({ kind: 'reconnected', url: client.url });
      state = 'connected';
      wait = FIRST_WAIT_MS;
      await read(body, { quiet, tell, seen: (id) => (lastEventId = id) });
    } catch (error) {
      if (stop.aborted) return;
      if (state === 'first' || !isPassing(error)) throw error;
      why = (error as Error).message;
    }
    if (stop.aborted) return;
    if (state === 'connected') tell({ kind: 'disconnected', why });
    state = 'disconnected';
    await sleep(wait, undefined, { signal: stop }).catch(() => {});
    wait = Math.min(MAX_WAIT_MS, wait * 2);
  }
};

/** What the network does passes; so does a restart. */
const isPassing = (error: unknown): boolean =>
  error instanceof Unreachable || error instanceof LostConnection;

class LostConnection extends Error {}

interface Reading {
  /** Ends a connection on which nothing comes. */
  readonly quiet: AbortController;
  readonly tell: Feed['tell'];
  readonly seen: (id: string) => void;
}

const read = async (body: ReadableStream<Uint8Array>, { quiet, tell, seen }: Reading): Promise<void> => {
  const parser = createParser({
    maxBufferSize: MAX_EVENT,
    onEvent: (event) => {
      if (event.id !== undefined) seen(event.id);
      const told = toldOf(event);
      if (told !== undefined) tell(told);
    },
    onComment: (comment) => {
      const position = POSITION.exec(comment.trim())?.[1];
      if (position !== undefined) seen(position);
    },
  });
  const decoder = new TextDecoder();
  const silence = setTimeout(() => quiet.abort(new LostConnection('nothing was heard of it')), SILENCE_MS);
  try {
    for await (const bytes of body) {
      silence.refresh();
      parser.feed(decoder.decode(bytes, { stream: true }));
    }
  } catch (error) {
    if (error instanceof LostConnection) throw error;
    const { code, message } = Object((error as Error).cause) as { code?: string; message?: string };
    throw new LostConnection(message ?? code ?? (error as Error).message);
  } finally {
    clearTimeout(silence);
  }
};

/** Events have a name among their data; what is said about the stream has none. */
const toldOf = ({ event, data }: EventSourceMessage): Told | undefined => {
  const { event_name, count, reason } = Object(parse(data)) as Record<string, unknown>;
  if (event_name !== undefined) return { kind: 'event', data };
  if (event === 'dropped') return { kind: 'dropped', count: Number(count) };
  return event === 'reset' ? { kind: 'reset', reason: String(reason) } : undefined;
};

const parse = (text: string): unknown => {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
};
