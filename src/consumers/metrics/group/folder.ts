import { createHash } from 'node:crypto';
import { lstatSync, mkdirSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { isAbsolute, join, resolve } from 'node:path';
import { SnakepitError } from '../../../errors/index.ts';

type Env = Readonly<Record<string, string | undefined>>;

/** Longest path a Unix socket can have, without the final NUL: `sun_path` of unix(7) and of macOS. */
const MAX_SOCKET_PATH = process.platform === 'linux' ? 107 : 103;
const LONGEST_NAME = '/4294967295-99999-xxxxxxxx.sock'.length;

const uid = (): number => process.getuid?.() ?? 0;

/** The folders a group may have, the preferred one first; all members must find the same. */
const candidates = (group: string, env: Env, runtimeDir: string | undefined): string[] => {
  // Hashed, since a name may be long, or no file name at all.
  const hash = createHash('sha256').update(group).digest('hex').slice(0, 12);
  const name = `snakepit-metrics-${uid()}-${hash}`;
  if (runtimeDir !== undefined) return [join(resolve(runtimeDir), name)];
  const runtime = env.XDG_RUNTIME_DIR;
  const bases = [env.TMPDIR || tmpdir()];
  // The XDG specification has relative paths ignored.
  if (runtime !== undefined && isAbsolute(runtime)) bases.unshift(runtime);
  return bases.map((base) => join(base, name));
};

/** Makes a folder that only this user can enter, or takes it where it is there already. @returns why it cannot be used */
const make = (folder: string): string | undefined => {
  if (Buffer.byteLength(folder) + LONGEST_NAME > MAX_SOCKET_PATH) return `${folder} is too long for sockets`;
  try {
    mkdirSync(folder, { mode: 0o700 });
  } catch (error) {
    const { code, message } = error as NodeJS.ErrnoException;
    if (code !== 'EEXIST') return message;
  }
  // Not followed where it is a symbolic link: others could turn it.
  const stat = lstatSync(folder);
  if (!stat.isDirectory()) return `${folder} is not a folder`;
  if (stat.uid !== uid()) return `${folder} belongs to user ${stat.uid}, not to this one (${uid()})`;
  if ((stat.mode & 0o077) !== 0)
    return `${folder} is open to other users; \`chmod 700 ${folder}\` mends that`;
  return undefined;
};

/**
 * Makes the folder of a group: below `runtimeDir` where that is configured, else the user's runtime directory, or else the temporary one.
 *
 * @throws SnakepitError `invalid_configuration` saying why none can be used
 */
export const makeGroupFolder = (group: string, env: Env, runtimeDir?: string): string => {
  const faults: string[] = [];
  for (const folder of candidates(group, env, runtimeDir)) {
    const fault = make(folder);
    if (fault === undefined) return folder;
    faults.push(fault);
  }
  throw new SnakepitError(
    'invalid_configuration',
    `metrics.group: no folder can be used for the group '${group}': ${faults.join('; ')}. Set \`runtimeDir\` or TMPDIR to a short path that this user may write to.`,
  );
};
