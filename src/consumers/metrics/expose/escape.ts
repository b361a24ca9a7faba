/**
 * Escaping after the Prometheus exposition format 0.0.4 and OpenMetrics 1.0.0. Label values are escaped alike in both;
 * help texts are not: OpenMetrics wants their
 * quotes escaped too.
 */

const special = /[\\\n"]|\p{Surrogate}/u;
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
export const labelText = (names: readonly string[], values: readonly string[]): string => {
  let text = '';
  for (let i = 0; i < names.length; i++) {
    text += `${i === 0 ? '' : ','}${names[i]}="${escapeLabel(values[i] as string)}"`;
  }
  return text;
};
