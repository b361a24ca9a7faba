import type { Outlet } from './outlet.ts';
import { type ConsumerCounts, Tally } from './tally.ts';

/** Names beyond this many whose consumers are gone are counted together, so that a program that invents names grows no metrics. */
const MAX_NAMES = 500;
const GONE = '(removed)';

/** The counts of all consumers there are and were. */
export class Tallies {
  readonly #byName = new Map<string, Tally>();

  of(name: string): Tally {
    const known = this.#byName.get(name);
    if (known !== undefined) return known;
    const tally = new Tally();
    this.#byName.set(name, tally);
    return tally;
  }

  /** @param outlets - of the consumers there are */
  read(outlets: readonly Outlet[]): ConsumerCounts[] {
    const living = new Map(outlets.map((outlet) => [outlet.name, outlet]));
    if (this.#byName.size > MAX_NAMES) this.#fold(living);
    return [...this.#byName].map(([name, tally]) => living.get(name)?.counts() ?? tally.read(name, 'closed'));
  }

  /** The oldest first. */
  #fold(living: ReadonlyMap<string, Outlet>): void {
    const gone = this.of(GONE);
    for (const [name, tally] of this.#byName) {
      if (this.#byName.size <= MAX_NAMES) return;
      if (living.has(name) || tally === gone) continue;
      gone.absorb(tally);
      this.#byName.delete(name);
    }
  }
}
