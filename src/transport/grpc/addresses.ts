import { lookup } from 'node:dns/promises';
import { readDnsName } from '../../config/index.ts';

const MAX_ADDRESSES = 1024;

/** Finds the addresses of a name. */
export type Resolve = (
  host: string,
) => Promise<readonly { readonly address: string; readonly family: number }[]>;

const systemResolve: Resolve = (host) => lookup(host, { all: true });

/** Which address belongs to which slot. An address that stays keeps its slot, unless there are fewer slots now. */
export class Addresses {
  readonly #name: { readonly host: string; readonly port: number } | undefined;
  readonly #resolve: Resolve;
  #list: readonly string[];
  #underWay: Promise<void> | undefined;

  /** @param addresses - as in the option `remote.addresses` */
  constructor(addresses: string | readonly string[], resolve: Resolve = systemResolve) {
    this.#resolve = resolve;
    this.#name = typeof addresses === 'string' ? readDnsName(addresses) : undefined;
    this.#list = typeof addresses === 'string' ? [] : addresses;
  }

  /** Whether they can change. */
  get dynamic(): boolean {
    return this.#name !== undefined;
  }

  /** The name they come from; undefined where they are a list. */
  get host(): string | undefined {
    return this.#name?.host;
  }

  /** How many slots there are to be. */
  get count(): number {
    return Math.max(1, this.#list.length);
  }

  /** @throws Error when the name has no address */
  async of(slot: number): Promise<string> {
    if (this.#list.length === 0) await this.refresh();
    return this.peek(slot) as string;
  }

  /** The same, as far as it is known. */
  peek(slot: number): string | undefined {
    return this.#list.length === 0 ? undefined : this.#list[slot % this.#list.length];
  }

  /**
   * Looks the name up anew. While that takes its time, whoever asks again waits for the same answer: look-ups that hang must not pile up, since
   * they keep threads that files need too.
   *
   * @throws Error when that fails; the addresses known before stay
   */
  refresh(): Promise<void> {
    this.#underWay ??= this.#lookUp().finally(() => {
      this.#underWay = undefined;
    });
    return this.#underWay;
  }

  async #lookUp(): Promise<void> {
    if (this.#name === undefined) return;
    const { host, port } = this.#name;
    const found = await this.#resolve(host);
    const fresh = [
      ...new Set(
        found.map(({ address, family }) => (family === 6 ? `[${address}]:${port}` : `${address}:${port}`)),
      ),
    ]
      .sort()
      .slice(0, MAX_ADDRESSES);
    if (fresh.length === 0) throw new Error(`The name '${host}' has no address.`);
    this.#list = placed(this.#list, fresh);
  }
}

const placed = (before: readonly string[], fresh: readonly string[]): readonly string[] => {
  const left = new Set(fresh);
  const slots = fresh.map((_, slot) => {
    const kept = before[slot];
    return kept !== undefined && left.delete(kept) ? kept : undefined;
  });
  const rest = left.values();
  return slots.map((kept) => kept ?? (rest.next().value as string));
};
