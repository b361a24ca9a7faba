/** Patterns of event names, as the server takes them. It has the last word; this says the same before it is asked. */

const MAX_LENGTH = 200;
const MAX_PATTERNS = 50;
const PART = /^[A-Za-z0-9_-]+$/;

/** The rules in one sentence, beside the field. */
export const patternHelp =
  'Event names, separated by spaces or commas. * stands for one part, ** at the end for the rest: snakepit.worker.** python.log';

/** What a field holds, as patterns. */
export const patternsOf = (text: string): readonly string[] => [
  ...new Set(text.split(/[\s,]+/).filter((pattern) => pattern !== '')),
];

const faultOf = (pattern: string): string | undefined => {
  if (pattern.length > MAX_LENGTH)
    return `'${pattern.slice(0, 40)}…' is longer than ${MAX_LENGTH} characters`;
  const parts = pattern.split('.');
  for (const [i, part] of parts.entries()) {
    if (part === '**' && i < parts.length - 1)
      return `'${pattern}' has ** before its end; it matches the rest, so nothing can follow`;
    if (part === '') return `'${pattern}' has an empty part; parts are separated by single dots`;
    if (part === '*' || part === '**' || PART.test(part)) continue;
    return `'${pattern}' has the part '${part}'; a part is letters, digits, '_' and '-', or * for any one part`;
  }
  return undefined;
};

/** Why a field's patterns cannot be used; undefined where they can. */
export const patternFault = (text: string): string | undefined => {
  const patterns = patternsOf(text);
  if (patterns.length > MAX_PATTERNS)
    return `${patterns.length} patterns; at most ${MAX_PATTERNS} can be asked for at once`;
  for (const pattern of patterns) {
    const fault = faultOf(pattern);
    if (fault !== undefined) return fault;
  }
  return undefined;
};

/** A test for names. A pattern that cannot be used matches nothing. */
export const matcherOf = (patterns: readonly string[]): ((name: string) => boolean) => {
  if (patterns.length === 0) return () => true;
  const tests = patterns
    .filter((pattern) => faultOf(pattern) === undefined)
    .map((pattern) => pattern.split('.'));
  return (name) => {
    const got = name.split('.');
    return tests.some((parts) => {
      const open = parts.at(-1) === '**';
      const fixed = open ? parts.slice(0, -1) : parts;
      if (open ? got.length < fixed.length : got.length !== fixed.length) return false;
      return fixed.every((part, i) => part === '*' || part === got[i]);
    });
  };
};
