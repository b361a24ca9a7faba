/** Order of rows in a table. */

export type SortValue = string | number | null | undefined;
export interface Sort {
  readonly by: string;
  readonly dir: 'asc' | 'desc';
}

const words = new Intl.Collator('en', { numeric: true });

/** What is not known stands last, whichever way is sorted. */
export const compareValues = (a: SortValue, b: SortValue, dir: Sort['dir']): number => {
  const emptyA = a === null || a === undefined;
  const emptyB = b === null || b === undefined;
  if (emptyA || emptyB) return Number(emptyA) - Number(emptyB);
  const up = typeof a === 'number' && typeof b === 'number' ? a - b : words.compare(String(a), String(b));
  return dir === 'asc' ? up : -up;
};

/** Keys of the rows in order; those of the same value by their key, so that they do not change places. */
export const sortedKeys = <Row>(
  rows: readonly Row[],
  keyOf: (row: Row) => string,
  sortValue: (row: Row) => SortValue,
  dir: Sort['dir'],
): string[] =>
  rows
    .map((row) => ({ key: keyOf(row), value: sortValue(row) }))
    .sort((a, b) => compareValues(a.value, b.value, dir) || words.compare(a.key, b.key))
    .map(({ key }) => key);

/** The order as it was, without what is gone; what is new stands at the end. Nothing moves under the pointer. */
export const heldKeys = (before: readonly string[], present: readonly string[]): string[] => {
  const here = new Set(present);
  const known = new Set(before);
  return [...before.filter((key) => here.has(key)), ...present.filter((key) => !known.has(key))];
};

export const flipped = (sort: Sort, by: string, first: Sort['dir']): Sort =>
  sort.by === by ? { by, dir: sort.dir === 'asc' ? 'desc' : 'asc' } : { by, dir: first };
