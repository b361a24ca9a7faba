import { isNativeError } from 'node:util/types';
import { now } from '../../events/index.ts';
import { cut, type Json, type Sanitizer } from '../../sanitize/index.ts';
import { addCanary, addSafe, contextFor, type LogSanitizer } from './fields.ts';
import type { Level } from './levels.ts';
import type { LineFields } from './line.ts';
import type { Writer } from './writer.ts';

/**
 * Writes a line. `fields` are copied in a form JSON can say, secrets masked and sizes bounded; `logger` and `event` among them set
 * the head. Other names of the head get a `_` behind them. Never throws, whatever it is given.
 */
export type LogMethod = (message: string, fields?: Readonly<Record<string, unknown>> | Error) => void;

/** The log of the library, open to its users: same destination, same head, fields of `withContext` included. */
export interface Logger {
  readonly debug: LogMethod;
  readonly info: LogMethod;
  readonly warn: LogMethod;
  readonly error: LogMethod;
  /** Whether lines of this level are written, for messages that are costly to make. */
  isLevelEnabled(level: Level): boolean;
}

/** A text fit for a line's message. */
export const messageOf = (message: unknown, sanitizer: Sanitizer): string => {
  if (typeof message === 'string') return sanitizer.text(message);
  const safe = sanitizer.value(message);
  if (isNativeError(message)) return String((safe as Record<string, Json>).message ?? 'an error');
  return typeof safe === 'string' ? safe : JSON.stringify(safe);
};

const wordOf = (value: Json | undefined, fallback: string): string =>
  typeof value === 'string' && value !== '' ? cut(value, 200) : fallback;

/** The facade over a writer. */
export const createLogger = (writer: Writer, safe: LogSanitizer): Logger => {
  const method =
    (level: Level): LogMethod =>
    (message, fields) => {
      if (!writer.enabled(level)) return;
      const { logger, event, ...rest } = { ...contextFor(safe), ...safe.fields(fields) };
      const head: LineFields = { logger: wordOf(logger, 'snakepit'), event: wordOf(event, 'snakepit.log') };
      addSafe(head, rest);
      addCanary(head, safe);
      writer.write({ level, timestamp: now(), message: messageOf(message, safe), fields: head });
    };
  return {
    debug: method('debug'),
    info: method('info'),
    warn: method('warn'),
    error: method('error'),
    isLevelEnabled: (level) => writer.enabled(level),
  };
};
