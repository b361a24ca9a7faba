import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';

/** Whether this system tells of its processes in `/proc`; macOS does not. */
export const hasProc: boolean = existsSync('/proc/self/stat');

/** A file's text, or undefined where it cannot be read. `root` stands in for `/` in tests. */
export const readText = (path: string, root = '/'): string | undefined => {
  try {
    return readFileSync(join(root, path), 'utf8');
  } catch {
    return undefined;
  }
};

/** What `/proc/<pid>/stat` says (proc_pid_stat(5)). Times are in clock ticks. */
export interface ProcStat {
  /** `R` running, `S` sleeping, `D` waiting for a disk, `T` stopped, `t` traced, `Z` dead but not yet asked after, `X` gone, `I` idle. */
  readonly state: string;
  readonly processGroup: number;
  readonly session: number;
  readonly cpuTicks: number;
  readonly threads: number;
  /** Ticks from the start of the machine to that of the process. With the pid it names a process for good, since pids are used again. */
  readonly startTime: number;
}

/** Reads the state of any process; undefined when there is none of that pid, or no `/proc`. */
export const readStat = (pid: number, root?: string): ProcStat | undefined => {
  const text = readText(`/proc/${pid}/stat`, root);
  if (text === undefined) return undefined;
  // The name before it stands in parentheses and may hold anything. Field 3 comes first.
  const fields = text.slice(text.lastIndexOf(')') + 2).split(' ');
  const field = (number: number) => Number(fields[number - 3]);
  return {
    state: fields[0] as string,
    processGroup: field(5),
    session: field(6),
    cpuTicks: field(14) + field(15),
    threads: field(20),
    startTime: field(22),
  };
};
