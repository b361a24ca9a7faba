/** A value that begins at a place of a text, and how it is written. */
export interface ValueAt {
  readonly kind: 'quoted' | 'bracket' | 'bare';
  readonly start: number;
  readonly end: number;
  /** Where to read on: behind the closing quote, if there is one. */
  readonly after: number;
}

const BACKSLASH = 0x5c;

const backslashesFrom = (text: string, at: number): number => {
  let n = 0;
  while (n < 16 && text.charCodeAt(at + n) === BACKSLASH) n++;
  return n;
};

const isNewline = (code: number): boolean => code === 0x0a || code === 0x0d;
const isBlank = (code: number): boolean => code === 0x20 || code === 0x09 || isNewline(code);

/** `level` backslashes stand before the quotes of a string that is itself within `level` strings. */
const closingQuote = (text: string, from: number, quote: number, level: number): number => {
  let backslashes = 0;
  for (let i = from; i < text.length; i++) {
    const code = text.charCodeAt(i);
    if (code === BACKSLASH) {
      backslashes++;
      continue;
    }
    if (code === quote && (level === 0 ? backslashes % 2 === 0 : backslashes <= level))
      return i - backslashes * Math.sign(level);
    // No string of JSON or Python goes on after a line: an apostrophe in prose must not swallow the rest of a log.
    if (isNewline(code)) return i;
    backslashes = 0;
  }
  return text.length;
};

const quoted = (text: string, at: number, level: number): ValueAt => {
  const quote = text.charAt(at + level);
  const start = at + level + 1;
  if (level === 0 && text.startsWith(quote + quote, start)) {
    const close = text.indexOf(quote.repeat(3), start + 2);
    const end = close < 0 ? text.length : close;
    return { kind: 'quoted', start: start + 2, end, after: end + 3 };
  }
  const end = closingQuote(text, start, quote.charCodeAt(0), level);
  return { kind: 'quoted', start, end, after: end + level + 1 };
};

const MAX_BRACKETS = 8192;

const bracketed = (text: string, at: number): ValueAt => {
  const limit = Math.min(text.length, at + MAX_BRACKETS);
  let depth = 0;
  for (let i = at; i < limit; i++) {
    const code = text.charCodeAt(i);
    if (code === 0x7b || code === 0x5b || code === 0x28) depth++;
    else if ((code === 0x7d || code === 0x5d || code === 0x29) && --depth === 0) {
      return { kind: 'bracket', start: at, end: i + 1, after: i + 1 };
    }
  }
  return { kind: 'bracket', start: at, end: limit, after: limit };
};

const nextName = /[,;&]\s{0,4}[\w.%[\] -]{1,40}[=:]/y;

/** Whether a sign ends a bare value here, or is part of it: passwords have commas, brackets and quotes too. */
const endsBare = (text: string, at: number, code: number): boolean => {
  const next = text.charCodeAt(at + 1);
  if (Number.isNaN(next) || isBlank(next) || ',;)]}>"\'`&\\'.includes(text.charAt(at + 1))) return true;
  if (code !== 0x2c && code !== 0x3b && code !== 0x26) return false;
  nextName.lastIndex = at;
  return nextName.test(text);
};

const bareEnd = (text: string, from: number): number => {
  for (let i = from; i < text.length; i++) {
    const code = text.charCodeAt(i);
    if (isBlank(code)) return i;
    if (code === BACKSLASH && /["'nrt]/.test(text.charAt(i + 1))) return i;
    if (code === 0x25 && text.startsWith('26', i + 1)) return i;
    if (',;)]}>"\'`&'.includes(text.charAt(i)) && endsBare(text, i, code)) return i;
  }
  return text.length;
};

const prefix = /[bBuUrRfF]{1,2}(?=["'])/y;

/** Reads the values of one text. */
export class Values {
  readonly #text: string;
  /** Where a bare value ends does not depend on where it began: remembered, or `token:token:token:…` would be read again and again. */
  #bareFrom = 0;
  #bareEnd = -1;

  constructor(text: string) {
    this.#text = text;
  }

  /** Reads the value at `at`; blanks before it are behind us. Brackets are followed to their end only if asked. */
  at(at: number, brackets = false): ValueAt {
    const text = this.#text;
    prefix.lastIndex = at;
    const from = prefix.test(text) ? prefix.lastIndex : at;
    const level = backslashesFrom(text, from);
    const first = text.charAt(from + level);
    if (first === '"' || first === "'" || first === '`') return quoted(text, from, level);
    if (brackets && (first === '{' || first === '[' || first === '(')) return bracketed(text, from + level);
    const end = this.#endOfBare(at);
    return { kind: 'bare', start: at, end, after: end };
  }

  #endOfBare(from: number): number {
    if (from < this.#bareFrom || from > this.#bareEnd) {
      this.#bareFrom = from;
      this.#bareEnd = bareEnd(this.#text, from);
    }
    return this.#bareEnd;
  }
}

/** The end of the line, or of the string that the line stands in. */
export const lineEnd = (text: string, from: number, quote: string): number => {
  for (let i = from; i < text.length; i++) {
    const code = text.charCodeAt(i);
    if (isNewline(code) || (quote !== '' && text.charAt(i) === quote)) return i;
    if (code === BACKSLASH && /[nr"']/.test(text.charAt(i + 1))) return i;
  }
  return text.length;
};
