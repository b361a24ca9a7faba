import { randomBytes } from 'node:crypto';
import { renameSync, rmSync, writeFileSync } from 'node:fs';
import { link, readdir, readFile, rm, rmdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { Packed } from './packed.ts';
import { decode, encode } from './wire.ts';

/** How long it is remembered that a member is part of the totals. Longer than any scrape lasts. */
const REMEMBERED_MS = 600_000;
const MEMBER = /^(\d+-\d+-[0-9a-f]+)\.member$/;
const TOTALS = /^totals\.(\d+)$/;

/** Sums of the members that are gone. */
export interface Totals {
  /** Which of the files it is: 0 where there is none yet. */
  readonly number: number;
  readonly families: readonly Packed[];
  /** Who is in it, with the time it was added, epoch milliseconds. */
  readonly folded: ReadonlyMap<string, number>;
  /** There is a file, which cannot be read. */
  readonly unreadable?: true;
}

/**
 * The files of a group. Each member has one, with what it said last, and there are the totals of those that are gone. Both are only
 * ever replaced as a whole. Totals are numbered, and the next number is taken by making a link, which only one can: so nobody is ever
 * added twice, or lost, whoever dies in the middle of it, and there is no lock that could be left behind.
 */
export class Store {
  readonly #folder: string;

  constructor(folder: string) {
    this.#folder = folder;
  }

  socketOf(id: string): string {
    return this.#path(`${id}.sock`);
  }

  /** All who have a file, whether they live or not, in the order of their ids. */
  async members(): Promise<string[]> {
    return (await readdir(this.#folder)).flatMap((name) => MEMBER.exec(name)?.[1] ?? []).sort();
  }

  /** @param wanted - asked at the end; no: what was written is thrown away */
  async keep(id: string, bytes: Uint8Array, wanted: () => boolean): Promise<void> {
    const partial = this.#partial();
    try {
      await writeFile(partial, bytes, { mode: 0o600 });
      if (wanted()) renameSync(partial, this.#fileOf(id));
    } finally {
      rmSync(partial, { force: true });
    }
  }

  keepNow(id: string, bytes: Uint8Array): void {
    const partial = this.#partial();
    try {
      writeFileSync(partial, bytes, { mode: 0o600 });
      renameSync(partial, this.#fileOf(id));
    } finally {
      rmSync(partial, { force: true });
    }
  }

  /** What a member said last; undefined where there is no file any more. @throws Error on a file that cannot be read */
  async lastOf(id: string): Promise<readonly Packed[] | undefined> {
    const bytes = await readOrNone(this.#fileOf(id));
    return bytes === undefined ? undefined : decode(bytes);
  }

  /** The totals as they are now. */
  async totals(): Promise<Totals> {
    for (;;) {
      const number = Math.max(0, ...(await this.#numbers()));
      if (number === 0) return { number, families: [], folded: new Map() };
      const bytes = await readOrNone(this.#totalsOf(number));
      // Somebody has just made the next.
      if (bytes === undefined) continue;
      try {
        return { ...decode<Pick<Totals, 'families' | 'folded'>>(bytes), number };
      } catch {
        return { number, families: [], folded: new Map(), unreadable: true };
      }
    }
  }

  /**
   * Makes the next totals.
   *
   * @param before - those they were made from
   * @param added - who is in them now
   * @returns false where somebody else was faster; then nothing has changed
   */
  async replace(before: Totals, families: readonly Packed[], added: readonly string[]): Promise<boolean> {
    const now = Date.now();
    const here = new Set(await this.members());
    const old = [...before.folded].filter(([id, at]) => here.has(id) || now - at < REMEMBERED_MS);
    const folded = new Map([...old, ...added.map((id) => [id, now] as const)]);
    const partial = this.#partial();
    try {
      await writeFile(partial, encode({ families, folded }), { mode: 0o600 });
      await link(partial, this.#totalsOf(before.number + 1));
      return true;
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code === 'EEXIST') return false;
      throw error;
    } finally {
      await rm(partial, { force: true });
    }
  }

  /** Removes what the totals have made superfluous. */
  async tidy(): Promise<void> {
    const { number, folded } = await this.totals();
    const members = (await this.members()).filter((id) => folded.has(id));
    for (const id of members) await this.#remove(id);
    for (const old of await this.#numbers()) if (old < number) await rm(this.#totalsOf(old), { force: true });
  }

  /** Removes these members and the totals; the folder too if nothing is left. */
  async clear(members: readonly string[]): Promise<void> {
    for (const number of await this.#numbers()) await rm(this.#totalsOf(number), { force: true });
    for (const id of members) await this.#remove(id);
    const partials = (await readdir(this.#folder)).filter((name) => name.endsWith('.partial'));
    for (const name of partials) await rm(this.#path(name), { force: true });
    // Somebody may have come meanwhile.
    await rmdir(this.#folder).catch(() => {});
  }

  async #remove(id: string): Promise<void> {
    await rm(this.socketOf(id), { force: true });
    await rm(this.#fileOf(id), { force: true });
  }

  async #numbers(): Promise<number[]> {
    return (await readdir(this.#folder)).flatMap((name) => {
      const number = TOTALS.exec(name)?.[1];
      return number === undefined ? [] : [Number(number)];
    });
  }

  #path(name: string): string {
    return join(this.#folder, name);
  }

  #fileOf(id: string): string {
    return this.#path(`${id}.member`);
  }

  #totalsOf(number: number): string {
    return this.#path(`totals.${number}`);
  }

  #partial(): string {
    return this.#path(`${randomBytes(8).toString('hex')}.partial`);
  }
}

const readOrNone = async (path: string): Promise<Buffer | undefined> => {
  try {
    return await readFile(path);
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return undefined;
    throw error;
  }
};
