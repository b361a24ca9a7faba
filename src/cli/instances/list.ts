import { readdir, readFile, rm } from 'node:fs/promises';
import { join } from 'node:path';
import type { Terminal } from '../terminal.ts';
import { folderFault, instanceFolders } from './directory.ts';
import { type Instance, parseInstance } from './instance.ts';
import { startTimeOf } from './start-time.ts';

/** What was found. */
export interface Found {
  /** Oldest first. */
  readonly instances: readonly Instance[];
  /** Why folders were not looked into. */
  readonly faults: readonly string[];
}

/** The instances of this user that run now. Files of those that are gone are removed. */
export const runningInstances = async ({ env }: Pick<Terminal, 'env'>): Promise<Found> => {
  const instances: Instance[] = [];
  const faults: string[] = [];
  for (const folder of instanceFolders(env)) {
    try {
      const fault = await folderFault(folder);
      if (fault === undefined) instances.push(...(await readFolder(folder)));
      else faults.push(fault);
    } catch (error) {
      const { code, message } = error as NodeJS.ErrnoException;
      if (code !== 'ENOENT') faults.push(message);
    }
  }
  instances.sort((a, b) => a.started_at.localeCompare(b.started_at));
  return { instances, faults };
};

const readFolder = async (folder: string): Promise<readonly Instance[]> => {
  const names = (await readdir(folder)).filter((name) => /^\d+\.json$/.test(name));
  const found = await Promise.all(names.map((name) => readOne(join(folder, name))));
  return found.filter((instance) => instance !== undefined);
};

const readOne = async (path: string): Promise<Instance | undefined> => {
  const text = await readFile(path, 'utf8').catch(() => undefined);
  // Gone since the folder was read: its process has just ended.
  if (text === undefined) return undefined;
  const instance = parseInstance(text);
  if (instance === undefined) return undefined;
  if ((await startTimeOf(instance.pid)) === instance.start_time) return instance;
  await rm(path, { force: true });
  return undefined;
};
