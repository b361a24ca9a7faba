import { readFileSync, writeFileSync } from 'node:fs';
import type { SlotProgress } from './contract.ts';

/**
 * The progress file: what each slot of a worker started last, and in which thread. Python writes it by storing into shared memory, so that it can be read
 * while C code holds the interpreter, and after a death. Layout: one 32-bit word per slot and one more, filled up to a multiple of 8; one 64-bit thread per slot. Little endian.
 */

const threadsAt = (slots: number): number => Math.ceil((4 * (slots + 1)) / 8) * 8;

/** Makes the file, readable by this user alone. */
export const makeProgressFile = (path: string, slots: number): void =>
  writeFileSync(path, Buffer.alloc(threadsAt(slots) + 8 * slots), { mode: 0o600 });

/**
 * The last request that each slot started; 0 for none. And one word more: requests up to that one may have begun as well, since they came out
 * of turn.
 */
export const readLastStarted = (path: string, slots: number): readonly number[] => {
  const bytes = read(path, slots);
  return bytes === undefined ? [] : Array.from({ length: slots + 1 }, (_, i) => bytes.readUInt32LE(4 * i));
};

const read = (path: string, slots: number): Buffer | undefined => {
  try {
    const bytes = readFileSync(path);
    return bytes.length < threadsAt(slots) + 8 * slots ? undefined : bytes;
  } catch {
    return undefined;
  }
};

/** What each slot does; nothing when the file is gone. */
export const readProgress = (path: string, slots: number): readonly SlotProgress[] => {
  const bytes = read(path, slots);
  if (bytes === undefined) return [];
  return Array.from({ length: slots }, (_, slot) => {
    const thread = bytes.readBigUInt64LE(threadsAt(slots) + 8 * slot);
    return {
      lastStarted: bytes.readUInt32LE(4 * slot),
      thread: thread === 0n ? null : `0x${thread.toString(16).padStart(16, '0')}`,
    };
  });
};
