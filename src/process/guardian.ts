import { resolve } from 'node:path';
import { GuardianProcess, type GuardianUser } from './guardian-process.ts';
import { hasProc, readStat } from './procfs.ts';

/**
 * Ends what this process leaves behind if it dies without a word (kill -9, out of memory): a small process of its own that notices, kills
 * what it was told of, and removes directories. Its methods never throw.
 */
export interface Guardian {
  /** Guards the process group that this process leads: a worker and its children. To be called right after the spawn. */
  watch(pid: number): void;
  /** To be called when the process is gone and its group killed, before its number may be used again. */
  forget(pid: number): void;
  /** Guards a private directory, whose name must begin with `snakepit-`: it is removed with all in it when this process dies. */
  watchDirectory(path: string): void;
  forgetDirectory(path: string): void;
  /** Forgets everything and lets go. After the last user's, the guardian has ended, or is killed after a second. Idempotent. */
  release(): Promise<void>;
  /** Pid of the process that guards now; undefined while it is being started again. */
  readonly pid: number | undefined;
}

/** One per thread: a `worker_thread` that ends takes its pits with it, as a process does. */
let shared: GuardianProcess | undefined;

/**
 * Joins the guardian of this process, and starts it when there is none. It keeps neither Node alive nor anything of the environment.
 *
 * @param python - the interpreter proper (`sys.executable`), absolute; that of the first user is taken, others' where it fails
 * @param onTrouble - told at most once, with a sentence, when the guardian cannot be kept running; everything works on without it
 */
export const acquireGuardian = (
  python: string,
  onTrouble: (message: string) => void = () => {},
): Guardian => {
  shared ??= new GuardianProcess();
  const process = shared;
  const lines = new Map<string, string>();
  let told = false;
  let released: Promise<void> | undefined;
  const user: GuardianUser = {
    python,
    lines,
    trouble: (why) => {
      if (told) return;
      told = true;
      try {
        onTrouble(`The guardian process (${python} -I -S …/_guardian.py) ${why}.`);
      } catch {
        // The observer's own fault must not become ours.
      }
    },
  };
  const add = (undo: string, line: string) => {
    if (released !== undefined) return;
    lines.set(undo, line);
    process.tell(line);
  };
  const remove = (undo: string) => {
    if (lines.delete(undo)) process.tell(undo);
  };
  process.join(user);
  return {
    get pid() {
      return process.pid;
    },
    watch(pid) {
      const startTime = hasProc ? readStat(pid)?.startTime : 0;
      // Already gone, and asked after: the number may be anybody's.
      if (startTime !== undefined) add(`- ${pid}`, `+ ${pid} ${startTime}`);
    },
    forget: (pid) => remove(`- ${pid}`),
    watchDirectory(path) {
      // Such a name would be two lines; the sweep at the next start finds it.
      if (!path.includes('\n')) add(`D ${resolve(path)}`, `d ${resolve(path)}`);
    },
    forgetDirectory: (path) => remove(`D ${resolve(path)}`),
    release() {
      released ??= leave();
      return released;
    },
  };

  async function leave(): Promise<void> {
    for (const undo of [...lines.keys()]) remove(undo);
    if (!process.leave(user)) return;
    if (shared === process) shared = undefined;
    await process.end();
  }
};
