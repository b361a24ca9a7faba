import { constants, openSync } from 'node:fs';
import { SnakepitError } from '../../errors/index.ts';

/** Where lines go. */
export interface Target {
  readonly fd: number;
  /** As in the option `logs.dest`. */
  readonly name: string;
  /** A file of ours, to be closed by us. */
  readonly owned: boolean;
}

/** Group may read, others not: lines may name users and files. */
const MODE = 0o640;

/**
 * Opens the destination of the option `logs.dest`. Files are appended to; they are opened at once and synchronously, so that a
 * path that cannot be written is an error of the start and not of the first line.
 *
 * @throws SnakepitError `invalid_configuration` when the file cannot be opened
 */
export const openTarget = (dest: string): Target => {
  if (dest === 'stderr') return { fd: 2, name: dest, owned: false };
  if (dest === 'stdout') return { fd: 1, name: dest, owned: false };
  // Without O_NONBLOCK, opening a named pipe that nobody reads would hang the whole process. Windows has no such flag.
  const flags = constants.O_WRONLY | constants.O_APPEND | constants.O_CREAT | (constants.O_NONBLOCK ?? 0);
  try {
    return { fd: openSync(dest, flags, MODE), name: dest, owned: true };
  } catch (error) {
    const { code = 'unknown error' } = error as NodeJS.ErrnoException;
    throw new SnakepitError(
      'invalid_configuration',
      `logs.dest: got ${JSON.stringify(dest)}, which cannot be opened for appending (${code}). ${remedyOf(code)} 'stderr' and 'stdout' work too.`,
      { cause: error },
    );
  }
};

const remedyOf = (code: string): string => {
  switch (code) {
    case 'ENOENT':
      return 'Create its folder first.';
    case 'EISDIR':
      return 'It is a folder: name a file in it.';
    case 'ENXIO':
      return 'It is a pipe nobody reads: start its reader first.';
    case 'EROFS':
      return 'Its file system is read-only: name a path that can be written.';
    default:
      return 'Name a file this user may write.';
  }
};
