import type { ErrorCategory, ErrorCode, ErrorContext, RequestStatus, WorkerExit } from '../errors/index.ts';
import type { DropReason } from './bus/tally.ts';
import {
  bytes,
  count,
  type Fields,
  flag,
  maybe,
  mebibytes,
  ms,
  type Shape,
  text,
  value,
  word,
} from './fields.ts';

/** Fields any event may carry in its metadata, where they apply. */
export const commonMetadata = {
  timestamp: count('when it happened, epoch milliseconds (RFC 3339 in UTC on export)'),
  pool_name: maybe(text('the pool')),
  request_id: maybe(text('the request, unique in this process')),
  correlation_id: maybe(text('what ties the events of one business operation together')),
  worker_id: maybe(text('the worker, unique for ever')),
  worker_slot: maybe(count('the small stable number of the place the worker fills')),
  session_id: maybe(text('the session')),
  command: maybe(text('the command')),
} satisfies Fields;

/**
 * What sampling makes of an event: `lifecycle` and `failure` pass whatever the rate, within a budget, and a `failure` also brings the other events of its request; `end`
 * is the last event of a request. Any other is sampled as its rate says.
 */
export type EventTrait = 'lifecycle' | 'failure' | 'end';

interface EventSpec<M extends Fields, D extends Fields> {
  readonly about: string;
  readonly measurements: M;
  readonly metadata: D;
  readonly trait: EventTrait | undefined;
}

const kind =
  (trait?: EventTrait) =>
  <M extends Fields, D extends Fields>(
    about: string,
    measurements: M,
    metadata: D = {} as D,
  ): EventSpec<M, D> => ({ about, measurements, metadata, trait });

const event = kind();
const lifecycle = kind('lifecycle');
const failed = kind('failure');
const end = kind('end');

const failure = {
  code: word<ErrorCode>('error code'),
  category: word<ErrorCategory>('error category'),
  message: text('the error message'),
  retryable: flag('whether repeating it is free of double effects'),
  error: value<ErrorContext>('the preserved error context, arguments sanitized'),
};
const reason = <T extends string>(about: string) => ({ reason: word<T>(about) });

const exit = value<WorkerExit>('the death certificate: exit code or signal, last lines, memory, requests');
const stack = maybe(text('the Python stack, most recent call last; missing where none could be had'));

/** Why a healthy worker is replaced on purpose. */
export type RecycleReason = 'recycled_age' | 'recycled_requests' | 'recycled_memory' | 'reload';
/** Why a worker is gone; the label `reason` of `snakepit_worker_exits_total`. */
export type ExitReason = 'stopped' | RecycleReason | 'crashed' | 'oom' | 'stuck' | 'start_failed';

