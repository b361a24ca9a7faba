import {
  type ErrorCode,
  type ErrorContext,
  errorCodes,
  SnakepitError,
  type SnakepitErrorInit,
  type WorkerExit,
} from '../errors/index.ts';
import { monotonic } from '../events/index.ts';
import type { InstanceSanitizer } from '../sanitize/index.ts';
import type { Failure } from '../transport/index.ts';
import type { Holder, Request } from './request.ts';
import type { Worker } from './worker.ts';
import type { Death } from './worker-status.ts';

/** Makes the errors of one pool, each with its preserved context. */
export class Failures {
  readonly #poolName: string;
  readonly #showArgs: readonly string[];
  readonly #safe: InstanceSanitizer;

  /** @param showArgs - arguments whose scalars contexts may show */
  constructor(poolName: string, showArgs: readonly string[], safe: InstanceSanitizer) {
    this.#poolName = poolName;
    this.#showArgs = showArgs;
    this.#safe = safe;
  }

  /** An error of a request. */
  ofRequest(
    request: Request,
    code: ErrorCode,
    message: string,
    init: SnakepitErrorInit & { context?: Partial<ErrorContext> } = {},
  ): SnakepitError {
    return new SnakepitError(code, message, {
      // What is idempotent may be repeated by the caller too.
      ...(request.idempotent && { retryable: true }),
      ...init,
      requestId: request.requestId,
      correlationId: request.correlationId,
      context: {
        request_context: {
          request_id: request.requestId,
          command: request.command,
          args: this.#safe.args(request.rawArgs, this.#showArgs),
        },
        system_context: this.#system(request.worker),
        ...(request.stack !== undefined && { python_stack: request.stack }),
        ...(request.failedAttempts !== undefined && { attempts: request.failedAttempts }),
        ...init.context,
      },
    });
  }

  /** What Python said of a request. */
  ofPython(request: Request, failure: Failure): SnakepitError {
    const code: ErrorCode = Object.hasOwn(errorCodes, failure.code)
      ? (failure.code as ErrorCode)
      : 'python_exception';
    const inResult = code === 'unserializable' || code === 'payload_too_large';
    return this.ofRequest(request, code, failure.message, {
      context: {
        ...pythonContext(failure),
        ...grpcContext(failure),
        ...(failure.path !== null && { path: failure.path, path_in: inResult ? 'result' : 'arguments' }),
      },
    });
  }

  /** What a worker left behind as it may be shown: it wrote to stderr what it liked, and stacks have lines of source. */
  shown(exit: WorkerExit): WorkerExit {
    const { stderr_tail, last_stack } = exit;
    return {
      ...exit,
      // In one piece: a private key goes over many lines.
      stderr_tail: stderr_tail.length === 0 ? [] : this.#safe.text(stderr_tail.join('\n')).split('\n'),
      ...(last_stack !== undefined && { last_stack: this.#safe.text(last_stack) }),
    };
  }

  /** A worker that did not become ready. Sanitized at once: it is shown in many places, and nobody's own data is in it. */
  ofStart(worker: Worker, death: Death, startTimeoutMs: number, exit: WorkerExit): SnakepitError {
    const { failure } = death;
    const late =
      death.why === 'start_failed' &&
      worker.status.kind === 'exited' &&
      failure === undefined &&
      monotonic() - worker.spawnedAt >= startTimeoutMs;
    const message =
      failure?.message ??
      (late
        ? `Worker ${worker.id} was not ready after ${startTimeoutMs} ms: raise startTimeoutMs, or load less in @on_start.`
        : [death.detail, ...worker.vitals.stderrTail].join('\n'));
    return new SnakepitError('worker_start_failed', this.#safe.text(message), {
      context: {
        ...(failure !== undefined && (this.#safe.document(pythonContext(failure)) as Partial<ErrorContext>)),
        ...grpcContext(death),
        system_context: this.#system(worker),
        exit,
      },
    });
  }

  /** A worker that died, told without any one request. */
  ofDeath(worker: Worker, death: Death, exit: WorkerExit): SnakepitError {
    return new SnakepitError(codeOfDeath(death), this.#safe.text(`${death.detail}${cause(exit)}`), {
      context: { ...grpcContext(death), system_context: this.#system(worker), exit },
    });
  }

  /** What a worker's death means for a request that was running in it. */
  ofLostRequest(request: Request, death: Death, exit: WorkerExit): SnakepitError {
    return this.ofRequest(request, codeOfDeath(death), `${death.detail}${cause(exit)}`, {
      context: { ...grpcContext(death), exit },
    });
  }

  #system(worker: Holder | undefined): NonNullable<ErrorContext['system_context']> {
    if (worker === undefined) return { pool_name: this.#poolName };
    return {
      worker_id: worker.id,
      worker_slot: worker.slot,
      pool_name: this.#poolName,
      uptime_seconds: Math.round(monotonic() - worker.spawnedAt) / 1000,
      ...(worker.lastStats !== undefined && {
        memory_mb: Math.round((worker.lastStats.rssBytes / 2 ** 20) * 10) / 10,
      }),
    };
  }
}

/** What a worker's death makes of a request, and of the worker. */
export const codeOfDeath = (death: Death): ErrorCode => {
  switch (death.why) {
    case 'stuck':
      return 'worker_stuck';
    case 'protocol_error':
    case 'transport_error':
      return death.why;
    case 'start_failed':
      return 'worker_start_failed';
    default:
      return 'worker_crashed';
  }
};

/** What else is known of the cause: the kernel's word, else the one line of what it wrote that says most. */
const cause = ({ oom_evidence, stderr_tail }: WorkerExit): string => {
  if (oom_evidence !== undefined) return ` ${oom_evidence}`;
  const lines = stderr_tail.filter((line) => line.trim() !== '');
  const words = lines.find((line) => line.startsWith('Fatal Python error')) ?? lines.at(-1);
  return words === undefined ? '' : ` Its last words: ${words.trim()}`;
};

const grpcContext = ({ grpc }: { readonly grpc?: ErrorContext['grpc'] }): Partial<ErrorContext> =>
  grpc === undefined ? {} : { grpc };

const pythonContext = (failure: Failure): Partial<ErrorContext> => ({
  ...(failure.traceback !== null && { python_traceback: failure.traceback }),
  ...(failure.exception !== null && {
    exception: failure.exception,
    error_message: `${failure.exception.type}: ${failure.exception.message}`,
  }),
});
