import type { KeyRules, Verdict } from '../keys.ts';
import { isFolder, isVoid } from '../looks.ts';
import type { Add } from '../spans.ts';
import { Trait } from '../survey.ts';
import type { Detector } from './detector.ts';
import { type NameBefore, nameBefore } from './names.ts';
import { bareIsSecret, behindType, headerEnd, inQuery, queryVerdict, quotedIsSecret } from './suspect.ts';
import { lineEnd, type ValueAt, Values } from './values.ts';

const MAX_BLANKS = 8;
/** How far apart `"name": …` and `"value": …` may stand to be one pair. */
const PAIR_DISTANCE = 120;
const pairNames = new Set(['name', 'key', 'header', 'field', 'variable', 'id']);
const pairValues = new Set(['value', 'val', 'content']);
const LONGEST_PAIR_NAME = 8;

const EQUALS = 0x3d;
const COLON = 0x3a;
const SLASH = 0x2f;

/** A comma separates only where there are quotes. */
const separators = ['=', ':', '>', '%', ',', '：', '＝'] as const;
const separatorTraits = [
  ...[Trait.equals, Trait.colon, Trait.angle, Trait.percent, Trait.items, Trait.fullWidth, Trait.fullWidth],
] as const;

/**
 * Names and values within a text, however they are written there: JSON and its escaped form, Python reprs and keyword arguments,
 * query strings, connection strings, INI, YAML, XML, header lines, source lines of a traceback, `[name, value]` pairs.
 */
export const assignments: Detector = {
  name: 'assignments',
  needs: 0,
  any: Trait.equals | Trait.colon | Trait.items | Trait.angle | Trait.percent | Trait.fullWidth,
  find(text, add, keys, traits) {
    new Assignments(text, add, keys).run(traits);
  },
};

/** Clocks, ports and lines of files are the most common of all that has a colon. */
const isDigit = (code: number): boolean => code >= 0x30 && code <= 0x39;

/** The least of the places; infinite when there is none. */
const nearest = (places: readonly number[]): number => {
  let least = Number.POSITIVE_INFINITY;
  for (const place of places) if (place >= 0 && place < least) least = place;
  return least;
};

class Assignments {
  readonly #text: string;
  readonly #add: Add;
  readonly #keys: KeyRules;
  readonly #values: Values;
  /** Where a pair has told a secret name, and where a value stood that nobody had named yet. */
  #namedAt = Number.NEGATIVE_INFINITY;
  #unnamed: ValueAt | undefined;

  constructor(text: string, add: Add, keys: KeyRules) {
    this.#text = text;
    this.#add = add;
    this.#keys = keys;
    this.#values = new Values(text);
  }

  run(traits: number): void {
    const text = this.#text;
    const signs: string[] = [];
    // Where each of them comes next: a search for one sign is ten times as fast as a look at each character.
    const next: number[] = [];
    for (let i = 0; i < separators.length; i++) {
      if ((traits & (separatorTraits[i] as number)) === 0) continue;
      const sign = separators[i] as string;
      signs.push(sign);
      next.push(text.indexOf(sign));
    }
    for (let at = nearest(next); at < text.length; at = nearest(next)) {
      const from = this.#separator(at);
      for (let i = 0; i < next.length; i++) {
        const known = next[i] as number;
        if (known >= 0 && known < from) next[i] = text.indexOf(signs[i] as string, from);
      }
    }
  }

  /** Returns where to go on. */
  #separator(at: number): number {
    switch (this.#text.charAt(at)) {
      case ',':
        return this.#comma(at);
      case '>':
        return this.#tag(at);
      case '%':
        return /^3[dD]$/.test(this.#text.slice(at + 1, at + 3)) ? this.#pair(at, at + 3, '=') : at + 1;
      case '：':
        return this.#pair(at, at + 1, ':');
      case ':':
        if (isDigit(this.#text.charCodeAt(at - 1)) && isDigit(this.#text.charCodeAt(at + 1))) return at + 1;
        return this.#colon(at, this.#text.charCodeAt(at + 1));
      default:
        return this.#pair(at, at + 1 + Number(/[=>]/.test(this.#text.charAt(at + 1))), '=');
    }
  }

  /** @param next - the sign behind the colon */
  #colon(at: number, next: number): number {
    // `https://`, `std::string`; `x := 1` is told by its `=`.
    if (next === SLASH || next === COLON) return at + 2;
    return next === EQUALS ? at + 1 : this.#pair(at, at + 1, ':');
  }

  #pair(at: number, from: number, sign: '=' | ':'): number {
    const name = nameBefore(this.#text, at);
    if (name === undefined || name.name.length < 2) return from;
    const verdict = this.#verdict(name, sign);
    if (verdict === 'plain') return this.#maybePair(name, from);
    return this.#value(name, verdict, this.#skip(from), sign);
  }

  #verdict(name: NameBefore, sign: string): Verdict {
    if (name.quote !== '' && (name.name.match(/ /g)?.length ?? 0) > 3) return 'plain';
    const verdict = this.#keys.verdict(name.name === 'key' ? keyOfWhat(this.#text, name) : name.name);
    return verdict === 'plain' && sign === '=' && inQuery(this.#text, name.start)
      ? queryVerdict(name.name)
      : verdict;
  }

  #skip(from: number): number {
    let at = from;
    while (at - from < MAX_BLANKS && (this.#text.charAt(at) === ' ' || this.#text.charAt(at) === '\t')) at++;
    return at;
  }

  #value(name: NameBefore, verdict: Verdict, at: number, sign: '=' | ':'): number {
    const text = this.#text;
    const header = headerEnd(text, name, at);
    if (header !== undefined) return this.#mask(at, header, header);
    const typed = sign === ':' ? behindType(text, at) : undefined;
    if (typed !== undefined) return this.#value(name, verdict, typed, '=');
    const value = this.#values.at(at, name.quote !== '' || (sign === '=' && verdict === 'secret'));
    const begin = text.slice(value.start, Math.min(value.end, value.start + 80));
    if (isVoid(begin) || isFolder(name.name, begin)) return value.after;
    const context = { text, name, verdict, sign, value };
    const secret = value.kind === 'bare' ? bareIsSecret(context) : quotedIsSecret(context);
    // What is no secret as a whole may hold one: `password: str = 'x'`.
    if (!secret) return value.kind === 'quoted' ? value.start : at;
    return this.#mask(value.start, value.end, value.after);
  }

  #mask(start: number, end: number, after: number): number {
    if (end > start) this.#add(start, end);
    return Math.max(after, start);
  }

