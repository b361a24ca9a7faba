import type { Stats } from 'node:fs';
import { lstat, readdir, readFile, realpath, rm } from 'node:fs/promises';
import { basename, dirname, join } from 'node:path';
import { HOST_FILE, hostState } from './instance-directory.ts';
import { hasProc, readStat } from './procfs.ts';

/** What a sweep found and did. */
export interface SweepReport {
  /** Directories that were removed. */
  readonly removed: readonly string[];
  /** Pids of processes that were killed, each with its process group where it led one. */
  readonly killed: readonly number[];
  /** What could not be removed, a sentence each. */
  readonly failed: readonly string[];
}

/** `mkdtemp` puts six characters behind the prefix. */
const instanceName = /^snakepit-[A-Za-z0-9]{6}$/;
/** A directory without the name of its host may be about to get it. */
const UNMARKED_MS = 60_000;
const ownFile = new RegExp(`\\.(sock|progress)$|^${HOST_FILE.replace('.', '\\.')}$`);

/**
 * Removes what hosts that died left directly below a directory, and kills their workers, if any survived. Costs one look into the
 * directory when nothing is left over. Touches nothing of other users, of living hosts, or of hosts in other containers, and follows no
 * links. Never rejects.
 *
 * @param base - where private directories are made, as a rule the temporary directory
 */
export const sweepLeftovers = async (base: string): Promise<SweepReport> => {
  const report = { removed: [] as string[], killed: [] as number[], failed: [] as string[] };
  const dead: string[] = [];
  const unmarked: string[] = [];
  for (const directory of await candidates(base)) {
    const state = hostState(directory);
    if (state === 'dead') dead.push(directory);
    else if (state === 'unmarked' && (await isStale(directory))) unmarked.push(directory);
  }
  if (dead.length + unmarked.length === 0) return report;

  const users = await usersOf([...dead, ...unmarked]);
  for (const directory of dead) for (const pid of users.get(directory) ?? []) kill(pid, report.killed);
  // One without a mark that is used is a host's that does not write marks.
  for (const directory of [...dead, ...unmarked.filter((one) => !users.has(one))]) {
    try {
      await rm(directory, { recursive: true, force: true });
      report.removed.push(directory);
    } catch (error) {
      report.failed.push(`${directory} cannot be removed: ${(error as Error).message}`);
    }
  }
  return report;
};

/** Directories below that look like a host's: by name, owner and mode, and no links. */
const candidates = async (base: string): Promise<string[]> => {
  const entries = await readdir(base, { withFileTypes: true }).catch(() => []);
  const named = entries.filter((entry) => entry.isDirectory() && instanceName.test(entry.name));
  const found: string[] = [];
  for (const { name } of named) {
    const stat = await statOf(join(base, name));
    if (stat?.isDirectory() && stat.uid === process.getuid?.() && (stat.mode & 0o077) === 0)
      found.push(join(base, name));
  }
  return found;
};

const statOf = (path: string): Promise<Stats | undefined> => lstat(path).catch(() => undefined);

/** Whether a directory that names no host has long been as it is, and holds only what hosts put there. */
const isStale = async (directory: string): Promise<boolean> => {
  const stat = await statOf(directory);
  if (stat === undefined || Date.now() - stat.mtimeMs < UNMARKED_MS) return false;
  const entries = await readdir(directory, { withFileTypes: true }).catch(() => undefined);
  return entries?.every((entry) => ownFile.test(entry.name) && !entry.isDirectory()) ?? false;
};

/** The processes that were started with a socket in one of these directories. Reads the environment of all of this user's processes. */
const usersOf = async (directories: readonly string[]): Promise<Map<string, number[]>> => {
  const users = new Map<string, number[]>();
  if (!hasProc) return users;
  const wanted = new Map<string, string>();
  // The base may have been spelled another way.
  for (const directory of directories)
    wanted.set(await realpath(directory).catch(() => directory), directory);
  for (const name of await readdir('/proc').catch(() => [])) {
    if (!/^\d+$/.test(name)) continue;
    const folder = await socketFolder(name);
    if (folder === undefined || !instanceName.test(basename(folder))) continue;
    const directory = wanted.get(await realpath(folder).catch(() => folder));
    if (directory !== undefined) users.set(directory, [...(users.get(directory) ?? []), Number(name)]);
  }
  return users;
};

const socketFolder = async (pid: string): Promise<string | undefined> => {
  // EACCES: somebody else's process. A path has no NUL and may be no UTF-8, which no directory of ours is.
  const environment = await readFile(`/proc/${pid}/environ`, 'utf8').catch(() => '');
  const path = /(?:^|\0)SNAKEPIT_SOCKET=([^\0]+)/.exec(environment)?.[1];
  return path === undefined ? undefined : dirname(path);
};

const kill = (pid: number, killed: number[]): void => {
  const stat = readStat(pid);
  if (stat === undefined || pid === process.pid) return;
  try {
    // A forked child in another's group: that group may hold what is not ours.
    process.kill(stat.processGroup === pid ? -pid : pid, 'SIGKILL');
    killed.push(pid);
  } catch {
    // ESRCH: it went by itself.
  }
};
