import type { Verdict } from '../keys.ts';
import { looksCode, looksSecret } from '../looks.ts';
import type { NameBefore } from './names.ts';
import { lineEnd, type ValueAt } from './values.ts';

/** A value under a name that is or may be that of a secret. */
export interface Suspect {
  readonly text: string;
  readonly name: NameBefore;
  readonly verdict: Verdict;
  readonly sign: '=' | ':';
  readonly value: ValueAt;
}

/** Whether the name stands where names stand in data: at the start of a line, behind a brace, a comma or a bracket. */
const isStructural = ({ text, name }: Suspect): boolean => {
  let at = name.start - 1;
  while (at >= 0 && name.start - at < 40 && (text.charAt(at) === ' ' || text.charAt(at) === '\t')) at--;
  return at < 0 || '\n\r{,([;&?-|'.includes(text.charAt(at));
};

/** Whether nothing follows on the line that would make the value a word of a sentence. */
const endsThere = ({ text, value }: Suspect): boolean =>
  /^[ \t]*(?:$|[\r\n,;})\]&#\\"'])/.test(text.slice(value.after, value.after + 8));

const isQueryStart = (character: string): boolean => character === '?' || character === '&';

/** Whether a name stands in a query string. */
export const inQuery = (text: string, start: number): boolean =>
  isQueryStart(text.charAt(start - 1)) || /%(?:3f|26)$/i.test(text.slice(Math.max(0, start - 3), start));

/** Names that are secret in a query string and common words elsewhere: signatures of storage links, codes of a login. */
export const queryVerdict = (name: string): Verdict =>
  /^(?:sig|(?:x-(?:amz|goog|oss|cos)-)?signature|code|hmac|sid|pass)$/i.test(name) ? 'maybe' : 'plain';

const typeWord =
  /^(?:str|string|bytes|int|number|bool|boolean|object|any|float|SecretStr|Optional|Union|list|dict|Buffer|Uint8Array)\b/;
/** `token: str = 'x'`: the value stands behind the type. */
const annotation =
  /(?:str|string|bytes|int|number|any|object|SecretStr|Optional|Union|Final|ClassVar)\b[\w.[\]|, ?]{0,40}=[ \t]{0,4}(?!=)/y;

/** Where the value begins if a type stands before it. */
export const behindType = (text: string, at: number): number | undefined => {
  annotation.lastIndex = at;
  return annotation.test(text) ? annotation.lastIndex : undefined;
};

const numeric = /^[+-]?\d+(?:\.\d+)?$/;

export const quotedIsSecret = (suspect: Suspect): boolean => {
  const { text, name, verdict, sign, value } = suspect;
  if (value.kind === 'bracket') return bracketIsSecret(suspect);
  if (value.end <= value.start) return false;
  if (sign === '=' || name.quote !== '' || isStructural(suspect)) return true;
  // In prose: `missing key: 'user_id'`, but `wrong password: 'hunter'`.
  return verdict === 'secret' || looksSecret(text.slice(value.start, value.end));
};

const bracketIsSecret = ({ text, verdict, value }: Suspect): boolean => {
  const inside = text.slice(value.start + 1, Math.min(value.end - 1, value.start + 200));
  return inside.trim() !== '' && !(verdict === 'maybe' && /^[\s\d.,+-]*$/.test(inside));
};

export const bareIsSecret = (suspect: Suspect): boolean => {
  const { text, name, verdict, sign, value } = suspect;
  const shown = text.slice(value.start, Math.min(value.end, value.start + 300));
  if (shown === '') return false;
  if (numeric.test(shown))
    return (
      verdict === 'secret' &&
      (name.quote !== '' || sign === '=' || (isStructural(suspect) && endsThere(suspect)))
    );
  if (name.quote !== '') return sign === ':' || !looksCode(shown);
  return sign === '=' ? assignedIsSecret(suspect, shown) : toldIsSecret(suspect, shown);
};

const assignedIsSecret = (suspect: Suspect, shown: string): boolean => {
  const { text, name, verdict } = suspect;
  if (inQuery(text, name.start)) return true;
  // `Client(password=password)` and `password = settings.password` are source, not secrets.
  const own = name.name.split('.').at(-1)?.toLowerCase();
  if (shown.toLowerCase() === own || looksCode(shown)) return false;
  if (verdict === 'secret') return true;
  return looksSecret(shown) || /^[A-Z0-9_]+$/.test(name.name) || shown.length >= 16;
};

const toldIsSecret = (suspect: Suspect, shown: string): boolean => {
  if (typeWord.test(shown)) return false;
  if (looksSecret(shown)) return !looksCode(shown);
  // `authorization: denied` tells of one; a header's value is either in a known form or no word.
  if (headerNames.test(ownName(suspect.name.name))) return shown.length >= 16;
  return suspect.verdict === 'secret' && isStructural(suspect) && endsThere(suspect) && !looksCode(shown);
};

const schemes =
  /^(?:basic|bearer|digest|token|negotiate|ntlm|hawk|apikey|api-key|key|aws4-hmac-sha256|signature|dpop)[ \t]+[^\s"'\\]{4,}/i;
const headerNames = /^(?:proxy-)?authori[sz]ation$|^(?:set-)?cookie2?$/i;
const ownName = (name: string): string => name.replace(/^(?:.{0,60}[.])/, '');

/**
 * Where the value of a header line ends, if the name is that of a header whose value has blanks: `Cookie: a=b; c=d`. A quote
 * before the name is that of a command line: `-H 'Cookie: …'`.
 */
export const headerEnd = (text: string, name: NameBefore, at: number): number | undefined => {
  if (name.quote !== '' || !headerNames.test(ownName(name.name))) return undefined;
  if (/["'`]/.test(text.charAt(at))) return undefined;
  const before = text.charAt(name.start - 1);
  // Looked at before the end of the line is: `cookie:cookie:cookie:…` would cost the square of its length.
  const value = text.slice(at, at + 300);
  const isValue = /cookie/i.test(name.name) ? /^[^\s=;,"']{1,128}=\S/.test(value) : schemes.test(value);
  return isValue ? lineEnd(text, at, /["'`]/.test(before) ? before : '') : undefined;
};
