import { catalogEntries, type MetricName, specOf } from '../catalog.ts';
import { levelCopy, type Row, type ScalarCopy } from '../family.ts';
import type { Levels } from '../source.ts';

/**
 * Every family of the catalogue that is read from one kind of levels. The limit of series does not apply: how many there
 * are is bounded already, by the configuration and by the bus.
 */
export const readLevels = <K extends keyof Levels>(
  kind: K,
  levels: Levels[K],
): [MetricName, ScalarCopy][] => {
  const found: [MetricName, ScalarCopy][] = [];
  for (const [name, { from }] of catalogEntries) {
    if (from.kind !== 'level' || from.level !== kind) continue;
    const rows = from.rows as (levels: Levels[K]) => readonly Row[];
    found.push([name, levelCopy(specOf(name), rows(levels))]);
  }
  return found;
};
