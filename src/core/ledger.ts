import type { ErrorCode, FailedAttempt, SnakepitError } from '../errors/index.ts';
import { type EventBus, type EventHandle, epochOf, monotonic } from '../events/index.ts';
import type { Request } from './request.ts';
import type { Worker } from './worker.ts';

const MEBIBYTE = 2 ** 20;

type FailureEvent =
  | 'snakepit.request.failed'
  | 'snakepit.request.timed_out'
  | 'snakepit.request.cancelled'
  | 'snakepit.request.rejected';

const eventOfStatus = {
  failure: 'snakepit.request.failed',
  crashed: 'snakepit.request.failed',
  timeout: 'snakepit.request.timed_out',
  cancelled: 'snakepit.request.cancelled',
  rejected: 'snakepit.request.rejected',
} as const satisfies Record<SnakepitError['status'], FailureEvent>;

/** What the log lines and metrics of one failed request say. */
export const failureMetadata = (error: SnakepitError) => ({
  code: error.code,
  category: error.category,
  message: error.message,
  retryable: error.retryable,
  error: error.context,
});

/** The status a call ends with; where this host has ended it, what that is to gRPC. */
const grpcCode = (error: SnakepitError | undefined): string => {
  if (error === undefined) return 'OK';
  if (error.context.grpc !== undefined) return error.context.grpc.status;
  if (error.code === 'timeout') return 'DEADLINE_EXCEEDED';
  return error.code === 'cancelled' ? 'CANCELLED' : 'UNAVAILABLE';
};

/**
 * Says what happens to the requests of one pool. Each event is built only if somebody wants it: three of them pass for every request.
 */
export class Ledger {
  readonly #bus: EventBus;
  readonly #poolName: string;
  readonly #queued: EventHandle<'snakepit.request.queued'>;
  readonly #started: EventHandle<'snakepit.request.started'>;
  readonly #completed: EventHandle<'snakepit.request.completed'>;
  readonly #slow: EventHandle<'snakepit.request.slow'>;
  readonly #retried: EventHandle<'snakepit.request.retried'>;
  readonly #failures: { readonly [N in FailureEvent]: EventHandle<N> };
  readonly #opened: EventHandle<'snakepit.stream.opened'>;
  readonly #chunk: EventHandle<'snakepit.stream.chunk'>;
  readonly #closed: EventHandle<'snakepit.stream.closed'>;

  readonly #busy: EventHandle<'snakepit.worker.busy'>;
  readonly #idle: EventHandle<'snakepit.worker.idle'>;

  readonly #grpc: boolean;

