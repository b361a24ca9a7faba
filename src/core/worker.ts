import { type CommandInfo, type LogLevel, monotonic, type StartPhase } from '../events/index.ts';
import type { ProcessExit, WorkerProcess } from '../process/index.ts';
import type {
  Failure,
  LinkFault,
  LinkHandler,
  WorkerIntroduction,
  WorkerLink,
  WorkerStats,
} from '../transport/index.ts';
import { Link } from './chain.ts';
import type { Request } from './request.ts';
import { Workload, type WorkloadLimits } from './workload.ts';

/**
 * What a worker is, as one value. `busy` has no free slot. `exited` is the end.
 */
export type WorkerStatus =
  | { readonly kind: 'starting'; readonly phase: StartPhase }
  | { readonly kind: 'ready' }
  | { readonly kind: 'busy' }
  /** Takes nothing new; `why` tells the exit apart from a crash. */
  | { readonly kind: 'draining'; readonly why: StopReason }
  | { readonly kind: 'exited'; readonly death: Death };

/** Why the host ended a worker. */
export type StopReason =
  | 'stopped'
  | 'stuck'
  | 'start_failed'
  | 'protocol_error'
  | 'transport_error'
  | 'crashed';

/** The end of a worker. */
export interface Death {
  readonly why: StopReason;
  readonly exit: ProcessExit;
  /** In words, for messages. */
  readonly detail: string;
  readonly stderrTail: readonly string[];
  readonly failure: Failure | undefined;
}

const READY = { kind: 'ready' } as const;
const BUSY = { kind: 'busy' } as const;

const STDERR_LINES = 50;
/** How long the exit of a process may trail the end of its connections. */
const DYING_MS = 100;

/** What a worker tells its pool. Called synchronously. */
export interface WorkerListener {
  statusChanged(worker: Worker, before: WorkerStatus): void;
  commandsKnown(commands: readonly CommandInfo[]): void;
  /** Python is at it now. */
  began(request: Request): void;
  answered(request: Request, result: unknown, at: number): void;
  failed(request: Request, failure: Failure, at: number): void;
  /** A request that was settled before has left Python now. */
  released(request: Request): void;
  chunk(request: Request, value: unknown, bytes: number): void;
  /** A slot or a prefetch place came free. */
  roomier(worker: Worker, at: number): void;
  recalled(requests: readonly Request[]): void;
  event(
    worker: Worker,
    request: Request | undefined,
    name: string,
    measurements: Record<string, unknown>,
    metadata: Record<string, unknown>,
  ): void;
  log(worker: Worker, request: Request | undefined, record: LogRecord): void;
  died(worker: Worker, death: Death): void;
}

export interface LogRecord {
  readonly level: LogLevel;
  readonly logger: string;
  readonly message: string;
  readonly timestamp: number;
  readonly fields: Record<string, unknown>;
}

/** One Python process and the requests on it. */
export class Worker implements LinkHandler {
  readonly id: string;
  readonly slot: number;
  readonly spawnedAt = monotonic();
  /** Its place among the workers with a free slot. */
  readonly freeLink: Link<Worker> = new Link(this);
  /** Its place among the busy workers that may be given unstarted requests. */
  readonly feedLink: Link<Worker> = new Link(this);
  status: WorkerStatus = { kind: 'starting', phase: 'spawn' };
  introduction: WorkerIntroduction | undefined;
  lastStats: WorkerStats | undefined;
  /** When it became ready; 0 before. */
  readyAt = 0;
  readonly load: Workload;
  readonly #listener: WorkerListener;
  readonly #stderrTail: string[] = [];
  #link: WorkerLink | undefined;
  #process: WorkerProcess | undefined;
  #failure: Failure | undefined;
  #linkFault: LinkFault | undefined;
  #linkClosed = false;
  #abandoned = false;
  #exit: ProcessExit | undefined;

  constructor(id: string, slot: number, limits: WorkloadLimits, listener: WorkerListener) {
    this.id = id;
    this.slot = slot;
    this.load = new Workload(limits, (request) => listener.began(request));
    this.#listener = listener;
  }

  /** Gives the worker its process and the host's end of its link. */
  attach(link: WorkerLink, process: WorkerProcess): void {
    this.#link = link;
    this.#process = process;
  }

