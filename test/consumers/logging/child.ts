import { type ChildProcess, spawn } from 'node:child_process';
import { mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import ts from 'typescript';

const root = fileURLToPath(new URL('../../../', import.meta.url));
const rooms = ['sanitize', 'errors', 'events', 'config', 'consumers/logging'];

const filesBelow = (folder: string): string[] =>
  readdirSync(join(root, 'src', folder), { recursive: true, encoding: 'utf8' })
    .filter((file) => file.endsWith('.ts'))
    .map((file) => join(folder, file));

/** What a process of its own left behind. */
export interface Ended {
  readonly code: number | null;
  readonly signal: string | null;
  readonly stdout: string;
  readonly stderr: string;
}

/**
 * Runs scripts against the logging room in processes of their own, since exits and broken pipes can be seen only from outside. The
 * room is compiled once: plain Node 20 runs no TypeScript. Inside the repository, so that packages are found.
 */
export class Children {
  readonly #folder: string;
  #scripts = 0;

  constructor() {
    mkdirSync(join(root, '.cache'), { recursive: true });
    this.#folder = mkdtempSync(join(root, '.cache', 'logging-test-'));
    for (const file of rooms.flatMap(filesBelow)) {
      const target = join(this.#folder, file.replace(/\.ts$/, '.js'));
      const { outputText } = ts.transpileModule(readFileSync(join(root, 'src', file), 'utf8'), {
        compilerOptions: {
          module: ts.ModuleKind.ESNext,
          target: ts.ScriptTarget.ES2023,
          rewriteRelativeImportExtensions: true,
          verbatimModuleSyntax: true,
        },
      });
      mkdirSync(dirname(target), { recursive: true });
      writeFileSync(target, outputText);
    }
  }

  /** Writes a script in which `log` is an open log with the options given, `bus` its bus, and `until(condition)` waits. */
  write(options: { dest: string; format?: string; level?: string }, script: string): string {
    const file = join(this.#folder, `script-${++this.#scripts}.mjs`);
    const all = { level: 'debug', format: 'json', ...options };
    writeFileSync(
      file,
      `import { EventBus } from './events/index.js';
       import { createLogging } from './consumers/logging/index.js';
       const until = async (condition) => {
         while (!condition()) await new Promise(setImmediate);
       };
       const bus = new EventBus();
       const log = createLogging({ options: ${JSON.stringify(all)}, bus });
       ${script}`,
    );
    return file;
  }

  /** Starts a script as {@link write} makes it. */
  start(options: { dest: string; format?: string; level?: string }, script: string): ChildProcess {
    return spawn(process.execPath, [this.write(options, script)], { stdio: ['ignore', 'pipe', 'pipe'] });
  }

  /** {@link start}, to its end. */
  run(options: { dest: string; format?: string; level?: string }, script: string): Promise<Ended> {
    return ended(this.start(options, script));
  }

  remove(): void {
    rmSync(this.#folder, { recursive: true, force: true });
  }
}

/** Waits for a process and collects what it says. */
export const ended = (child: ChildProcess): Promise<Ended> => {
  const said = { stdout: '', stderr: '' };
  child.stdout?.setEncoding('utf8').on('data', (text: string) => {
    said.stdout += text;
  });
  child.stderr?.setEncoding('utf8').on('data', (text: string) => {
    said.stderr += text;
  });
  return new Promise((resolve, reject) => {
    child.once('error', reject);
    child.once('close', (code, signal) => resolve({ code, signal, ...said }));
  });
};
