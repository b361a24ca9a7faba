import { hasProc, readStat } from '../../process/procfs.ts';
import { runBounded } from '../../process/python-run.ts';

/** How long `ps` may take. */
const PS_TIMEOUT_MS = 5000;

/**
 * When a process started, as a text that is good only for comparing: a process id is given again, the pair of both is not. Undefined
 * where no such process runs.
 */
export const startTimeOf = async (pid: number): Promise<string | undefined> =>
  hasProc ? fromProc(pid) : fromPs(pid);

const fromProc = (pid: number): string | undefined => {
  const stat = readStat(pid);
  // A zombie has ended; only its parent has not yet asked how.
  return stat === undefined || stat.state === 'Z' || stat.state === 'X' ? undefined : String(stat.startTime);
};

const fromPs = async (pid: number): Promise<string | undefined> => {
  const { code, stdout } = await runBounded('ps', ['-o', 'lstart=', '-p', String(pid)], {
    cwd: '/',
    env: { PATH: process.env.PATH, LC_ALL: 'C' },
    timeoutMs: PS_TIMEOUT_MS,
  });
  return (code === 0 && stdout.trim()) || undefined;
};
