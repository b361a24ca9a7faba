/** A name as a string or as its parts. */
export type NameLike = string | readonly string[];

const PART = /^[A-Za-z0-9_-]+$/;
const MAX_LENGTH = 200;

/** `['snakepit','pool','started']` → `'snakepit.pool.started'`. */
export const nameOf = (name: NameLike): string => (typeof name === 'string' ? name : name.join('.'));

/** Why a string cannot be an event name, or undefined if it can. */
export const nameFault = (name: string): string | undefined => {
  if (name.length === 0 || name.length > MAX_LENGTH)
    return `has ${name.length} characters, 1 to ${MAX_LENGTH} are allowed`;
  const bad = name.split('.').find((part) => !PART.test(part));
  return bad === undefined ? undefined : `has the part '${bad}', parts are letters, digits, '_' and '-'`;
};

/**
 * Compiles a pattern into a test. A part may be `*` (any one part); `**` as the last part matches the rest, also nothing.
 *
 * @throws TypeError when the pattern is malformed; registering is the place to learn of it, not the first event.
 */
export const compilePattern = (pattern: NameLike): ((name: string) => boolean) => {
  const parts = nameOf(pattern).split('.');
  const open = parts.at(-1) === '**';
  if (open) parts.pop();
  const bad = parts.find((part) => part !== '*' && !PART.test(part));
  if (bad !== undefined) {
    throw new TypeError(
      `Event pattern '${nameOf(pattern)}' has the part '${bad}': use names, '*' for one part, and '**' only at the end.`,
    );
  }
  return (name) => {
    const got = name.split('.');
    if (open ? got.length < parts.length : got.length !== parts.length) return false;
    return parts.every((part, i) => part === '*' || part === got[i]);
  };
};
