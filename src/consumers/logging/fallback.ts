import { writeSync } from 'node:fs';
import { monotonic, now } from '../../events/index.ts';
import { cut, type Json } from '../../sanitize/index.ts';
import type { Level } from './levels.ts';
import type { Line } from './line.ts';
import { ownNames, type Preset } from './preset.ts';

const STDERR = 2;
const NOTICE_MS = 10_000;
const MAX_MESSAGE = 2000;

const important: readonly Level[] = ['warn', 'error', 'fatal'];

/**
 * Simplified logging for when the structured one fails: the head of each line from `warn` up goes to stderr, after a notice that
 * says why. Never throws; where stderr cannot take it either, nobody is left to tell.
 */
export class Fallback {
  readonly #dest: string;
  readonly #usable: boolean;
  readonly #preset: Preset;
  /** How the lines begin that are important enough. */
  readonly #beginnings: readonly string[];
  #noticed = Number.NEGATIVE_INFINITY;

  /**
   * @param dest - what failed, for the notice
   * @param usable - false when it is stderr itself
   */
  constructor(dest: string, usable: boolean, preset: Preset = ownNames) {
    this.#dest = dest;
    this.#usable = usable;
    this.#preset = preset;
    this.#beginnings = important.map((level) => `${JSON.stringify(preset.level(level)).slice(0, -1)},`);
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
    if (important.includes(line.level)) this.#write(line);
  }

  /** The same for a line that is JSON already. */
  text(json: string): void {
    if (!this.#usable || !this.#beginnings.some((beginning) => json.startsWith(beginning))) return;
    try {
      const all = JSON.parse(json) as Record<string, Json>;
      const { messageKey, timestampKey, level, fields } = this.#preset;
      const head = { logger: '', event: '' };
      const names = [
        timestampKey,
        ...Object.keys(level('info')),
        messageKey,
        ...Object.keys(fields?.(head) ?? head),
      ];
      const kept = Object.fromEntries(names.map((name) => [name, all[name] as Json]));
      // In a line of OpenTelemetry it may be any value.
      const message = kept[messageKey];
      if (typeof message === 'string') kept[messageKey] = cut(message, MAX_MESSAGE);
      this.#send(kept);
    } catch {
      // A line of ours is JSON; but nothing may come of it if it were not.
    }
  }

  #write({ level, timestamp, message, fields: { logger, event } }: Line): void {
    const { fields, messageKey, timestampKey, ...preset } = this.#preset;
    this.#send({
      [timestampKey]: preset.timestamp(timestamp),
      ...preset.level(level),
      [messageKey]: cut(message, MAX_MESSAGE),
      ...(fields?.({ logger, event }) ?? { logger, event }),
    });
  }

  #send(head: Readonly<Record<string, Json>>): void {
    if (!this.#usable) return;
    try {
      writeSync(STDERR, `${JSON.stringify(head)}\n`);
    } catch {
      // stderr is closed, or its reader does not keep up; waiting for it would stop the process.
    }
  }
}
