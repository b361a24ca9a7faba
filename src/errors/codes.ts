/**
 * The one table of error codes. Types, HTTP statuses, the `status` label of metrics and the reference page come from it, so that
 * they cannot drift apart.
 */

/** Who is to blame, after the design's error classification. */
export type ErrorCategory = 'system' | 'worker' | 'request' | 'configuration';

/** The `status` label of a request in metrics and events. */
export type RequestStatus = 'success' | 'failure' | 'timeout' | 'cancelled' | 'rejected' | 'crashed';

interface CodeSpec {
  readonly category: ErrorCategory;
  /** Status of the gateway's answer. */
  readonly http: number;
  readonly status: Exclude<RequestStatus, 'success'>;
  /** What happened, in one sentence for the reference page. */
  readonly about: string;
  /** True where the request certainly never started, so that repeating it cannot have a double effect. */
  readonly neverStarted?: true;
}

const request = (http: number, status: CodeSpec['status'], about: string, neverStarted?: true): CodeSpec => ({
  category: 'request',
  http,
  status,
  about,
  ...(neverStarted && { neverStarted }),
});

const system = (
  about: string,
  status: CodeSpec['status'] = 'rejected',
  neverStarted: true = true,
): CodeSpec => ({
  category: 'system',
  http: 503,
  status,
  about,
  neverStarted,
});

const worker = (http: number, status: CodeSpec['status'], about: string, neverStarted?: true): CodeSpec => ({
  category: 'worker',
  http,
  status,
  about,
  ...(neverStarted && { neverStarted }),
});

/** Every code an error of a request can carry. */
export const errorCodes = {
  python_exception: request(500, 'failure', 'The Python handler raised an exception.'),
  invalid_arguments: request(422, 'failure', "The arguments do not fit the command's signature."),
  unserializable: request(422, 'failure', 'A value cannot cross between the languages; the path says which.'),
  session_conflict: request(409, 'failure', 'The session was changed by another request in the meantime.'),
  unknown_command: request(404, 'rejected', 'The app defines no command of that name.'),
  unknown_pool: request(404, 'rejected', 'No pool of that name is configured.'),
  session_not_found: request(404, 'rejected', 'The session does not exist and was not to be created.'),
  payload_too_large: request(413, 'rejected', 'The encoded arguments or result exceed the frame limit.'),
  poison_request: request(
    422,
    'rejected',
    'This very request has killed several workers and is quarantined.',
  ),
  timeout: request(504, 'timeout', 'The deadline passed while the request ran.'),
  cancelled: request(499, 'cancelled', 'The caller gave the request up.'),
  queue_full: system('The queue of the pool is at its limit.'),
  no_workers: system('The pool has no worker and is starting none.'),
  draining: system('The pool finishes what it has and takes no new requests.'),
  circuit_open: system('The circuit breaker of the pool is open.'),
  worker_busy: system('The worker that was asked for is busy.'),
  session_worker_unavailable: system('The worker that holds the session is not available.'),
  session_store_unavailable: system('The session store does not answer.'),
  queue_timeout: system('The deadline passed while the request waited in the queue.', 'timeout'),
  worker_crashed: worker(502, 'crashed', 'The worker process ended while the request ran.'),
  worker_stuck: worker(502, 'crashed', 'The worker stopped answering and was replaced.'),
  protocol_error: worker(502, 'crashed', 'The worker sent something that is not the protocol.'),
  transport_error: worker(502, 'crashed', 'The connection to the worker broke.'),
  worker_start_failed: worker(503, 'rejected', 'No worker could be started; the traceback says why.', true),
  crash_loop: worker(
    503,
    'rejected',
    'Workers fail as fast as they start; the pool has stopped trying.',
    true,
  ),
  invalid_configuration: {
    category: 'configuration',
    http: 500,
    status: 'failure',
    about: 'An option or the environment is not usable.',
  },
} as const satisfies Record<string, CodeSpec>;

/** A code that {@link SnakepitError.code} can have. */
export type ErrorCode = keyof typeof errorCodes;

/** The table's row of a code. */
export const codeSpec = (code: ErrorCode): CodeSpec => errorCodes[code];

/** `python_exception` → `PythonException`, the design's `error_type`. */
export const errorType = (code: ErrorCode): string =>
  code.replace(/(^|_)([a-z])/g, (_, __, letter: string) => letter.toUpperCase());
