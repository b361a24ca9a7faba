import type { GrpcStatus, PythonException } from '../errors/index.ts';
import type { CommandInfo, LogLevel } from '../events/index.ts';
import type { CodecName } from './codec/index.ts';

/**
 * What the core knows of any transport: a link to one worker, calls out and callbacks in. Request ids on a link are unsigned 32-bit serial numbers.
 */

/** A request as it goes out. */
export interface OutgoingRequest {
  readonly command: string;
  /** Checked and made sendable by `prepare`. */
  readonly args: unknown;
  readonly tagged: boolean;
  readonly requestId: string;
  readonly correlationId: string;
  readonly traceparent: string | undefined;
  readonly streaming: boolean;
  /** Undefined: it belongs to none. */
  readonly session: OutgoingSession | undefined;
}

/** A value that was checked by `prepare`. */
export interface Sendable {
  readonly value: unknown;
  readonly tagged: boolean;
}

/** The session of a request as it goes out. */
export interface OutgoingSession {
  readonly id: string;
  /** What is kept for it. */
  readonly stored: Sendable | undefined;
  /** What the worker that had it before has left for the next one. */
  readonly restore: Sendable | undefined;
}

/** What an answer says of the session of its request: the changed data. */
export interface SessionChange {
  readonly data: unknown;
}

/** What Python says of a failure. */
export interface Failure {
  readonly code: string;
  readonly message: string;
  readonly traceback: string | null;
  readonly exception: PythonException | null;
  readonly path: string | null;
  /** How gRPC told it. */
  readonly grpc?: GrpcStatus;
}

export interface WorkerStats {
  readonly rssBytes: number;
  /** The highest it ever was. */
  readonly peakRssBytes: number;
  readonly cpuSeconds: number;
  readonly threads: number;
  /** Descriptors; 0 where the system does not tell. */
  readonly openFds: number;
  /** Of all generations. */
  readonly gcCollections: number;
}

/** The Python stack of a request, or of a thread (`id` null). */
export interface StackText {
  readonly id: number | null;
  /** In the style of a Python traceback, at most 128 frames and 64 KiB. Empty when the request does not run. */
  readonly text: string;
  /** It was taken with a signal, since the worker did not answer. */
  readonly bySignal?: true;
}

/** What a worker's progress file says of one slot. */
export interface SlotProgress {
  /** The last request started, 0 for none. */
  readonly lastStarted: number;
  /** The thread that serves the slot, as Python's faulthandler prints it (`0x00007f…`); null while unknown. */
  readonly thread: string | null;
}

export interface WorkerIntroduction {
  readonly pid: number;
  readonly pythonVersion: string;
  readonly codec: CodecName;
  /** Requests it runs at a time, where it has a limit of its own. */
  readonly concurrency?: number;
  /** Whether it gives back what it has not begun; one that does not is given no more than it runs at a time. Default true. */
  readonly givesBack?: boolean;
}

/** Why a link ended: `undefined` for an ordinary end of the connection. */
export interface LinkFault {
  readonly code: 'protocol_error' | 'transport_error';
  readonly message: string;
  /** It ended in the middle of a frame, as it also does when the process dies while it writes. */
  readonly truncated?: true;
  /** How gRPC told it. */
  readonly grpc?: GrpcStatus;
}

/** What a link reports. Called synchronously; must not throw. */
export interface LinkHandler {
  introduced(worker: WorkerIntroduction): void;
  phase(phase: 'import' | 'on_start'): void;
  /** @param snapshots - whether the app can hand over the state of a session */
  ready(commands: readonly CommandInfo[], snapshots?: boolean): void;
  startFailed(failure: Failure): void;
  /**
   * @param peakRssBytes - highest memory of the process when this request raised it, 0 when unknown
   * @param session - what the handler has changed of its session, if anything
   * @returns false when no such request is open, which is a protocol error
   */
  response(
    id: number,
    result: unknown,
    pythonMs: number,
    cpuMs: number,
    bytes: number,
    peakRssBytes: number,
    session?: SessionChange,
  ): boolean;
  error(
    id: number,
    failure: Failure,
    pythonMs: number,
    cpuMs: number,
    bytes: number,
    peakRssBytes: number,
  ): boolean;
  chunk(id: number, value: unknown, bytes: number): boolean;
  recalled(ids: readonly number[]): void;
  pong(seq: number): void;
  /**
   * The answer to {@link WorkerLink.stack}: as many as were asked for, in that order, or all threads.
   *
   * @param byItself - whether the worker told it itself, and so lives. Default true
   */
  stack(seq: number, requests: readonly StackText[], byItself?: boolean): void;
  stats(stats: WorkerStats): void;
  event(
    id: number | null,
    name: string,
    measurements: Record<string, unknown>,
    metadata: Record<string, unknown>,
  ): void;
  log(
    id: number | null,
    level: LogLevel,
    logger: string,
    message: string,
    timeMs: number,
    fields: Record<string, unknown>,
  ): void;
  /** Both connections are gone. Called once. */
  closed(fault: LinkFault | undefined): void;
}

/** A link to one worker. */
export interface WorkerLink {
  /** Environment the process needs to find its host. */
  readonly env: Readonly<Record<string, string>>;
  /** What Python is started with. Default: the worker on sockets. */
  readonly args?: readonly string[];
  /** Logs and events of a request may come after its answer. */
  readonly recordsTrail?: boolean;
  /** Stacks are told by somebody who answers while the handlers' process hangs. */
  readonly tellsStacksAlways?: boolean;
  /**
   * Sends a request.
   *
   * @returns its encoded size in bytes
   * @throws PayloadTooLarge when it exceeds the frame limit
   */
  request(id: number, request: OutgoingRequest, timeoutMs: number): number;
  /** Allows `count` more chunks. */
  credit(id: number, count: number): void;
  cancel(id: number, reason: 'cancelled' | 'timeout'): void;
  /** Asks for unstarted requests back. */
  recall(ids: readonly number[]): void;
  ping(seq: number): void;
  /** Asks for the Python stacks of requests, or of every thread (`null`); answered while the interpreter can be had. */
  stack(seq: number, ids: readonly number[] | null): void;
  /** What each slot does, read from the progress file, whatever Python does. Empty once that is gone. */
  progress(): readonly SlotProgress[];
  /** Asks the worker to run `on_stop` and end. */
  stop(): void;
  /** Ends both connections. */
  close(): void;
  /**
   * The last request started in each slot, 0 for none. To be called once, when the process has ended: while it lives it may start more. Removes what the link kept
   * on disk.
   */
  takeLastStarted(): readonly number[];
}

/** What a worker is told about itself. */
export interface WorkerIdentity {
  readonly workerId: string;
  readonly slot: number;
}

/** A way to talk to workers; one instance per pool. */
export interface Transport {
  readonly kind: 'socket' | 'grpc';
  /** Makes the host's end for a worker about to be spawned. */
  open(identity: WorkerIdentity, handler: LinkHandler): Promise<WorkerLink>;
  /** Removes what is left on disk. Links must be closed before. */
  close(): Promise<void>;
}

/** The encoded message exceeds the frame limit. */
export class PayloadTooLarge extends Error {
  constructor(
    readonly bytes: number,
    readonly limit: number,
  ) {
    super(
      `The encoded request has ${bytes} bytes, the limit is ${limit}: raise maxFrameBytes of the pool, or send a file name instead of its content.`,
    );
  }
}
