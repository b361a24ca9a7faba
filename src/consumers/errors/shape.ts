/** Messages longer than this are told apart by their beginning. */
const MAX_CHARACTERS = 300;
/** So much of it is looked at: litter goes before the rest is counted. */
const MAX_READ = 2000;

/** An apostrophe inside a word opens nothing. What is opened and not closed goes to the end: the message may have been cut there. */
const quoted = /(?<![\w'"])(?:'(?:[^'\\\n]|\\.)*(?:'(?!\w)|$)|"(?:[^"\\\n]|\\.)*(?:"(?!\w)|$))/;
const id = /\breq_[0-9a-f]{8}_[0-9a-z]+\b|\b[0-9a-f]{8}-(?:[0-9a-f]{4}-){3}[0-9a-f]{12}\b/;
/** Without the prefix it takes eight digits, among them one letter and one figure, so that words and plain numbers are none. */
const hex = /\b0x[0-9a-f]+\b|\b(?=[0-9a-f]*[a-f])(?=[0-9a-f]*\d)[0-9a-f]{8,}\b/;
const number = /(?:(?<![\w-])-)?\d+(?:[.,_]\d+)*(?:e[+-]?\d+)?/;
/** One pass over the text instead of four: thousands of errors a second may come. */
const varies = new RegExp(
  [quoted, id, hex].map(({ source }) => `(${source})|`).join('') + number.source,
  'gi',
);
const placeholder = (_: string, str?: string, known?: string, base16?: string): string =>
  str !== undefined ? '<str>' : known !== undefined ? '<id>' : base16 !== undefined ? '<hex>' : '<n>';

/**
 * Sequences that move the cursor of a terminal or colour its text, and other control characters: two messages that differ in them
 * alone are of one kind, and nobody wants to read `ESC[31m`. Tabs and line breaks are whitespace.
 */
const litter =
  // biome-ignore lint/suspicious/noControlCharactersInRegex: they are what is looked for
  /\u001b\[[0-?]{0,32}[ -/]{0,8}[@-~]|\u001b\][^\u0007\u001b]{0,256}(?:\u0007|\u001b\\)|\u001b[@-_]|[\u0000-\u0008\u000e-\u001f\u007f-\u009f]/g;

/** A text without them. */
export const withoutControls = (text: string): string => text.replace(litter, '');

/** Whitespace other than single spaces. */
const ragged = /^ | $| {2}|[^\S ]/;

/**
 * What is the same in all messages of one kind of error: control characters go, numbers become `<n>`, hexadecimal ones `<hex>`, ids `<id>`, quoted text `<str>`.
 *
 * @param ids - further ids that may stand in the message
 */
export const shapeOf = (message: string, ids: readonly (string | null)[] = []): string => {
  let text = withoutControls(message.slice(0, MAX_READ)).slice(0, MAX_CHARACTERS);
  for (const known of ids) {
    if (known !== null && known !== '' && text.includes(known)) text = text.replaceAll(known, '<id>');
  }
  if (ragged.test(text)) text = text.replace(/\s+/g, ' ').trim();
  return text.replace(varies, placeholder);
};
