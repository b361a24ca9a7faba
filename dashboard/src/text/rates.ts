/** How fast counts rise. */

/** Counts by name, and when they were read. Milliseconds. */
export interface Reading {
  readonly at: number;
  readonly counts: Readonly<Record<string, number>>;
}

/**
 * What each count rose by a second. A count that has fallen began anew, so it rose by what it is now; one that was not
 * there before, or that was read at the same moment, has no rate yet.
 */
export const ratesOf = (before: Reading | undefined, after: Reading): Readonly<Record<string, number>> => {
  if (before === undefined || after.at <= before.at) return {};
  const seconds = (after.at - before.at) / 1000;
  return Object.fromEntries(
    Object.entries(after.counts).flatMap(([name, count]) => {
      const was = before.counts[name];
      if (was === undefined) return [];
      return [[name, (count >= was ? count - was : count) / seconds] as const];
    }),
  );
};
