import { readdirSync, readFileSync } from 'node:fs';
import { setTimeout as sleep } from 'node:timers/promises';

/** The name of the mark every process of a scenario carries in its environment, and hands on to its children. */
export const MARK = 'CHAOS_MARK';

const read = (path) => {
  try {
    return readFileSync(path, 'latin1');
  } catch {
    return '';
  }
};

/** Fields of `/proc/<pid>/stat` after the name, which is in parentheses and may hold anything. */
const statOf = (pid) => {
  const text = read(`/proc/${pid}/stat`);
  return text === '' ? undefined : text.slice(text.lastIndexOf(')') + 2).split(' ');
};

/** Whether a process runs; a zombie, which only waits for its parent to ask after it, does not. */
export const isAlive = (pid) => {
  const state = statOf(pid)?.[0];
  return state !== undefined && state !== 'Z' && state !== 'X';
};

const allPids = () =>
  readdirSync('/proc')
    .filter((name) => /^\d+$/.test(name))
    .map(Number);

/** The living processes that carry a mark. */
export const marked = (mark) =>
  allPids().filter(
    (pid) => `\0${read(`/proc/${pid}/environ`)}`.includes(`\0${MARK}=${mark}\0`) && isAlive(pid),
  );

/** The living children of a process. */
export const childrenOf = (parent) =>
  allPids().filter((pid) => statOf(pid)?.[1] === String(parent) && isAlive(pid));

/** Ends processes of ours, each by its id. */
export const kill = (pids) => {
  for (const pid of pids) {
    try {
      process.kill(pid, 'SIGKILL');
    } catch {
      // It ended by itself.
    }
  }
};

/**
 * Waits until a condition holds, at most so long.
 *
 * @returns {Promise<boolean>} whether it came to hold
 */
export const holds = async (condition, withinMs = 30_000, everyMs = 10) => {
  const end = performance.now() + withinMs;
  for (;;) {
    if (await condition()) return true;
    if (performance.now() > end) return false;
    await sleep(everyMs);
  }
};
