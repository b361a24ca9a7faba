/**
 * Escaping after the Prometheus exposition format 0.0.4 and OpenMetrics 1.0.0. Label values are escaped alike in both;
 * help texts are not: OpenMetrics wants their
 * quotes escaped too.
 */

/** What cannot stand in a label value as it is. */
export const special = /[\\\n"]|\p{Surrogate}/u;
const surrogate = /\p{Surrogate}/gu;

/**
 * Half a surrogate pair has no UTF-8, and encoding would turn every one into the same U+FFFD: two series would become
 * one and the whole scrape be refused. Such a half is spelled
 * out as `\ud800` instead.
 */
export const wellFormed = (text: string): string =>
  text.isWellFormed() ? text : text.replace(surrogate, (half) => `\\u${half.charCodeAt(0).toString(16)}`);

const escapeLineAndSlash = (text: string) =>
  wellFormed(text).replaceAll('\\', '\\\\').replaceAll('\n', '\\n');

/** A label value between its quotes. */
export const escapeLabel = (value: string): string =>
  special.test(value) ? escapeLineAndSlash(value).replaceAll('"', '\\"') : value;

/** A help text of the Prometheus text format: quotes stay. */
export const escapeHelp = escapeLineAndSlash;

/** `a="1",b="2"`, without braces. */
export const labelText = (names: readonly string[], values: readonly string[], from = 0): string => {
  let text = '';
  for (let i = 0; i < names.length; i++) {
    text += `${i === 0 ? '' : ','}${names[i]}="${escapeLabel(values[from + i] as string)}"`;
  }
  return text;
};

/** The same of values that need no escaping. */
export const plainLabelText = (names: readonly string[], values: readonly string[], from: number): string => {
  if (names.length === 0) return '';
  let text = `${names[0]}="${values[from]}"`;
  for (let i = 1; i < names.length; i++) text += `,${names[i]}="${values[from + i]}"`;
  return text;
};

const ESCAPED = /\\[\\n"]/g;
const unescaped = (value: string): string =>
  value.includes('\\')
    ? value.replace(ESCAPED, (pair) => (pair === '\\n' ? '\n' : (pair[1] as string)))
    : value;

/** Hands each label of a text that {@link labelText} made to `take`, as it was before. */
export const eachLabel = (text: string, take: (name: string, value: string) => void): void => {
  let at = 0;
  while (at < text.length) {
    const equals = text.indexOf('=', at);
    let end = equals + 2;
    for (;;) {
      end = text.indexOf('"', end);
      let slashes = 0;
      while (text[end - 1 - slashes] === '\\') slashes++;
      if (slashes % 2 === 0) break;
      end++;
    }
    take(text.slice(at, equals), unescaped(text.slice(equals + 2, end)));
    at = end + 2;
  }
};
