import type { OutgoingRequest, WorkerStats } from '../transport/index.ts';
import { Link } from './chain.ts';
import type { Due } from './deadlines.ts';
import type { CallResult, Timings } from './port.ts';

/**
 * Where a request is. `assigned`: handed to a worker but not begun; it still counts as queued. `settled`: the caller has its answer; the worker may still
 * be at it.
 */
export type RequestPhase = 'queued' | 'assigned' | 'running' | 'settled';

/** What a request knows of the worker that holds it. */
export interface Holder {
  readonly id: string;
  readonly slot: number;
  readonly spawnedAt: number;
  readonly lastStats: WorkerStats | undefined;
  holds(request: Request): boolean;
  credit(request: Request, count: number): void;
  cancel(request: Request, reason: 'cancelled' | 'timeout'): void;
  kill(why: 'stuck'): void;
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
  readonly command: string;
  /** Arguments as the caller gave them. */
  readonly rawArgs: unknown;
  readonly timeoutMs: number;
  readonly acceptedAt: number;
  readonly waiter: Waiter;
  /** The caller had given it up before it came. */
  readonly aborted?: boolean;
}

/** One call, from acceptance to settlement. Stamps are monotonic milliseconds. */
export class Request implements OutgoingRequest, Due {
  readonly requestId: string;
  readonly correlationId: string;
  readonly traceparent: string | undefined;
  readonly command: string;
  /** What is sent, once checked. */
  args: unknown;
  tagged = false;
  readonly streaming: boolean;
  readonly rawArgs: unknown;
  readonly waiter: Waiter;
  readonly acceptedAt: number;
  readonly dueAt: number;
  readonly waitMs: number;
  readonly dueLink: Link<this> = new Link(this);
  /** Made when it must wait; most requests never do. */
  queueLink: Link<Request> | undefined;
  phase: RequestPhase = 'queued';
  worker: Holder | undefined;
  wireId = 0;
  attempts = 0;
  startedAt = 0;
  settledAt = 0;
  pythonMs = 0;
  cpuMs = 0;
  bytesIn = 0;
  bytesOut = 0;
  chunks = 0;
  firstChunkAt = 0;
  /** Undoes what waits for the caller's signal. */
  release: (() => void) | undefined;

  constructor(init: RequestInit) {
    this.requestId = init.requestId;
    this.correlationId = init.correlationId;
    this.traceparent = init.traceparent;
    this.command = init.command;
    this.streaming = init.waiter.chunk !== undefined;
    this.rawArgs = init.rawArgs;
    this.waiter = init.waiter;
    this.acceptedAt = init.acceptedAt;
    this.waitMs = init.timeoutMs;
    this.dueAt = init.acceptedAt + init.timeoutMs;
  }

  /** From acceptance to the last start; all of its life when it never started. */
  get queueMs(): number {
    return (this.startedAt || this.settledAt) - this.acceptedAt;
  }

  get timings(): Timings {
    return {
      queueMs: this.queueMs,
      pythonMs: this.pythonMs,
      pythonCpuMs: this.cpuMs,
      totalMs: this.settledAt - this.acceptedAt,
      bytesIn: this.bytesIn,
      bytesOut: this.bytesOut,
    };
  }

  /** The result with the facts around it. */
  result<T>(result: T): CallResult<T> {
    const { requestId, correlationId, timings, attempts } = this;
    return { result, requestId, correlationId, timings, attempts };
  }
}
