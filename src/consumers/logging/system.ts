import { fstatSync } from 'node:fs';

/** Stops this thread, for the end of the process alone. */
export const pause = (ms: number): void => {
  Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, ms);
};

/** Bytes in a file; undefined for what is none. */
export const fileSize = (fd: number): number | undefined => {
  try {
    const stat = fstatSync(fd);
    return stat.isFile() ? stat.size : undefined;
  } catch {
    return undefined;
  }
};
