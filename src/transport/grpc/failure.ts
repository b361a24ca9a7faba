import type { ServiceError } from '@grpc/grpc-js';
import type { Failure } from '../contract.ts';
import type { GrpcJs } from './grpc.ts';
import type { FailureMessage } from './messages.ts';

/** The trailer in which a status carries the rest of a failure: a serialized Failure. */
const TRAILER = 'snakepit-failure-bin';

/** A failure with what the worker spent on it. */
export interface Failed {
  readonly failure: Failure;
  readonly pythonMs: number;
  readonly cpuMs: number;
}

/** Statuses by code of a failure, after the service's description. */
const statusOfCode: Readonly<Record<string, string>> = {
  invalid_arguments: 'INVALID_ARGUMENT',
  unserializable: 'INVALID_ARGUMENT',
  unknown_command: 'UNIMPLEMENTED',
  cancelled: 'CANCELLED',
  timeout: 'DEADLINE_EXCEEDED',
  payload_too_large: 'RESOURCE_EXHAUSTED',
  busy: 'RESOURCE_EXHAUSTED',
  worker_crashed: 'UNAVAILABLE',
  no_workers: 'UNAVAILABLE',
  transport_error: 'UNAVAILABLE',
};

/** What a status says that has no Failure with it. */
const codeOfStatus: Readonly<Record<string, string>> = {
  CANCELLED: 'cancelled',
  DEADLINE_EXCEEDED: 'timeout',
  INVALID_ARGUMENT: 'invalid_arguments',
  UNIMPLEMENTED: 'unknown_command',
  RESOURCE_EXHAUSTED: 'worker_busy',
  UNAVAILABLE: 'transport_error',
  INTERNAL: 'transport_error',
  DATA_LOSS: 'transport_error',
  UNAUTHENTICATED: 'transport_error',
  PERMISSION_DENIED: 'transport_error',
};

/** The name of a status, e.g. `UNAVAILABLE`. */
export const statusName = (grpc: GrpcJs, code: number): string => grpc.status[code] ?? String(code);

/** What a failure message means. */
export const failedOf = (message: FailureMessage, status?: string, details?: string): Failed => {
  // This is how the core calls it.
  const code = message.code === 'busy' ? 'worker_busy' : message.code;
  return {
    failure: {
      code,
      message: message.message,
      traceback: message.traceback ?? null,
      exception: message.exception ?? null,
      path: message.path ?? null,
      grpc: {
        status: status ?? statusOfCode[message.code] ?? 'UNKNOWN',
        details: details ?? message.message,
      },
    },
    pythonMs: message.python_ms,
    cpuMs: message.python_cpu_ms,
  };
};

/** The code of a failure, as the worker gave it or as its status tells. */
export const failedOfStatus = (
  grpc: GrpcJs,
  error: ServiceError,
  read: (bytes: Buffer) => FailureMessage | undefined,
): Failed => {
  const status = statusName(grpc, error.code);
  const [trailer] = error.metadata?.get(TRAILER) ?? [];
  const message = Buffer.isBuffer(trailer) ? read(trailer) : undefined;
  if (message !== undefined) return failedOf(message, status, error.details);
  const tooLarge =
    status === 'RESOURCE_EXHAUSTED' && /larger than (max|limit)|max.*message/i.test(error.details);
  return {
    failure: {
      code: tooLarge ? 'payload_too_large' : (codeOfStatus[status] ?? 'python_exception'),
      message: error.details || `The worker answered ${status}.`,
      traceback: null,
      exception: null,
      path: null,
      grpc: { status, details: error.details },
    },
    pythonMs: 0,
    cpuMs: 0,
  };
};
