import { rmSync } from 'node:fs';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { SnakepitError } from '../errors/index.ts';

/** Longest path a Unix socket can have, without the final NUL: `sun_path` of unix(7) and of macOS. */
const MAX_SOCKET_PATH = process.platform === 'linux' ? 107 : 103;
const LONGEST_NAME = '/w4294967295.sock'.length;

const leftovers = new Set<string>();
let armed = false;

/** A guest may end its process without closing us; files must not pile up for that. */
const removeAtExit = (directory: string): void => {
  leftovers.add(directory);
  if (armed) return;
  armed = true;
  process.once('exit', () => {
    for (const left of leftovers) rmSync(left, { recursive: true, force: true });
  });
};

/**
 * Makes a private directory (mode 0700) for sockets.
 *
 * @param base - where; default the temporary directory
 * @throws SnakepitError `invalid_configuration` when it cannot be written or its path is too long for a socket
 */
export const makeSocketDirectory = async (base: string = tmpdir()): Promise<string> => {
  const remedy = 'Set `runtimeDir` (or TMPDIR) to a short path that this user may write to.';
  if (Buffer.byteLength(base) + '/snakepit-XXXXXX'.length + LONGEST_NAME > MAX_SOCKET_PATH) {
    throw new SnakepitError(
      'invalid_configuration',
      `The socket directory would be below '${base}', which makes socket paths longer than ${MAX_SOCKET_PATH} bytes. ${remedy}`,
    );
  }
  try {
    // mkdtemp creates with mode 0700, so there is no moment in which others could enter.
    const directory = await mkdtemp(join(base, 'snakepit-'));
    removeAtExit(directory);
    return directory;
  } catch (cause) {
    throw new SnakepitError(
      'invalid_configuration',
      `No socket directory can be made in '${base}': ${(cause as Error).message}. ${remedy}`,
      {
        cause,
      },
    );
  }
};

/** Removes a directory made by {@link makeSocketDirectory}. */
export const removeSocketDirectory = async (directory: string): Promise<void> => {
  await rm(directory, { recursive: true, force: true });
  leftovers.delete(directory);
};
