import { randomBytes } from 'node:crypto';
import type { Server } from 'node:net';
import { isMainThread, threadId } from 'node:worker_threads';
import type { Packed } from './packed.ts';
import { answerAt, isThere } from './socket.ts';
import type { Store } from './store.ts';
import { encode, frame, isTold, partsOf } from './wire.ts';

/** What a member tells of itself. */
export interface Telling {
  /** All families, of one moment. */
  now(): Promise<readonly Packed[]>;
  /** The same at once, for when the process ends. */
  atOnce(): readonly Packed[];
}

/** How often it is tried to listen where the folder goes away at the same moment. */
const TRIES = 3;

/**
 * One member of a group: a process, or a thread, that answers the others, and leaves behind what it has counted.
 *
 * Whatever has been told stands in its file first: so what was once seen is never missing, however the member ends.
 */
export class Member {
  readonly id = `${process.pid}-${threadId}-${randomBytes(4).toString('hex')}`;
  /** Fulfilled once the others can find it; rejected when they never will. */
  readonly joined: Promise<void>;
  readonly #store: Store;
  readonly #telling: Telling;
  readonly #ready: () => void;
  #server: Server | undefined;
  #closed = false;
  #current: Promise<unknown> = Promise.resolve();
  #next: Promise<Told> | undefined;

  get closed(): boolean {
    return this.#closed;
  }

  /** @param makeFolder - makes the folder where it has gone away */
  constructor(store: Store, telling: Telling, makeFolder: () => void) {
    this.#store = store;
    this.#telling = telling;
    this.#ready = () => this.#leave();
    this.joined = this.#join(makeFolder);
    // Whoever scrapes is told.
    this.joined.catch(() => {});
    process.once('exit', this.#ready);
  }

  /** What this member has to tell, once it is in its file. Who asks while others are being told shares the next telling. */
  tell(): Promise<Told> {
    this.#next ??= this.#current.then(() => {
      this.#next = undefined;
      const telling = this.#tell();
      this.#current = telling.catch(() => {});
      return telling;
    });
    return this.#next;
  }

  /** Leaves the group: what has been counted stays there. The last one takes everything away. */
  async close(): Promise<void> {
    if (this.#closed) return;
    process.off('exit', this.#ready);
    await this.joined.catch(() => {});
    const families = await this.#telling.now().catch(() => this.#telling.atOnce());
    if (this.#closed) return;
    this.#leave(families);
    const members = await this.#store.members();
    if (!(await this.#anyoneIn(members))) await this.#store.clear(members);
  }

  async #tell(): Promise<Told> {
    const families = told(await this.#telling.now());
    const { lasting: rising, passing } = partsOf(families);
    const lasting = encode(rising);
    if (this.#closed) throw new Error('The member has left.');
    let kept = true;
    try {
      await this.#store.keep(this.id, lasting, () => !this.#closed);
    } catch {
      kept = false;
    }
    return { families, lasting, passing, kept };
  }

  async #answer(): Promise<Uint8Array> {
    const { lasting, passing } = await this.tell();
    // What is in the file now is more than what would be said.
    if (this.#closed) throw new Error('The member has left.');
    return frame(lasting, encode(passing));
  }

  /** In one turn, so that nobody can be told more than what is in the file. */
  #leave(families?: readonly Packed[]): void {
    if (this.#closed) return;
    this.#closed = true;
    try {
      const { lasting } = partsOf(told(families ?? this.#telling.atOnce()));
      this.#store.keepNow(this.id, encode(lasting));
    } catch {
      // There is nowhere to say so any more.
    }
    this.#server?.close();
  }

  async #join(makeFolder: () => void): Promise<void> {
    for (let left = TRIES; ; left--) {
      try {
        await this.#listen();
        break;
      } catch (error) {
        if (left === 0 || (error as NodeJS.ErrnoException).code !== 'ENOENT') throw error;
        makeFolder();
      }
    }
    const others = (await this.#store.members()).filter((id) => id !== this.id);
    // All have died, and their time is over: this one begins anew.
    if (others.length > 0 && !(await this.#anyoneIn(others))) await this.#store.clear(others);
  }

  #listen(): Promise<void> {
    return new Promise((resolve, reject) => {
      const path = this.#store.socketOf(this.id);
      const server = answerAt(path, () => this.#answer(), reject);
      this.#server = server;
      // Of a path it is known at once. Whoever has a file listens, or is gone.
      if (!server.listening) return;
      try {
        this.#store.keepNow(this.id, encode([]));
        resolve();
      } catch (error) {
        server.close();
        reject(error);
      }
    });
  }

  async #anyoneIn(members: readonly string[]): Promise<boolean> {
    const others = members.filter((id) => id !== this.id);
    const there = await Promise.all(others.map((id) => isThere(this.#store.socketOf(id))));
    return there.includes(true);
  }
}

/** What was told. */
export interface Told {
  readonly families: readonly Packed[];
  /** As it is in the file. */
  readonly lasting: Buffer;
  readonly passing: readonly Packed[];
  /** Whether it could be written. */
  readonly kept: boolean;
}

const told = (families: readonly Packed[]): readonly Packed[] =>
  families.filter((family) => isTold(family, !isMainThread));
