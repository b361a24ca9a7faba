import {
  type LinkHandler,
  type OutgoingRequest,
  PayloadTooLarge,
  type ProcessExit,
  type SlotProgress,
  type WorkerLink,
} from '../runtime.ts';
import { cross } from './carry.ts';
import { type CommandTable, describeCommands } from './commands.ts';
import { type FakeRequest, FakeRun, type RunSettings } from './fake-run.ts';
import { failure, failureOf, WorkerCrash, WorkerHang } from './outcomes.ts';

/** The worker of the core that a fake process stands behind. */
export interface Host extends LinkHandler {
  readonly id: string;
  readonly slot: number;
  attach(link: FakeProcess, process: FakeProcess): void;
  line(stream: 'stdout' | 'stderr', line: string): void;
  exited(exit: ProcessExit): void;
}

/** What every fake process of a pool is made from. */
export interface FakeSettings extends RunSettings {
  readonly commands: CommandTable;
  readonly onStart: (() => unknown) | undefined;
  readonly concurrency: number;
}

/**
 * What the core takes for a Python process and its link: it keeps Python's side of the protocol (proto/PROTOCOL.md), with functions in place of handlers.
 * What it is told reaches it a little later, as over a socket: the core must never be called back while it calls.
 */
export class FakeProcess implements WorkerLink {
  readonly env = {};
  readonly pid = undefined;
  readonly host: Host;
  readonly settings: FakeSettings;
  /** Requests that have not begun. */
  readonly #waiting: FakeRequest[] = [];
  readonly #running = new Map<number, FakeRun>();
  /** The request begun last in each slot. */
  readonly #lastStarted: number[];
  readonly #slots: (FakeRun | undefined)[];
  #stopping = false;
  /** It answers nothing any more. */
  #deaf = false;
  #alive = true;
  #closed = false;

  constructor(host: Host, settings: FakeSettings) {
    this.host = host;
    this.settings = settings;
    this.#lastStarted = new Array(settings.concurrency).fill(0);
    this.#slots = new Array(settings.concurrency).fill(undefined);
  }

  get alive(): boolean {
    return this.#alive;
  }

  /** Attaches itself to its host and starts; ready only after this has resolved. */
  async start(): Promise<void> {
    this.host.attach(this, this);
    this.#soon(() => void this.#boot());
  }

  /** Ends at once, as a process does; nothing that runs is answered. */
  die(exit: ProcessExit): void {
    if (!this.#alive) return;
    this.#alive = false;
    for (const run of this.#running.values()) run.abandon();
    this.host.exited(exit);
    this.close();
  }

  // What the host tells its link

  request(id: number, request: OutgoingRequest): number {
    const { codec, maxFrameBytes } = this.settings;
    const { value: args, bytes } = cross(request.args, request.tagged, codec);
    if (bytes > maxFrameBytes) throw new PayloadTooLarge(bytes, maxFrameBytes);
    this.#soon(() => {
      this.#waiting.push({ id, request, args });
      this.#advance();
    });
    return bytes;
  }

  credit(id: number, count: number): void {
    this.#soon(() => this.#running.get(id)?.credit(count));
  }

  cancel(id: number): void {
    this.#soon(() => {
      const at = this.#waiting.findIndex((waiting) => waiting.id === id);
      if (at < 0) this.#running.get(id)?.cancel();
      else {
        this.#waiting.splice(at, 1);
        this.host.error(id, failure('cancelled', 'the request was cancelled'), 0, 0, 0, 0);
        this.#advance();
      }
    });
  }

  recall(ids: readonly number[]): void {
    this.#soon(() => {
      const back = this.#waiting.filter(({ id }) => ids.includes(id)).map(({ id }) => id);
      this.#waiting.splice(
        0,
        Number.POSITIVE_INFINITY,
        ...this.#waiting.filter(({ id }) => !back.includes(id)),
      );
      this.host.recalled(back);
      this.#advance();
    });
  }

  ping(seq: number): void {
    this.#soon(() => this.host.pong(seq));
  }

  stack(seq: number, ids: readonly number[] | null): void {
    this.#soon(() => {
      const asked = ids ?? [...this.#running.keys()];
      const text = (id: number) => {
        const run = this.#running.get(id);
        return run === undefined ? '' : `(${run.command} is a function of a fake worker)`;
      };
      this.host.stack(
        seq,
        asked.map((id) => ({ id: ids === null ? null : id, text: text(id) })),
      );
    });
  }

  stop(): void {
    this.#soon(() => {
      this.#stopping = true;
      this.#advance();
    });
  }

  progress(): readonly SlotProgress[] {
    return this.#lastStarted.map((lastStarted) => ({ lastStarted, thread: null }));
  }

  takeLastStarted(): readonly number[] {
    return this.#lastStarted;
  }

  close(): void {
    if (this.#closed) return;
    this.#closed = true;
    this.host.closed(undefined);
  }

  // What the host does to the process

  signal(signal: NodeJS.Signals): void {
    if (signal === 'SIGTERM') this.stop();
    else queueMicrotask(() => this.die({ code: null, signal }));
  }

  dumpStacks(): Promise<string> {
    return Promise.resolve('');
  }

  // What its runs do

  /** A request has its answer, or none will come. */
  finished(run: FakeRun): void {
    this.#slots[run.slot] = undefined;
    this.#running.delete(run.id);
    this.#advance();
  }

  hang({ heartbeats }: WorkerHang): void {
    if (!heartbeats) this.#deaf = true;
  }

  crash({ code, signal, stderr }: WorkerCrash): void {
    if (!this.#alive) return;
    for (const line of stderr === '' ? [] : stderr.split('\n')) this.host.line('stderr', line);
    this.die({ code, signal });
  }

  async #boot(): Promise<void> {
    const { host } = this;
    const { commands, codec, onStart } = this.settings;
    host.introduced({ pid: 0, pythonVersion: 'none', codec: codec.name });
    host.phase('import');
    host.phase('on_start');
    try {
      await onStart?.();
      if (this.#alive && !this.#stopping) host.ready(describeCommands(commands.all()));
    } catch (error) {
      if (error instanceof WorkerCrash) this.crash(error);
      else if (error instanceof WorkerHang) this.hang(error);
      else if (this.#alive) {
        host.startFailed({ ...failureOf(error), code: 'worker_start_failed' });
        this.die({ code: 1, signal: null });
      }
    }
  }

  /** Does what came, unless it is past hearing. */
  #soon(action: () => void): void {
    // A turn more than a promise needs to tell that it is done: who starts this hears of that before anything else.
    queueMicrotask(() =>
      queueMicrotask(() => {
        if (this.#alive && !this.#deaf) action();
      }),
    );
  }

  /** Begins what there is a slot for, in the order in which it came; ends once it is to and nothing is left. */
  #advance(): void {
    while (this.#alive && !this.#deaf && this.#waiting.length > 0) {
      const slot = this.#slots.indexOf(undefined);
      if (slot < 0) return;
      const next = this.#waiting.shift() as FakeRequest;
      this.#lastStarted[slot] = next.id;
      const run = new FakeRun(this, next, slot);
      this.#slots[slot] = run;
      this.#running.set(next.id, run);
      void run.go();
    }
    if (this.#stopping && this.#running.size === 0 && this.#waiting.length === 0)
      this.die({ code: 0, signal: null });
  }
}