  get pid(): number | undefined {
    return this.#process?.pid;
  }

  get alive(): boolean {
    return this.status.kind !== 'exited';
  }

  /** Past its start and taking requests. */
  get serving(): boolean {
    return this.status.kind === 'ready' || this.status.kind === 'busy';
  }

  get hasFreeSlot(): boolean {
    return this.status.kind === 'ready';
  }

  /** Busy, but worth giving one more for when a slot comes free. */
  get feedable(): boolean {
    return this.status.kind === 'busy' && this.load.feedable;
  }

  /**
   * Sends a request. It begins at once when a slot is free.
   *
   * @throws PayloadTooLarge, or what the codec throws on a value that changed since it was checked; nothing is sent then
   */
  assign(request: Request, now: number): void {
    const link = this.#link as WorkerLink;
    request.bytesIn = link.request(this.load.nextId(), request, Math.max(0, request.dueAt - now));
    request.worker = this;
    this.load.add(request, now);
    if (this.load.full && this.status === READY) this.#become(BUSY);
  }

  credit(request: Request, count: number): void {
    if (this.holds(request)) this.#link?.credit(request.wireId, count);
  }

  cancel(request: Request, reason: 'cancelled' | 'timeout'): void {
    if (this.holds(request)) this.#link?.cancel(request.wireId, reason);
  }

  /** Whether the worker has not yet said that it is done with a request. */
  holds(request: Request): boolean {
    return this.load.byId(request.wireId) === request;
  }

  /** Asks for what it has not begun. */
  recall(): void {
    this.#link?.recall(this.load.unbegunIds);
  }

  /** Asks it to finish, run `on_stop` and end. */
  stop(why: StopReason): void {
    if (!this.alive) return;
    this.#become({ kind: 'draining', why });
    this.#link?.stop();
    this.#process?.signal('SIGTERM');
  }

  /** Ends the whole process group at once. */
  kill(why: StopReason): void {
    if (!this.alive) return;
    if (this.status.kind !== 'draining') this.#become({ kind: 'draining', why });
    this.#process?.signal('SIGKILL');
  }

