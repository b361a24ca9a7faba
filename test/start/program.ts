import { type ChildProcessWithoutNullStreams, spawn } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import { onTestFinished } from 'vitest';
import { testPython } from '../support/tools.ts';

const root = fileURLToPath(new URL('../..', import.meta.url));
const PATIENCE_MS = 30_000;

/** Waits for a condition without guessing how long it takes. */
export const until = async <T>(
  condition: () => T | Promise<T>,
  what: () => string,
): Promise<NonNullable<T>> => {
  const end = performance.now() + PATIENCE_MS;
  for (;;) {
    const value = await condition();
    if (value !== undefined && value !== null && value !== false) return value;
    if (performance.now() > end) throw new Error(`never came true: ${what()}`);
    await new Promise((resolve) => setTimeout(resolve, 20));
  }
};

export const isAlive = (pid: number): boolean => {
  try {
    process.kill(pid, 0);
    return true;
  } catch {
    return false;
  }
};

/** A program of the repository, run as a user would; ended with the test at the latest. */
export class Program {
  out = '';
  err = '';
  /** Exit code, or the signal's name. */
  readonly ended: Promise<number | string>;
  readonly #child: ChildProcessWithoutNullStreams;

  constructor(file: string, args: readonly string[] = [], env: Record<string, string> = {}) {
    this.#child = spawn(process.execPath, [file, ...args], {
      cwd: root,
      env: { ...process.env, SNAKEPIT_PYTHON: testPython(), ...env },
    });
    this.#child.stdout.setEncoding('utf8').on('data', (text) => {
      this.out += text;
    });
    this.#child.stderr.setEncoding('utf8').on('data', (text) => {
      this.err += text;
    });
    this.ended = new Promise((resolve) => {
      this.#child.on('close', (code, signal) => resolve(code ?? signal ?? 'lost'));
    });
    onTestFinished(() => {
      this.#child.kill('SIGKILL');
    });
  }

  signal(name: NodeJS.Signals): void {
    this.#child.kill(name);
  }

  /** Waits for its output to match, and returns the first group. */
  async says(pattern: RegExp): Promise<string> {
    const find = () => pattern.exec(this.out);
    const found = await until(find, () => `${pattern} in\n${this.out}\n${this.err}`);
    return found[1] ?? found[0];
  }
}
