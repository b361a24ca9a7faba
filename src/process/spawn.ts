import { type ChildProcess, spawn } from 'node:child_process';
import type { Readable } from 'node:stream';
import { LineSplitter } from './lines.ts';

/** How to start a worker process. */
export interface SpawnSettings {
  readonly command: string;
  readonly args: readonly string[];
  readonly cwd: string;
  readonly env: Readonly<Record<string, string>>;
  /** Lines the process itself wrote, past Python's own `sys.stdout`: from C code, or from a crash. */
  readonly onLine: (stream: 'stdout' | 'stderr', line: string) => void;
  /** The process is gone, and so is what it wrote. Called once. */
  readonly onExit: (exit: ProcessExit) => void;
}

/** How a process ended; `error` when it could not be started at all. */
export interface ProcessExit {
  readonly code: number | null;
  readonly signal: NodeJS.Signals | null;
  readonly error?: Error;
}

/** How long output may still arrive once the process is gone: a grandchild may hold the pipe open for ever. */
const OUTPUT_GRACE_MS = 100;

/**
 * A worker process in a session and process group of its own, so that a signal reaches its children too, and a Ctrl-C in the
 * terminal reaches none of them.
 */
export class WorkerProcess {
  readonly #child: ChildProcess;
  readonly #settings: SpawnSettings;
  #exit: ProcessExit | undefined;
  #reported = false;

  constructor(settings: SpawnSettings) {
    this.#settings = settings;
    this.#child = spawn(settings.command, settings.args, {
      cwd: settings.cwd,
      env: settings.env,
      detached: true,
      stdio: ['pipe', 'pipe', 'pipe'],
    });
    // Requests in flight keep Node alive, not idle workers.
    this.#child.unref();
    for (const name of ['stdout', 'stderr'] as const) this.#listen(name);
    this.#child.stdin?.on('error', () => {});
    (this.#child.stdin as unknown as { unref?: () => void } | null)?.unref?.();
    this.#child.once('error', (error) => this.#over({ code: null, signal: null, error }));
    this.#child.once('exit', (code, signal) => {
      this.#exit = { code, signal };
      setTimeout(() => this.#over({ code, signal }), OUTPUT_GRACE_MS).unref();
    });
    this.#child.once('close', (code, signal) => this.#over({ code, signal }));
  }

  /** Process id; undefined when it could not be started. */
  get pid(): number | undefined {
    return this.#child.pid;
  }

  /** Whether the process itself is known to be gone. */
  get gone(): boolean {
    return this.#exit !== undefined || this.#reported;
  }

  /** Signals the whole process group. Does nothing when it is gone. */
  signal(signal: NodeJS.Signals): void {
    const { pid } = this.#child;
    if (pid === undefined) return;
    try {
      process.kill(-pid, signal);
    } catch {
      // ESRCH: nobody is left in the group.
    }
  }

  /** Keeps Node alive until the process has ended. */
  ref(): void {
    this.#child.ref();
  }

  #listen(name: 'stdout' | 'stderr'): void {
    const stream = this.#child[name] as Readable & { unref?: () => void };
    const lines = new LineSplitter((line) => this.#settings.onLine(name, line));
    stream.unref?.();
    stream.on('data', (chunk: Buffer) => lines.push(chunk));
    stream.on('error', () => {});
    stream.on('end', () => lines.end());
  }

  #over(exit: ProcessExit): void {
    if (this.#reported) return;
    this.#reported = true;
    // What the dead process left behind in its group would outlive it unseen.
    this.signal('SIGKILL');
    for (const stream of [this.#child.stdin, this.#child.stdout, this.#child.stderr]) stream?.destroy();
    this.#settings.onExit(exit);
  }
}
