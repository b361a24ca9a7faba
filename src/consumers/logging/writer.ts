import { type Logger as Pino, pino } from 'pino';
import { SnakepitError } from '../../errors/index.ts';
import { Destination } from './destination.ts';
import { Fallback } from './fallback.ts';
import type { LevelOption, LogOptions } from './levels.ts';
import { writes } from './levels.ts';
import type { Line } from './line.ts';
import { openTarget } from './open.ts';
import { prettyPrinter } from './pretty.ts';
import { rfc3339 } from './time.ts';

/** What became of lines that could not be written. */
export interface LogCounts {
  /** Writes that failed. */
  readonly writeErrors: number;
  /** Lines lost: the destination was gone, closed, or behind by more than 8 MiB. */
  readonly dropped: number;
}

/** Writes lines with pino, to a destination of our own or through a logger of the user's. */
export interface Writer {
  /** Writes the line, unless the level in force leaves it out. Never throws. */
  write(line: Line): void;
  /** Whether lines of a level come through. */
  enabled(level: Line['level']): boolean;
  setLevel(level: LevelOption): void;
  counts(): LogCounts;
  /** @throws SnakepitError `invalid_configuration` when the file cannot be opened again; writing goes on to the one that was */
  reopen(): void;
  close(): Promise<void>;
}

/** Shown each line as it is written. */
export type Inspect = (text: string) => void;

/**
 * @param inspect - shown the text of every line
 * @throws SnakepitError `invalid_configuration` when the destination cannot be opened
 */
export const ownWriter = ({ level, format, dest }: LogOptions, inspect?: Inspect): Writer => {
  const target = openTarget(dest);
  const fallback = new Fallback(dest, target.fd !== 2);
  const destination = new Destination(target, (error, lines) => {
    fallback.notice(error.message);
    for (const line of lines) fallback.line(line);
  });
  const render = format === 'pretty' ? prettyPrinter(target.fd) : (json: string) => json;
  // pino has no way to hand the time or our own record of a line through to its stream; the call in between is synchronous.
  let current: Line;
  let failed = 0;
  const stream = {
    write: (json: string) => {
      inspect?.(json);
      destination.write(render(json), current);
    },
  };
  const logger = pino(
    {
      level,
      base: null,
      messageKey: 'message',
      timestamp: () => `,"timestamp":"${rfc3339(current?.timestamp)}"`,
      formatters: { level: (label) => ({ level: label }) },
    },
    stream,
  );
  return {
    enabled: (wanted) => logger.isLevelEnabled(wanted),
    setLevel: (next) => {
      logger.level = next;
    },
    write: (line) => {
      if (!logger.isLevelEnabled(line.level)) return;
      current = line;
      try {
        logger[line.level](line.fields, line.message);
        if (destination.failing) fallback.line(line);
      } catch (error) {
        failed++;
        fallback.notice(String(error));
        fallback.line(line);
      }
    },
    counts: () => ({ writeErrors: destination.writeErrors + failed, dropped: destination.dropped + failed }),
    reopen: () => {
      // Streams of the process were not opened by us.
      if (target.owned) destination.reopen(openTarget(dest));
    },
    close: () => destination.close(),
  };
};

const methods = ['trace', 'debug', 'info', 'warn', 'error', 'fatal'] as const;

/**
 * Writes through a logger of the user's: time, level and message are named and shaped as that logger does it, the rest of the head
 * is ours. A line comes through when both its level and ours let it.
 *
 * @param onLevel - called when the user changes the level of that logger
 * @param inspect - shown what is handed to that logger
 * @throws SnakepitError `invalid_configuration` when it is no pino logger
 */
export const userWriter = (
  logger: Pino,
  level: LevelOption,
  onLevel: () => void,
  inspect?: Inspect,
): Writer => {
  if (methods.some((method) => typeof (logger as Partial<Pino> | null)?.[method] !== 'function')) {
    throw new SnakepitError(
      'invalid_configuration',
      `logs.pino: got something without the methods ${methods.join(', ')}; give a pino logger with its standard levels.`,
    );
  }
  const fallback = new Fallback('the logger that was passed in', true);
  let least = level;
  let failed = 0;
  const enabled = (wanted: Line['level']) => writes(least, wanted) && logger.isLevelEnabled(wanted);
  logger.on('level-change', onLevel);
  return {
    enabled,
    setLevel: (next) => {
      least = next;
    },
    write: (line) => {
      if (!enabled(line.level)) return;
      inspect?.(`${JSON.stringify(line.fields)} ${line.message}`);
      try {
        logger[line.level](line.fields, line.message);
      } catch (error) {
        // Its hooks, serializers and stream are the user's code.
        failed++;
        fallback.notice(String(error));
        fallback.line(line);
      }
    },
    counts: () => ({ writeErrors: failed, dropped: failed }),
    reopen: () => {},
    close: async () => {
      logger.off('level-change', onLevel);
    },
  };
};
