/** Rows about pools and their workers. */
import { panel, row } from './panel.mjs';
import { POOL, RANGE } from './requests.mjs';

const byPool = (name, more = '') => `sum by (pool_name) (${name}{${POOL}${more}})`;
const rate = (name, by) => `sum by (${by}) (rate(${name}{${POOL}}${RANGE}))`;
const WORKER = '{{pool_name}} {{worker_slot}}';

export const poolRow = row('Pools', [
  panel({
    title: 'Busy slots',
    about: 'Share of the time of all slots that is spent on requests.',
    unit: 'percentunit',
    max: 1,
    queries: [
      [
        `${rate('snakepit_pool_slot_busy_seconds_total', 'pool_name')} / (${byPool('snakepit_pool_slots')} > 0)`,
        '{{pool_name}}',
      ],
    ],
  }),
  panel({
    title: 'Queue',
    about: 'Requests that wait, and how many may.',
    queries: [
      [byPool('snakepit_pool_queue_depth'), '{{pool_name}}'],
      [byPool('snakepit_pool_queue_capacity'), '{{pool_name}} capacity'],
    ],
  }),
  panel({
    title: 'Time in the queue',
    about: 'p95 of the time from acceptance to the last start.',
    unit: 's',
    queries: [
      [
        `histogram_quantile(0.95, sum by (pool_name, le) (rate(snakepit_request_queue_wait_seconds_bucket{${POOL}}${RANGE})))`,
        '{{pool_name}}',
      ],
    ],
  }),
  panel({
    title: 'Running requests and slots',
    about: 'Requests in workers, and how many can run at once.',
    queries: [
      [byPool('snakepit_requests_in_flight'), '{{pool_name}} running'],
      [byPool('snakepit_pool_slots'), '{{pool_name}} slots'],
    ],
  }),
  panel({
    title: 'Queue became full',
    about: 'How often, per second.',
    queries: [[rate('snakepit_pool_saturated_total', 'pool_name'), '{{pool_name}}']],
  }),
  panel({
    title: 'Trouble',
    about:
      'Crash loop (1), requests that are refused since they killed workers, circuit breaker (1 half open, 2 open).',
    queries: [
      [`max by (pool_name) (snakepit_pool_crash_loop{${POOL}})`, '{{pool_name}} crash loop'],
      [byPool('snakepit_pool_quarantined_requests'), '{{pool_name}} quarantined requests'],
      [`max by (pool_name) (snakepit_pool_circuit_state{${POOL}}) or vector(0)`, '{{pool_name}} circuit'],
    ],
  }),
]);

export const workerRow = row('Workers', [
  panel({
    title: 'Workers by state',
    about:
      'ready: a free slot; busy: every slot taken; backoff: waiting for the next start; quarantined: left empty.',
    stack: true,
    queries: [[`sum by (state) (snakepit_pool_workers{${POOL}})`, '{{state}}']],
  }),
  panel({
    title: 'Workers wanted and there',
    about: 'Workers the pool is to have, those that can take requests, and those with a free slot.',
    queries: [
      [byPool('snakepit_pool_workers_desired'), '{{pool_name}} wanted'],
      [byPool('snakepit_pool_workers', ', state=~"ready|busy"'), '{{pool_name}} there'],
      [byPool('snakepit_pool_available_workers'), '{{pool_name}} free'],
    ],
  }),
  panel({
    title: 'Exits by reason',
    about: 'Workers that ended, in the range of a rate.',
    queries: [[`sum by (reason) (increase(snakepit_worker_exits_total{${POOL}}${RANGE}))`, '{{reason}}']],
  }),
  panel({
    title: 'Starts',
    about:
      'Starts by result, in the range of a rate, and the p95 of how long they took, model loading included.',
    queries: [
      [`sum by (result) (increase(snakepit_worker_starts_total{${POOL}}${RANGE}))`, '{{result}}'],
      [
        `histogram_quantile(0.95, sum by (le) (rate(snakepit_worker_startup_seconds_bucket{${POOL}}${RANGE})))`,
        'p95, seconds',
      ],
    ],
  }),
  panel({
    title: 'Memory',
    about: 'Resident memory of each worker.',
    unit: 'bytes',
    queries: [[`snakepit_worker_memory_bytes{${POOL}}`, WORKER]],
  }),
  panel({
    title: 'CPU',
    about: 'Cores each slot uses.',
    queries: [[rate('snakepit_worker_cpu_seconds_total', 'pool_name, worker_slot'), WORKER]],
  }),
  panel({
    title: 'Busy',
    about: 'Share of the time in which each slot had a request running.',
    unit: 'percentunit',
    queries: [[rate('snakepit_worker_busy_seconds_total', 'pool_name, worker_slot'), WORKER]],
  }),
  panel({
    title: 'Age',
    about: 'Time since each worker was spawned: a saw-tooth is a worker that is replaced.',
    unit: 's',
    queries: [[`snakepit_worker_uptime_seconds{${POOL}}`, WORKER]],
  }),
  panel({
    title: 'Threads, open files, missed heartbeats',
    about: 'Threads and file descriptors that grow are leaks. Missed heartbeats in the range of a rate.',
    queries: [
      [`max by (pool_name) (snakepit_worker_threads{${POOL}})`, '{{pool_name}} threads, most'],
      [`max by (pool_name) (snakepit_worker_open_fds{${POOL}})`, '{{pool_name}} open files, most'],
      [
        `sum by (pool_name) (increase(snakepit_worker_heartbeats_missed_total{${POOL}}${RANGE})) or vector(0)`,
        '{{pool_name}} missed heartbeats',
      ],
    ],
  }),
]);
