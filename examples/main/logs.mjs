import { mkdtempSync, rmSync, statSync, truncateSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

const LARGEST_BYTES = 32 * 2 ** 20;
const LOOK_EVERY_MS = 10_000;

/** Where the logs of a run go: the file asked for, or one that is gone when the process ends, however it ends. */
export const placeForLogs = (file) => {
  if (file !== undefined) return { file, passing: false };
  const folder = mkdtempSync(join(tmpdir(), 'snakepit-start-'));
  process.once('exit', () => rmSync(folder, { recursive: true, force: true }));
  return { file: join(folder, 'library.log'), passing: true };
};

/** Empties the file whenever it has grown large: a demonstration left running must not fill the disk. */
export const keepSmall = (file) => {
  const look = () => {
    if ((statSync(file, { throwIfNoEntry: false })?.size ?? 0) > LARGEST_BYTES) truncateSync(file);
  };
  return setInterval(look, LOOK_EVERY_MS).unref();
};
