import { writeSync } from 'node:fs';
import { monotonic, now } from '../../events/index.ts';
import { type Line, simplify } from './line.ts';

const STDERR = 2;
const NOTICE_MS = 10_000;

/**
 * Simplified logging for when the structured one fails: the head of each line from `warn` up goes to stderr, after a notice that
 * says why. Never throws; where stderr cannot take it either, nobody is left to tell.
 */
export class Fallback {
  readonly #dest: string;
  readonly #usable: boolean;
  #noticed = Number.NEGATIVE_INFINITY;

  /**
   * @param dest - what failed, for the notice
   * @param usable - false when it is stderr itself
   */
  constructor(dest: string, usable: boolean) {
    this.#dest = dest;
    this.#usable = usable;
  }

  /** Tells of a fault, at most once in ten seconds. */
  notice(reason: string): void {
    const at = monotonic();
    if (at - this.#noticed < NOTICE_MS) return;
    this.#noticed = at;
    this.#write({
      level: 'error',
      timestamp: now(),
      message: `Log lines cannot be written to ${this.#dest}: ${reason}. From level warn up they appear here, shortened.`,
      fields: { logger: 'snakepit', event: 'snakepit.log.failed' },
    });
  }

  /** Writes a line's head, if it is important enough. */
  line(line: Line): void {
    if (line.level === 'warn' || line.level === 'error' || line.level === 'fatal') this.#write(line);
  }

  #write(line: Line): void {
    if (!this.#usable) return;
    try {
      writeSync(STDERR, simplify(line));
    } catch {
      // stderr is closed, or its reader does not keep up; waiting for it would stop the process.
    }
  }
}
