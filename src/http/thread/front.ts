import { Worker } from 'node:worker_threads';
import { missingPeer } from '../../errors/index.ts';
import type { Serving } from '../grpc-health/serving.ts';
import type { ReportBug } from '../ports.ts';
import { bindFault } from '../server/bind-fault.ts';
import { Backend, type Handlers } from './backend.ts';
import type { ThreadInit } from './entry.ts';
import type { Address, Bind, Listening, ToMain, ToThread } from './messages.ts';
import { PORT_KEYS } from './port-keys.ts';
import { ProbeSource } from './probe-source.ts';
import { ServingSource } from './serving-source.ts';
import { BEAT_MS, Shared } from './shared.ts';
import { threadFile } from './thread-file.ts';

/** The thread could not be started here, whatever it was to do. */
export class ThreadUnavailable extends Error {}

/** What {@link Front} is made from. */
export interface FrontInit {
  readonly handlers: Handlers;
  readonly thread: Omit<ThreadInit, 'memory'>;
  readonly ref: boolean;
  readonly reportBug: ReportBug | undefined;
  /** Which gRPC services serve; undefined where none is asked for. */
  readonly serving?: (() => Serving) | undefined;
  /** The thread ended without being asked to. */
  readonly onLost: (why: string) => void;
}

/** Probes and a few scrapes at a time need a tenth of it. A thread that goes beyond it ends, not the process. */
const resourceLimits = { maxOldGenerationSizeMb: 64, maxYoungGenerationSizeMb: 16 };

/** What the thread gets to end by itself after the grace. Milliseconds. */
const END_MS = 1000;

/** The listener's thread, as the main thread has it. */
export class Front {
  readonly #init: FrontInit;
  readonly #worker: Worker;
  readonly #backend: Backend;
  readonly #probes: ProbeSource;
  readonly #serving: ServingSource | undefined;
  readonly #beating: NodeJS.Timeout;
  readonly #ended: Promise<void>;
  #state: 'starting' | 'listening' | 'closing' | 'ended' = 'starting';
  #binds: readonly Bind[] = [];
  #end!: () => void;
  #started!: (addresses: Partial<Record<Listening, Address>>) => void;
  #failed!: (error: Error) => void;
  readonly #addresses: Promise<Partial<Record<Listening, Address>>>;

  /**
   * Starts the thread; it listens when it is told to.
   *
   * @throws ThreadUnavailable where no thread can be started
   */
  constructor(init: FrontInit) {
    this.#init = init;
    const shared = new Shared();
    this.#worker = startWorker({ ...init.thread, memory: shared.buffer });
    const post = (message: ToThread, transfer: ArrayBuffer[] = []) =>
      this.#worker.postMessage(message, transfer);
    this.#backend = new Backend(init.handlers, post, init.reportBug);
    this.#probes = new ProbeSource(init.handlers, post, shared);
    const tell = (serving: Serving) => post({ kind: 'serving', serving, version: shared.version });
    this.#serving = init.serving && new ServingSource(init.serving, tell);
    this.#addresses = new Promise((resolve, reject) => {
      this.#started = resolve;
      this.#failed = reject;
    });
    // Whoever asks for them later is told.
    this.#addresses.catch(() => {});
    this.#ended = new Promise((resolve) => {
      this.#end = resolve;
    });
    this.#beating = setInterval(() => {
      shared.beat();
      this.#probes.beat();
      this.#serving?.beat();
    }, BEAT_MS);
    this.#beating.unref();
    this.#worker.on('message', (message: ToMain) => this.#receive(message));
    this.#worker.on('error', (error) => this.#lose(error.message));
    this.#worker.on('exit', () => this.#lose('it ended'));
  }

  /**
   * Listens.
   *
   * @returns where
   * @throws ThreadUnavailable when the thread ended instead
   * @throws SnakepitError `invalid_configuration` when an address cannot be bound; the thread is ended then
   */
  async listen(binds: readonly Bind[]): Promise<Partial<Record<Listening, Address>>> {
    this.#binds = binds;
    this.#serving?.tell();
    this.#worker.postMessage({ kind: 'listen', binds } satisfies ToThread);
    try {
      return await this.#addresses;
    } catch (error) {
      await this.#terminate();
      throw error;
    }
  }

  /** Health may have changed: probes are answered anew from this moment on. */
  changed(): void {
    if (this.#state === 'ended') return;
    this.#probes.changed();
    this.#serving?.changed();
  }

  /** Closes the listeners as `HttpServer.close` does, and ends the thread. */
  async close(graceMs: number): Promise<void> {
    if (this.#state === 'ended') return;
    this.#state = 'closing';
    // Whoever waits for the close must see its end.
    this.#worker.ref();
    this.#worker.postMessage({ kind: 'close', graceMs } satisfies ToThread);
    // Node's timers overflow above that and fire at once.
    const timer = setTimeout(() => this.#end(), Math.min(graceMs + END_MS, 2 ** 31 - 1));
    await this.#ended;
    clearTimeout(timer);
    await this.#terminate();
  }

  #receive(message: ToMain): void {
    switch (message.kind) {
      case 'listening':
        this.#state = 'listening';
        if (!this.#init.ref) this.#worker.unref();
        this.#started(message.addresses);
        return;
      case 'failed':
        this.#failed(this.#bindFault(message));
        return;
      case 'closed':
        this.#end();
        return;
      case 'probe':
        this.#probes.ask(message.key, message.asked);
        return;
      default:
        this.#backend.receive(message);
    }
  }

  #bindFault({ site, code, message }: Extract<ToMain, { kind: 'failed' }>): Error {
    const { host, port } = this.#binds.find((bind) => bind.site === site) as Bind;
    const cause = Object.assign(new Error(message), { code });
    if (code === 'ERR_MODULE_NOT_FOUND') return missingPeer('@grpc/grpc-js', 'ops.grpcPort', cause);
    return bindFault(cause as NodeJS.ErrnoException, {
      section: 'ops',
      portKey: PORT_KEYS[site],
      host,
      port,
    });
  }

  #lose(why: string): void {
    const state = this.#state;
    this.#state = 'ended';
    this.#release();
    if (state === 'starting') this.#failed(new ThreadUnavailable(why));
    if (state === 'listening') this.#init.onLost(why);
  }

  async #terminate(): Promise<void> {
    this.#state = 'ended';
    this.#release();
    await this.#worker.terminate();
  }

  #release(): void {
    clearInterval(this.#beating);
    this.#probes.close();
    this.#serving?.close();
    this.#backend.abandon();
    this.#end();
  }
}

/** The parent's flags and environment are left out: what they load (tracers, loaders, inspectors) is not meant for this thread. */
const startWorker = (workerData: ThreadInit): Worker => {
  try {
    return new Worker(threadFile(), {
      name: 'snakepit ops listener',
      workerData,
      resourceLimits,
      execArgv: [],
      argv: [],
      env: {},
    });
  } catch (error) {
    throw new ThreadUnavailable((error as Error).message, { cause: error });
  }
};
