import { isDeepStrictEqual } from 'node:util';
import { SnakepitError } from '../errors/index.ts';
import { monotonic, now } from '../events/index.ts';
import type { Failure, LinkHandler, OutgoingRequest, SessionChange } from '../runtime.ts';
import { type Carried, type Codec, carry } from './carry.ts';
import type { CommandTable, FakeContext } from './commands.ts';
import { failure, failureOf, WorkerCrash, WorkerHang } from './outcomes.ts';

/** A request as the fake process holds it. */
export interface FakeRequest {
  readonly id: number;
  readonly request: OutgoingRequest;
  readonly args: unknown;
}

/** What a run is told of its pool. */
export interface RunSettings {
  readonly commands: CommandTable;
  readonly maxFrameBytes: number;
  readonly codec: Codec;
}

/** The process a run is in. */
export interface RunProcess {
  readonly host: LinkHandler & { readonly id: string; readonly slot: number };
  readonly settings: RunSettings;
  readonly alive: boolean;
  /** The run has its answer. */
  finished(run: FakeRun): void;
  crash(how: WorkerCrash): void;
  hang(how: WorkerHang): void;
}

type Chunks = AsyncIterable<unknown> & { return?(value: unknown): unknown };

/** One request in a fake process, from its beginning to its answer. */
export class FakeRun {
  readonly id: number;
  readonly command: string;
  readonly slot: number;
  readonly #process: RunProcess;
  readonly #held: FakeRequest;
  readonly #abort = new AbortController();
  readonly #startedAt = monotonic();
  readonly #session: FakeContext['session'];
  #chunks: Chunks | undefined;
  #credit = 0;
  #creditCame: (() => void) | undefined;
  #hanging = false;
  #over = false;

  constructor(process: RunProcess, held: FakeRequest, slot: number) {
    this.id = held.id;
    this.command = held.request.command;
    this.slot = slot;
    this.#process = process;
    this.#held = held;
    const { session } = held.request;
    // A copy: what a function does to it must not reach what is kept.
    if (session !== undefined) {
      this.#session = {
        id: session.id,
        data: carry(session.stored?.value ?? null, process.settings.codec).value,
      };
    }
  }

  /** Runs the function and answers. */
  async go(): Promise<void> {
    try {
      const { value, bytes } = this.#carry(await this.#call());
      const change = this.#change();
      this.#answer(() => this.#process.host.response(this.id, value, this.#ms, 0, bytes, 0, change));
    } catch (error) {
      if (this.#over) return;
      if (error instanceof WorkerCrash) this.#process.crash(error);
      else if (error instanceof WorkerHang) this.#hang(error);
      else this.#fail(failureOf(error));
    }
  }

  credit(count: number): void {
    this.#credit += count;
    this.#creditCame?.();
  }

  /** Ends it as Python's `Cancelled` does, at once: what the function does from here on goes nowhere. */
  cancel(): void {
    if (this.#hanging || this.#over) return;
    this.abandon();
    this.#fail(failure('cancelled', 'the request was cancelled'));
  }

  /** Nobody waits for the function any more. */
  abandon(): void {
    this.#abort.abort();
    this.#creditCame?.();
    // A generator that waits for something of its own is left there; one that stands at a yield runs its finally.
    const leave = async () => this.#chunks?.return?.(undefined);
    leave().catch(() => {});
  }

  /** What the function has made of its session, where that is not what it was. */
  #change(): SessionChange | undefined {
    if (this.#session === undefined) return undefined;
    const before = this.#held.request.session?.stored?.value ?? null;
    const { value: data } = carry(this.#session.data, this.#process.settings.codec);
    return isDeepStrictEqual(data, before) ? undefined : { data };
  }

  get #ms(): number {
    return monotonic() - this.#startedAt;
  }

  async #call(): Promise<unknown> {
    const { request, args } = this.#held;
    const { commands } = this.#process.settings;
    const command = commands.find(this.command);
    if (command === undefined) throw unknownCommand(this.command, Object.keys(commands.all()));
    const result = await command(args, this.#context());
    if (isChunks(result)) return this.#iterate(result, request.streaming);
    if (!request.streaming) return result;
    await this.#send(result);
    return null;
  }

  async #iterate(chunks: Chunks, streaming: boolean): Promise<unknown> {
    this.#chunks = chunks;
    const list: unknown[] = [];
    for await (const chunk of chunks) {
      if (this.#over) break;
      if (streaming) await this.#send(chunk);
      else list.push(chunk);
    }
    return streaming ? null : list;
  }

  /** Sends a chunk once there is credit for it. */
  async #send(chunk: unknown): Promise<void> {
    const { value, bytes } = this.#carry(chunk);
    while (this.#credit === 0 && !this.#abort.signal.aborted) {
      await new Promise<void>((resolve) => {
        this.#creditCame = resolve;
      });
    }
    this.#credit--;
    if (!this.#over && this.#process.alive) this.#process.host.chunk(this.id, value, bytes);
  }

  #carry(value: unknown): Carried {
    const { codec, maxFrameBytes } = this.#process.settings;
    const carried = carry(value, codec);
    if (carried.bytes <= maxFrameBytes) return carried;
    const message = `the result of '${this.command}' has ${carried.bytes} bytes, the limit is ${maxFrameBytes}`;
    throw new SnakepitError('payload_too_large', message);
  }

  #fail(why: Failure): void {
    this.#answer(() => this.#process.host.error(this.id, why, this.#ms, 0, 0, 0));
  }

  /** Answers, once, while there is somebody to answer. */
  #answer(tell: () => void): void {
    if (this.#over || !this.#process.alive) return;
    this.#over = true;
    tell();
    this.#process.finished(this);
  }

  #hang(how: WorkerHang): void {
    this.#hanging = true;
    this.#process.hang(how);
  }

  #context(): FakeContext {
    const { host } = this.#process;
    const { requestId, correlationId, command } = this.#held.request;
    const about = () => (this.#over ? null : this.id);
    return {
      requestId,
      correlationId,
      command,
      workerId: host.id,
      workerSlot: host.slot,
      session: this.#session,
      signal: this.#abort.signal,
      emit: (name, measurements = {}, metadata = {}) => {
        const sent = carry([measurements, metadata]).value as [
          Record<string, unknown>,
          Record<string, unknown>,
        ];
        if (this.#process.alive) host.event(about(), name, ...sent);
      },
      log: (level, message, fields = {}) => {
        const sent = carry(fields).value as Record<string, unknown>;
        if (this.#process.alive) host.log(about(), level, 'fake', message, now(), sent);
      },
    };
  }
}

const isChunks = (value: unknown): value is Chunks => {
  if (typeof value !== 'object' || value === null || !('next' in value)) return false;
  return Symbol.asyncIterator in value || Symbol.iterator in value;
};

const unknownCommand = (name: string, known: readonly string[]): SnakepitError => {
  const listed = known.map((other) => `'${other}'`).join(', ') || 'none';
  return new SnakepitError('unknown_command', `the app defines no command '${name}'. It defines: ${listed}.`);
};
