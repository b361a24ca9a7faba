import { onTestFinished } from 'vitest';
import { Errors, type ErrorsInit } from '../../../src/consumers/errors/index.ts';
import { type ErrorCode, type ErrorContext, errorCodes, errorType } from '../../../src/errors/index.ts';
import { EventBus } from '../../../src/events/index.ts';

export interface Rig {
  readonly bus: EventBus;
  readonly errors: Errors;
}

/** The consumer on a bus of its own. */
export const rig = (init: Omit<ErrorsInit, 'bus'> = {}): Rig => {
  const bus = new EventBus();
  const errors = new Errors({ bus, ...init });
  onTestFinished(() => errors.close());
  return { bus, errors };
};

export interface Failing {
  readonly code?: ErrorCode;
  readonly message?: string;
  readonly pool?: string;
  readonly command?: string;
  readonly slot?: number;
  readonly requestId?: string;
  readonly correlationId?: string;
  readonly at?: number;
  readonly context?: Partial<ErrorContext>;
  readonly event?: string;
}

/** Emits a failure as the core does. */
export const fail = ({ bus }: Rig, failing: Failing = {}): void => {
  const { code = 'python_exception', message = 'ValueError: nope', slot = 0, at, context } = failing;
  const { requestId, correlationId, event = 'snakepit.request.failed' } = failing;
  bus.emit(
    event,
    { duration_ms: 12.5 },
    {
      ...(at !== undefined && { timestamp: at }),
      pool_name: failing.pool ?? 'default',
      command: failing.command ?? 'predict',
      worker_id: `default-1-${slot}`,
      worker_slot: slot,
      request_id: requestId,
      correlation_id: correlationId,
      code,
      category: errorCodes[code].category,
      message,
      retryable: false,
      error: {
        error_type: errorType(code),
        error_message: message,
        timestamp: new Date(at ?? 0).toISOString(),
        ...context,
      },
    },
  );
};

/** Completes a request as the core does. */
export const complete = ({ bus }: Rig, requestId: string, more: Record<string, unknown> = {}): void => {
  bus.emit(
    'snakepit.request.completed',
    {
      duration_ms: 99,
      queue_time_ms: 0,
      python_ms: 99,
      python_cpu_ms: 0,
      bytes_in: 1,
      bytes_out: 1,
    } as never,
    { request_id: requestId, success: true, status: 'success', attempts: 1, ...more } as never,
  );
};

export const slow = ({ bus }: Rig, requestId: string, more: Record<string, unknown> = {}): void => {
  bus.emit(
    ['snakepit', 'request', 'slow'],
    { duration_ms: 30, threshold_ms: 25 },
    {
      pool_name: 'default',
      command: 'predict',
      worker_id: 'default-1-1',
      worker_slot: 1,
      request_id: requestId,
      correlation_id: `c-${requestId}`,
      phase: 'running',
      python_stack: '  File "app.py", line 3 in predict',
      ...more,
    },
  );
};
