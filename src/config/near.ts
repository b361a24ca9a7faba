import { distance } from 'fastest-levenshtein';

/** Case, `_` and `-` are habits of other languages, no different names. */
const fold = (name: string) => name.toLowerCase().replace(/[_-]/g, '');

/** The name that was probably meant, or undefined where none is near. */
export const nearest = (name: string, known: readonly string[]): string | undefined => {
  const ranked = known
    .map((candidate) => ({ candidate, far: distance(fold(name), fold(candidate)) }))
    .sort((a, b) => a.far - b.far);
  const [best] = ranked;
  // About one slip in three letters; more than that is another word.
  return best !== undefined && best.far <= Math.max(1, Math.floor(best.candidate.length / 3))
    ? best.candidate
    : undefined;
};
