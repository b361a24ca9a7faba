import { type ChildProcess, spawn } from 'node:child_process';
import { join } from 'node:path';
import { pythonRuntimePath } from './python-runtime-path.ts';

/** What one user of the guardian wants of it: lines to be told, by what undoes them. */
export interface GuardianUser {
  readonly python: string;
  readonly lines: ReadonlyMap<string, string>;
  /** The guardian cannot be kept running. */
  readonly trouble: (message: string) => void;
}

/** A guardian that dies is started again, but not more often than this. */
const RESTART_MS = 1000;
/** Deaths in a row, each within {@link RESTART_MS} of the start, that are told as trouble. */
const QUICK_DEATHS = 3;
/** How long an orderly end may take. */
const END_MS = 1000;

/** Of the host's environment it gets what the interpreter may need to start, also behind the shim of a version manager. */
const needed = /^(PATH|HOME|LD_LIBRARY_PATH|DYLD_.*|PYENV_.*)$/;

/** The process behind all guardians of this thread: keeps it running, and tells a new one everything anew. */
export class GuardianProcess {
  readonly #users = new Set<GuardianUser>();
  #child: ChildProcess | undefined;
  #restart: NodeJS.Timeout | undefined;
  #startedAt = 0;
  #quickDeaths = 0;
  /** Whose interpreter is taken. */
  #turn = 0;

  /** Pid of the guardian that runs now. */
  get pid(): number | undefined {
    return this.#child?.pid;
  }

  join(user: GuardianUser): void {
    this.#users.add(user);
    if (this.#child === undefined && this.#restart === undefined) this.#start();
  }

  /**
   * Hands over a line. Node tries to write before it returns, so the line is in the kernel, and outlives us, even if we are killed right
   * after.
   */
  tell(line: string): void {
    const stdin = this.#child?.stdin;
    if (stdin?.writable) stdin.write(`${line}\n`);
  }

  /** @returns whether that was the last user; the process must then be ended */
  leave(user: GuardianUser): boolean {
    this.#users.delete(user);
    return this.#users.size === 0;
  }

  /** Closes its standard input and waits for its end, at most a second. */
  async end(): Promise<void> {
    clearTimeout(this.#restart);
    const child = this.#child;
    this.#child = undefined;
    if (child?.pid === undefined) return;
    await new Promise<void>((resolve) => {
      const limit = setTimeout(() => child.kill('SIGKILL'), END_MS);
      const over = () => {
        clearTimeout(limit);
        resolve();
      };
      child.once('exit', over);
      if (child.exitCode !== null || child.signalCode !== null) return over();
      child.ref();
      child.stdin?.end();
    });
  }

  #start(): void {
    const users = [...this.#users];
    const { python } = users[this.#turn % users.length] as GuardianUser;
    this.#startedAt = performance.now();
    this.#restart = undefined;
    try {
      const child = spawnGuardian(python);
      this.#child = child;
      child.once('error', (error) => this.#died(child, `cannot be started: ${error.message}`));
      child.once('exit', (code) =>
        this.#died(child, code === null ? undefined : `ended with exit code ${code}`),
      );
      for (const { lines } of users) for (const line of lines.values()) this.tell(line);
    } catch (error) {
      this.#died(undefined, `cannot be started: ${(error as Error).message}`);
    }
  }

  #died(child: ChildProcess | undefined, fault: string | undefined): void {
    if (child !== this.#child) return;
    this.#child = undefined;
    if (this.#users.size === 0) return;
    const lived = performance.now() - this.#startedAt;
    this.#quickDeaths = lived < RESTART_MS ? this.#quickDeaths + 1 : 0;
    const why = fault ?? (this.#quickDeaths >= QUICK_DEATHS ? 'is killed as soon as it runs' : undefined);
    if (why !== undefined) for (const { trouble } of this.#users) trouble(why);
    // Where one user's interpreter does not work, another's may.
    if (fault !== undefined) this.#turn++;
    this.#restart = setTimeout(() => this.#start(), Math.max(0, RESTART_MS - lived));
    this.#restart.unref();
  }
}

const spawnGuardian = (python: string): ChildProcess => {
  const env = Object.fromEntries(Object.entries(process.env).filter(([name]) => needed.test(name)));
  const script = join(pythonRuntimePath(), 'snakepit', '_guardian.py');
  const child = spawn(python, ['-I', '-S', script], {
    cwd: '/',
    env,
    // In a session of its own no Ctrl-C reaches it, and no end of a terminal.
    detached: true,
    stdio: ['pipe', 'ignore', 'ignore'],
  });
  child.unref();
  (child.stdin as unknown as { unref?: () => void } | null)?.unref?.();
  // EPIPE: its exit tells the same.
  child.stdin?.on('error', () => {});
  return child;
};
