/** Reads JSON; a syntax error says where it is. */
export const parseJson = (text: string): unknown => {
  // Editors on Windows begin files with a byte order mark, which JSON.parse refuses.
  const body = text.replace(/^\uFEFF/, '');
  try {
    return JSON.parse(body);
  } catch (error) {
    const { message } = error as SyntaxError;
    const { line, column } = lineAndColumn(body, offsetOf(body, message));
    throw new SyntaxError(`line ${line}, column ${column}: ${reasonOf(message)}`, { cause: error });
  }
};

const UNEXPECTED = /^Unexpected token/;

/** V8 gives the position of some errors in words, of others not at all: those it makes at the first character that cannot stand. */
const offsetOf = (text: string, message: string): number => {
  const said = /at position (\d+)/.exec(message);
  if (said !== null) return Number(said[1]);
  if (!UNEXPECTED.test(message)) return text.length;
  let low = 0;
  let high = text.length;
  // Everything before the fault is the beginning of some valid text, everything from it on is not: halving finds the border.
  while (low < high) {
    const middle = (low + high) >> 1;
    if (isUnexpected(text.slice(0, middle + 1))) high = middle;
    else low = middle + 1;
  }
  return low;
};

const isUnexpected = (text: string): boolean => {
  try {
    JSON.parse(text);
    return false;
  } catch (error) {
    return UNEXPECTED.test((error as SyntaxError).message);
  }
};

const reasonOf = (message: string): string =>
  message
    .replace(/ in JSON at position.*$/s, '')
    .replace(/ at position.*$/s, '')
    .replace(/, (\.\.\.)?".*is not valid JSON$/s, '');

const lineAndColumn = (text: string, offset: number): { line: number; column: number } => {
  const before = text.slice(0, offset).split('\n');
  return { line: before.length, column: (before.at(-1)?.length ?? 0) + 1 };
};
