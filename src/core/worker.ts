import { after, type CommandInfo, type LogLevel, monotonic, now, type Timer } from '../events/index.ts';
import type { LineFate, ProcessExit } from '../process/index.ts';
import type {
  Failure,
  LinkFault,
  LinkHandler,
  SessionChange,
  StackText,
  WorkerIntroduction,
  WorkerLink,
  WorkerStats,
} from '../transport/index.ts';
import { Link } from './chain.ts';
import { explainDeath } from './death.ts';
import { Errand } from './errand.ts';
import { Pulse } from './pulse.ts';
import type { Request } from './request.ts';
import { Vitals } from './vitals.ts';
import { BUSY, type Death, type EndReason, READY, type WorkerStatus } from './worker-status.ts';
import { Workload, type WorkloadLimits } from './workload.ts';

/** How long the exit of a process may trail the end of its connections. */
const DYING_MS = 100;
/** Requests that are over and whose logs may still come. */
const MAX_RECENT = 64;

/** The process behind a worker, as far as the core knows it. */
export interface WorkerHandle {
  readonly pid: number | undefined;
  /** Where it is, if not below this process. */
  readonly address?: string;
  /** Signals the whole process group. */
  signal(signal: NodeJS.Signals): void;
  /** What faulthandler says of all threads, without the help of the interpreter; empty where nothing came. */
  dumpStacks(): Promise<string>;
}

/** What a worker tells its pool. Called synchronously. */
export interface WorkerListener {
  statusChanged(worker: Worker, before: WorkerStatus): void;
  commandsKnown(commands: readonly CommandInfo[]): void;
  /** Python is at it now. */
  began(request: Request): void;
  answered(request: Request, result: unknown, at: number, change: SessionChange | undefined): void;
  failed(request: Request, failure: Failure, at: number): void;
  /** A request that was settled before has left Python now. */
  released(request: Request): void;
  chunk(request: Request, value: unknown, bytes: number): void;
  /** A slot or a prefetch place came free. */
  roomier(worker: Worker): void;
  recalled(requests: readonly Request[]): void;
  /** It is about to be told to end. It waits for what is returned, if anything. */
  parting(worker: Worker): Promise<void> | undefined;
  /** New readings are there. */
  measured(worker: Worker, stats: WorkerStats): void;
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

/** What a worker is made from. */
export interface WorkerInit {
  readonly id: string;
  readonly slot: number;
  /** What it is started for. */
  readonly origin: 'first' | 'restart' | 'successor';
  readonly limits: WorkloadLimits;
  readonly listener: WorkerListener;
}

/**
 * One Python process and the requests on it: takes what its link and its process report, and turns that into one status. Over the usual length because it is the one
 * place where the two meet.
 */
export class Worker implements LinkHandler {
  readonly id: string;
  readonly slot: number;
  readonly origin: WorkerInit['origin'];
  readonly spawnedAt = monotonic();
  /** Its place among the workers with a free slot. */
  readonly freeLink: Link<Worker> = new Link(this);
  /** Its place among the busy workers that may be given unstarted requests. */
  readonly feedLink: Link<Worker> = new Link(this);
  readonly load: Workload;
  readonly pulse = new Pulse();
  readonly vitals = new Vitals();
  status: WorkerStatus = { kind: 'starting', phase: 'spawn' };
  introduction: WorkerIntroduction | undefined;
  /** When it became ready; 0 before. */
  readyAt = 0;
  readonly #listener: WorkerListener;
  /** Those without an answer, also where nobody waits for it any more. */
  readonly #errands = new Map<number, Errand>();
  /** Whether its app can hand over the state of a session. */
  takesSnapshots = false;
  /** Those that are over, while what they said may still come; on few links it does. */
  readonly #recent = new Map<number, Request>();
  readonly #stackWaiters = new Map<number, (stacks: readonly StackText[]) => void>();
  #lastStackSeq = 0;
  #link: WorkerLink | undefined;
  #process: WorkerHandle | undefined;
  #failure: Failure | undefined;
  #linkFault: LinkFault | undefined;
  #linkClosed = false;
  /** To be told to end once it holds nothing. */
  #stopping = false;
  #killed = false;
  #abandoned = false;
  #exit: ProcessExit | undefined;
  /** One of its two ends has been seen; the other is given a moment. */
  #dying: Timer | undefined;

