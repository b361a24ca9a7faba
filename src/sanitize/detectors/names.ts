/** The name in front of a separator: `password=`, `"api key":`, `config['token'] =`. */
export interface NameBefore {
  readonly name: string;
  /** Where the name begins, its quote included. */
  readonly start: number;
  /** The quote around it, or ''. */
  readonly quote: string;
}

const MAX_NAME = 64;
const MAX_BLANKS = 4;
const BACKSLASH = 0x5c;

const isBlank = (code: number): boolean => code === 0x20 || code === 0x09;
const isQuote = (code: number): boolean => code === 0x22 || code === 0x27 || code === 0x60;
/** Letters of any alphabet, since a name may be written in look-alikes; `.` and `-` join words. */
const isNamePart = (code: number): boolean =>
  (code >= 0x61 && code <= 0x7a) ||
  (code >= 0x41 && code <= 0x5a) ||
  (code >= 0x30 && code <= 0x39) ||
  code === 0x5f ||
  code === 0x2d ||
  code === 0x2e ||
  code === 0x24 ||
  code > 0x7f;

const skipBackslashes = (text: string, at: number): number => {
  let i = at;
  while (i >= 0 && at - i < 16 && text.charCodeAt(i) === BACKSLASH) i--;
  return i;
};

const quoted = (text: string, close: number): NameBefore | undefined => {
  const quote = text.charAt(close);
  const end = skipBackslashes(text, close - 1) + 1;
  const code = quote.charCodeAt(0);
  for (let i = end - 1; i >= 0 && end - i <= MAX_NAME; i--) {
    if (text.charCodeAt(i) !== code) continue;
    const name = text.slice(i + 1, end);
    return {
      name: name.includes('\\u') ? unescape16(name) : name,
      start: skipBackslashes(text, i - 1) + 1,
      quote,
    };
  }
  return undefined;
};

/** JSON may spell any letter as an escape. */
const unescape16 = (name: string): string =>
  name.replace(/\\{1,8}u([0-9a-f]{4})/gi, (_, hex: string) => String.fromCharCode(Number.parseInt(hex, 16)));

const bare = (text: string, last: number): NameBefore | undefined => {
  let start = last + 1;
  while (start > 0 && isNamePart(text.charCodeAt(start - 1))) {
    start--;
    // So long a run is data, and its end is no name.
    if (last - start > MAX_NAME) return undefined;
  }
  // An escaped character in front of the name belongs to a URL within a URL: `%3Ftoken%3Dx`.
  if (text.charCodeAt(start - 1) === 0x25) start += 2;
  if (last - start < 1) return undefined;
  return { name: text.slice(start, last + 1), start, quote: '' };
};

/** The name that ends before `at`, if there is one. Looks at a bounded stretch only. */
export const nameBefore = (text: string, at: number): NameBefore | undefined => {
  let i = at - 1;
  for (let n = 0; n < MAX_BLANKS && isBlank(text.charCodeAt(i)); n++) i--;
  // `password := x`, `password != x`, `password?: x`
  const sign = text.charCodeAt(i);
  if (sign === 0x3a || sign === 0x21 || sign === 0x3f || sign === 0x2b) i--;
  if (isBlank(text.charCodeAt(i))) i--;
  if (text.charCodeAt(i) === 0x5d && isQuote(text.charCodeAt(i - 1))) i--;
  return isQuote(text.charCodeAt(i)) ? quoted(text, i) : bare(text, i);
};
