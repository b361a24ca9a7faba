import { isNativeError } from 'node:util/types';
import { currentContext, now } from '../../events/index.ts';
import { cut, type Json, type Sanitizer } from '../../sanitize/index.ts';
import { addCanary, addSafe, contextFields, type LogSanitizer } from './fields.ts';
import type { LineGate } from './gate.ts';
import type { Level } from './levels.ts';
import type { LineFields } from './line.ts';
import type { Writer } from './writer.ts';

type Fields = Readonly<Record<string, unknown>>;

/**
 * Writes a line. `fields` are copied in a form JSON can say, secrets masked and sizes bounded; `logger` and `event` among them set
 * the head. Other names of the head get a `_` behind them. Never throws, whatever it is given.
 */
export type LogMethod = (message: string, fields?: Fields | Error) => void;

/** The log of the library, open to its users: same destination, same head, fields of `withContext` included. */
export interface Logger {
  readonly trace: LogMethod;
  readonly debug: LogMethod;
  readonly info: LogMethod;
  readonly warn: LogMethod;
  readonly error: LogMethod;
  readonly fatal: LogMethod;
  /** Whether lines of this level may be written, for messages that are costly to make. */
  isLevelEnabled(level: Level): boolean;
  /** A logger whose lines have these fields as well, e.g. `{ logger: 'billing' }`. Those of a line win. */
  child(fields: Fields): Logger;
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

/** A text among fields, without running a getter. */
const peek = (fields: unknown, name: string): string | undefined => {
  try {
    const value = Object.getOwnPropertyDescriptor(Object(fields), name)?.value;
    return typeof value === 'string' ? value : undefined;
  } catch {
    // A proxy may throw at anything.
    return undefined;
  }
};

const LIBRARY = 'snakepit';

/** The part of the program a line is from: the logger it names, or what the event it names is about. */
const componentOf = (logger: string | undefined, event: string | undefined): string => {
  if (logger !== undefined && logger !== LIBRARY) return logger;
  return event?.startsWith('snakepit.') ? event.split('.', 2).join('.') : LIBRARY;
};

/** What lines of a logger are made with. */
export interface LoggerParts {
  readonly writer: Writer;
  readonly gate: LineGate;
  readonly sanitizer: LogSanitizer;
}

/** Whether a line is written, before anything of it is copied. */
const isWritten = (level: Level, gate: LineGate, sources: readonly unknown[]): boolean => {
  const find = (name: string): string | undefined => {
    for (const source of sources) {
      const found = peek(source, name);
      if (found !== undefined) return found;
    }
    return undefined;
  };
  if (gate.byForce(level, find('correlation_id'))) return true;
  const about = { pool_name: find('pool_name'), command: find('command') };
  return gate.byLevel(level, componentOf(find('logger'), find('event')), about);
};

/** The facade over a writer. */
export const createLogger = (parts: LoggerParts, bound: Fields = {}): Logger => {
  const { writer, gate, sanitizer: safe } = parts;
  const method =
    (level: Level): LogMethod =>
    (message, fields) => {
      if (!gate.mayWrite(level) || !isWritten(level, gate, [fields, bound, currentContext()])) return;
      const given = { ...contextFields(safe), ...safe.fields(bound), ...safe.fields(fields) };
      const { logger, event, ...rest } = given;
      const head: LineFields = { logger: wordOf(logger, LIBRARY), event: wordOf(event, 'snakepit.log') };
      addSafe(head, rest);
      addCanary(head, safe);
      writer.write({ level, timestamp: now(), message: messageOf(message, safe), fields: head });
    };
  return {
    trace: method('trace'),
    debug: method('debug'),
    info: method('info'),
    warn: method('warn'),
    error: method('error'),
    fatal: method('fatal'),
    isLevelEnabled: (level) => gate.mayWrite(level),
    child: (fields) => createLogger(parts, { ...bound, ...own(fields) }),
  };
};

/** A copy of fields that throw when they are copied is none. */
const own = (fields: Fields): Fields => {
  try {
    return { ...fields };
  } catch {
    return {};
  }
};
