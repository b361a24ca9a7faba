import { spawn } from 'node:child_process';
import type { Readable } from 'node:stream';

/** How to run a program once, and for how long at most. */
export interface RunSettings {
  readonly cwd: string;
  readonly env: Readonly<Record<string, string | undefined>>;
  /** After this many milliseconds the program and its children are killed. */
  readonly timeoutMs: number;
}

/** What came of it. */
export interface RunResult {
  readonly pid: number | undefined;
  /** Exit code, or null where a signal ended it or it never started. */
  readonly code: number | null;
  readonly signal: NodeJS.Signals | null;
  readonly stdout: string;
  readonly stderr: string;
  readonly timedOut: boolean;
  /** Why it could not be started. */
  readonly error: NodeJS.ErrnoException | undefined;
}

/** Of more output than this only the end is kept: a traceback's last lines say the most. */
const MAX_OUTPUT = 64 * 1024;
/** How long output may still come once the program is gone: a child of its own may hold the pipe open for ever. */
const OUTPUT_GRACE_MS = 100;

const collect = (stream: Readable): (() => string) => {
  let text = '';
  stream.setEncoding('utf8');
  stream.on('data', (chunk: string) => {
    text = (text + chunk).slice(-MAX_OUTPUT);
  });
  stream.on('error', () => {});
  return () => text;
};

/** Runs a program without a shell, bounded in time. Never rejects: a failure is a result too. */
export const runBounded = (
  command: string,
  args: readonly string[],
  settings: RunSettings,
): Promise<RunResult> =>
  new Promise((resolve) => {
    const { cwd, env, timeoutMs } = settings;
    // A process group of its own, so that the limit reaches the children of wrappers too.
    const child = spawn(command, args, { cwd, env, detached: true, stdio: ['ignore', 'pipe', 'pipe'] });
    const stdout = collect(child.stdout);
    const stderr = collect(child.stderr);
    let timedOut = false;
    let grace: NodeJS.Timeout | undefined;

    const killGroup = () => {
      try {
        if (child.pid !== undefined) process.kill(-child.pid, 'SIGKILL');
      } catch {
        // ESRCH: nobody is left in the group.
      }
    };
    const limit = setTimeout(() => {
      timedOut = true;
      killGroup();
    }, timeoutMs);
    const finish = (code: number | null, signal: NodeJS.Signals | null, error?: NodeJS.ErrnoException) => {
      clearTimeout(limit);
      clearTimeout(grace);
      killGroup();
      child.stdout.destroy();
      child.stderr.destroy();
      resolve({ pid: child.pid, code, signal, stdout: stdout(), stderr: stderr(), timedOut, error });
    };
    child.once('error', (error) => finish(null, null, error));
    child.once('close', finish);
    child.once('exit', (code, signal) => {
      grace = setTimeout(() => finish(code, signal), OUTPUT_GRACE_MS);
    });
  });

/** The last line that says something, for messages that have room for one. */
export const lastLine = (text: string): string => text.trimEnd().split('\n').at(-1)?.trim() ?? '';
