import { duration, failure, type Rules } from './rules.ts';

/** `logs.level: "warn" → "debug"` */
const changed = ({ path, from, to }: { path: string; from: unknown; to: unknown }): string =>
  `${path}: ${JSON.stringify(from)} → ${JSON.stringify(to)}`;

/** Lines about pools, workers, health and the observability itself. */
export const lifecycleRules: Rules = {
  'snakepit.pool.started': {
    levels: ['info'],
    message: ({ metadata, measurements }) =>
      `Pool ${metadata.pool_name} started, first worker ready after ${duration(measurements.startup_ms)}`,
    fields: ['config'],
  },
  'snakepit.pool.stopped': {
    levels: ['info'],
    message: ({ metadata }) => `Pool ${metadata.pool_name} stopped`,
  },
  'snakepit.pool.saturated': {
    levels: ['warn'],
    message: ({ metadata, measurements }) =>
      `Pool ${metadata.pool_name} refuses requests: its queue of ${measurements.queue_capacity} is full`,
  },
  'snakepit.pool.recovered': {
    levels: ['info'],
    message: ({ metadata, measurements }) =>
      `Pool ${metadata.pool_name} recovered after ${duration(measurements.saturated_ms)}`,
  },
  'snakepit.pool.draining': {
    levels: ['info'],
    message: ({ metadata }) => `Pool ${metadata.pool_name} is draining`,
  },
  'snakepit.worker.starting': {
    levels: ['debug'],
    message: ({ metadata }) => `Worker ${metadata.worker_id} is starting`,
    fields: ['pid'],
  },
  'snakepit.worker.started': {
    levels: ['info'],
    message: ({ metadata, measurements }) =>
      `Worker ${metadata.worker_id} ready after ${duration(measurements.startup_ms)}`,
    fields: ['pid', 'python_version', 'codec'],
  },
  'snakepit.worker.start_failed': {
    levels: ['error'],
    message: ({ metadata }) => `Worker ${metadata.worker_id} did not start: ${metadata.message}`,
    fields: failure,
  },
  'snakepit.session.created': {
    levels: ['debug'],
    message: ({ metadata }) => `Session ${metadata.session_id} was made`,
  },
  'snakepit.session.accessed': {
    levels: ['trace'],
    message: ({ metadata }) =>
      `Session ${metadata.session_id} was ${metadata.op === 'open' ? 'read' : 'written'}`,
    fields: ['op'],
  },
  'snakepit.session.expired': {
    levels: ['debug'],
    message: ({ metadata }) => `Session ${metadata.session_id} has expired`,
  },
  'snakepit.session.deleted': {
    levels: ['debug'],
    message: ({ metadata }) => `Session ${metadata.session_id} was ${metadata.reason}`,
    fields: ['reason'],
  },
  'snakepit.session.cleanup': {
    levels: ['debug'],
    message: ({ measurements }) => `${measurements.count} sessions had expired`,
  },
  'snakepit.session.affinity_assigned': {
    levels: ['debug'],
    message: ({ metadata }) =>
      `Session ${metadata.session_id} is with worker ${metadata.worker_id}${metadata.restored ? ', which restores it' : ''}`,
    fields: ['restored'],
  },
  'snakepit.session.affinity_broken': {
    levels: ['info'],
    message: ({ metadata }) =>
      `Session ${metadata.session_id} is no longer with worker ${metadata.worker_id} (${metadata.reason})${metadata.moved ? ', which has left a snapshot' : ''}`,
    fields: ['reason', 'moved'],
  },
  'snakepit.worker.busy': {
    levels: ['trace'],
    message: ({ metadata, measurements }) =>
      `Worker ${metadata.worker_id} is busy with ${measurements.in_flight} requests`,
  },
  'snakepit.worker.idle': {
    levels: ['trace'],
    message: ({ metadata, measurements }) =>
      `Worker ${metadata.worker_id} has room again, ${measurements.in_flight} requests run`,
  },
  'snakepit.worker.stopped': {
    levels: ['info'],
    message: ({ metadata }) => `Worker ${metadata.worker_id} stopped`,
  },
  'snakepit.worker.crashed': {
    levels: ['error'],
    message: ({ metadata }) => `Worker ${metadata.worker_id} died: ${metadata.message}`,
    fields: ['reason', ...failure],
  },
  'snakepit.worker.restarted': {
    levels: ['info'],
    message: ({ metadata }) => `Worker ${metadata.worker_id} replaces a dead one`,
  },
  'snakepit.worker.recycled': {
    levels: ['info'],
    message: ({ metadata, measurements }) =>
      `Worker ${metadata.worker_id} was replaced (${metadata.reason}) after ${measurements.requests} requests`,
    fields: ['reason', 'exit'],
  },
  'snakepit.worker.heartbeat_missed': {
    levels: ['warn'],
    message: ({ metadata, measurements }) =>
      `Worker ${metadata.worker_id} has been silent for ${duration(measurements.silent_ms)}; it gets no new requests`,
    fields: ['python_stack'],
  },
  'snakepit.worker.stuck': {
    levels: ['error'],
    message: ({ metadata, measurements }) =>
      metadata.why === 'heartbeat'
        ? `Worker ${metadata.worker_id} has been silent for ${duration(measurements.silent_ms)} and is killed`
        : `Worker ${metadata.worker_id} does not end what it was told to end and is killed`,
    fields: ['why', 'python_stack'],
  },
  'snakepit.worker.quarantined': {
    levels: ['error'],
    message: ({ metadata, measurements }) =>
      `Slot ${metadata.worker_slot} of pool ${metadata.pool_name} is left empty for ${duration(measurements.cool_down_ms)}: ${measurements.failures} workers in a row came to nothing, the last with: ${metadata.why}`,
  },
  'snakepit.threshold.exceeded': {
    levels: ['warn', 'error'],
    level: ({ metadata }) => (metadata.level === 'error' ? 'error' : 'warn'),
    message: ({ metadata, measurements }) =>
      `${metadata.check} is at ${measurements.value}, over its threshold of ${measurements.threshold}`,
    fields: ['check'],
  },
  'snakepit.threshold.recovered': {
    levels: ['info'],
    message: ({ metadata, measurements }) =>
      `${metadata.check} is back at ${measurements.value}, below ${measurements.threshold}`,
    fields: ['check'],
  },
  'snakepit.health.status_changed': {
    levels: ['info', 'warn', 'error'],
    level: ({ metadata }) => (metadata.to === 'ok' ? 'info' : metadata.to === 'warning' ? 'warn' : 'error'),
    message: ({ metadata }) => `Health is ${metadata.to}, was ${metadata.from}: ${metadata.why}`,
    fields: ['from', 'to', 'why'],
  },
  'snakepit.health.check_failed': {
    levels: ['warn', 'error'],
    level: ({ metadata }) => (metadata.critical ? 'error' : 'warn'),
    message: ({ metadata }) =>
      `Health check ${metadata.check} failed (${metadata.reason}): ${metadata.message}`,
    fields: ['check', 'critical', 'reason'],
  },
  'snakepit.observability.config_changed': {
    levels: ['info'],
    message: ({ metadata, measurements }) =>
      `Configuration changed (${metadata.who}, version ${measurements.version}): ${metadata.changes.map(changed).join(', ')}`,
    fields: ['who', 'applied', 'restart_required', 'changes'],
  },
  'snakepit.observability.circuit_opened': {
    levels: ['error'],
    message: ({ metadata, measurements }) =>
      `Consumer ${metadata.consumer} failed ${measurements.failures} times in a row; it gets nothing for ${duration(measurements.open_ms)}, then it is tried again`,
    fields: ['consumer'],
  },
  'snakepit.observability.circuit_closed': {
    levels: ['info'],
    message: ({ metadata, measurements }) =>
      `Consumer ${metadata.consumer} works again after ${duration(measurements.open_for_ms)}`,
    fields: ['consumer'],
  },
  'snakepit.observability.dropped': {
    levels: ['warn'],
    message: ({ metadata: { reason, consumer, event, key }, measurements: { count, window_ms } }) =>
      consumer === undefined
        ? `A rate limit let ${count} of ${event}${key === undefined ? '' : ` (${key})`} go in ${duration(window_ms)}`
        : `Consumer ${consumer} lost ${count} events in ${duration(window_ms)} (${reason})`,
    fields: ['reason', 'consumer', 'event', 'key'],
  },
  'snakepit.observability.consumer_failed': {
    levels: ['warn'],
    message: ({ metadata }) =>
      `Consumer ${metadata.consumer} failed on ${metadata.event}: ${metadata.message}`,
    fields: ['consumer', 'event'],
  },
};
