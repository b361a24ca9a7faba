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
  upper: 4096,
  /** Half of a character, perhaps without the other half. */
  surrogate: 1 << 13,
  /** Sixteen letters, digits, dashes or underscores in a row. */
  run16: 1 << 16,
  /** Such a run has a digit, a capital, a dash. */
  runDigit: 1 << 17,
  runUpper: 1 << 18,
  runDash: 1 << 19,
  /** A run of eight, signs of base64 and of URLs included, has a digit or a capital; an underscore. */
  mixed8: 1 << 20,
  underscore8: 1 << 21,
  /** A word begins with a dash. */
  option: 1 << 22,
  /** Digits and dashes alone, twelve or more in all. */
  digits12: 1 << 23,
  /** The signs between names and values in their full-width form. */
  fullWidth: 1 << 25,
  /** Both commas and quotes: without quotes a comma is prose. */
  items: 1 << 24,
} as const;

const LETTER = 1 << 14;
/** What goes on in a run of eight. */
const WIDE = 1 << 15;
/** What goes on in a run of sixteen as well. */
const NARROW = LETTER | Trait.digit | Trait.dash | Trait.underscore;
const QUOTED = Trait.comma | Trait.quote;
const MIXED = Trait.digit | Trait.upper;

/** Stand for all that is beyond Latin-1. */
const BEYOND = 0;
const SURROGATE = 1;
const FULL_WIDTH_SIGN = 2;
const fullWidthSigns: readonly number[] = ['：', '＝'].map((sign) => sign.charCodeAt(0));

const table = new Uint32Array(256);
const mark = (characters: string, trait: number): void => {
  for (const character of characters) table[character.charCodeAt(0)] = trait;
};
mark('abcdefghijklmnopqrstuvwxyz', LETTER);
mark('ABCDEFGHIJKLMNOPQRSTUVWXYZ', LETTER | Trait.upper);
mark('_', Trait.underscore);
mark('0123456789', Trait.digit);
mark('-', Trait.dash);
mark('+/~', WIDE);
mark('=', WIDE | Trait.equals);
mark(':', WIDE | Trait.colon);
mark('.', WIDE | Trait.dot);
table[SURROGATE] = Trait.surrogate;
table[FULL_WIDTH_SIGN] = Trait.fullWidth;
mark('@', Trait.at);
mark(' \t\n\r', Trait.space);
mark(',', Trait.comma);
mark('>', Trait.angle);
mark('%', Trait.percent);
mark('"\'`', Trait.quote);

const ofRun16 = (traits: number): number => {
  let found: number = Trait.run16;
  if ((traits & Trait.digit) !== 0) found |= Trait.runDigit;
  if ((traits & Trait.upper) !== 0) found |= Trait.runUpper;
  return (traits & Trait.dash) === 0 ? found : found | Trait.runDash;
};

const ofRun8 = (traits: number): number => {
  const found = (traits & MIXED) === 0 ? 0 : Trait.mixed8;
  return (traits & Trait.underscore) === 0 ? found : found | Trait.underscore8;
};

const DASH = 0x2d;

/** Where texts are read from: memory costs half of what asking a text for each of its characters does. */
const shared = Buffer.alloc(40_000);
const LONG = 48;
/** V8 knows at once that a text of one byte each has none of these. */
// biome-ignore lint/suspicious/noControlCharactersInRegex: the whole of Latin-1 is meant
const beyondLatin1 = /[^\x00-\xff]/;

/** Puts in what stands for the characters beyond Latin-1. */
const standIn = (text: string, bytes: Uint8Array): void => {
  for (let i = 0; i < text.length; i++) {
    const code = text.charCodeAt(i);
    if (code <= 0xff) continue;
    if (fullWidthSigns.includes(code)) bytes[i] = FULL_WIDTH_SIGN;
    else bytes[i] = (code & 0xf800) === 0xd800 ? SURROGATE : BEYOND;
  }
};

/** The characters of a text as bytes, a zero behind them. Good until the next call. */
const bytesOf = (text: string): Uint8Array => {
  const { length } = text;
  const bytes = length < shared.length ? shared : Buffer.alloc(length + 1);
  if (length > LONG && !beyondLatin1.test(text)) bytes.write(text, 'latin1');
  else {
    let all = 0;
    for (let i = 0; i < length; i++) {
      const code = text.charCodeAt(i);
      bytes[i] = code;
      all |= code;
    }
    if (all > 0xff) standIn(text, bytes);
  }
  bytes[length] = 0;
  return bytes;
};

/** The traits of a text, as bits. */
export const survey = (text: string): number => {
  const { length } = text;
  const bytes = bytesOf(text);
  let traits = 0;
  /** What is found in the narrow run that goes on, and in the wide one around it. */
  let narrow = 0;
  let wide = 0;
  let narrowStart = 0;
  let wideStart = 0;
  let runs16 = 0;
  let runs8 = 0;
  let digits = 0;
  for (let i = 0; i <= length; i++) {
    const trait = table[bytes[i] as number] as number;
    narrow |= trait;
    if ((trait & NARROW) !== 0) continue;
    const size = i - narrowStart;
    if (size >= 16) runs16 |= narrow;
    if ((narrow & LETTER) === 0) digits += size;
    if ((narrow & Trait.dash) !== 0 && bytes[narrowStart] === DASH) traits |= Trait.option;
    narrowStart = i + 1;
    wide |= narrow;
    narrow = 0;
    if ((trait & WIDE) !== 0) continue;
    if (i - wideStart >= 8) runs8 |= wide;
    wideStart = narrowStart;
    traits |= wide;
    wide = 0;
  }
  if (runs16 !== 0) traits |= ofRun16(runs16);
  if ((traits & QUOTED) === QUOTED) traits |= Trait.items;
  if (digits >= 12 && (traits & Trait.digit) !== 0) traits |= Trait.digits12;
  return (traits | ofRun8(runs8)) & ~(LETTER | WIDE);
};
