/** Alerts of readiness, failures and pools. */
import { inPool, of, ofPool, rises, stays, target } from './series.mjs';

const POOL = 'Pool {{ $labels.pool_name }} of {{ $labels.instance }}';
const requests = (status) => ofPool('snakepit_requests_total', { command: 'predict', status });
const health = (check) => of('snakepit_health_status', { check });
const pool = 'pool default of 10.0.0.1:9464';

export const poolAlerts = [
  {
    name: 'SnakepitTargetDown',
    expr: 'up == 0 and on (job, instance) last_over_time(snakepit_uptime_seconds[1d])',
    for: '5m',
    severity: 'page',
    summary: '{{ $labels.instance }} of {{ $labels.job }} cannot be scraped',
    description:
      'Prometheus has no metrics of {{ $labels.instance }}, which was a Snakepit within the last day.',
    fires: [
      {
        series: { [of('up')]: '1x10 0x110', [of('snakepit_uptime_seconds')]: '0+60x10 stale' },
        pending: '12m',
        at: '20m',
        alerts: [
          [target, 'Prometheus has no metrics of 10.0.0.1:9464, which was a Snakepit within the last day.'],
        ],
      },
    ],
    silent: [
      {
        name: 'it answers',
        series: { [of('up')]: stays(1), [of('snakepit_uptime_seconds')]: rises(60) },
        at: '20m',
      },
      { name: 'another program is down', series: { [of('up')]: stays(0) }, at: '20m' },
    ],
  },
  {
    name: 'SnakepitNotReady',
    expr: 'snakepit_ready == 0',
    for: '5m',
    severity: 'page',
    summary: '{{ $labels.instance }} of {{ $labels.job }} is not ready',
    description:
      'The readiness check of {{ $labels.instance }} has failed for 5 minutes: it gets no requests.',
    fires: [
      {
        series: { [of('snakepit_ready')]: stays(0) },
        at: '6m',
        alerts: [
          [target, 'The readiness check of 10.0.0.1:9464 has failed for 5 minutes: it gets no requests.'],
        ],
      },
    ],
    silent: [
      { name: 'it is starting', series: { [of('snakepit_ready')]: '0x4 1x100' }, at: '6m' },
      { name: 'it is ready', series: { [of('snakepit_ready')]: stays(1) }, at: '6m' },
    ],
  },
  {
    name: 'SnakepitHealthError',
    // At its worst within two minutes: an error that comes and goes is one.
    expr: 'max_over_time(snakepit_health_status[2m]) == 2',
    for: '10m',
    severity: 'ticket',
    summary: 'The health check {{ $labels.check }} of {{ $labels.instance }} is an error',
    description:
      'The health check {{ $labels.check }} of {{ $labels.instance }} has been an error for 10 minutes. What is wrong, and how to mend it: snakepit status, /health/detailed.',
    fires: [
      {
        name: 'it lasts',
        series: { [health('queue_depth')]: stays(2), [health('error_rate')]: stays(1) },
        pending: '9m',
        at: '12m',
        alerts: [
          [
            { ...target, check: 'queue_depth' },
            'The health check queue_depth of 10.0.0.1:9464 has been an error for 10 minutes. What is wrong, and how to mend it: snakepit status, /health/detailed.',
          ],
        ],
      },
      {
        name: 'it comes and goes',
        series: { [health('store')]: '2 0 2 0 2 0 2 0 2 0 2 0 2 0 2 0 2 0 2' },
        pending: '9m',
        at: '14m',
        alerts: [
          [
            { ...target, check: 'store' },
            'The health check store of 10.0.0.1:9464 has been an error for 10 minutes. What is wrong, and how to mend it: snakepit status, /health/detailed.',
          ],
        ],
      },
    ],
    silent: [
      { name: 'it warns', series: { [health('queue_depth')]: stays(1) }, at: '30m' },
      { name: 'it is over', series: { [health('queue_depth')]: '2x7 0x100' }, at: '14m' },
    ],
  },
  {
    name: 'SnakepitHandlersFail',
    expr: 'job_pool:snakepit_requests_failed:ratio_rate5m > 0.05\n  and job_pool:snakepit_requests_failed:rate5m * 300 >= 10',
    for: '15m',
    severity: 'ticket',
    summary: 'Handlers of pool {{ $labels.pool_name }} of {{ $labels.job }} fail',
    description:
      '{{ $value | humanizePercentage }} of the requests to pool {{ $labels.pool_name }} failed in Python or by their arguments.',
    fires: [
      {
        series: { [requests('failure')]: rises(10), [requests('success')]: rises(90) },
        pending: '10m',
        at: '30m',
        alerts: [
          [
            { job: 'snakepit', pool_name: 'default' },
            '10% of the requests to pool default failed in Python or by their arguments.',
          ],
        ],
      },
    ],
    silent: [
      {
        name: 'few do',
        series: { [requests('failure')]: rises(4), [requests('success')]: rises(96) },
        at: '30m',
      },
      { name: 'hardly anybody asks', series: { [requests('failure')]: rises(1) }, at: '30m' },
    ],
  },
  {
    name: 'SnakepitQueueNearlyFull',
    expr: 'snakepit_pool_queue_depth / snakepit_pool_queue_capacity > 0.8',
    for: '5m',
    severity: 'ticket',
    summary: `The queue of pool {{ $labels.pool_name }} of {{ $labels.instance }} is nearly full`,
    description:
      'The queue of pool {{ $labels.pool_name }} has been filled to {{ $value | humanizePercentage }}.',
    fires: [
      {
        series: {
          [ofPool('snakepit_pool_queue_depth')]: stays(90),
          [ofPool('snakepit_pool_queue_capacity')]: stays(100),
        },
        at: '10m',
        alerts: [[inPool, 'The queue of pool default has been filled to 90%.']],
      },
    ],
    silent: [
      {
        name: 'it is used as it should be',
        series: {
          [ofPool('snakepit_pool_queue_depth')]: stays(80),
          [ofPool('snakepit_pool_queue_capacity')]: stays(100),
        },
        at: '10m',
      },
      {
        name: 'there is no queue',
        series: {
          [ofPool('snakepit_pool_queue_depth')]: stays(0),
          [ofPool('snakepit_pool_queue_capacity')]: stays(0),
        },
        at: '10m',
      },
    ],
  },
  {
    name: 'SnakepitPoolSaturated',
    expr: 'increase(snakepit_pool_saturated_total[10m]) > 0',
    for: '10m',
    severity: 'ticket',
    summary: `${POOL} refuses requests`,
    description:
      'The queue of pool {{ $labels.pool_name }} became full {{ $value | humanize }} times in 10 minutes, and has for 10 minutes.',
    fires: [
      {
        series: { [ofPool('snakepit_pool_saturated_total')]: rises(2) },
        pending: '5m',
        at: '30m',
        alerts: [
          [inPool, 'The queue of pool default became full 20 times in 10 minutes, and has for 10 minutes.'],
        ],
      },
    ],
    silent: [
      {
        name: 'it was one burst',
        series: { [ofPool('snakepit_pool_saturated_total')]: '0x10 1x110' },
        at: '15m',
      },
      { name: 'that was before', series: { [ofPool('snakepit_pool_saturated_total')]: stays(7) }, at: '30m' },
    ],
  },
  {
    name: 'SnakepitSlotsBusy',
    expr: 'job_pool:snakepit_pool_slots_busy:ratio_rate5m > 0.9',
    for: '15m',
    severity: 'ticket',
    summary: 'Pool {{ $labels.pool_name }} of {{ $labels.job }} has hardly a free slot',
    description:
      '{{ $value | humanizePercentage }} of the time that the slots of pool {{ $labels.pool_name }} have is used.',
    fires: [
      {
        series: {
          [ofPool('snakepit_pool_slot_busy_seconds_total')]: rises(228),
          [ofPool('snakepit_pool_slots')]: stays(4),
        },
        pending: '10m',
        at: '30m',
        alerts: [
          [
            { job: 'snakepit', pool_name: 'default' },
            '95% of the time that the slots of pool default have is used.',
          ],
        ],
      },
    ],
    silent: [
      {
        name: 'there is room',
        series: {
          [ofPool('snakepit_pool_slot_busy_seconds_total')]: rises(204),
          [ofPool('snakepit_pool_slots')]: stays(4),
        },
        at: '30m',
      },
    ],
  },
  {
    name: 'SnakepitCrashLoop',
    expr: 'snakepit_pool_crash_loop == 1',
    for: '1m',
    severity: 'page',
    summary: `${POOL} is in a crash loop`,
    description: `Every worker of pool {{ $labels.pool_name }} of {{ $labels.instance }} fails as fast as it starts; all requests are refused.`,
    fires: [
      {
        series: { [ofPool('snakepit_pool_crash_loop')]: stays(1) },
        pending: '0m',
        at: '5m',
        alerts: [[inPool, `Every worker of ${pool} fails as fast as it starts; all requests are refused.`]],
      },
    ],
    silent: [{ name: 'it is not', series: { [ofPool('snakepit_pool_crash_loop')]: stays(0) }, at: '5m' }],
  },
  {
    name: 'SnakepitPoolCircuitOpen',
    expr: 'max_over_time(snakepit_pool_circuit_state[2m]) == 2',
    for: '5m',
    severity: 'page',
    summary: `The circuit breaker of pool {{ $labels.pool_name }} of {{ $labels.instance }} is open`,
    description:
      'Pool {{ $labels.pool_name }} refuses requests with circuit_open, since most die with workers or time out.',
    fires: [
      {
        // Half open at every other scrape: that is how it looks while it tries.
        series: { [ofPool('snakepit_pool_circuit_state')]: '2 1 2 1 2 1 2 1 2 1 2 1' },
        at: '8m',
        alerts: [
          [
            inPool,
            'Pool default refuses requests with circuit_open, since most die with workers or time out.',
          ],
        ],
      },
    ],
    silent: [
      {
        name: 'it closed again',
        series: { [ofPool('snakepit_pool_circuit_state')]: '0 2 2 1 0x100' },
        at: '8m',
      },
    ],
  },
  {
    name: 'SnakepitRequestsQuarantined',
    expr: 'snakepit_pool_quarantined_requests > 0',
    for: '1m',
    severity: 'ticket',
    summary: `${POOL} refuses requests that killed workers`,
    description:
      '{{ $value }} requests to pool {{ $labels.pool_name }} have killed workers again and again and are refused.',
    fires: [
      {
        series: { [ofPool('snakepit_pool_quarantined_requests')]: stays(2) },
        pending: '0m',
        at: '5m',
        alerts: [[inPool, '2 requests to pool default have killed workers again and again and are refused.']],
      },
    ],
    silent: [
      { name: 'none is', series: { [ofPool('snakepit_pool_quarantined_requests')]: stays(0) }, at: '5m' },
    ],
  },
];
