import { isTree } from './trees.ts';

/**
 * Applies a JSON merge patch (RFC 7396): objects are merged, `null` removes, everything else replaces. A member that is `undefined`
 * says nothing, as if it were left out. Changes neither `base` nor `patch`.
 *
 * Objects are built from entries, which makes own members only: a member called `__proto__` stays a member, and reaches no prototype.
 */
export const mergePatch = (base: unknown, patch: unknown): unknown => {
  if (!isTree(patch)) return patch;
  const merged = new Map(isTree(base) ? Object.entries(base) : []);
  for (const [name, value] of Object.entries(patch)) {
    if (value === null) merged.delete(name);
    else if (value !== undefined) merged.set(name, mergePatch(merged.get(name), value));
  }
  return Object.fromEntries(merged);
};
