import { type ChildProcessWithoutNullStreams, spawn } from 'node:child_process';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as pause } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import { afterAll, onTestFinished } from 'vitest';

/** The command as it is installed. It runs what `npm run build` has made. */
export const bin = fileURLToPath(new URL('../../bin/snakepit.js', import.meta.url));

/** Where instances announce themselves: not where those of this machine's user do. */
const runtimeDir = mkdtempSync(join(tmpdir(), 'snakepit-run-'));
afterAll(() => rmSync(runtimeDir, { recursive: true, force: true }));

/** The test run's environment without anything that configures Snakepit or chooses a Python. */
export const cleanEnv = (more: Record<string, string> = {}): NodeJS.ProcessEnv => {
  const ours = /^(SNAKEPIT_|VIRTUAL_ENV$|CONDA_PREFIX$|KUBERNETES_|FORCE_COLOR$|NODE_OPTIONS$|VITEST)/;
  const kept = Object.entries(process.env).filter(([name]) => !ours.test(name));
  return { ...Object.fromEntries(kept), XDG_RUNTIME_DIR: runtimeDir, ...more };
};

export interface Ended {
  readonly code: number | null;
  readonly signal: NodeJS.Signals | null;
  readonly stdout: string;
  readonly stderr: string;
}

/** A running `snakepit`; killed when the test ends, should it still be there. */
export interface Running {
  readonly child: ChildProcessWithoutNullStreams;
  readonly ended: Promise<Ended>;
  /** What it has written so far. */
  readonly output: { stdout: string; stderr: string };
}

export const startCli = (args: readonly string[], cwd: string, env: Record<string, string> = {}): Running => {
  const child = spawn(process.execPath, [bin, ...args], { cwd, env: cleanEnv(env) });
  const output = { stdout: '', stderr: '' };
  for (const name of ['stdout', 'stderr'] as const) {
    child[name].setEncoding('utf8').on('data', (text: string) => {
      output[name] += text;
    });
  }
  const ended = new Promise<Ended>((resolve) => {
    child.once('close', (code, signal) => resolve({ code, signal, ...output }));
  });
  onTestFinished(() => void child.kill('SIGKILL'));
  return { child, ended, output };
};

/** Runs `snakepit` to its end. */
export const runCli = (
  args: readonly string[],
  cwd: string,
  env: Record<string, string> = {},
): Promise<Ended> => startCli(args, cwd, env).ended;

/** Waits until a question is answered with something; the test's own time limit is the bound. */
export const until = async <T>(
  ask: () => T | undefined | false | Promise<T | undefined | false>,
): Promise<T> => {
  for (;;) {
    const answer = await ask();
    if (answer !== undefined && answer !== false) return answer;
    await pause(20);
  }
};
