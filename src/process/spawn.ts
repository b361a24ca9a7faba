import { type ChildProcess, spawn } from 'node:child_process';
import type { Duplex, Readable } from 'node:stream';
import { LineSplitter } from './lines.ts';
import { defaultOutputRate, LineLimit, type OutputRate } from './output-rate.ts';
import { StackPipe } from './stack-pipe.ts';

/**
 * What became of a line of output: `shown`, `dropped` since there were too many (only the last of them are of interest), or `summary`: not
 * the process's own, but a sentence that says how many were dropped.
 */
export type LineFate = 'shown' | 'dropped' | 'summary';

/** How to start a worker process. */
export interface SpawnSettings {
  readonly command: string;
  readonly args: readonly string[];
  readonly cwd: string;
  readonly env: Readonly<Record<string, string>>;
  /** Lines the process itself wrote, past Python's own `sys.stdout`: from C code, or from a crash. Every line comes, whatever its fate. */
  readonly onLine: (stream: 'stdout' | 'stderr', line: string, fate: LineFate) => void;
  /** How many lines of each stream are `shown`. */
  readonly outputRate?: OutputRate | undefined;
  /** Whether the process gets a descriptor for stack dumps on SIGURG. Default true. */
  readonly stackSignal?: boolean | undefined;
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
/** The descriptor after standard error. */
const STACK_FD = 3;
const STACK_TIMEOUT_MS = 250;

/**
 * A worker process in a session and process group of its own, so that a signal reaches its children too, and a Ctrl-C in the
 * terminal reaches none of them.
 */
export class WorkerProcess {
  readonly #child: ChildProcess;
  readonly #settings: SpawnSettings;
  readonly #stacks: StackPipe | undefined;
  readonly #outputs: { readonly lines: LineSplitter; readonly limit: LineLimit }[] = [];
  #exit: ProcessExit | undefined;
  #reported = false;

  constructor(settings: SpawnSettings) {
    this.#settings = settings;
    const { stackSignal = true } = settings;
    this.#child = spawn(settings.command, settings.args, {
      cwd: settings.cwd,
      env: stackSignal ? { ...settings.env, SNAKEPIT_STACK_FD: String(STACK_FD) } : settings.env,
      detached: true,
      stdio: stackSignal ? ['pipe', 'pipe', 'pipe', 'pipe'] : ['pipe', 'pipe', 'pipe'],
    });
    const stacks = this.#child.stdio?.[STACK_FD] as Duplex | null | undefined;
    this.#stacks = stacks ? new StackPipe(stacks) : undefined;
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

  /**
   * Has the process write the stacks of its Python threads, whatever it is doing; Python answers even while C code holds the GIL. A call
   * into C that waits may return early from it (EINTR). Calls at the same time share one dump.
   *
   * @param timeoutMs - how long to wait at most. Default 250
   * @returns the text of Python's `faulthandler`, at most 256 KiB, or `''` when nothing came
   */
  async dumpStacks(timeoutMs: number = STACK_TIMEOUT_MS): Promise<string> {
    return this.#stacks?.dump(() => !this.gone && this.#askForStacks(), timeoutMs) ?? '';
  }

  /** To the process alone: its children may do with SIGURG as they please. */
  #askForStacks(): boolean {
    const { pid } = this.#child;
    try {
      return pid !== undefined && process.kill(pid, 'SIGURG');
    } catch {
      return false;
    }
  }

  /** Keeps Node alive until the process has ended. */
  ref(): void {
    this.#child.ref();
  }

  #listen(name: 'stdout' | 'stderr'): void {
    const stream = this.#child[name] as (Readable & { unref?: () => void }) | null | undefined;
    // Without descriptors left (EMFILE) there are no pipes; the error event says so.
    if (!stream) return;
    const { onLine, outputRate = defaultOutputRate } = this.#settings;
    const limit = new LineLimit(outputRate, (count) =>
      onLine(name, `… ${count} more ${count === 1 ? 'line was' : 'lines were'} dropped`, 'summary'),
    );
    // Dropping, never waiting: a process must not hang because it has much to say.
    const lines = new LineSplitter((line) => onLine(name, line, limit.take() ? 'shown' : 'dropped'));
    this.#outputs.push({ lines, limit });
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
    this.#stacks?.close();
    for (const { lines, limit } of this.#outputs) {
      // What a grandchild that holds the pipe has kept from ending.
      lines.end();
      limit.flush();
    }
    this.#settings.onExit(exit);
  }
}
