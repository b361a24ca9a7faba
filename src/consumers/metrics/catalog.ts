import { dropReasons, workerStates } from '../../events/index.ts';
import type { FamilySpec, Row } from './family.ts';
import { consumer, perPool, pool, slot, worker } from './levels/readers.ts';
import { DURATION_BUCKETS } from './record/spec.ts';
import { type CatalogEntry, events, level, own, type Source } from './source.ts';

/** Label value of what a worker has not told yet, and of commands and pools that do not exist. */
export const UNKNOWN = '(unknown)';

type Details = Partial<Pick<CatalogEntry, 'unit' | 'buckets' | 'exemplars' | 'aggregate'>>;
const kind =
  <T extends FamilySpec['type']>(type: T) =>
  (help: string, labels: readonly string[], from: Source, details: Details = {}) => ({
    type,
    help,
    labels,
    from,
    ...details,
  });

const counter = kind('counter');
const gauge = kind('gauge');
const histogram = kind('histogram');
const info = kind('info');

const seconds = { unit: 'seconds' } as const;
const durations = { ...seconds, buckets: DURATION_BUCKETS, exemplars: true } as const;
/** What passes between two processes on one machine takes microseconds, unless something is wrong. */
const FINE_BUCKETS = [0.00001, 0.00005, 0.0001, 0.0005, 0.001, 0.005, 0.01, 0.1, 1];
const SIZE_BUCKETS = [128, 1024, 8192, 65_536, 524_288, 4_194_304, 33_554_432];
const MEMORY_BUCKETS = [64, 128, 256, 512, 1024, 2048, 4096, 8192, 16_384].map((mebi) => mebi * 2 ** 20);
const CIRCUIT = { closed: 0, half_open: 1, open: 2 } as const;
const HEALTH = { ok: 0, warning: 1, error: 2 } as const;
const exemplars = { exemplars: true } as const;
// In a group: a level of one thing, such as a slot's worker, or a state that is the worse the greater it is.
const greatest = { aggregate: 'max' } as const;
const least = { aggregate: 'min' } as const;
const anyone = { aggregate: 'first' } as const;

const POOL = ['pool_name'] as const;
const COMMAND = ['pool_name', 'command'] as const;
const SLOT = ['pool_name', 'worker_slot'] as const;

/**
 * A list, and as long as there are metrics. Every metric there is: what it counts, its labels, unit and buckets, and where its values come from. A name stands
 * here only if something feeds it; what is read, rendered and
 * documented comes from this list, in this order.
 */
