/**
 * Judgements about a value that stands after a name such as `password`, where it is not sure that it is a value at all: prose and
 * code say the same words.
 */

const constant =
  /^(?:none|null|nil|true|false|yes|no|undefined|nan|required|optional|missing|\.\.\.|…)[:.,;]?$/i;
/** Shown in place of a value by somebody who has masked it already, or to be filled in later. */
const placeholder =
  /^(?:\*+|x{3,}|\.{3,}|<[\w .-]{1,40}>|\$\{[A-Za-z_][\w.]{0,60}\}?|\{{1,2}[\w .!-]{0,60}\}{1,2}|%\(?\w{0,40}\)?s|\[?(?:redacted|filtered|masked|hidden|removed|sanitized(?::[0-9a-f]{8})?)\]?)$/i;

/** Nothing to hide: a constant of a language, or what stands in the place of a value. */
export const isVoid = (value: string): boolean =>
  value === '' ||
  shellVariable.test(value) ||
  sqlParameter.test(value) ||
  constant.test(value) ||
  placeholder.test(value);

/** A variable of a shell; in small letters it may be a password that begins with a dollar. */
const shellVariable = /^\$[A-Z_][A-Z0-9_]{1,60}$/;

/** What a statement leaves open: `SET password = $2`. */
const sqlParameter = /^(?:\$\d{1,3}|\?|:[a-z_]{1,40})[,;)]?$/;

const folderName = /(?:^|[^a-z])(?:old)?pwd$/i;

/** Shells call the folder they are in by a name that others give to passwords. */
export const isFolder = (name: string, value: string): boolean =>
  folderName.test(name) && /^(?:\/|~|[A-Za-z]:[\\/])/.test(value);

const fileLine = /\.\w{1,6}:\d+/;
const version = /^v?\d+(?:\.\d+)+(?:[-+]\w{1,16})?$/;

/** Whether a bare word is no word: digits among letters, or signs, or capitals inside. */
export const looksSecret = (value: string): boolean => {
  const start = value.length > 256 ? value.slice(0, 256) : value;
  if (start.length < 5 || fileLine.test(start) || version.test(start)) return false;
  const letters = /[A-Za-z]/.test(start);
  if (letters && /\d/.test(start)) return true;
  if (letters && /[!#$%^&*+~]/.test(start)) return true;
  return start.length >= 8 && /[a-z][A-Z]/.test(start) && /[A-Z][A-Z]|[a-z][A-Z]\w*[a-z][A-Z]/.test(start);
};

const call = /^[A-Za-z_][\w.]{0,80}(?:\([^()\s]{0,80}\)?,?|\[["'\w]{1,60}\]?)$/;
const path = /^[a-z_]{1,40}(?:\.[a-z_]{1,40}){1,6}$/;

/** Whether what follows `=` in a line of source is an expression rather than a value. */
export const looksCode = (value: string): boolean =>
  value.length <= 256 && (path.test(value) || (call.test(value) && /^[a-z_.A-Z]+[([]/.test(value)));

/** A name of a field, as in `['password', 'username']`. */
export const looksName = (value: string): boolean =>
  value.length <= 64 && /^[a-z]+(?:[_-][a-z]+)*$/i.test(value);
