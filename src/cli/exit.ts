import { CommanderError } from 'commander';
import { isSnakepitError, type SnakepitError } from '../errors/index.ts';
import type { Terminal } from './terminal.ts';

/** 0 done, 1 failed while running, 2 wrong usage or configuration. */
export type ExitCode = 0 | 1 | 2;

/** The command line or what it names is wrong. The message says the key, the value got and what is allowed. */
export class UsageError extends Error {
  override readonly name = 'UsageError';
}

/** The command was right and could not do its work, for a reason that is no bug: exit code 1, and no stack trace. */
export class CommandFailure extends Error {
  override readonly name = 'CommandFailure';
}

/** There is no instance, or it does not answer now: it may do so later. */
export class Unreachable extends CommandFailure {}

/** Tells people what went wrong and returns the exit code for it. */
export const report = (error: unknown, terminal: Pick<Terminal, 'err'>): ExitCode => {
  // commander has written its own message already.
  if (error instanceof CommanderError) return error.exitCode === 0 ? 0 : 2;
  if (error instanceof UsageError || error instanceof CommandFailure) {
    terminal.err(`snakepit: ${error.message}\n`);
    return error instanceof UsageError ? 2 : 1;
  }
  if (isSnakepitError(error)) {
    terminal.err(`snakepit: ${error.message}\n${detailsOf(error)}`);
    return error.category === 'configuration' ? 2 : 1;
  }
  terminal.err(`snakepit: ${textOf(error)}\n`);
  return 1;
};

const detailsOf = ({ context }: SnakepitError): string => {
  const traceback = context.python_traceback;
  if (traceback !== undefined) return `\n${traceback.trimEnd()}\n`;
  const tail = context.exit?.stderr_tail ?? [];
  return tail.length === 0 ? '' : `\n${tail.join('\n')}\n`;
};

const textOf = (error: unknown): string =>
  error instanceof Error ? (error.stack ?? error.message) : String(error);