export const metricCatalog = {
  snakepit_build_info: info(
    'Version of Snakepit and of Node.js.',
    ['version', 'node_version'],
    level('build', ({ version, nodeVersion }) => [[[version, nodeVersion], 1]]),
    anyone,
  ),
  snakepit_ready: gauge(
    'Whether the readiness check passes (1) or not (0).',
    [],
    level('ready', (ready) => [[[], ready ? 1 : 0]]),
    least,
  ),
  snakepit_health_status: gauge(
    'Status of each health check: 0 ok, 1 warning, 2 error.',
    ['check'],
    level('health', (checks) => checks.map((of): Row => [[of.check], HEALTH[of.status]])),
    greatest,
  ),
  snakepit_uptime_seconds: gauge(
    'Time since this Snakepit was created.',
    [],
    level('snapshot', ({ uptime_ms }) => [[[], uptime_ms / 1000]]),
    { ...seconds, ...greatest },
  ),

  snakepit_event_loop_seconds_total: counter(
    "Time of Node's event loop by state, active or idle; utilisation is the active share of its rate.",
    ['state'],
    level('loop', ({ active, idle }) => [
      [['active'], active],
      [['idle'], idle],
    ]),
    seconds,
  ),

  snakepit_config_last_reload_successful: gauge(
    'Whether the configuration could be used when it was read last, at the start or on SIGHUP (1) or not (0).',
    [],
    level('reload', ({ successful }) => [[[], successful ? 1 : 0]]),
    least,
  ),
  snakepit_config_last_reload_success_timestamp_seconds: gauge(
    'When the configuration was read last and could be used, Unix time.',
    [],
    level('reload', ({ success_at }) => [[[], success_at / 1000]]),
    { ...seconds, ...least },
  ),

  snakepit_log_records_dropped_total: counter(
    'Log lines lost: more waited than there was room for, the destination was gone, the log was closed, or a line could not be put into words.',
    ['reason'],
    level('logs', ({ losses }) => Object.entries(losses).map(([reason, lost]) => [[reason], lost])),
  ),
  snakepit_log_write_errors_total: counter(
    'Writes of log lines that failed. The lines wait for another try where one can help.',
    [],
    level('logs', ({ writeErrors }) => [[[], writeErrors]]),
  ),
  snakepit_log_headers_refused_total: counter(
    'Headers x-snakepit-log that were of no use: not signed for that request, expired, or good for too long.',
    [],
    level('logs', ({ refusedHeaders }) => [[[], refusedHeaders]]),
  ),
  snakepit_redaction_canary_leaks_total: counter(
    'Fake secrets (sanitize.canary) that were found unmasked in what leaves the process; 0 is the only good value.',
    [],
    level('canary', (leaks) => [[[], leaks]]),
  ),

  snakepit_requests_total: counter(
    'Requests settled, by how they ended.',
    [...COMMAND, 'status'],
    events('snakepit.request.completed'),
    exemplars,
  ),
  snakepit_request_duration_seconds: histogram(
    'Time from acceptance to settlement, queue and retries included; rejected requests left out.',
    COMMAND,
    events('snakepit.request.completed'),
    durations,
  ),
  snakepit_request_queue_wait_seconds: histogram(
    'Time from acceptance to the last start, all of it where there was none; rejected requests left out.',
    COMMAND,
    events('snakepit.request.completed'),
    durations,
  ),
  snakepit_request_python_seconds: histogram(
    'Wall time in the Python handler, of requests whose worker reported it.',
    COMMAND,
    events('snakepit.request.completed'),
    durations,
  ),
  snakepit_request_python_cpu_seconds: histogram(
    'CPU time of the thread the Python handler ran in, of requests whose worker reported it.',
    COMMAND,
    events('snakepit.request.completed'),
    durations,
  ),
  snakepit_request_serialise_seconds: histogram(
    'Time to check and encode the arguments, of requests that were sent.',
    COMMAND,
    events('snakepit.request.completed'),
    { ...seconds, buckets: FINE_BUCKETS },
  ),
  snakepit_request_transport_seconds: histogram(
    'Time since the last start that neither Python nor the encoding took: sockets, decoding, waiting for the other side.',
    COMMAND,
    events('snakepit.request.completed'),
    { ...seconds, buckets: FINE_BUCKETS },
  ),
  snakepit_request_size_bytes: histogram(
    'Size of encoded requests.',
    COMMAND,
    events('snakepit.request.completed'),
    { unit: 'bytes', buckets: SIZE_BUCKETS },
  ),
  snakepit_response_size_bytes: histogram(
    'Size of encoded answers, chunks included.',
    COMMAND,
    events('snakepit.request.completed'),
    { unit: 'bytes', buckets: SIZE_BUCKETS },
  ),
  snakepit_request_peak_memory_bytes: histogram(
    'Highest resident memory of the worker, of requests that raised it: then it is their own.',
    COMMAND,
    events('snakepit.request.completed'),
    { unit: 'bytes', buckets: MEMORY_BUCKETS },
  ),
  snakepit_request_retries_total: counter(
    'Starts of a request after its first.',
    COMMAND,
    events('snakepit.request.completed'),
  ),
  snakepit_stream_first_chunk_seconds: histogram(
    'Time from acceptance to the first chunk of a stream.',
    COMMAND,
    events('snakepit.stream.closed'),
    durations,
  ),
  snakepit_stream_chunks_total: counter(
    'Chunks of streams that arrived from Python.',
    COMMAND,
    events('snakepit.stream.chunk'),
  ),
  snakepit_errors_total: counter(
    'Errors: each request that did not succeed, and each worker that crashed or failed to start.',
    [...POOL, 'category', 'code'],
    events('snakepit.request.completed', 'snakepit.worker.crashed', 'snakepit.worker.start_failed'),
    exemplars,
  ),

  snakepit_requests_in_flight: gauge(
    'Requests running in workers.',
    POOL,
    pool((of) => of.requests_in_flight),
  ),
  snakepit_pool_workers: gauge(
    'Workers by state; ready: a free slot, busy: every slot taken.',
    [...POOL, 'state'],
    perPool((of) => workerStates.map((state): Row => [[state], of.workers_by_state[state]])),
  ),
  snakepit_pool_workers_desired: gauge(
    'Workers the pool is to have.',
    POOL,
    pool((of) => of.workers_desired),
  ),
  snakepit_pool_available_workers: gauge(
    'Workers with a free slot.',
    POOL,
    pool((of) => of.available_workers),
  ),
  snakepit_pool_busy_workers: gauge(
    'Workers with every slot taken.',
    POOL,
    pool((of) => of.busy_workers),
  ),
  snakepit_pool_slots: gauge(
    'Requests that can run at once: workers past their start, times concurrency.',
    POOL,
    pool((of) => of.slots),
  ),
  snakepit_pool_slot_busy_seconds_total: counter(
    'Time that slots spent on requests, added up over the slots.',
    POOL,
    pool((of) => of.slot_busy_seconds_total),
    seconds,
  ),
  snakepit_pool_queue_depth: gauge(
    'Requests waiting for a worker.',
    POOL,
    pool((of) => of.queue_depth),
  ),
  snakepit_pool_queue_capacity: gauge(
    'Requests that may wait.',
    POOL,
    pool((of) => of.queue_capacity),
  ),
  snakepit_pool_saturated_total: counter(
    'Times the queue became full and a request was refused.',
    POOL,
    pool((of) => of.saturated_total),
  ),
  snakepit_pool_crash_loop: gauge(
    'Whether every slot of the pool is left empty since its workers fail as fast as they start (1) or not (0).',
    POOL,
    pool((of) => (of.crash_loop === null ? 0 : 1)),
    greatest,
  ),
  snakepit_pool_quarantined_requests: gauge(
    'Requests that are refused since they killed workers.',
    POOL,
    pool((of) => of.quarantined_requests.length),
  ),
  snakepit_pool_circuit_state: gauge(
    'Circuit breaker of the pool: 0 closed, 1 half open, 2 open; none for pools without one.',
    POOL,
    perPool((of) => (of.circuit === null ? [] : [[[], CIRCUIT[of.circuit]]])),
    greatest,
  ),
  snakepit_pool_info: gauge(
    'How the pool runs its workers; there once a worker has told.',
    [...POOL, 'transport', 'codec', 'python_version'],
    perPool((of) =>
      of.codec === null && of.python_version === null
        ? []
        : [[[of.transport, of.codec ?? UNKNOWN, of.python_version ?? UNKNOWN], 1]],
    ),
    anyone,
  ),

  snakepit_grpc_responses_total: counter(
    'Requests that were sent to a worker over gRPC, by the status they ended with.',
    [...POOL, 'grpc_code'],
    events('snakepit.request.completed'),
  ),
  snakepit_worker_starts_total: counter(
    'Starts of workers that are over, by result.',
    [...POOL, 'result'],
    events('snakepit.worker.started', 'snakepit.worker.start_failed'),
  ),
  snakepit_worker_exits_total: counter(
    'Workers that ended, by reason.',
    [...POOL, 'reason'],
    events(
      'snakepit.worker.stopped',
      'snakepit.worker.recycled',
      'snakepit.worker.crashed',
      'snakepit.worker.start_failed',
    ),
  ),
  snakepit_worker_heartbeats_missed_total: counter(
    'Heartbeats a worker did not answer in time.',
    POOL,
    events('snakepit.worker.heartbeat_missed'),
  ),
  snakepit_requests_slow_total: counter(
    'Requests that took longer than slowAfterMs, or half their deadline.',
    COMMAND,
    events('snakepit.request.slow'),
  ),
  snakepit_worker_startup_seconds: histogram(
    'Time from spawn to ready, model loading included.',
    POOL,
    events('snakepit.worker.started'),
    { ...seconds, buckets: [0.1, 0.5, 1, 5, 10, 30, 60, 120, 300] },
  ),
  snakepit_worker_memory_bytes: gauge(
    'Resident memory of the worker at its last reading.',
    SLOT,
    worker((of) => of.memory_bytes),
    { unit: 'bytes', ...greatest },
  ),
  snakepit_worker_info: gauge(
    'Where the worker of a slot is, for those that somebody else has started: what tells of a slot tells of that host.',
    [...SLOT, 'address'],
    perPool(({ workers }) =>
      workers.flatMap(({ slot: at, address }): Row[] =>
        address == null ? [] : [[[String(at), address], 1]],
      ),
    ),
    anyone,
  ),
  snakepit_worker_uptime_seconds: gauge(
    'Time since the worker was spawned.',
    SLOT,
    worker((of) => of.uptime_ms / 1000),
    { ...seconds, ...greatest },
  ),
  snakepit_worker_threads: gauge(
    'Threads of the worker at its last reading.',
    SLOT,
    worker((of) => of.readings?.threads ?? null),
    greatest,
  ),
  snakepit_worker_open_fds: gauge(
    'Open file descriptors of the worker at its last reading; none where the system does not tell.',
    SLOT,
    worker((of) => of.readings?.open_fds ?? null),
    greatest,
  ),
  snakepit_worker_gc_collections_total: counter(
    'Garbage collections of all generations in the workers of a slot; slots that are no more add up under gone.',
    SLOT,
    slot((of) => of.gc_collections),
  ),
  snakepit_worker_cpu_seconds_total: counter(
    'CPU time of the workers of a slot; slots that are no more add up under gone.',
    SLOT,
    slot((of) => of.cpu_seconds),
    seconds,
  ),
  snakepit_worker_requests_total: counter(
    'Requests settled by the workers of a slot; slots that are no more add up under gone.',
    SLOT,
    slot((of) => of.requests),
  ),
  snakepit_worker_busy_seconds_total: counter(
    'Time the workers of a slot had a request running; slots that are no more add up under gone.',
    SLOT,
    slot((of) => of.busy_seconds),
    seconds,
  ),

  snakepit_sessions_active: gauge(
    'Sessions there are; none while a shared store does not tell.',
    [],
    level('snapshot', ({ sessions }) => (sessions?.active == null ? [] : [[[], sessions.active]])),
    greatest,
  ),
  snakepit_sessions_capacity: gauge(
    'Sessions there may be.',
    [],
    level('snapshot', ({ sessions }) => (sessions?.capacity == null ? [] : [[[], sessions.capacity]])),
    greatest,
  ),
  snakepit_sessions_ended_total: counter(
    'Sessions that are gone: expired, deleted or evicted.',
    ['reason'],
    events('snakepit.session.expired', 'snakepit.session.deleted'),
  ),
  snakepit_session_store_seconds: histogram(
    'Round trips to a session store outside this process, by operation; none where sessions are in memory.',
    ['op'],
    events('snakepit.session.accessed'),
    { ...seconds, buckets: FINE_BUCKETS },
  ),

  snakepit_events_total: counter(
    'Events by name, wanted by a consumer or not.',
    ['event'],
    level('bus', (bus) => bus.events.map((of): Row => [[of.event], of.count])),
  ),
  snakepit_events_malformed_total: counter(
    'Events whose name or fields could not be taken.',
    [],
    level('bus', (bus) => [[[], bus.malformed]]),
  ),
  snakepit_events_offered_total: counter(
    'Events a consumer was registered for. Offered = delivered + dropped + pending, always.',
    ['consumer'],
    consumer((of) => [[of.name], of.offered]),
  ),
  snakepit_events_delivered_total: counter(
    'Events a consumer took.',
    ['consumer'],
    consumer((of) => [[of.name], of.delivered]),
  ),
  snakepit_events_dropped_total: counter(
    'Events a consumer did not take, by reason.',
    ['consumer', 'reason'],
    level('bus', ({ consumers }) =>
      consumers.flatMap((of) => dropReasons.map((reason): Row => [[of.name, reason], of.dropped[reason]])),
    ),
  ),
  snakepit_events_pending: gauge(
    'Events that wait for a consumer, are being delivered, or are held until their request is over.',
    ['consumer'],
    consumer((of) => [[of.name], of.pending]),
  ),
  snakepit_consumer_circuit_state: gauge(
    'Whether a consumer gets events: 0 closed, it does; 1 half open, it is tried; 2 open, it does not.',
    ['consumer'],
    consumer((of) => [[of.name], CIRCUIT[of.circuit]]),
    greatest,
  ),

  snakepit_metrics_rejected_total: counter(
    'Metric updates that could not be taken, by reason.',
    ['reason'],
    own,
  ),
  snakepit_metrics_series_limit_reached_total: counter(
    'Metrics that reached the limit of series; what came later shares the series (other). Counted once for each metric.',
    ['metric'],
    own,
  ),
  snakepit_metrics_collect_failures_total: counter(
    'Scrapes that lack the metrics of a collector because it failed.',
    ['collector'],
    own,
  ),
} as const satisfies Record<string, CatalogEntry>;

/** Name of a metric of the catalogue. */
export type MetricName = keyof typeof metricCatalog;
/** Names of the catalogue's metrics of one type. */
export type NameOf<T extends FamilySpec['type']> = {
  [N in MetricName]: (typeof metricCatalog)[N]['type'] extends T ? N : never;
}[MetricName];

/** The catalogue as a list, for reading it row by row. */
export const catalogEntries = Object.entries(metricCatalog) as readonly (readonly [
  MetricName,
  CatalogEntry,
])[];

/** The family a row describes. */
export const specOf = (name: MetricName): FamilySpec => {
  const { type, help, labels, unit, buckets, aggregate }: CatalogEntry = metricCatalog[name];
  return {
    type,
    name,
    help,
    labels,
    ...(unit !== undefined && { unit }),
    ...(buckets !== undefined && { buckets }),
    ...(aggregate !== undefined && { aggregate }),
  };
};