/** A list, and as long as there are events. Every event the core and the bus emit. A name stands here only if something emits it; a test proves each. */
export const catalog = {
  'snakepit.pool.started': lifecycle(
    'The pool has its first ready worker.',
    {
      startup_ms: ms('from the start of the pool to the first ready worker'),
      workers: count('workers wanted'),
    },
    {
      config: value<Record<string, unknown>>('the configuration of the pool, sanitized'),
      python_path: text('the interpreter'),
      python_reason: text('why that one was chosen'),
    },
  ),
  'snakepit.pool.stopped': lifecycle('The pool is closed; no worker is left.', {
    uptime_ms: ms('how long the pool lived'),
  }),
  'snakepit.pool.saturated': lifecycle(
    'A request was refused because the queue is full (once until it recovers).',
    {
      queue_size: count('requests waiting'),
      queue_capacity: count('limit of the queue'),
      busy_workers: count('workers without a free slot'),
      available_workers: count('workers with a free slot'),
    },
  ),
  'snakepit.pool.recovered': lifecycle('The queue of a saturated pool fell below half its limit.', {
    queue_size: count('requests waiting'),
    queue_capacity: count('limit of the queue'),
    saturated_ms: ms('how long it was saturated'),
  }),
  'snakepit.pool.draining': lifecycle('The pool takes no new requests and finishes what it has.', {
    in_flight: count('requests running'),
    queue_size: count('requests waiting'),
  }),
  'snakepit.worker.starting': lifecycle(
    'A worker process was spawned.',
    { attempt: count('failed starts in a row before this one') },
    {
      pid: count('process id'),
    },
  ),
  'snakepit.worker.started': lifecycle(
    'A worker is ready for its first request.',
    { startup_ms: ms('from spawn to ready') },
    {
      pid: count('process id'),
      python_version: text('e.g. 3.11.7'),
      codec: word<'msgpack' | 'json'>('codec agreed on'),
    },
  ),
  'snakepit.worker.start_failed': lifecycle(
    'A worker ended before it was ready.',
    { startup_ms: ms('from spawn to failure') },
    { ...failure, exit },
  ),
  'snakepit.worker.busy': event('Every slot of the worker is taken.', {
    in_flight: count('requests running'),
  }),
  'snakepit.worker.idle': event('The worker has a free slot again.', {
    in_flight: count('requests running'),
  }),
  'snakepit.worker.stopped': lifecycle(
    'A worker ended because it was asked to.',
    { uptime_ms: ms('age of the process'), requests: count('requests it served') },
    { exit },
  ),
  'snakepit.worker.recycled': lifecycle(
    'A worker was replaced on purpose, once it had finished what it held.',
    {
      uptime_ms: ms('age of the process'),
      requests: count('requests it served'),
      drain_ms: ms('from the decision to take nothing new to its end'),
    },
    { exit, ...reason<RecycleReason>('why it was replaced') },
  ),
  'snakepit.worker.crashed': lifecycle(
    'A ready worker ended without being asked to.',
    {
      uptime_ms: ms('age of the process'),
      requests: count('requests it served'),
      in_flight: count('requests lost with it'),
      memory_mb: maybe(mebibytes('resident memory at the last reading')),
    },
    { ...failure, exit, ...reason<ExitReason>('why it ended') },
  ),
  'snakepit.worker.restarted': lifecycle('A worker that replaces a dead one is ready.', {
    startup_ms: ms('from spawn to ready'),
    restarts: count('restarts of this slot so far'),
  }),
  'snakepit.worker.heartbeat_missed': lifecycle(
    'A worker did not answer a heartbeat before the next was due. It gets no new requests until it answers.',
    { missed: count('heartbeats in a row'), silent_ms: ms('since it was last heard') },
    { python_stack: stack },
  ),
  'snakepit.worker.stuck': lifecycle(
    'A worker is given up and killed: it answered no heartbeat, or a handler did not end when it had to.',
    { silent_ms: ms('since it was last heard') },
    { why: word<'heartbeat' | 'cancel'>('what it failed to do'), python_stack: stack },
  ),
  'snakepit.worker.quarantined': lifecycle(
    'The workers of a slot fail as fast as they start; the slot is left empty for a while.',
    {
      failures: count('workers in a row that came to nothing'),
      cool_down_ms: ms('how long it is left empty'),
    },
    { why: text('the last failure, in words') },
  ),
  'snakepit.request.queued': event('A request was accepted.', {
    queue_size: count('requests waiting, this one included'),
  }),
  'snakepit.request.started': event('A worker started on a request.', {
    queue_time_ms: ms('from acceptance to start'),
    attempt: count('1 for the first'),
  }),
  'snakepit.request.retried': failed(
    'A request whose worker died is to be started again, since it is idempotent.',
    { attempt: count('the start that failed, 1 for the first'), delay_ms: ms('wait before the next') },
    { code: word<ErrorCode>('what became of the attempt'), message: text('in words') },
  ),
  'snakepit.request.slow': failed(
    'A request has taken longer than it should. It goes on.',
    { duration_ms: ms('since acceptance'), threshold_ms: ms('slowAfterMs, or half the deadline') },
    {
      phase: word<'queued' | 'running'>('whether it waits or runs'),
      python_stack: stack,
    },
  ),
  'snakepit.request.failed': failed(
    'A request failed, in Python or around it.',
    { duration_ms: ms('from acceptance to settlement') },
    failure,
  ),
  'snakepit.request.timed_out': failed(
    'The deadline of a request passed.',
    { duration_ms: ms('from acceptance to settlement'), timeout_ms: ms('the deadline it had') },
    failure,
  ),
  'snakepit.request.cancelled': event(
    'The caller gave a request up.',
    { duration_ms: ms('from acceptance to settlement') },
    failure,
  ),
  'snakepit.request.rejected': failed(
    'A request was refused.',
    { duration_ms: ms('from acceptance to settlement') },
    failure,
  ),
  'snakepit.request.completed': end(
    'A request is settled, whichever way. Every request that got an id has exactly one.',
    {
      duration_ms: ms('from acceptance to settlement, queue and retries included'),
      queue_time_ms: ms('from acceptance to the last start; all of it when it never started'),
      python_ms: ms('wall time in the handler, 0 when unknown'),
      python_cpu_ms: ms('CPU time of the handler thread, 0 when unknown'),
      serialise_ms: ms('checking and encoding the arguments, 0 when unknown'),
      transport_ms: ms('sockets, decoding and waiting for the other side; 0 when it never started'),
      bytes_in: bytes('size of the encoded request'),
      bytes_out: bytes('size of the encoded answer, chunks included'),
      peak_rss_mb: maybe(mebibytes('highest resident memory of its worker, where this request raised it')),
    },
    {
      success: flag('status is success'),
      status: word<RequestStatus>('how it ended'),
      attempts: count('how often it was started'),
      code: maybe(word<ErrorCode>('error code, where it failed')),
      grpc_code: maybe(
        word<string>('status of the call, where the workers are reached over gRPC and it was started'),
      ),
    },
  ),
  'snakepit.stream.opened': event('A streaming request was accepted.', {}),
  'snakepit.stream.chunk': event('A chunk arrived from Python.', {
    bytes: bytes('its encoded size'),
    index: count('from 0'),
  }),
  'snakepit.stream.closed': event('A stream ended.', {
    chunks: count('chunks that arrived'),
    first_chunk_ms: maybe(ms('from acceptance to the first chunk')),
    duration_ms: ms('from acceptance to the end'),
  }),
  'snakepit.session.created': event('A session was made.', {
    ttl_ms: ms('how long it is kept without use'),
  }),
  'snakepit.session.accessed': event(
    'A session was read for a request, or written after it.',
    { store_ms: maybe(ms('round trip to the store; missing where it is in memory')) },
    { op: word<'open' | 'write'>('open: before the request; write: after it') },
  ),
  'snakepit.session.expired': event('A session was not used for its time to live, and is gone.', {}),
  'snakepit.session.deleted': event(
    'A session was ended.',
    {},
    reason<'deleted' | 'evicted'>('deleted: on demand; evicted: it gave way to a new one'),
  ),
  'snakepit.session.cleanup': event('A sweep has found expired sessions.', {
    count: count('sessions'),
    duration_ms: ms('what it took'),
  }),
  'snakepit.session.affinity_assigned': event(
    'A session has a worker from now on.',
    {},
    { restored: flag('it is given what its former worker has left of it') },
  ),
  'snakepit.session.affinity_broken': lifecycle(
    'A session is no longer with its worker, which is gone, or has been forgotten among too many.',
    {},
    {
      ...reason<'recycled' | 'died' | 'forgotten'>('what became of its worker, or of the memory of it'),
      moved: flag('the worker has left a snapshot for the next one'),
    },
  ),
  'snakepit.health.status_changed': lifecycle(
    'The overall health changed.',
    {},
    {
      from: word<HealthStatus>('status before'),
      to: word<HealthStatus>('status now'),
      why: text('the checks that are not ok, in words'),
    },
  ),
  'snakepit.health.check_failed': lifecycle(
    'A check of something outside, or a canary, has failed. Once until it is well again.',
    { duration_ms: ms('what the run took') },
    {
      check: text('its name'),
      critical: flag('whether readiness needs it'),
      reason: word<'threw' | 'timeout' | 'nonsense' | 'said' | 'expired'>(
        'threw, timeout, nonsense (no usable answer), said (it answered error) or expired (no result for too long)',
      ),
      message: text('the finding, in words'),
    },
  ),
  'snakepit.threshold.exceeded': lifecycle(
    'A value that is watched has passed a threshold.',
    { value: count('what was measured'), threshold: count('what it passed') },
    { check: text('what is watched'), level: word<'warning' | 'error'>('which threshold') },
  ),
  'snakepit.threshold.recovered': lifecycle(
    'A value that had passed a threshold is well below it again.',
    { value: count('what was measured'), threshold: count('what it had passed') },
    { check: text('what is watched') },
  ),
  'snakepit.observability.consumer_failed': lifecycle(
    'A consumer threw. The event went to the others all the same; at most one such event a second and consumer.',
    { failures: count('failures of this consumer so far') },
    { consumer: text('its name'), event: text('the event it failed on'), message: text('what it threw') },
  ),
  'snakepit.observability.circuit_opened': lifecycle(
    'A consumer has failed so often in a row that it gets nothing for a while.',
    {
      failures: count('failures in a row'),
      open_ms: ms('until it is tried again; doubles while the trials fail'),
    },
    { consumer: text('its name') },
  ),
  'snakepit.observability.circuit_closed': lifecycle(
    'A consumer that got nothing has taken an event again.',
    { open_for_ms: ms('since it last worked') },
    { consumer: text('its name') },
  ),
  'snakepit.observability.dropped': lifecycle(
    'Events did not reach a consumer, or were let go by a rate limit: one event for all of a few seconds.',
    { count: count('events'), window_ms: ms('the time summed up') },
    {
      reason: word<DropReason>('overflow, circuit_open or rate_limited'),
      consumer: maybe(text('who did not get them; missing where a rate limit let them go')),
      event: maybe(text('which, where a rate limit let them go')),
      key: maybe(text('the value of the key of the limit')),
    },
  ),
  'snakepit.observability.config_changed': event(
    'The configuration was changed while running, or read again.',
    { version: count('of the configuration in force; 1 at the start') },
    {
      who: word<'code' | 'http' | 'cli' | 'sighup'>('what the change came from'),
      applied: value<readonly string[]>('keys that changed and are in force'),
      restart_required: value<readonly string[]>('keys whose value in the file waits for a restart'),
      changes: value<readonly { path: string; from: unknown; to: unknown }[]>(
        'what changed, from which value to which, sanitized; null stands for none',
      ),
    },
  ),
  'python.log': event(
    'A log record, warning or printed line of a worker.',
    {},
    {
      level: word<LogLevel>('debug, info, warning, error or critical'),
      logger: text('name of the Python logger; python.stdout and python.stderr for printed lines'),
      message: text('the text'),
      fields: maybe(value<Record<string, unknown>>('file, line, traceback, stream')),
    },
  ),
} as const satisfies Record<string, EventSpec<Fields, Fields>>;