  /** `{"name": "password", "value": "x"}`, in either order. */
  #maybePair(name: NameBefore, from: number): number {
    if (name.name.length > LONGEST_PAIR_NAME) return from;
    const word = name.name.toLowerCase();
    const isName = pairNames.has(word);
    if (!isName && !pairValues.has(word)) return from;
    const value = this.#values.at(this.#skip(from));
    if (value.kind !== 'quoted') return from;
    if (isName) return this.#named(value);
    if (name.start - this.#namedAt < PAIR_DISTANCE) return this.#mask(value.start, value.end, value.after);
    this.#unnamed = value;
    return from;
  }

  #named(value: ValueAt): number {
    const said = this.#text.slice(value.start, Math.min(value.end, value.start + PAIR_DISTANCE));
    if (this.#keys.verdict(said) === 'plain') {
      this.#namedAt = Number.NEGATIVE_INFINITY;
      this.#unnamed = undefined;
      return value.start;
    }
    const body = behindPart(this.#text, value.after);
    if (body !== undefined) return this.#mask(body, lineEnd(this.#text, body, ''), body);
    this.#namedAt = value.end;
    const before = this.#unnamed;
    const between =
      before === undefined ? '}' : this.#text.slice(before.after, value.start).slice(0, PAIR_DISTANCE);
    if (before !== undefined && !/[{}<>]/.test(between)) this.#mask(before.start, before.end, 0);
    this.#unnamed = undefined;
    return value.after;
  }

  /** `('password', 'x')`, `["authorization", "Bearer x"]`, `'--token', 'x'`. */
  #comma(at: number): number {
    const before = this.#text.charAt(at - 1);
    if (before !== '"' && before !== "'") return at + 1;
    const name = nameBefore(this.#text, at);
    if (name === undefined || name.quote === '' || name.name.includes(' ')) return at + 1;
    const verdict = this.#keys.verdict(name.name);
    if (verdict === 'plain') return at + 1;
    const value = this.#values.at(this.#skip(at + 1));
    const inside = this.#text.slice(value.start, Math.min(value.end, value.start + 80));
    if (value.kind !== 'quoted' || isVoid(inside) || !isPairInList(this.#text, name, value, inside))
      return at + 1;
    return this.#mask(value.start, value.end, value.after);
  }

  /** `<password>x</password>`, `<wsse:Password Type="text">x</wsse:Password>` */
  #tag(at: number): number {
    const name = tagBefore(this.#text, at);
    if (name === undefined) return at + 1;
    const end = this.#text.indexOf('<', at + 1);
    if (end <= at + 1 || this.#text.charAt(end + 1) !== '/') return at + 1;
    if (this.#keys.verdict(name) === 'plain' || isVoid(this.#text.slice(at + 1, Math.min(end, at + 80))))
      return at + 1;
    return this.#mask(at + 1, end, end);
  }
}

/** `cache key: x`: the word before decides what the key opens. */
const keyOfWhat = (text: string, { name, quote, start }: NameBefore): string => {
  const before = quote === '' ? /([A-Za-z]{2,24}) $/.exec(text.slice(Math.max(0, start - 25), start)) : null;
  return before === null ? name : `${before[1]} ${name}`;
};

const MAX_TAG = 200;
const tag = /^<(?:[\w.-]{1,32}:)?([\w.-]{2,64})(?=[\s>])[^<>]*>$/;

/** The name of the element whose start tag ends at `at`, without its prefix. */
const tagBefore = (text: string, at: number): string | undefined => {
  const open = text.slice(Math.max(0, at - MAX_TAG), at + 1);
  return tag.exec(open.slice(open.lastIndexOf('<')))?.[1];
};

const part = /[^\r\n]{0,200}\r?\n(?:[\w-]{1,40}: [^\r\n]{0,200}\r?\n){0,2}\r?\n/y;

/** Where the body of a part of a form begins, if the name is that of one: `form-data; name="password"`. */
const behindPart = (text: string, at: number): number | undefined => {
  part.lastIndex = at;
  return part.test(text) ? part.lastIndex : undefined;
};

/** A list of names is a list of pairs only if its second entry is no name: `['password', 'username']`. */
const isPairInList = (text: string, name: NameBefore, value: ValueAt, inside: string): boolean => {
  if (name.name.startsWith('-')) return !inside.startsWith('--');
  const open = text.charAt(name.start - 1);
  const close = text.charAt(value.after);
  const alone = (open === '(' && close === ')') || (open === '[' && close === ']');
  return (
    !/^[a-z]+(?:_[a-z]+)*$/i.test(inside) ||
    (alone && /[([,]\s{0,4}$/.test(text.slice(Math.max(0, name.start - 6), name.start - 1)))
  );
};
