import type { Add } from '../spans.ts';
import { Trait } from '../survey.ts';
import { type Detector, eachMatch } from './detector.ts';

const schemes = /(?<![\w-])(?:([Bb]earer|BEARER)|[Bb]asic|BASIC)[ \t]{1,4}([A-Za-z0-9._~+/-]{8,}=*)/g;

/** Asked first, since a plain search is ten times as fast. */
const hasScheme = (text: string, traits: number): boolean =>
  text.includes('earer') ||
  text.includes('asic') ||
  ((traits & Trait.upper) !== 0 && (text.includes('BEARER') || text.includes('BASIC')));

/** `Bearer authentication` is prose. */
const isToken = (value: string): boolean => {
  const start = value.slice(0, 256);
  if (start.length < 8) return false;
  return /\d/.test(start) || /[a-z][A-Z]/.test(start) || /^[a-z]{16,}$/.test(start);
};

/** `Basic usage` is prose too, but what follows the scheme must be `user:password` in base64. */
const isUserAndPassword = (value: string): boolean => {
  const text = Buffer.from(value.slice(0, 1024), 'base64').toString('latin1');
  // biome-ignore lint/suspicious/noControlCharactersInRegex: what decodes to control characters is no user and password
  return text.includes(':') && !/[\x00-\x1f\x7f]/.test(text);
};

/** What follows `Bearer` or `Basic`, with or without a header around it. */
export const schemesDetector: Detector = {
  name: 'auth',
  needs: Trait.space,
  // A token of small letters alone has sixteen of them.
  any: Trait.mixed8 | Trait.run16,
  find(text, add, _keys, traits) {
    if (!hasScheme(text, traits)) return;
    eachMatch(schemes, text, (match) => {
      const value = match[2] as string;
      const hit = match[1] === undefined ? isUserAndPassword(value) : isToken(value);
      if (hit) add(match.index, match.index + match[0].length);
    });
  },
};

const jwtForm = /(?<![\w-])eyJ[\w-]{8,}\.[\w-]{4,}(?:\.[\w-]*){0,3}/g;

/** JSON Web Tokens, signed or encrypted; also with the signature cut off, since the claims are no one's business either. */
export const jwt: Detector = {
  name: 'jwt',
  needs: Trait.mixed8 | Trait.dot,
  find(text, add) {
    if (!text.includes('eyJ')) return;
    eachMatch(jwtForm, text, (match) => add(match.index, match.index + match[0].length));
  },
};

const beginKey = /-----BEGIN [A-Z0-9 ]{0,40}PRIVATE KEY(?: BLOCK)?-----/g;
const endKey = /-----END [A-Z0-9 ]{0,40}PRIVATE KEY(?: BLOCK)?-----/g;
const keyBody = /[A-Za-z0-9+/=\s\\"',:-]/;

/** Private keys in PEM. One without an end goes to the end of the text; one without a beginning as far back as it looks like a key. */
export const pem: Detector = {
  name: 'pem',
  needs: Trait.dash | Trait.space | Trait.upper,
  find(text, add) {
    if (!text.includes('PRIVATE KEY')) return;
    let after = 0;
    const ends: [number, number][] = [];
    eachMatch(endKey, text, (match) => ends.push([match.index, match.index + match[0].length]));
    let next = 0;
    eachMatch(beginKey, text, (match) => {
      if (match.index < after) return;
      while (next < ends.length && (ends[next] as [number, number])[0] < match.index) next++;
      after = ends[next]?.[1] ?? text.length;
      add(match.index, after);
    });
    addHeadless(text, ends[0], add);
  },
};

const addHeadless = (text: string, end: [number, number] | undefined, add: Add): void => {
  if (end === undefined) return;
  let start = end[0];
  while (start > 0 && keyBody.test(text.charAt(start - 1)) && !text.startsWith('-----', start - 5)) start--;
  if (end[0] - start > 32) add(start, end[1]);
};
