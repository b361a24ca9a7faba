import type { Logger as Pino } from 'pino';
import { SnakepitError } from '../../errors/index.ts';
import { Fallback } from './fallback.ts';
import type { LineFields } from './line.ts';
import { type Inspect, methods, type Writer } from './writer.ts';

/** Without the places that stayed empty: hooks and serializers of the user's see what is written. */
const written = (fields: LineFields): object =>
  Object.fromEntries(Object.entries(fields).filter(([, value]) => value !== undefined));

/**
 * Writes through a logger of the user's: time, level and message are named and shaped as that logger does it, the rest of the head
 * is ours. A line comes through when both its level and ours let it.
 *
 * @param onLevel - called when the user changes the level of that logger
 * @param inspect - shown what is handed to that logger
 * @throws SnakepitError `invalid_configuration` when it is no pino logger
 */
export const userWriter = (logger: Pino, onLevel: () => void, inspect?: Inspect): Writer => {
  if (methods.some((method) => typeof (logger as Partial<Pino> | null)?.[method] !== 'function')) {
    throw new SnakepitError(
      'invalid_configuration',
      `logs.pino: got something without the methods ${methods.join(', ')}; give a pino logger with its standard levels.`,
    );
  }
  const fallback = new Fallback('the logger that was passed in', true);
  let failed = 0;
  logger.on('level-change', onLevel);
  return {
    takes: (level) => logger.isLevelEnabled(level),
    write: (line) => {
      inspect?.(`${JSON.stringify(line.fields)} ${line.message}`);
      try {
        logger[line.level](written(line.fields), line.message);
      } catch (error) {
        // Its hooks, serializers and stream are the user's code.
        failed++;
        fallback.notice(String(error));
        fallback.line(line);
      }
    },
    writeErrors: () => failed,
    losses: () => ({ overflow: 0, unwritable: failed, closed: 0, unserializable: 0 }),
    reopen: () => {},
    close: async () => {
      logger.off('level-change', onLevel);
    },
  };
};
