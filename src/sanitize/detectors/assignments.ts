import type { KeyRules, Verdict } from '../keys.ts';
import { isVoid } from '../looks.ts';
import type { Add } from '../spans.ts';
import { Trait } from '../survey.ts';
import type { Detector } from './detector.ts';
import { type NameBefore, nameBefore } from './names.ts';
import { bareIsSecret, behindType, headerEnd, inQuery, queryVerdict, quotedIsSecret } from './suspect.ts';
import { type ValueAt, Values } from './values.ts';

const MAX_BLANKS = 8;
/** How far apart `"name": …` and `"value": …` may stand to be one pair. */
const PAIR_DISTANCE = 120;
const pairNames = new Set(['name', 'key', 'header', 'field', 'variable', 'id']);
const pairValues = new Set(['value', 'val', 'content']);

/** A table, since every character of every text is asked. A comma separates only where there are quotes. */
const separators = new Uint8Array(65_536);
for (const sign of '=:>%') separators[sign.charCodeAt(0)] = 1;
separators[','.charCodeAt(0)] = 2;

/**
 * Names and values within a text, however they are written there: JSON and its escaped form, Python reprs and keyword arguments,
 * query strings, connection strings, INI, YAML, XML, header lines, source lines of a traceback, `[name, value]` pairs.
 */
export const assignments: Detector = {
  name: 'assignments',
  needs: 0,
  any: Trait.equals | Trait.colon | Trait.items | Trait.angle | Trait.percent,
  find(text, add, keys) {
    new Assignments(text, add, keys).run();
  },
};

/** Clocks, ports and lines of files are the most common of all that has a colon. */
const isDigit = (code: number): boolean => code >= 0x30 && code <= 0x39;

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

  run(): void {
    const text = this.#text;
    const { length } = text;
    const commas = text.includes('"') || text.includes("'") ? 2 : 0;
    let at = 0;
    while (at < length) {
      const kind = separators[text.charCodeAt(at)] as number;
      at = kind === 1 || (kind === 2 && commas === 2) ? this.#separator(at) : at + 1;
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
      case ':':
        if (isDigit(this.#text.charCodeAt(at - 1)) && isDigit(this.#text.charCodeAt(at + 1))) return at + 1;
        // `https://`, `std::string`, `x := 1` (told by its `=`)
        return /[/:=]/.test(this.#text.charAt(at + 1))
          ? at + 2 - Number(this.#text.charAt(at + 1) === '=')
          : this.#pair(at, at + 1, ':');
      default:
        return this.#pair(at, at + 1 + Number(/[=>]/.test(this.#text.charAt(at + 1))), '=');
    }
  }

  #pair(at: number, from: number, sign: '=' | ':'): number {
    const name = nameBefore(this.#text, at);
    if (name === undefined || name.name.length < 2) return from;
    const verdict = this.#verdict(name, sign);
    if (verdict === 'plain') return this.#maybePair(name, from);
    return this.#value(name, verdict, this.#skip(from), sign);
  }

  #verdict(name: NameBefore, sign: string): Verdict {
    if ((name.name.match(/ /g)?.length ?? 0) > 3) return 'plain';
    const verdict = this.#keys.verdict(name.name);
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
    if (isVoid(text.slice(value.start, Math.min(value.end, value.start + 80)))) return value.after;
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

  /** `<password>x</password>` */
  #tag(at: number): number {
    const name = nameBefore(this.#text, at);
    if (name === undefined || name.quote !== '' || this.#text.charAt(name.start - 1) !== '<') return at + 1;
    const end = this.#text.indexOf('<', at + 1);
    if (end <= at + 1 || this.#text.charAt(end + 1) !== '/') return at + 1;
    if (this.#keys.verdict(name.name) === 'plain' || isVoid(this.#text.slice(at + 1, Math.min(end, at + 80))))
      return at + 1;
    return this.#mask(at + 1, end, end);
  }
}

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
