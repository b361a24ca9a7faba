/**
 * What a terminal acts on instead of showing it: control characters of C0 and C1 (tab and line feed stay), and the marks that turn
 * the direction of text around, by which a line can be made to read as another.
 */
// biome-ignore lint/suspicious/noControlCharactersInRegex: they are what is looked for
const ACTS = /[\u0000-\u0008\u000b-\u001f\u007f-\u009f\u061c\u200e\u200f\u202a-\u202e\u2066-\u2069]/g;

/** Colours and the like (ECMA-48 control sequences): without their first character they would be litter. */
// biome-ignore lint/suspicious/noControlCharactersInRegex: they are what is looked for
const SEQUENCE = /(?:\u001b\[|\u009b)[0-?]*[ -/]*[@-~]/g;

/**
 * A text from outside (Python, requests, a server), safe to write to a terminal; its lines stay lines.
 *
 * Not by Node's `stripVTControlCharacters`: what looks to it like a longer sequence takes plain text along.
 */
export const plainBlock = (text: unknown): string =>
  String(text).replaceAll('\r\n', '\n').replace(SEQUENCE, '').replace(ACTS, '');

/** The same on one line. */
export const plainLine = (text: unknown): string => plainBlock(text).replace(/\s+/g, ' ').trim();

/** Cuts to so many characters, the last one an ellipsis where something is missing. */
export const cutTo = (text: string, max: number): string => {
  const characters = [...text];
  return characters.length <= max ? text : `${characters.slice(0, Math.max(0, max - 1)).join('')}…`;
};

/** The same with the beginning missing. */
export const endOf = (text: string, max: number): string => {
  const characters = [...text];
  return characters.length <= max
    ? text
    : `…${characters.slice(characters.length - Math.max(0, max - 1)).join('')}`;
};

/** Every line moved in. */
export const indent = (text: string, by = '  '): string =>
  text
    .split('\n')
    .map((line) => (line === '' ? line : by + line))
    .join('\n');
