import { cut, describeArguments } from '../../sanitize/index.ts';
import type { LogSanitizer } from './fields.ts';
import type { LogOptions } from './levels.ts';

const MAX_BYTES = 2048;
/** What {@link cut} says about what it took away. */
const NOTE = 48;

/** At most 2 KB of a text, as bytes of UTF-8. */
const fitted = (text: string): string => {
  const bytes = Buffer.byteLength(text);
  if (bytes <= MAX_BYTES) return text;
  // By characters first; where those take more bytes than one, by as much less.
  let short = cut(text, MAX_BYTES - NOTE);
  for (let size = Buffer.byteLength(short); size > MAX_BYTES; size = Buffer.byteLength(short))
    short = cut(text, Math.floor((short.length - NOTE) * ((MAX_BYTES - NOTE) / size)));
  return short;
};

/** The arguments of a call for a line: sanitized, as JSON, cut at 2 KB. */
export const argsText = (
  rawArgs: unknown,
  show: LogOptions['args']['show'],
  showArgs: readonly string[],
  safe: LogSanitizer,
): string => {
  const shown = show === 'values' ? safe.value(rawArgs) : (safe.args ?? describeArguments)(rawArgs, showArgs);
  return fitted(JSON.stringify(shown) ?? 'null');
};