  /** @param grpc - whether the workers are reached over gRPC */
  constructor(bus: EventBus, poolName: string, grpc = false) {
    this.#grpc = grpc;
    this.#bus = bus;
    this.#poolName = poolName;
    this.#busy = bus.event('snakepit.worker.busy');
    this.#idle = bus.event('snakepit.worker.idle');
    this.#queued = bus.event('snakepit.request.queued');
    this.#started = bus.event('snakepit.request.started');
    this.#completed = bus.event('snakepit.request.completed');
    this.#slow = bus.event('snakepit.request.slow');
    this.#retried = bus.event('snakepit.request.retried');
    this.#failures = {
      'snakepit.request.failed': bus.event('snakepit.request.failed'),
      'snakepit.request.timed_out': bus.event('snakepit.request.timed_out'),
      'snakepit.request.cancelled': bus.event('snakepit.request.cancelled'),
      'snakepit.request.rejected': bus.event('snakepit.request.rejected'),
    };
    this.#opened = bus.event('snakepit.stream.opened');
    this.#chunk = bus.event('snakepit.stream.chunk');
    this.#closed = bus.event('snakepit.stream.closed');
  }

  queued(request: Request, queueSize: number): void {
    if (this.#queued.wanted)
      this.#queued.emit({ queue_size: queueSize }, this.about(request, request.acceptedAt));
    else this.#queued.count++;
    if (!request.streaming) return;
    if (this.#opened.wanted) this.#opened.emit({}, this.about(request, request.acceptedAt));
    else this.#opened.count++;
  }

  started(request: Request): void {
    if (!this.#started.wanted) {
      this.#started.count++;
      return;
    }
    const measurements = { queue_time_ms: request.queueMs, attempt: request.attempts };
    this.#bus.subject = request;
    this.#started.emit(measurements, this.about(request, request.startedAt));
    this.#bus.subject = undefined;
  }

  chunk(request: Request, bytes: number, at: number): void {
    if (this.#chunk.wanted) this.#chunk.emit({ bytes, index: request.chunks - 1 }, this.about(request, at));
    else this.#chunk.count++;
  }

  slow(request: Request, now: number): void {
    this.#bus.subject = request;
    this.#slow.emit(
      { duration_ms: now - request.acceptedAt, threshold_ms: request.slowAfterMs },
      {
        ...this.about(request, now),
        phase: request.phase === 'running' ? 'running' : 'queued',
        python_stack: request.stack,
      },
    );
    this.#bus.subject = undefined;
  }

  retried(request: Request, attempt: FailedAttempt | undefined, delayMs: number): void {
    if (attempt === undefined) return;
    this.#bus.subject = request;
    this.#retried.emit(
      { attempt: attempt.attempt, delay_ms: delayMs },
      { ...this.about(request, monotonic()), code: attempt.code as ErrorCode, message: attempt.message },
    );
    this.#bus.subject = undefined;
  }

  /** `settledAt` must be set. */
  settled(request: Request, error: SnakepitError | undefined): void {
    this.#bus.subject = request;
    this.#settled(request, error);
    this.#bus.subject = undefined;
  }

  #settled(request: Request, error: SnakepitError | undefined): void {
    const durationMs = request.settledAt - request.acceptedAt;
    if (error !== undefined) this.#failed(request, error, durationMs);
    if (request.streaming) this.#streamClosed(request, durationMs);
    if (!this.#completed.wanted) {
      this.#completed.count++;
      return;
    }
    const metadata = this.about(request, request.settledAt) as ReturnType<Ledger['about']> & {
      success: boolean;
      status: 'success' | SnakepitError['status'];
      attempts: number;
      code?: SnakepitError['code'];
      grpc_code?: string;
    };
    metadata.success = error === undefined;
    metadata.status = error === undefined ? 'success' : error.status;
    metadata.attempts = request.attempts;
    if (error !== undefined) metadata.code = error.code;
    if (this.#grpc && request.attempts > 0) metadata.grpc_code = grpcCode(error);
    this.#completed.emit(
      {
        duration_ms: durationMs,
        queue_time_ms: request.queueMs,
        python_ms: request.pythonMs,
        python_cpu_ms: request.cpuMs,
        serialise_ms: request.serialiseMs,
        transport_ms: request.transportMs,
        bytes_in: request.bytesIn,
        bytes_out: request.bytesOut,
        peak_rss_mb: request.peakRssBytes === 0 ? undefined : request.peakRssBytes / MEBIBYTE,
      },
      metadata,
    );
  }

  workerBusy(worker: Worker): void {
    this.#toggled(this.#busy, worker);
  }

  workerIdle(worker: Worker): void {
    this.#toggled(this.#idle, worker);
  }

  /** The metadata every event of a request has. */
  about(request: Request, at: number) {
    const { worker } = request;
    return {
      timestamp: epochOf(at),
      pool_name: this.#poolName,
      request_id: request.requestId,
      correlation_id: request.correlationId,
      worker_id: worker?.id,
      worker_slot: worker?.slot,
      command: request.command,
      session_id: request.session?.id,
    };
  }

  #toggled(
    handle: EventHandle<'snakepit.worker.busy'> | EventHandle<'snakepit.worker.idle'>,
    worker: Worker,
  ): void {
    if (!handle.wanted) handle.count++;
    else
      handle.emit(
        { in_flight: worker.load.running },
        { pool_name: this.#poolName, worker_id: worker.id, worker_slot: worker.slot },
      );
  }

  #failed(request: Request, error: SnakepitError, durationMs: number): void {
    const name = eventOfStatus[error.status];
    const metadata = { ...this.about(request, request.settledAt), ...failureMetadata(error) };
    if (name === 'snakepit.request.timed_out') {
      this.#failures[name].emit({ duration_ms: durationMs, timeout_ms: request.timeoutMs }, metadata);
    } else this.#failures[name].emit({ duration_ms: durationMs }, metadata);
  }

  #streamClosed(request: Request, durationMs: number): void {
    const firstChunkMs = request.chunks > 0 ? request.firstChunkAt - request.acceptedAt : undefined;
    this.#closed.emit(
      { chunks: request.chunks, duration_ms: durationMs, first_chunk_ms: firstChunkMs },
      this.about(request, request.settledAt),
    );
  }
}
