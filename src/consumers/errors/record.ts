import { codeSpec, type ErrorCode, type ErrorContext, errorCodes, errorType } from '../../errors/index.ts';
import { now, type SnakepitEvent } from '../../events/index.ts';
import { cut, type Sanitizer } from '../../sanitize/index.ts';
import { withoutControls } from './shape.ts';

/** What an event says of an error. Read with care: an application may emit an event of any name with any fields. */
export interface ErrorRecord {
  /** Epoch milliseconds. */
  readonly at: number;
  readonly event: string;
  readonly pool: string | null;
  readonly command: string | null;
  readonly workerId: string | null;
  readonly workerSlot: number | null;
  readonly requestId: string | null;
  readonly correlationId: string | null;
  readonly code: string;
  readonly category: string;
  readonly message: string;
  readonly retryable: boolean | null;
  readonly measurements: Readonly<Record<string, number>>;
  readonly context: ErrorContext | null;
}

const MAX_NAME = 200;
const MAX_MESSAGE = 2000;
const MAX_NUMBERS = 20;

/** A text of bounded length, or null. */
export const textOf = (value: unknown, max = MAX_NAME): string | null =>
  typeof value !== 'string' ? null : value.length <= max ? value : cut(value, max);

/** A finite number, or null. */
export const numberOf = (value: unknown): number | null =>
  typeof value === 'number' && Number.isFinite(value) ? value : null;

/** The last moment a Date can hold. */
const MAX_DATE = 8.64e15;
const timeOf = (value: unknown): number =>
  typeof value === 'number' && value >= 0 && value <= MAX_DATE ? value : now();

const shownOf = (value: unknown, safe: Pick<Sanitizer, 'text'>): string | null => {
  const text = textOf(value);
  return text === null ? null : safe.text(text);
};

/** What an event is about. */
export const aboutOf = ({ metadata }: SnakepitEvent, safe: Pick<Sanitizer, 'text'>) => ({
  at: timeOf(metadata.timestamp),
  pool: textOf(metadata.pool_name),
  // These two come from callers.
  command: shownOf(metadata.command, safe),
  workerId: textOf(metadata.worker_id),
  workerSlot: numberOf(metadata.worker_slot),
  requestId: textOf(metadata.request_id),
  correlationId: shownOf(metadata.correlation_id, safe),
});

type About = ReturnType<typeof aboutOf>;
type Said = Pick<ErrorRecord, 'code' | 'category' | 'message' | 'retryable' | 'context'>;

/** An event that carries a failure. */
const saidOfFailure = ({ metadata }: SnakepitEvent): Said => {
  const context = typeof metadata.error === 'object' ? (metadata.error as ErrorContext | null) : null;
  return {
    code: textOf(metadata.code) ?? 'unknown',
    category: textOf(metadata.category) ?? 'unknown',
    message: textOf(metadata.message, MAX_MESSAGE) ?? textOf(context?.error_message, MAX_MESSAGE) ?? '',
    retryable: typeof metadata.retryable === 'boolean' ? metadata.retryable : null,
    context,
  };
};

/** An event about a worker that carries none: its context is made here, so that all errors can be read alike. */
const said = (code: ErrorCode, message: string, about: About, more: Partial<ErrorContext> = {}): Said => ({
  code,
  category: errorCodes[code].category,
  message: cut(message, MAX_MESSAGE),
  retryable: null,
  context: {
    error_type: errorType(code),
    error_message: message,
    system_context: {
      ...(about.workerId !== null && { worker_id: about.workerId }),
      ...(about.workerSlot !== null && { worker_slot: about.workerSlot }),
      pool_name: about.pool ?? 'unknown',
    },
    timestamp: new Date(about.at).toISOString(),
    ...more,
  },
});

const saidOfStuck = ({ measurements, metadata }: SnakepitEvent, about: About): Said => {
  const stack = typeof metadata.python_stack === 'string' ? metadata.python_stack : undefined;
  const silent = Math.round(numberOf(measurements.silent_ms) ?? 0);
  const message =
    metadata.why === 'cancel'
      ? `Worker ${about.workerId} did not end a request when it had to, and is killed.`
      : `Worker ${about.workerId} answered no heartbeat for ${silent} ms, and is killed.`;
  return said('worker_stuck', message, about, stack === undefined ? {} : { python_stack: stack });
};

const saidOfQuarantine = ({ measurements, metadata }: SnakepitEvent, about: About): Said => {
  const failures = numberOf(measurements.failures) ?? 0;
  const rest = Math.round(numberOf(measurements.cool_down_ms) ?? 0);
  const why = textOf(metadata.why, MAX_MESSAGE);
  const message = `${failures} workers in a row came to nothing in slot ${about.workerSlot}; it is left empty for ${rest} ms.`;
  return said('crash_loop', why === null ? message : `${message} The last: ${why}`, about);
};

const saidOf = (event: SnakepitEvent, about: About): Said => {
  switch (event.event_name) {
    case 'snakepit.worker.stuck':
      return saidOfStuck(event, about);
    case 'snakepit.worker.quarantined':
      return saidOfQuarantine(event, about);
    default:
      return saidOfFailure(event);
  }
};

const numbersOf = (measurements: SnakepitEvent['measurements']): Record<string, number> => {
  const numbers: Record<string, number> = {};
  let left = MAX_NUMBERS;
  for (const name in measurements) {
    if (left-- === 0) break;
    const value = measurements[name];
    if (typeof value === 'number') numbers[name] = value;
  }
  return numbers;
};

/** Reads an error from its event. Field by field: where thousands a second are refused, spreading objects would be most of the cost. */
export const recordOf = (event: SnakepitEvent, safe: Pick<Sanitizer, 'text'>): ErrorRecord => {
  const about = aboutOf(event, safe);
  const { code, category, message, retryable, context } = saidOf(event, about);
  return {
    at: about.at,
    event: event.event_name,
    pool: about.pool,
    command: about.command,
    workerId: about.workerId,
    workerSlot: about.workerSlot,
    requestId: about.requestId,
    correlationId: about.correlationId,
    code,
    category,
    // Kinds of errors are told by it, so it is sanitized at once; the context only when somebody reads it.
    message: withoutControls(safe.text(message)),
    retryable,
    measurements: numbersOf(event.measurements),
    context,
  };
};

/** The status a request has that ended with this code, if it is one of ours. */
export const statusOfCode = (code: string) =>
  Object.hasOwn(errorCodes, code) ? codeSpec(code as ErrorCode).status : 'failure';
