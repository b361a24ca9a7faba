import type { FailedAttempt } from '../errors/index.ts';
import type { EventSubject, LogContext } from '../events/index.ts';
import type { OutgoingRequest, WorkerStats } from '../transport/index.ts';
import { Link } from './chain.ts';
import type { Due } from './deadlines.ts';
import type { CallResult, Timings } from './port.ts';
import type { SessionUse } from './session/session.ts';

/**
 * Where a request is. `assigned`: handed to a worker but not begun; it still counts as queued. `retrying`: its worker died, and it waits to be
 * started again. `keeping`: Python is done with it, and the change of its session is being written. `settled`: the caller has its answer; the worker may still be at it.
 */
export type RequestPhase = 'queued' | 'assigned' | 'running' | 'retrying' | 'keeping' | 'settled';

/** What a request knows of the worker that holds it. */
export interface Holder {
  readonly id: string;
  readonly slot: number;
  readonly spawnedAt: number;
  readonly lastStats: WorkerStats | undefined;
  holds(request: Request): boolean;
  credit(request: Request, count: number): void;
  cancel(request: Request, reason: 'cancelled' | 'timeout'): void;
}

/** Who waits for a request. */
export interface Waiter {
  /** Its request exists; called before anything else. */
  bind?(request: Request): void;
  /** Python has begun. */
  begun?(): void;
  resolve(result: unknown, request: Request): void;
  reject(error: Error): void;
  /** Streams only: a chunk arrived. */
  chunk?(value: unknown): void;
}

/** What a request is made from. */
export interface RequestInit {
  readonly requestId: string;
  readonly correlationId: string;
  readonly traceparent: string | undefined;
  /** The log context of its caller: its answer comes in another one. */
  readonly context?: LogContext | undefined;
  readonly command: string;
  /** Arguments as the caller gave them. */
  readonly rawArgs: unknown;
  readonly timeoutMs: number;
  /** When it counts as slow; at or above `timeoutMs`: never. */
  readonly slowAfterMs: number;
  readonly idempotent: boolean;
  readonly priority: number;
  readonly fairnessKey: string | undefined;
  readonly session?: SessionUse | undefined;
  readonly acceptedAt: number;
  readonly waiter: Waiter;
  /** The caller had given it up before it came. */
  readonly aborted?: boolean;
}

/** One call, from acceptance to settlement. Stamps are monotonic milliseconds. */
export class Request implements OutgoingRequest, Due, EventSubject {
  readonly requestId: string;
  readonly correlationId: string;
  readonly traceparent: string | undefined;
  readonly context: LogContext | undefined;
  readonly command: string;
  /** What is sent, once checked. */
  args: unknown;
  tagged = false;
  readonly streaming: boolean;
  readonly rawArgs: unknown;
  readonly waiter: Waiter;
  readonly idempotent: boolean;
  readonly priority: number;
  readonly fairnessKey: string | undefined;
  readonly session: SessionUse | undefined;
  readonly acceptedAt: number;
  readonly slowAfterMs: number;
  /** When its caller stops to wait. */
  readonly deadline: number;
  readonly timeoutMs: number;
  /** What it waits for next: to be slow, then its deadline. */
  dueAt: number;
  waitMs: number;
  readonly dueLink: Link<this> = new Link(this);
  /** Made when it must wait; most requests never do. */
  queueLink: Link<Request> | undefined;
  /** Its place among those that wait for one worker. */
  pinLink: Link<Request> | undefined;
  phase: RequestPhase = 'queued';
  worker: Holder | undefined;
  wireId = 0;
  attempts = 0;
  startedAt = 0;
  settledAt = 0;
  pythonMs = 0;
  cpuMs = 0;
  serialiseMs = 0;
  bytesIn = 0;
  bytesOut = 0;
  peakRssBytes = 0;
  chunks = 0;
  firstChunkAt = 0;
  /** Starts that came to nothing. */
  failedAttempts: FailedAttempt[] | undefined;
  /** The last Python stack that was taken of it. */
  stack: string | undefined;
  /** Undoes what waits for the caller's signal. */
  release: (() => void) | undefined;

  constructor(init: RequestInit) {
    this.requestId = init.requestId;
    this.correlationId = init.correlationId;
    this.traceparent = init.traceparent;
    this.context = init.context;
    this.command = init.command;
    this.streaming = init.waiter.chunk !== undefined;
    this.rawArgs = init.rawArgs;
    this.waiter = init.waiter;
    this.acceptedAt = init.acceptedAt;
    this.idempotent = init.idempotent;
    this.priority = init.priority;
    this.fairnessKey = init.fairnessKey;
    this.session = init.session;
    this.timeoutMs = init.timeoutMs;
    this.slowAfterMs = init.slowAfterMs;
    this.deadline = init.acceptedAt + init.timeoutMs;
    this.waitMs = Math.min(init.slowAfterMs, init.timeoutMs);
    this.dueAt = init.acceptedAt + this.waitMs;
  }

  /** From acceptance to the last start; all of its life when it never started. */
  get queueMs(): number {
    if (this.startedAt === 0 || this.settledAt === 0)
      return (this.startedAt || this.settledAt) - this.acceptedAt;
    // Given ahead of time, it began before that was seen here: with the answer to the one before it. Its own answer tells when at the latest.
    const latest = this.settledAt - this.pythonMs - this.serialiseMs;
    return Math.max(0, Math.min(this.startedAt, latest) - this.acceptedAt);
  }

  /** What neither Python nor the encoding took, since the last start. */
  get transportMs(): number {
    if (this.startedAt === 0) return 0;
    return Math.max(0, this.settledAt - this.startedAt - this.pythonMs - this.serialiseMs);
  }

  /** Waits for its deadline from now on, rather than for being slow. False when it did so already. */
  awaitDeadline(now: number): boolean {
    if (this.dueAt >= this.deadline) return false;
    this.waitMs = Math.max(0, this.deadline - now);
    this.dueAt = this.deadline;
    return true;
  }

  get timings(): Timings {
    return {
      queueMs: this.queueMs,
      serialiseMs: this.serialiseMs,
      transportMs: this.transportMs,
      pythonMs: this.pythonMs,
      pythonCpuMs: this.cpuMs,
      totalMs: this.settledAt - this.acceptedAt,
      bytesIn: this.bytesIn,
      bytesOut: this.bytesOut,
      peakRssBytes: this.peakRssBytes || undefined,
    };
  }

  /** The result with the facts around it. */
  result<T>(result: T): CallResult<T> {
    const { requestId, correlationId, timings, attempts } = this;
    return { result, requestId, correlationId, timings, attempts };
  }
}