  constructor({ id, slot, origin, limits, listener }: WorkerInit) {
    this.id = id;
    this.slot = slot;
    this.origin = origin;
    this.load = new Workload(limits, (request) => listener.began(request));
    this.#listener = listener;
  }

  /** Gives the worker its process and the host's end of its link. */
  attach(link: WorkerLink, process: WorkerHandle): void {
    this.#link = link;
    this.#process = process;
  }

  get pid(): number | undefined {
    return this.#process?.pid;
  }

  /** Where it is; undefined where this host has started it. */
  get address(): string | undefined {
    return this.#process?.address;
  }

  /** Its stacks can be asked for also while it is silent. */
  get tellsStacksAlways(): boolean {
    return this.#link?.tellsStacksAlways === true;
  }

  get lastStats(): WorkerStats | undefined {
    return this.vitals.last;
  }

  get alive(): boolean {
    return this.status.kind !== 'exited';
  }

  /** It was sent SIGKILL; its end is only a matter of time. */
  get killed(): boolean {
    return this.#killed;
  }

  /** Past its start and taking requests. */
  get serving(): boolean {
    return this.status.kind === 'ready' || this.status.kind === 'busy';
  }

  /** Whether it can begin a request now. One that does not answer has not proven that it can. */
  get hasFreeSlot(): boolean {
    return this.status === READY && !this.pulse.silent;
  }

  /** Busy, but worth giving one more for when a slot comes free. */
  get feedable(): boolean {
    return this.status === BUSY && this.load.feedable && !this.pulse.silent;
  }

