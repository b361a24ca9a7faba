/** Names of the metrics behind the figures. */
export const metrics = {
  requests: 'snakepit_requests_total',
  errors: 'snakepit_errors_total',
  duration: 'snakepit_request_duration_seconds',
  inFlight: 'snakepit_requests_in_flight',
  queue: 'snakepit_pool_queue_depth',
  workers: 'snakepit_pool_workers',
  available: 'snakepit_pool_available_workers',
  utilisation: 'snakepit_pool_slot_busy_seconds_total',
  saturated: 'snakepit_pool_saturated_total',
  exits: 'snakepit_worker_exits_total',
  sessions: 'snakepit_sessions_active',
  sessionOperations: 'snakepit_events_total{event="snakepit.session.accessed"}',
  memory: 'snakepit_worker_memory_bytes',
  cpu: 'snakepit_worker_cpu_seconds_total',
  workerRequests: 'snakepit_worker_requests_total',
} as const;