  /** Takes out what it held when it died; to be called once. */
  takeOpen(): { begun: Request[]; untouched: Request[] } {
    return this.load.takeAll(this.#link?.takeLastStarted() ?? []);
  }

  // What the link reports

  introduced(introduction: WorkerIntroduction): void {
    this.introduction = introduction;
  }

  phase(phase: 'import' | 'on_start'): void {
    if (this.status.kind === 'starting') this.#become({ kind: 'starting', phase });
  }

  ready(commands: readonly CommandInfo[]): void {
    if (this.status.kind !== 'starting') return;
    this.#listener.commandsKnown(commands);
    this.readyAt = monotonic();
    this.#become(READY);
    this.#listener.roomier(this, this.readyAt);
  }

  startFailed(failure: Failure): void {
    this.#failure = failure;
    if (this.status.kind === 'starting') this.#become({ kind: 'draining', why: 'start_failed' });
  }

  response(id: number, result: unknown, pythonMs: number, cpuMs: number, bytes: number): boolean {
    const request = this.load.byId(id);
    if (request === undefined) return false;
    const now = monotonic();
    this.#finish(request, pythonMs, cpuMs, bytes, now);
    if (request.phase === 'settled') this.#listener.released(request);
    else this.#listener.answered(request, result, now);
    this.#advance(now);
    return true;
  }

  error(id: number, failure: Failure, pythonMs: number, cpuMs: number, bytes: number): boolean {
    const request = this.load.byId(id);
    if (request === undefined) return false;
    const now = monotonic();
    this.#finish(request, pythonMs, cpuMs, bytes, now);
    if (request.phase === 'settled') this.#listener.released(request);
    else this.#listener.failed(request, failure, now);
    this.#advance(now);
    return true;
  }

  chunk(id: number, value: unknown, bytes: number): boolean {
    const request = this.load.byId(id);
    if (request === undefined) return false;
    request.bytesOut += bytes;
    if (request.phase !== 'settled') this.#listener.chunk(request, value, bytes);
    return true;
  }

  recalled(ids: readonly number[]): void {
    const back = this.load.takeUnbegun(ids);
    if (back.length > 0) this.#listener.recalled(back);
    this.#advance(monotonic());
  }

  pong(): void {}

  stats(stats: WorkerStats): void {
    this.lastStats = stats;
  }

  event(
    id: number | null,
    name: string,
    measurements: Record<string, unknown>,
    metadata: Record<string, unknown>,
  ): void {
    this.#listener.event(this, this.#byId(id), name, measurements, metadata);
  }

  log(
    id: number | null,
    level: LogLevel,
    logger: string,
    message: string,
    timestamp: number,
    fields: Record<string, unknown>,
  ): void {
    this.#listener.log(this, this.#byId(id), { level, logger, message, timestamp, fields });
  }

  closed(fault: LinkFault | undefined): void {
    this.#linkClosed = true;
    this.#linkFault = fault;
    if (this.#exit === undefined) {
      // Without its link the process serves nobody, and what it runs can never be answered.
      const why = fault?.code ?? (this.status.kind === 'starting' ? 'start_failed' : 'crashed');
      if (this.status.kind !== 'draining') this.#become({ kind: 'draining', why });
      // A dying process closes its connections first; give its own end a moment to be seen, since that tells more than our kill.
      if (fault === undefined || fault.truncated) setTimeout(() => this.#abandon(), DYING_MS);
      else this.#abandon();
    }
    this.#bury();
  }

  // What the process reports

  /** A line the process wrote past Python's own streams. */
  line(stream: 'stdout' | 'stderr', line: string): void {
    if (stream === 'stderr') {
      this.#stderrTail.push(line);
      if (this.#stderrTail.length > STDERR_LINES) this.#stderrTail.shift();
    }
    const level = stream === 'stderr' ? 'warning' : 'info';
    this.#listener.log(this, undefined, {
      level,
      logger: `python.${stream}`,
      message: line,
      timestamp: Date.now(),
      fields: { stream },
    });
  }

  exited(exit: ProcessExit): void {
    this.#exit = exit;
    // Answers may still be in the socket; the link closes once they are read, or after a moment if a grandchild holds it open.
    if (!this.#linkClosed) setTimeout(() => this.#link?.close(), DYING_MS);
    this.#bury();
  }

  #abandon(): void {
    if (this.#exit !== undefined) return;
    this.#abandoned = true;
    this.#process?.signal('SIGKILL');
  }

  #byId(id: number | null): Request | undefined {
    return id === null ? undefined : this.load.byId(id);
  }

  /** A request has left Python: its slot is free, whether or not its caller still waits. */
  #finish(request: Request, pythonMs: number, cpuMs: number, bytes: number, now: number): void {
    request.pythonMs = pythonMs;
    request.cpuMs = cpuMs;
    request.bytesOut += bytes;
    this.load.finish(request, pythonMs, now);
  }

  /** Begins what waits here, then lets the pool fill the room. */
  #advance(now: number): void {
    this.load.advance(now);
    if (!this.load.full && this.status === BUSY) this.#become(READY);
    if (this.serving) this.#listener.roomier(this, now);
  }

  #become(status: WorkerStatus): void {
    const before = this.status;
    this.status = status;
    this.#listener.statusChanged(this, before);
  }

  /** The end, once the process is gone and everything it sent has been read. */
  #bury(): void {
    if (this.#exit === undefined || !this.#linkClosed || this.status.kind === 'exited') return;
    const death = this.#explain(this.#exit);
    this.#become({ kind: 'exited', death });
    this.#listener.died(this, death);
  }

  #explain(exit: ProcessExit): Death {
    const { status } = this;
    const fault = this.#linkFault;
    const asked =
      status.kind === 'draining' ? status.why : status.kind === 'starting' ? 'start_failed' : 'crashed';
    // A frame cut short by the end of its process is a crash, not a fault of the protocol.
    const why = fault?.truncated && !this.#abandoned ? 'crashed' : asked;
    const how =
      exit.error === undefined
        ? `ended with ${exit.signal ?? `exit code ${exit.code}`}`
        : `could not be started: ${exit.error.message}`;
    const detail =
      why === fault?.code ? fault.message : `Worker ${this.id} (pid ${this.pid ?? 'none'}) ${how}.`;
    return { why, exit, detail, stderrTail: this.#stderrTail, failure: this.#failure };
  }
}