/** Level of a Python log record. */
export type LogLevel = 'debug' | 'info' | 'warning' | 'error' | 'critical';
/** Status of the whole, or of one health check. */
export type HealthStatus = 'ok' | 'warning' | 'error';

type Catalog = typeof catalog;
/** Name of a catalogued event. */
export type EventName = keyof Catalog;
/** What a catalogued event measures. */
export type Measurements<N extends EventName> = Shape<Catalog[N]['measurements']>;
/** What a catalogued event says around its measurements. */
export type Metadata<N extends EventName> = Shape<Catalog[N]['metadata']> & CommonMetadata;
/** Metadata every event may have. */
export type CommonMetadata = Shape<typeof commonMetadata>;
/** Metadata as the emitter gives it: the bus adds the timestamp where it is missing. */
export type MetadataInput<N extends EventName> = Omit<Metadata<N>, 'timestamp'> & { timestamp?: number };

/** A catalogued event as consumers get it. Shared by all of them: reading only. */
export interface CataloguedEvent<N extends EventName = EventName> {
  readonly event_name: N;
  readonly measurements: Measurements<N>;
  readonly metadata: Metadata<N>;
}

/** Any event, catalogued or of the user's own. */
export interface SnakepitEvent {
  readonly event_name: string;
  readonly measurements: Readonly<Record<string, unknown>>;
  readonly metadata: Readonly<Record<string, unknown>> & { readonly timestamp: number };
}