  /**
   * Sends a request. It begins at once when a slot is free.
   *
   * @throws PayloadTooLarge, or what the codec throws on a value that changed since it was checked; nothing is sent then
   */
  assign(request: Request, now: number): void {
    const link = this.#link as WorkerLink;
    request.bytesIn = link.request(this.load.nextId(), request, Math.max(0, request.deadline - now));
    request.serialiseMs = monotonic() - now;
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

  /**
   * Has it run a command of the runtime's own, which is no request: nobody hears of it but who asks. Only while it holds nothing.
   *
   * @returns the result; undefined when it failed, or the worker ended first
   */
  run(command: string, args: Record<string, unknown>, withinMs: number): Promise<unknown> {
    const link = this.#link;
    if (link === undefined || !this.alive) return Promise.resolve(undefined);
    const id = this.load.claimId();
    const errand = new Errand(command, args);
    this.#errands.set(id, errand);
    link.request(id, errand, withinMs);
    return errand.done(withinMs);
  }

  beat(): void {
    if (this.#link !== undefined) this.pulse.beat(this.#link);
  }

  /** The stacks of these requests, or of all threads, from its control thread; undefined when it does not answer in time. */
  askStacks(
    requests: readonly Request[] | null,
    withinMs: number,
  ): Promise<readonly StackText[] | undefined> {
    const link = this.#link;
    if (link === undefined || !this.alive) return Promise.resolve(undefined);
    return new Promise((resolve) => {
      const seq = ++this.#lastStackSeq;
      const settle = (stacks: readonly StackText[] | undefined) => {
        timer.stop();
        this.#stackWaiters.delete(seq);
        resolve(stacks);
      };
      const timer = after(withinMs, () => settle(undefined));
      this.#stackWaiters.set(seq, settle);
      link.stack(seq, requests === null ? null : requests.map(({ wireId }) => wireId));
    });
  }

  /** See {@link WorkerHandle.dumpStacks}. */
  dumpStacks(): Promise<string> {
    return this.#process?.dumpStacks() ?? Promise.resolve('');
  }

  /** The ident of the thread that runs a request, as faulthandler prints it, where the worker noted it. */
  threadOf(request: Request): string | undefined {
    return this.#link?.progress().find((of) => of.lastStarted === request.wireId)?.thread ?? undefined;
  }

  /**
   * Has it finish what it holds, then run `on_stop` and end. What it has not begun is called back. It is told only once it holds nothing: that word goes another way
   * than requests do, and would overtake one that was sent just now.
   */
  stop(why: EndReason): void {
    if (this.status.kind === 'draining' || !this.alive) return;
    this.#drain(why);
    this.#stopping = true;
    if (this.load.parked > 0) this.recall();
    this.#dismiss();
  }

  /** Ends the whole process group at once. */
  kill(why: EndReason): void {
    if (!this.alive) return;
    // One that was to finish in peace and is now given up has not ended as planned.
    if (this.status.kind !== 'draining' || why === 'stuck') this.#drain(why);
    this.#killed = true;
    this.#process?.signal('SIGKILL');
  }

  /** Takes out what it held when it died; to be called once. */
  takeOpen(): { begun: Request[]; untouched: Request[] } {
    return this.load.takeAll(this.#link?.takeLastStarted() ?? []);
  }

  // What the link reports

  introduced(introduction: WorkerIntroduction): void {
    this.introduction = introduction;
    const { concurrency, givesBack = true } = introduction;
    if (concurrency !== undefined) this.load.limitTo(concurrency);
    if (!givesBack) this.load.holdNoneUnbegun();
  }

  phase(phase: 'import' | 'on_start'): void {
    if (this.status.kind === 'starting') this.#become({ kind: 'starting', phase });
  }

  ready(commands: readonly CommandInfo[], snapshots = false): void {
    if (this.status.kind !== 'starting') return;
    this.takesSnapshots = snapshots;
    this.#listener.commandsKnown(commands);
    this.readyAt = monotonic();
    this.pulse.heard(this.readyAt);
    this.#become(READY);
    this.#listener.roomier(this);
  }

  startFailed(failure: Failure): void {
    this.#failure = failure;
    if (this.status.kind === 'starting') this.#drain('start_failed');
  }

  response(
    id: number,
    result: unknown,
    pythonMs: number,
    cpuMs: number,
    bytes: number,
    peakRssBytes: number,
    session?: SessionChange,
  ): boolean {
    const request = this.load.byId(id);
    if (request === undefined) return this.#errand(id, result);
    const now = monotonic();
    this.#finish(request, pythonMs, cpuMs, bytes, peakRssBytes, now);
    if (request.phase === 'settled') this.#listener.released(request);
    else this.#listener.answered(request, result, now, session);
    this.#advance(now);
    return true;
  }

  error(
    id: number,
    failure: Failure,
    pythonMs: number,
    cpuMs: number,
    bytes: number,
    peakRssBytes: number,
  ): boolean {
    const request = this.load.byId(id);
    if (request === undefined) return this.#errand(id, undefined);
    const now = monotonic();
    this.#finish(request, pythonMs, cpuMs, bytes, peakRssBytes, now);
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
    this.#heard();
    const now = monotonic();
    const back = this.load.takeBack(ids, now);
    if (back.length > 0) this.#listener.recalled(back);
    this.#advance(now);
  }

  pong(): void {
    this.#heard();
  }

  stack(seq: number, requests: readonly StackText[], byItself = true): void {
    if (byItself) this.#heard();
    this.#stackWaiters.get(seq)?.(requests);
  }

  stats(stats: WorkerStats): void {
    this.#heard();
    this.vitals.add(stats);
    this.#listener.measured(this, stats);
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
      if (this.status.kind !== 'draining') this.#drain(why);
      // A dying process closes its connections first; give its own end a moment to be seen, since that tells more than our kill.
      if (fault === undefined || fault.truncated) this.#dying = after(DYING_MS, () => this.#abandon());
      else this.#abandon();
    }
    this.#bury();
  }

  // What the process reports

  /** A line the process wrote past Python's own streams. Those too many to be shown are still its last words. */
  line(stream: 'stdout' | 'stderr', line: string, fate: LineFate = 'shown'): void {
    if (stream === 'stderr' && fate !== 'summary') this.vitals.said(line);
    if (fate === 'dropped') return;
    const level = stream === 'stderr' ? 'warning' : 'info';
    this.#listener.log(this, undefined, {
      level,
      logger: `python.${stream}`,
      message: line,
      timestamp: now(),
      fields: { stream },
    });
  }

