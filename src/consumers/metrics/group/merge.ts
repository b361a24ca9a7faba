import { setImmediate } from 'node:timers/promises';
import { Names } from '../record/names.ts';
import { Merging } from './merging.ts';
import type { Packed } from './packed.ts';

/** Series that are worked on before others run, or those of one family. */
export const ROWS_AT_A_TIME = 2000;

/** Families of several members as those of one. */
export interface Merged {
  readonly families: readonly Packed[];
  /** Whether a family of a member was left out: it has the name of another kind of metric. */
  readonly clashed: boolean;
}

/**
 * Merges the families of members, series by series. They come in the order, and are described, as the first member that has them has
 * them.
 *
 * @param described - families whose descriptions win over those of the members
 */
export const merge = async (
  members: readonly (readonly Packed[])[],
  described: readonly Packed[] = [],
): Promise<Merged> => {
  const descriptions = new Map(described.map((family) => [family.spec.name, family]));
  const found = new Map<string, Merging>();
  const names = new Names();
  let clashed = false;
  let rows = 0;
  const mergingOf = (family: Packed): Merging | undefined => {
    const known = found.get(family.spec.name);
    if (known !== undefined) return known;
    try {
      names.claim(family.spec);
    } catch {
      return undefined;
    }
    const made = new Merging(descriptions.get(family.spec.name) ?? family);
    found.set(family.spec.name, made);
    return made;
  };
  for (const families of members) {
    for (const family of families) {
      if (mergingOf(family)?.add(family) !== true) clashed = true;
      rows += family.labels.length;
      if (rows < ROWS_AT_A_TIME) continue;
      rows = 0;
      await setImmediate();
    }
  }
  return { families: [...found.values()].map((of) => of.result()), clashed };
};
