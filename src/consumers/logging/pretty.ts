import { createRequire } from 'node:module';
import { isatty } from 'node:tty';
import { foldTraceback } from './traceback.ts';

/** Loaded when first used: it would cost every program some 20 ms of its start, and few of them write for people. */
const load = () => createRequire(import.meta.url)('pino-pretty') as typeof import('pino-pretty');

/** Escape sequences in a text from outside could rewrite what the terminal shows. */
// biome-ignore lint/suspicious/noControlCharactersInRegex: they are what is looked for
const control = /[\u0000-\u0008\u000b-\u001f\u007f-\u009f]/g;
const plain = (text: string): string => text.replace(control, '');

interface ErrorLike {
  readonly error_message?: unknown;
  readonly python_traceback?: unknown;
  readonly stack?: unknown;
  readonly exception?: unknown;
}

/** A traceback is for reading: as text, not as one long JSON string, and not twice. */
const showError = (error: unknown): string => {
  const { python_traceback, stack, exception, ...rest } = Object(error) as ErrorLike &
    Record<string, unknown>;
  if (typeof python_traceback === 'string' && python_traceback !== '')
    return `${plain(foldTraceback(python_traceback.trimEnd()))}\n${plain(JSON.stringify(rest, null, 2))}`;
  if (exception !== undefined) rest.exception = exception;
  const text = typeof stack === 'string' && stack !== '' ? stack : undefined;
  const json = JSON.stringify(rest, null, 2);
  return typeof text === 'string' ? `${plain(text.trimEnd())}\n${plain(json)}` : plain(json);
};

/** Always in milliseconds and of the same width, so that those of several lines can be compared at a glance. */
const durationColumn = (ms: unknown): string =>
  typeof ms === 'number' ? `${ms.toFixed(1).padStart(9)} ms  ` : '';

/**
 * Turns JSON lines into lines for people, in colour where `fd` is a terminal and `NO_COLOR` (no-color.org) is not set. Works in
 * this thread, so that no line is left behind in another one when the process ends.
 */
export const prettyPrinter = (fd: number | undefined): ((json: string) => string) => {
  const print = load().prettyFactory({
    colorize: fd !== undefined && isatty(fd) && !process.env.NO_COLOR,
    messageKey: 'message',
    timestampKey: 'timestamp',
    translateTime: 'SYS:HH:MM:ss.l',
    ignore: 'logger,event',
    messageFormat: (log, key) => {
      const { logger } = log;
      const text = `${durationColumn(log.duration_ms)}${plain(String(log[key]))}`;
      // The library's own lines need no signature; those of Python's loggers do.
      return typeof logger === 'string' && logger !== 'snakepit' ? `[${plain(logger)}] ${text}` : text;
    },
    singleLine: true,
    errorLikeObjectKeys: ['error'],
    customPrettifiers: { error: showError },
  });
  return (json) => {
    try {
      return print(json);
    } catch {
      return json;
    }
  };
};
