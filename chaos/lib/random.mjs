/**
 * Chance that can be had again: the same seed and name give the same numbers.
 *
 * @param {number} seed
 * @param {string} name
 */
export const seeded = (seed, name) => {
  let state = seed >>> 0;
  for (const character of name) state = Math.imul(state ^ character.codePointAt(0), 0x9e3779b1) >>> 0;
  // mulberry32
  const next = () => {
    state = (state + 0x6d2b79f5) >>> 0;
    let mixed = Math.imul(state ^ (state >>> 15), state | 1);
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61);
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32;
  };
  return {
    /** From 0 to 1. */
    next,
    /** A number from `low` to `high`. */
    between: (low, high) => low + next() * (high - low),
    /** One of a list. */
    pick: (list) => list[Math.floor(next() * list.length)],
  };
};
