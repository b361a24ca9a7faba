import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { onTestFinished } from 'vitest';
import { createLogging, type Logging, type LoggingInit } from '../../../src/consumers/logging/index.ts';
import { EventBus } from '../../../src/events/index.ts';

/** A folder that is gone after the test. */
export const temporaryFolder = (): string => {
  const folder = mkdtempSync(join(tmpdir(), 'snakepit-logging-'));
  onTestFinished(() => rmSync(folder, { recursive: true, force: true }));
  return folder;
};

export interface LineRead {
  readonly timestamp: string;
  readonly level: string;
  readonly message: string;
  readonly logger: string;
  readonly event: string;
  readonly [field: string]: unknown;
}

export interface LogBench extends Logging {
  readonly bus: EventBus;
  readonly file: string;
  /** Closes the log and gives its text. */
  text(): Promise<string>;
  /** Closes the log and gives its lines. */
  lines(): Promise<LineRead[]>;
}

/** A log in a file of its own, over a real bus. */
export const openLog = (
  options: Partial<LoggingInit['options']> = {},
  init: Partial<LoggingInit> = {},
): LogBench => {
  const file = join(temporaryFolder(), 'test.log');
  const bus = new EventBus();
  const logging = createLogging({
    options: { level: 'debug', format: 'json', dest: file, ...options },
    bus,
    ...init,
  });
  onTestFinished(() => logging.close());
  const text = async (): Promise<string> => {
    await logging.close();
    return readFileSync(file, 'utf8');
  };
  return { ...logging, bus, file, text, lines: async () => parseLines(await text()) };
};

/** The lines of a log; each must be JSON. */
export const parseLines = (text: string): LineRead[] =>
  text
    .split('\n')
    .filter((line) => line !== '')
    .map((line) => JSON.parse(line) as LineRead);

/** An error context, as the core makes it. */
export const errorContext = {
  error_type: 'PythonException',
  error_message: 'ValueError: Invalid input shape',
  python_traceback:
    'Traceback (most recent call last):\n  File "app.py", line 3, in predict\nValueError: Invalid input shape',
  request_context: {
    request_id: 'req_1',
    command: 'predict',
    args: { model: 'bert', input: '[SANITIZED]' },
  },
  system_context: { worker_id: 'w1', worker_slot: 0, pool_name: 'default' },
  correlation_id: 'c1',
  timestamp: '2025-01-15T10:30:00.000Z',
};

/** Ids of a request, as its events carry them. */
export const requestIds = {
  pool_name: 'default',
  request_id: 'req_1',
  correlation_id: 'c1',
  worker_id: 'w1',
  worker_slot: 0,
  command: 'predict',
};

/** Completes a request on a bus. */
export const complete = (bus: EventBus, more: Record<string, unknown> = {}): void =>
  bus.emit(
    'snakepit.request.completed',
    {
      duration_ms: 12.34567,
      queue_time_ms: 1,
      python_ms: 10,
      python_cpu_ms: 3,
      bytes_in: 10,
      bytes_out: 20,
    },
    { ...requestIds, success: true, status: 'success', attempts: 1, ...more },
  );

/** Fails a request on a bus. */
export const fail = (bus: EventBus, more: Record<string, unknown> = {}): void =>
  bus.emit('snakepit.request.failed', { duration_ms: 12 }, {
    ...requestIds,
    code: 'python_exception',
    category: 'request',
    message: errorContext.error_message,
    retryable: false,
    error: errorContext,
    ...more,
  } as never);
