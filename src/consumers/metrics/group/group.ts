import { setImmediate } from 'node:timers/promises';
import type { Format } from '../expose/dialect.ts';
import type { Collection } from '../expose/scrape.ts';
import type { FamilyCopy } from '../family.ts';
import { makeGroupFolder } from './folder.ts';
import { Member } from './member.ts';
import { merge, ROWS_AT_A_TIME } from './merge.ts';
import { type Packed, pack, unpack } from './packed.ts';
import { ask, type Found } from './socket.ts';
import { Store, type Totals } from './store.ts';
import { isOfProcess, unframe, withoutSketches } from './wire.ts';

/** What one that does not answer costs a scrape at most. Milliseconds. */
export const ANSWER_MS = 1000;

/** What a member of a group has to say, in person or by its file. */
interface Voice {
  readonly id: string;
  readonly kind: Found['kind'];
  readonly families: readonly Packed[];
  /** Something of it is missing. */
  readonly faulty: boolean;
}

interface Init {
  readonly group: string;
  /** What this member itself has. */
  readonly own: Collection;
  readonly environment: Readonly<Record<string, string | undefined>>;
  /** Where its folder is made. Default: as the environment has it. */
  readonly runtimeDir: string | undefined;
  /** A scrape lacks something of the group. */
  readonly onFailure: () => void;
}

/**
 * The metrics of all processes and threads of a group, as those of one.
 *
 * Nothing that was once shown gets lost: a member that has ended, or does not answer, speaks through its file, and is added to the
 * totals once it is known to be gone.
 */
export class Group implements Collection {
  readonly #init: Init;
  readonly #store: Store;
  readonly #member: Member;
  #prepared: readonly FamilyCopy[] = [];

  /** @throws SnakepitError `invalid_configuration` when there can be no folder for the group */
  constructor(init: Init) {
    this.#init = init;
    const make = () => makeGroupFolder(init.group, init.environment, init.runtimeDir);
    this.#store = new Store(make());
    this.#member = new Member(
      this.#store,
      {
        now: async () => {
          this.#prepared = await init.own.prepare();
          return packAll(init.own.copy('protobuf', this.#prepared));
        },
        atOnce: () => init.own.copy('protobuf', this.#prepared).map(pack),
      },
      make,
    );
  }

  /** The format makes no difference: what it cannot show is left out when it is written. */
  copy(_format: Format, prepared: readonly FamilyCopy[]): readonly FamilyCopy[] {
    return prepared;
  }

  async prepare(): Promise<readonly FamilyCopy[]> {
    const { own, onFailure } = this.#init;
    if (!this.#member.closed) {
      try {
        return await this.#collect();
      } catch {
        onFailure();
      }
    }
    return own.copy('protobuf', await own.prepare());
  }

  /** Leaves what has been counted to the group. Never rejects. */
  async close(): Promise<void> {
    await this.#member.close().catch(() => {});
  }

  async #collect(): Promise<readonly FamilyCopy[]> {
    await this.#member.joined;
    const ids = (await this.#store.members()).filter((id) => id !== this.#member.id);
    const [told, ...others] = await Promise.all([this.#member.tell(), ...ids.map((id) => this.#voiceOf(id))]);
    // Read last: whoever is in it by now is not counted a second time, and whose file has gone meanwhile is in it.
    const totals = await this.#store.totals();
    const voices = others.filter(({ id }) => !totals.folded.has(id));
    const { families, clashed } = await merge([
      told.families,
      ...onceForEachProcess(this.#member.id, voices),
      totals.families,
    ]);
    if (!told.kept || clashed || totals.unreadable || others.some(({ faulty }) => faulty))
      this.#init.onFailure();
    await this.#fold(
      totals,
      others.filter(({ kind }) => kind === 'gone'),
      told.families,
    );
    return families.map(unpack);
  }

  async #voiceOf(id: string): Promise<Voice> {
    const found = await ask(this.#store.socketOf(id), ANSWER_MS);
    if (found.kind === 'answer') {
      try {
        const { lasting, passing } = unframe(found.bytes);
        return { id, kind: 'answer', families: [...lasting, ...passing], faulty: false };
      } catch {
        return this.#lastOf(id, 'failed');
      }
    }
    return this.#lastOf(id, found.kind);
  }

  async #lastOf(id: string, kind: 'gone' | 'failed'): Promise<Voice> {
    try {
      const families = (await this.#store.lastOf(id)) ?? [];
      return { id, kind, families: families.map(withoutSketches), faulty: kind === 'failed' };
    } catch {
      return { id, kind, families: [], faulty: true };
    }
  }

  /** Adds those who are gone to the totals, described as they are here, since that is how they were shown. */
  async #fold(totals: Totals, gone: readonly Voice[], described: readonly Packed[]): Promise<void> {
    if (gone.length === 0) return;
    try {
      const fresh = gone.filter(({ id }) => !totals.folded.has(id));
      if (fresh.length > 0) {
        const sums = [totals.families, ...fresh.map(({ families }) => families)];
        const { families } = await merge(sums, described);
        await this.#store.replace(
          totals,
          families,
          fresh.map(({ id }) => id),
        );
      }
      await this.#store.tidy();
    } catch {
      // Their files are still there for the next scrape.
      this.#init.onFailure();
    }
  }
}

/** Takes copies down; whoever waits runs in between. */
const packAll = async (copies: readonly FamilyCopy[]): Promise<readonly Packed[]> => {
  const packed: Packed[] = [];
  let rows = Number.POSITIVE_INFINITY;
  for (const copy of copies) {
    if (rows >= ROWS_AT_A_TIME) {
      await setImmediate();
      rows = 0;
    }
    packed.push(pack(copy));
    rows += copy.rows;
  }
  return packed;
};

const pidOf = (id: string): string => id.slice(0, id.indexOf('-'));

/** Threads have a process in common: the first speaks for it. And what the target is, only the one that is scraped says. */
const onceForEachProcess = (own: string, voices: readonly Voice[]): (readonly Packed[])[] => {
  const seen = new Set([pidOf(own)]);
  return voices.map(({ id, kind, families }) => {
    const known = seen.has(pidOf(id));
    if (kind === 'answer') seen.add(pidOf(id));
    return families.filter((of) => of.spec.name !== 'target_info' && !(known && isOfProcess(of)));
  });
};
