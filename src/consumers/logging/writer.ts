import type { Logger as Pino } from 'pino';
import type { Level } from './levels.ts';
import type { Line } from './line.ts';

/** Why lines are lost: too many wait, the destination cannot be written any more, the log is closed, or they could not be put into words. */
export const lossReasons = ['overflow', 'unwritable', 'closed', 'unserializable'] as const;

/** What became of lines that could not be written. */
export interface LogCounts {
  /** Writes that failed. */
  readonly writeErrors: number;
  /** Lines lost. */
  readonly dropped: number;
}

/** Lines lost, by reason. */
export type LogLosses = Readonly<Record<(typeof lossReasons)[number], number>>;

/** Writes lines. Which, others have decided; but a logger of the user's has a say too. */
export interface Writer {
  /** Never throws. */
  write(line: Line): void;
  /** Whether lines of a level come through, as far as it depends on where they go. */
  takes(level: Level): boolean;
  /** Writes that failed. */
  writeErrors(): number;
  losses(): LogLosses;
  /** @throws SnakepitError `invalid_configuration` when the file cannot be opened again; writing goes on to the one that was */
  reopen(): void;
  close(): Promise<void>;
}

/** Shown each line as it is written. */
export type Inspect = (text: string) => void;

/** The methods a pino logger has. */
export const methods = ['trace', 'debug', 'info', 'warn', 'error', 'fatal'] as const satisfies (keyof Pino)[];
