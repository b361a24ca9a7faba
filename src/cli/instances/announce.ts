import { randomBytes } from 'node:crypto';
import { rmSync } from 'node:fs';
import { open, rename, rm } from 'node:fs/promises';
import { join } from 'node:path';
import type { Terminal } from '../terminal.ts';
import { makeInstanceFolder } from './directory.ts';
import type { Instance } from './instance.ts';
import { startTimeOf } from './start-time.ts';

/** What an instance says of itself; the rest is known from the process. */
export type Announcement = Omit<Instance, 'pid' | 'start_time' | 'started_at'>;

/**
 * Writes the file by which this user's commands find this process, readable to the user alone. It goes away when the process exits,
 * or with the function returned.
 *
 * @throws Error when no folder can be used or the file cannot be written
 */
export const announce = async (what: Announcement, { env }: Pick<Terminal, 'env'>): Promise<() => void> => {
  const start_time = await startTimeOf(process.pid);
  if (start_time === undefined) throw new Error('the start time of this process cannot be read');
  const folder = await makeInstanceFolder(env);
  const instance: Instance = {
    pid: process.pid,
    start_time,
    started_at: new Date(Date.now() - process.uptime() * 1000).toISOString(),
    ...what,
  };
  const path = join(folder, `${process.pid}.json`);
  await writeWhole(path, `${JSON.stringify(instance)}\n`);
  const remove = () => {
    process.off('exit', remove);
    rmSync(path, { force: true });
  };
  process.once('exit', remove);
  return remove;
};

/** Under another name first, so that nobody reads half of it. */
const writeWhole = async (path: string, text: string): Promise<void> => {
  const partial = `${path}.${randomBytes(6).toString('hex')}`;
  try {
    const file = await open(partial, 'wx', 0o600);
    try {
      await file.writeFile(text);
    } finally {
      await file.close();
    }
    await rename(partial, path);
  } catch (error) {
    await rm(partial, { force: true });
    throw error;
  }
};
