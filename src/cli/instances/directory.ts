import { lstat, mkdir } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { isAbsolute, join } from 'node:path';
import type { Terminal } from '../terminal.ts';

type Env = Terminal['env'];

const uid = (): number => process.getuid?.() ?? 0;

/**
 * The folders that hold a file for every running instance, the preferred one first. Readers look into all of them: a service has no
 * XDG_RUNTIME_DIR where the same user's shell has one.
 */
export const instanceFolders = (env: Env): readonly string[] => {
  const runtime = env.XDG_RUNTIME_DIR;
  const own = join(env.TMPDIR || tmpdir(), `snakepit-${uid()}`);
  // The XDG specification has relative paths ignored.
  return runtime !== undefined && isAbsolute(runtime) ? [join(runtime, 'snakepit'), own] : [own];
};

/** Why a folder that is there must not be trusted with tokens; undefined where it may. A symbolic link is not followed: others could turn it. */
export const folderFault = async (folder: string): Promise<string | undefined> => {
  const stat = await lstat(folder);
  if (!stat.isDirectory()) return `${folder} is not a folder`;
  if (stat.uid !== uid()) return `${folder} belongs to user ${stat.uid}, not to this one (${uid()})`;
  if ((stat.mode & 0o077) !== 0) {
    const mode = (stat.mode & 0o777).toString(8).padStart(4, '0');
    return `${folder} is open to other users (mode ${mode}; \`chmod 700 ${folder}\` mends that)`;
  }
  return undefined;
};

/**
 * Makes the first folder that can be made, or takes it where it is there already.
 *
 * @throws Error saying why none can be used
 */
export const makeInstanceFolder = async (env: Env): Promise<string> => {
  const faults: string[] = [];
  for (const folder of instanceFolders(env)) {
    const fault = await makeFolder(folder);
    if (fault === undefined) return folder;
    faults.push(fault);
  }
  throw new Error(faults.join('; '));
};

const makeFolder = async (folder: string): Promise<string | undefined> => {
  try {
    await mkdir(folder, { mode: 0o700 });
  } catch (error) {
    const { code, message } = error as NodeJS.ErrnoException;
    if (code !== 'EEXIST') return message;
  }
  return folderFault(folder);
};
