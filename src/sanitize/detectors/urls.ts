import type { Add } from '../spans.ts';
import { Trait } from '../survey.ts';
import { type Detector, eachMatch } from './detector.ts';

const MAX_USERINFO = 1024;
const MAX_SCHEME = 24;
/** What a URL in a text or a list of them ends with. */
const isEnd = (code: number): boolean =>
  code <= 0x20 || code === 0x22 || code === 0x27 || code === 0x3c || code === 0x3e || code === 0x60;
const isPathStart = (code: number): boolean =>
  code === 0x2f || code === 0x3f || code === 0x23 || code === 0x5c;

const schemeBefore = (text: string, at: number): string => {
  let start = at;
  while (start > 0 && at - start < MAX_SCHEME && /[a-z0-9+.-]/i.test(text.charAt(start - 1))) start--;
  return text.slice(start, at).toLowerCase();
};

/** Where the `@` is that ends user and password, or -1. */
const userinfoEnd = (text: string, from: number, web: boolean): number => {
  const limit = Math.min(text.length, from + MAX_USERINFO);
  let last = -1;
  let inPath = false;
  for (let i = from; i < limit; i++) {
    const code = text.charCodeAt(i);
    if (isEnd(code) || (code === 0x3f && last >= 0)) break;
    if (isPathStart(code)) {
      // In a path of the web an `@` is common; in a connection string it means a password with a slash that nobody escaped.
      if (web || last >= 0) break;
      inPath = true;
    }
    if (code === 0x40 && !(inPath && last >= 0)) last = i;
  }
  return last;
};

const addUserinfo = (text: string, colon: number, add: Add): void => {
  const scheme = schemeBefore(text, colon);
  if (scheme === '') return;
  const from = colon + 3;
  const at = userinfoEnd(text, from, /^(?:https?|wss?|git|ssh|s?ftp|file)$/.test(scheme));
  if (at < 0) return;
  const split = text.slice(from, at).indexOf(':');
  if (split >= 0) {
    if (at > from + split + 1) add(from + split + 1, at);
  } else if (at - from >= 12 && /\d/.test(text.slice(from, at))) {
    // A token in the place of the user: `https://0123abcd…@host`.
    add(from, at);
  }
};

const oracle = /jdbc:oracle:\w{1,10}:[^\s/@]{1,128}\/([^\s@]{1,256})@/g;

/** Passwords in URLs and in connection strings that are URLs. What is not a secret of them stays: host, user, database. */
export const urls: Detector = {
  name: 'urls',
  needs: Trait.colon | Trait.at,
  find(text, add) {
    for (let at = text.indexOf('://'); at >= 0; at = text.indexOf('://', at + 3)) addUserinfo(text, at, add);
    if (!text.includes('jdbc:oracle')) return;
    eachMatch(oracle, text, (match) => {
      const end = match.index + match[0].length - 1;
      add(end - (match[1] as string).length, end);
    });
  },
};
