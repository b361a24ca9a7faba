import { codeSpec, type ErrorCategory, type ErrorCode, errorType, type RequestStatus } from './codes.ts';
import type { ErrorContext } from './context.ts';

/** What a {@link SnakepitError} is made from. */
export interface SnakepitErrorInit {
  requestId?: string;
  correlationId?: string;
  /** Overrides the rule "retryable if it never started", e.g. for an idempotent request. */
  retryable?: boolean;
  context?: Partial<ErrorContext>;
  cause?: unknown;
  /** For `queue_full` and its kin: when trying again makes sense, in milliseconds. */
  retryAfterMs?: number;
}

/** Marks our errors across copies of this package and across realms, where `instanceof` fails. */
const brand = Symbol.for('snakepit.error');

/**
 * Every error the library hands to a caller.
 *
 * `message` is written for people: what was wrong, what was got, how to mend it. `code` is for programs and never changes its spelling.
 */
export class SnakepitError extends Error {
  override readonly name = 'SnakepitError';
  readonly code: ErrorCode;
  readonly category: ErrorCategory;
  /** True when the caller may repeat the call without double effect: it never started, or is idempotent. */
  readonly retryable: boolean;
  readonly requestId: string | undefined;
  readonly correlationId: string | undefined;
  /** The preserved error context; arguments in it are sanitized. */
  readonly context: ErrorContext;
  /** When trying again makes sense, in milliseconds, where that is known. */
  readonly retryAfterMs: number | undefined;
  /** @internal */
  readonly [brand] = true;

  constructor(code: ErrorCode, message: string, init: SnakepitErrorInit = {}) {
    super(message, init.cause === undefined ? undefined : { cause: init.cause });
    const spec = codeSpec(code);
    this.code = code;
    this.category = spec.category;
    this.retryable = init.retryable ?? spec.neverStarted === true;
    this.requestId = init.requestId;
    this.correlationId = init.correlationId;
    this.retryAfterMs = init.retryAfterMs;
    this.context = {
      error_type: errorType(code),
      error_message: message,
      timestamp: new Date().toISOString(),
      ...(init.correlationId !== undefined && { correlation_id: init.correlationId }),
      ...init.context,
    };
  }

  /** The `status` label this error gives a request. */
  get status(): Exclude<RequestStatus, 'success'> {
    return codeSpec(this.code).status;
  }

  /** The HTTP status of the gateway's answer. A result that cannot be serialised is the server's fault, arguments are the caller's. */
  get httpStatus(): number {
    if (this.code === 'unserializable' && this.context.path_in === 'result') return 500;
    return codeSpec(this.code).http;
  }
}

/** Whether a value is a {@link SnakepitError}, even of another copy of this package. */
export const isSnakepitError = (value: unknown): value is SnakepitError =>
  typeof value === 'object' && value !== null && (value as Record<symbol, unknown>)[brand] === true;
