import { readStat, readText } from './procfs.ts';

/** Linux reports times to programs in hundredths of a second on every machine that Node runs on (USER_HZ). */
const TICKS_PER_SECOND = 100;

/** A process, looked at from outside. */
export interface ProcessReadings {
  /** Resident memory in bytes; 0 for a zombie. */
  readonly rssBytes: number;
  /** CPU time of all its threads so far, in seconds. */
  readonly cpuSeconds: number;
  readonly threads: number;
  /** One letter: `R` running, `S` sleeping, `D` waiting for a disk, `T` stopped, `t` traced, `Z` dead but not yet asked after. */
  readonly state: string;
  /** Clock ticks from the start of the machine to that of the process: the same pid with another value is another process. */
  readonly startTime: number;
}

/**
 * Looks at another process, for when it does not speak for itself any more.
 *
 * @returns undefined when there is no such process, and always where there is no `/proc` (macOS): to run `ps` there would take longer
 *   than its answer is true
 */
export const readProcess = (pid: number, root?: string): ProcessReadings | undefined => {
  const stat = readStat(pid, root);
  if (stat === undefined) return undefined;
  // In kilobytes: `stat` has pages, and Node does not tell how large those are.
  const resident = /^VmRSS:\s+(\d+) kB/m.exec(readText(`/proc/${pid}/status`, root) ?? '')?.[1];
  return {
    rssBytes: Number(resident ?? 0) * 1024,
    cpuSeconds: stat.cpuTicks / TICKS_PER_SECOND,
    threads: stat.threads,
    state: stat.state,
    startTime: stat.startTime,
  };
};
