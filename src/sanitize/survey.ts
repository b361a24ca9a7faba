/** What kinds of characters a text has: most texts have too few to hold any secret, and are done after this one look. */
export const Trait = {
  equals: 1,
  colon: 2,
  at: 4,
  dash: 8,
  space: 16,
  comma: 32,
  angle: 64,
  percent: 128,
  digit: 256,
  quote: 512,
  dot: 1024,
  underscore: 2048,
  upper: 8192,
  /** Half of a character, perhaps without the other half. */
  surrogate: 1 << 14,
  /** Eight, or sixteen, characters of a token in a row. */
  run8: 1 << 16,
  run16: 1 << 17,
  /** Twelve digits or more in all. */
  digits12: 1 << 18,
  /** Both commas and quotes: without quotes a comma is prose. */
  items: 1 << 19,
} as const;

const WORD = 1 << 12;
const DIGIT_BIT = 8;
const QUOTED = Trait.comma | Trait.quote;

/** For every code unit: a look beyond the end of a table is slow. */
const table = new Uint16Array(65_536);
const mark = (characters: string, trait: number): void => {
  for (const character of characters) table[character.charCodeAt(0)] = trait;
};
mark('abcdefghijklmnopqrstuvwxyz+/~', WORD);
mark('ABCDEFGHIJKLMNOPQRSTUVWXYZ', WORD | Trait.upper);
mark('_', WORD | Trait.underscore);
mark('0123456789', WORD | Trait.digit);
mark('=', WORD | Trait.equals);
mark(':', WORD | Trait.colon);
mark('-', WORD | Trait.dash);
mark('.', WORD | Trait.dot);
table.fill(Trait.surrogate, 0xd800, 0xe000);
mark('@', Trait.at);
mark(' \t\n\r', Trait.space);
mark(',', Trait.comma);
mark('>', Trait.angle);
mark('%', Trait.percent);
mark('"\'`', Trait.quote);

/** The traits of a text, as bits. */
export const survey = (text: string): number => {
  const { length } = text;
  let traits = 0;
  let longest = 0;
  let digits = 0;
  let runStart = 0;
  for (let i = 0; i < length; i++) {
    const trait = table[text.charCodeAt(i)] as number;
    traits |= trait;
    digits += (trait >> DIGIT_BIT) & 1;
    if ((trait & WORD) === 0) {
      if (i - runStart > longest) longest = i - runStart;
      runStart = i + 1;
    }
  }
  if (length - runStart > longest) longest = length - runStart;
  if (longest >= 8) traits |= Trait.run8;
  if (longest >= 16) traits |= Trait.run16;
  if ((traits & QUOTED) === QUOTED) traits |= Trait.items;
  return digits >= 12 ? traits | Trait.digits12 : traits;
};
