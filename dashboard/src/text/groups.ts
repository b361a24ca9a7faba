import type { ErrorGroup, ErrorLine } from './types.ts';

/** Which kinds of errors are shown. Empty texts do not matter. */
export interface GroupFilter {
  readonly code: string;
  readonly pool: string;
  readonly command: string;
  /** Words that must all occur somewhere. */
  readonly text: string;
}

const OFFSET = 0x811c9dc5;
const PRIME = 0x01000193;
const BASE = 36;

/** FNV-1a. Short enough for an address; two kinds of two hundred hardly ever share one. */
const hashOf = (text: string): string => {
  let hash = OFFSET;
  for (let i = 0; i < text.length; i++) hash = Math.imul(hash ^ text.charCodeAt(i), PRIME);
  return (hash >>> 0).toString(BASE);
};

/** Names a kind of error in an address. The same in every process, so that a link outlives a restart. */
export const groupKey = ({ code, pool, command, message }: ErrorGroup): string =>
  hashOf(JSON.stringify([code, pool, command, message]));

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

const UNKNOWN = '(unknown)';
const sameName = (group: string | null, line: string | null): boolean => group === line || group === UNKNOWN;

/** A line has the first line of a message alone, so a piece may have only begun where it ends. */
const begunAtEnd = (rest: string, piece: string): number =>
  piece.startsWith(rest.trim()) ? rest.trim().length : 0;

/** How much of a kind's message stands in this one, 0 to 1. */
const likeness = (message: string, shape: string): number => {
  const pieces = shape.split(/<(?:n|hex|id|str)>/).filter((piece) => piece !== '');
  const length = pieces.reduce((sum, piece) => sum + piece.length, 0);
  if (length === 0) return 0;
  const line = message.replaceAll(/\s+/g, ' ').trim();
  let [from, found] = [0, 0];
  for (const piece of pieces) {
    const at = line.indexOf(piece, from);
    if (at < 0) {
      found += begunAtEnd(line.slice(from), piece);
      break;
    }
    found += piece.length;
    from = at + piece.length;
  }
  return found / length;
};

/**
 * The kind an error belongs to. A line does not say it, but what varies is left out of a kind's message: the one that is most like
 * it is it. Undefined where none is of its code and command.
 */
export const groupOf = (line: ErrorLine, groups: readonly ErrorGroup[]): ErrorGroup | undefined => {
  const those = groups.filter(
    ({ code, pool, command }) =>
      code === line.code && sameName(pool, line.pool) && sameName(command, line.command),
  );
  const likeliest = (best: ErrorGroup | undefined, group: ErrorGroup): ErrorGroup =>
    best === undefined || likeness(line.message, group.message) > likeness(line.message, best.message)
      ? group
      : best;
  return those.reduce<ErrorGroup | undefined>(likeliest, undefined);
};

/** All values of a field, for a list to choose from. */
export const valuesOf = (
  groups: readonly ErrorGroup[],
  field: 'code' | 'pool' | 'command',
): readonly string[] =>
  [...new Set(groups.map((group) => shown(group[field])))].filter((name) => name !== '').sort();
