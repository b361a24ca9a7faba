import type { ErrorGroup } from './types.ts';

/** Which kinds of errors are shown. Empty texts do not matter. */
export interface GroupFilter {
  readonly code: string;
  readonly pool: string;
  readonly command: string;
  /** Words that must all occur somewhere. */
  readonly text: string;
}

const shown = (name: string | null): string => name ?? '';

export const filterGroups = (groups: readonly ErrorGroup[], filter: GroupFilter): readonly ErrorGroup[] => {
  const words = filter.text
    .toLowerCase()
    .split(/\s+/)
    .filter((word) => word !== '');
  return groups.filter(({ code, pool, command, message, category }) => {
    if (filter.code !== '' && code !== filter.code) return false;
    if (filter.pool !== '' && shown(pool) !== filter.pool) return false;
    if (filter.command !== '' && shown(command) !== filter.command) return false;
    const all = `${code} ${category} ${shown(pool)} ${shown(command)} ${message}`.toLowerCase();
    return words.every((word) => all.includes(word));
  });
};

/** All values of a field, for a list to choose from. */
export const valuesOf = (
  groups: readonly ErrorGroup[],
  field: 'code' | 'pool' | 'command',
): readonly string[] =>
  [...new Set(groups.map((group) => shown(group[field])))].filter((name) => name !== '').sort();