  exited(exit: ProcessExit): void {
    this.#exit = exit;
    // Answers may still be in the socket; the link closes once they are read, or after a moment if a grandchild holds it open.
    if (!this.#linkClosed) this.#dying = after(DYING_MS, () => this.#link?.close());
    this.#bury();
  }

  #abandon(): void {
    if (this.#exit !== undefined) return;
    this.#abandoned = true;
    this.#killed = true;
    this.#process?.signal('SIGKILL');
  }

  #heard(): void {
    if (this.pulse.heard(monotonic())) this.#advance(this.pulse.heardAt);
  }

  #byId(id: number | null): Request | undefined {
    return id === null ? undefined : (this.load.byId(id) ?? this.#recent.get(id));
  }

  /** A request has left Python: its slot is free, whether or not its caller still waits. */
  #finish(
    request: Request,
    pythonMs: number,
    cpuMs: number,
    bytes: number,
    peakRssBytes: number,
    now: number,
  ): void {
    request.pythonMs = pythonMs;
    request.cpuMs = cpuMs;
    request.bytesOut += bytes;
    request.peakRssBytes = peakRssBytes;
    this.load.finish(request, pythonMs, now);
    if (this.#link?.recordsTrail === true) this.#remember(request);
  }

  #remember(request: Request): void {
    const [oldest] = this.#recent.keys();
    if (oldest !== undefined && this.#recent.size >= MAX_RECENT) this.#recent.delete(oldest);
    this.#recent.set(request.wireId, request);
  }

  /** Begins what waits here, then lets the pool fill the room. */
  #advance(now: number): void {
    this.load.advance(now);
    if (!this.load.full && this.status === BUSY) this.#become(READY);
    this.#dismiss();
    this.#listener.roomier(this);
  }

  #dismiss(): void {
    if (!this.#stopping || !this.load.empty) return;
    this.#stopping = false;
    const parting = this.#listener.parting(this);
    if (parting === undefined) this.#leave();
    else void parting.then(() => this.#leave());
  }

  #leave(): void {
    this.#link?.stop();
    this.#process?.signal('SIGTERM');
  }

  /** Whether there was such an errand. */
  #errand(id: number, result: unknown): boolean {
    const errand = this.#errands.get(id);
    errand?.settle(result);
    return this.#errands.delete(id);
  }

  #drain(why: EndReason): void {
    this.#become({ kind: 'draining', why, since: monotonic() });
  }

  #become(status: WorkerStatus): void {
    const before = this.status;
    this.status = status;
    this.#listener.statusChanged(this, before);
  }

  /** The end, once the process is gone and everything it sent has been read. */
  #bury(): void {
    if (this.#exit === undefined || !this.#linkClosed || this.status.kind === 'exited') return;
    this.#dying?.stop();
    for (const waiter of this.#stackWaiters.values()) waiter([]);
    for (const errand of this.#errands.values()) errand.settle(undefined);
    const death = explainDeath(this, {
      exit: this.#exit,
      fault: this.#linkFault,
      failure: this.#failure,
      killed: this.#killed,
      abandoned: this.#abandoned,
    });
    this.#become({ kind: 'exited', death });
    this.#listener.died(this, death);
  }
}
