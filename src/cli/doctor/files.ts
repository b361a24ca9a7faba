import { access, constants, mkdtemp, rm, statfs } from 'node:fs/promises';
import { createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { type Finding, fail, ok, warn } from './finding.ts';

/** Longest path a Unix socket can have, without the final NUL: `sun_path` of unix(7) and of macOS. */
const MAX_SOCKET_PATH = process.platform === 'linux' ? 107 : 103;
/** As long as the longest path that the transport makes below the directory. */
const LONGEST_BELOW = '/snakepit-XXXXXX/w4294967295.sock'.length;
const MIB = 2 ** 20;
const NEEDED_SPACE = 16 * MIB;

/** Whether sockets can be made where they are to be made: tried with a real one. */
export const checkSocketDirectory = async (runtimeDir: string | undefined): Promise<Finding> => {
  const check = 'socket directory';
  const base = runtimeDir ?? tmpdir();
  const remedy =
    'Set `runtimeDir` (or TMPDIR) to a short path that this user may write to, e.g. /tmp or /run/user/$UID.';
  const length = Buffer.byteLength(base) + LONGEST_BELOW;
  if (length > MAX_SOCKET_PATH) {
    return fail(check, `${base} makes socket paths of ${length} bytes; allowed: ${MAX_SOCKET_PATH}`, remedy);
  }
  let directory: string | undefined;
  try {
    directory = await mkdtemp(join(base, 'snakepit-'));
    await listenOnce(join(directory, 'doctor.sock'));
    return ok(check, `${base} is writable, paths of ${length} bytes (allowed: ${MAX_SOCKET_PATH})`);
  } catch (error) {
    return fail(check, `${base}: ${(error as Error).message}`, remedy);
  } finally {
    if (directory !== undefined) await rm(directory, { recursive: true, force: true });
  }
};

const listenOnce = (path: string): Promise<void> =>
  new Promise((resolve, reject) => {
    const server = createServer();
    server.once('error', reject);
    server.listen(path, () => server.close(() => resolve()));
  });

/** Room for the small files that host and workers share. */
export const checkTemporary = async (directory = tmpdir()): Promise<Finding> => {
  const check = 'temporary files';
  const remedy = 'Free space there, or set TMPDIR to a folder with room that this user may write to.';
  try {
    await access(directory, constants.W_OK);
    const { bavail, bsize } = await statfs(directory);
    const free = bavail * bsize;
    if (free < NEEDED_SPACE)
      return fail(check, `${directory} has ${Math.floor(free / MIB)} MiB free`, remedy);
    return ok(check, `${directory} is writable, ${Math.floor(free / MIB)} MiB free`);
  } catch (error) {
    return fail(check, `${directory}: ${(error as Error).message}`, remedy);
  }
};

/** Shared memory, which `multiprocessing` in apps stands on. Snakepit itself does without. */
export const checkSharedMemory = async (
  directory = '/dev/shm',
  platform = process.platform,
): Promise<Finding> => {
  const check = 'shared memory';
  if (platform !== 'linux') return ok(check, 'kept by the system, without a folder');
  const remedy =
    'Mount a tmpfs on /dev/shm (Docker: --shm-size=1g; Kubernetes: an emptyDir with medium Memory).';
  try {
    await access(directory, constants.W_OK);
    const { bavail, bsize } = await statfs(directory);
    return ok(check, `${directory} is writable, ${Math.floor((bavail * bsize) / MIB)} MiB free`);
  } catch (error) {
    const why = `${directory}: ${(error as Error).message}; Python's multiprocessing and data loaders need it`;
    return warn(check, why, remedy);
  }
};
