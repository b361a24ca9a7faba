import type { ErrorContext, RequestStatus } from '../../errors/index.ts';

/** What this consumer hands out. Wire spelling, since it is shown as it is; times are RFC 3339 in UTC. */

/** Which errors or slow requests are asked for. What is left out does not matter. */
export interface ErrorFilter {
  /** Epoch milliseconds; that moment included. */
  readonly since?: number | undefined;
  readonly pool?: string | undefined;
  readonly command?: string | undefined;
  readonly workerSlot?: number | undefined;
  readonly code?: string | undefined;
  /** At most so many, the newest. Default: 100. */
  readonly limit?: number | undefined;
}

/** One error without its context. Null: the error is not about one, or it is not known. */
export interface ErrorLine {
  /** Unique in this process. */
  readonly id: string;
  /** The `id` of its kind. The kind itself may be forgotten by now. */
  readonly group_id: string;
  readonly timestamp: string;
  /** Name of the event that told of it. */
  readonly event: string;
  readonly pool: string | null;
  readonly command: string | null;
  readonly worker_id: string | null;
  readonly worker_slot: number | null;
  readonly request_id: string | null;
  readonly correlation_id: string | null;
  readonly code: string;
  readonly category: string;
  /** The first line of it, at most 300 characters. */
  readonly message: string;
}

/** One error with all that was preserved. `message` is the whole of it, up to 2000 characters. */
export interface ErrorDetail extends ErrorLine {
  readonly retryable: boolean | null;
  /** Numbers of the event, e.g. `duration_ms`. */
  readonly measurements: Readonly<Record<string, number>>;
  /** Arguments in it are sanitized. */
  readonly error: ErrorContext | null;
  readonly group: ErrorGroup;
}

/** Errors of one kind: same code, pool and command, and messages that differ only in numbers, ids and quoted text. */
export interface ErrorGroup {
  /** Twelve hexadecimal digits, made from what its errors have in common: a kind has the same in every process. */
  readonly id: string;
  readonly code: string;
  readonly category: string;
  readonly pool: string | null;
  readonly command: string | null;
  /** The message with `<n>`, `<hex>`, `<id>` and `<str>` in place of what varies. */
  readonly message: string;
  readonly count: number;
  readonly first_seen: string;
  readonly last_seen: string;
  readonly last_error_id: string;
  /** Errors in each of the last 15 minutes, oldest first; the last is the minute that runs. */
  readonly per_minute: readonly number[];
}

/** Counts since the start, and what is kept of it. */
export interface ErrorTotals {
  /** All errors; cancelled requests are not among them. */
  readonly errors: number;
  /** Requests their caller gave up. */
  readonly cancelled: number;
  /** Errors kept singly. */
  readonly kept: number;
  /** What those take, roughly. */
  readonly kept_bytes: number;
  readonly groups: number;
  /** Groups forgotten for newer ones. */
  readonly evicted: number;
}

/** Answer of {@link Errors.list}. */
export interface ErrorList {
  /** Newest first. */
  readonly errors: readonly ErrorLine[];
  /** Last seen first. */
  readonly groups: readonly ErrorGroup[];
  /** Of everything, whatever the filter. */
  readonly totals: ErrorTotals;
}

/** How a slow request ended. `unknown`: it was not seen to end in an hour. */
export type SlowStatus = RequestStatus | 'running' | 'unknown';

/** A request that took longer than it should. */
export interface SlowRequest {
  /** When that was noticed. */
  readonly timestamp: string;
  readonly request_id: string | null;
  readonly correlation_id: string | null;
  readonly pool: string | null;
  readonly command: string | null;
  readonly worker_id: string | null;
  readonly worker_slot: number | null;
  /** Whether it waited or ran by then. */
  readonly phase: string | null;
  /** By then, since acceptance. */
  readonly duration_ms: number | null;
  readonly threshold_ms: number | null;
  /** Most recent call last. */
  readonly python_stack: string | null;
  /** When that was taken. */
  readonly stack_at: string | null;
  readonly status: SlowStatus;
  /** Of a failed one. */
  readonly code: string | null;
  /** From acceptance to settlement, once it is settled. */
  readonly total_ms: number | null;
  /** Where that went. Missing while it runs, and where it was not seen. */
  readonly anatomy?: Anatomy;
}

/** Where the time of a request went. Milliseconds. What was not measured is left out: of a request that was given up, all that happened in the worker. */
export interface Anatomy {
  /** From acceptance to the last start; all of it when it never started. */
  readonly queue_ms: number;
  /** Checking and encoding the arguments, on this side. */
  readonly serialise_ms?: number;
  /** Transport, and waiting on either side until somebody takes it up: what is left of the time since the start. */
  readonly transport_ms?: number;
  /** Wall time in the handler. */
  readonly python_ms?: number;
  /** CPU time of the handler's thread; a part of `python_ms`. */
  readonly python_cpu_ms?: number;
  /** From acceptance to settlement, retries included. */
  readonly total_ms: number;
}

/** Answer of {@link Errors.slow}. */
export interface SlowList {
  /** Newest first. */
  readonly requests: readonly SlowRequest[];
  readonly totals: {
    /** Since the start. */
    readonly seen: number;
    readonly kept: number;
    /** Of those kept, not settled yet. */
    readonly running: number;
  };
}
