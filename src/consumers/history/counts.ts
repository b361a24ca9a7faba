import { Ring } from './ring.ts';

/** What is counted as it happens, in the order in which it is kept. */
const names = ['restarts', 'queue_full'] as const;
export type CountName = (typeof names)[number];

/** Counts by pool in each of the last slices. Pools are remembered from their first count on, while they are there. */
export class Counts {
  readonly #pools = new Map<string, Ring>();
  readonly #present: () => object;

  /** @param present - asked seldom: an object with the pools there are as keys */
  constructor(present: () => object) {
    this.#present = present;
  }

  /** How many pools are remembered. */
  get size(): number {
    return this.#pools.size;
  }

  add(pool: unknown, slice: number, name: CountName): void {
    const ring = this.#ringOf(pool);
    if (ring === undefined) return;
    const before = ring.get(slice);
    ring.put(
      slice,
      names.map((each, i) => (before?.[i] ?? 0) + (each === name ? 1 : 0)),
    );
  }

  /** Of some pools together. */
  in(slice: number, pools: readonly string[]): Record<CountName, number> {
    const sum = (i: number) =>
      pools.reduce((all, pool) => all + (this.#pools.get(pool)?.get(slice)?.[i] ?? 0), 0);
    return { restarts: sum(0), queue_full: sum(1) };
  }

  /** An event of the user's own may bear the name of one of ours; pools that are not there must not add up. */
  #ringOf(pool: unknown): Ring | undefined {
    if (typeof pool !== 'string') return undefined;
    const known = this.#pools.get(pool);
    if (known !== undefined) return known;
    const present = this.#present();
    if (!Object.hasOwn(present, pool)) return undefined;
    for (const other of this.#pools.keys()) if (!Object.hasOwn(present, other)) this.#pools.delete(other);
    const ring = new Ring(names.length);
    this.#pools.set(pool, ring);
    return ring;
  }
}
