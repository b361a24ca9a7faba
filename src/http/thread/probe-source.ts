import type { FetchLike } from '../node-handler.ts';
import type { Handlers, Post } from './backend.ts';
import { type Asked, ownChunk, type Written } from './messages.ts';
import { type Shared, SLOTS } from './shared.ts';

/** What is used is made anew with every other beat: twice before it is too old to be given. */
const REFRESH_BEATS = 2;
/** After so many rounds without a use a place is given to others. */
const IDLE_ROUNDS = 50;

interface Place {
  readonly key: string;
  readonly asked: Asked;
  idleRounds: number;
}

/**
 * Makes the answers that the listener's thread gives to probes, in the main thread and by the same app as all others.
 *
 * An answer is made when it is first asked for, and anew every few beats and with every change as long as it is used; so what nobody asks
 * for costs nothing.
 */
export class ProbeSource {
  readonly #handlers: Handlers;
  readonly #post: Post;
  readonly #shared: Shared;
  readonly #places: (Place | undefined)[] = Array.from({ length: SLOTS }, () => undefined);
  #beats = 0;
  #scheduled: NodeJS.Immediate | undefined;

  constructor(handlers: Handlers, post: Post, shared: Shared) {
    this.#handlers = handlers;
    this.#post = post;
    this.#shared = shared;
  }

  /** Answers a probe that the thread has no answer for. */
  ask(key: string, asked: Asked): void {
    void this.#make(key, asked, this.#placeOf(key, asked));
  }

  /** What was used since the last round is made anew. */
  beat(): void {
    if (++this.#beats % REFRESH_BEATS !== 0) return;
    this.#places.forEach((place, slot) => {
      if (place === undefined) return;
      if (this.#shared.takeHit(slot)) {
        place.idleRounds = 0;
        void this.#make(place.key, place.asked, slot);
      } else if (++place.idleRounds > IDLE_ROUNDS) {
        this.#places[slot] = undefined;
        this.#post({ kind: 'forget', key: place.key });
      }
    });
  }

  /**
   * Health may have changed: answers made before are not given any more, from this moment on. New ones are made once the caller is
   * done, for in the middle of an event the levels may not have followed it yet.
   */
  changed(): void {
    this.#shared.invalidate();
    this.#scheduled ??= setImmediate(() => {
      this.#scheduled = undefined;
      this.#places.forEach((place, slot) => {
        if (place !== undefined) void this.#make(place.key, place.asked, slot);
      });
    });
  }

  close(): void {
    clearImmediate(this.#scheduled);
  }

  async #make(key: string, asked: Asked, slot: number | undefined): Promise<void> {
    const { version } = this.#shared;
    const handler = this.#handlers[asked.site] as FetchLike;
    // Asked in the usual way, it is told in the usual way what is wrong.
    const written = await answerOf(handler, asked).catch(() => undefined);
    this.#post(
      { kind: 'probed', key, written, slot, version },
      written === undefined ? [] : [written.body.buffer as ArrayBuffer],
    );
  }

  /** A place of its own for what is asked for; undefined when all are taken. */
  #placeOf(key: string, asked: Asked): number | undefined {
    const known = this.#places.findIndex((place) => place?.key === key);
    const slot = known === -1 ? this.#places.indexOf(undefined) : known;
    if (slot === -1) return undefined;
    this.#places[slot] = { key, asked, idleRounds: 0 };
    return slot;
  }
}

const requestOf = ({ path, host, accept, forwarded }: Asked): Request => {
  const headers = new Headers({ host });
  if (accept !== undefined) headers.set('accept', accept);
  // That there is a proxy counts, not who is behind it.
  if (forwarded) headers.set('forwarded', 'for=unknown');
  return new Request(`http://${host}${path}`, { headers });
};

const answerOf = async (handler: FetchLike, asked: Asked): Promise<Written> => {
  const request = requestOf(asked);
  const response = await (typeof handler === 'function' ? handler(request) : handler.fetch(request));
  const { status, headers } = response;
  return {
    status,
    headers: [...headers].flat(),
    body: ownChunk(new Uint8Array(await response.arrayBuffer())),
  };
};
