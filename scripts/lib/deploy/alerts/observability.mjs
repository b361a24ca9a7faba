/** Alerts of what tells us the rest: events, logs, metrics, configuration, masking, sessions, the event loop. */
import { of, rises, stays, target } from './series.mjs';

const consumer = { ...target, consumer: 'exporter' };
const circuit = of('snakepit_consumer_circuit_state', { consumer: 'exporter' });
const dropped = (reason) => of('snakepit_events_dropped_total', { consumer: 'exporter', reason });
const where = '10.0.0.1:9464';

export const observabilityAlerts = [
  {
    name: 'SnakepitConsumerCircuitOpen',
    expr: 'max_over_time(snakepit_consumer_circuit_state[2m]) == 2',
    for: '5m',
    severity: 'ticket',
    summary: 'Consumer {{ $labels.consumer }} of {{ $labels.instance }} gets no events',
    description:
      'Consumer {{ $labels.consumer }} of {{ $labels.instance }} failed so often that it gets no events.',
    fires: [
      {
        series: { [circuit]: '2 1 2 1 2 1 2 1 2 1 2 1' },
        at: '8m',
        alerts: [[consumer, `Consumer exporter of ${where} failed so often that it gets no events.`]],
      },
    ],
    silent: [
      { name: 'it is well again', series: { [circuit]: '0 2 2 1 0x100' }, at: '8m' },
      { name: 'it is tried', series: { [circuit]: stays(1) }, at: '8m' },
    ],
  },
  {
    name: 'SnakepitEventsDropped',
    expr: 'increase(snakepit_events_dropped_total{reason!~"sampled|rate_limited|removed"}[10m]) > 0',
    for: '0m',
    severity: 'ticket',
    summary: 'Consumer {{ $labels.consumer }} of {{ $labels.instance }} loses events ({{ $labels.reason }})',
    description:
      'Consumer {{ $labels.consumer }} of {{ $labels.instance }} missed about {{ $value | humanize }} events in 10 minutes, reason {{ $labels.reason }}.',
    fires: [
      {
        series: { [dropped('overflow')]: rises(5), [dropped('sampled')]: rises(100) },
        at: '20m',
        alerts: [
          [
            { ...consumer, reason: 'overflow' },
            `Consumer exporter of ${where} missed about 50 events in 10 minutes, reason overflow.`,
          ],
        ],
      },
    ],
    silent: [
      {
        name: 'only what was asked for',
        series: {
          [dropped('sampled')]: rises(100),
          [dropped('rate_limited')]: rises(100),
          [dropped('removed')]: rises(1),
          [dropped('overflow')]: stays(3),
        },
        at: '20m',
      },
    ],
  },
  {
    name: 'SnakepitLogRecordsDropped',
    needs: ['snakepit_log_records_dropped_total'],
    expr: 'increase(snakepit_log_records_dropped_total[10m]) > 0',
    for: '0m',
    severity: 'ticket',
    summary: '{{ $labels.instance }} loses log lines ({{ $labels.reason }})',
    description:
      '{{ $labels.instance }} could not write about {{ $value | humanize }} log lines in 10 minutes, reason {{ $labels.reason }}.',
    fires: [
      {
        series: { [of('snakepit_log_records_dropped_total', { reason: 'overflow' })]: rises(5) },
        at: '20m',
        alerts: [
          [
            { ...target, reason: 'overflow' },
            `${where} could not write about 50 log lines in 10 minutes, reason overflow.`,
          ],
        ],
      },
    ],
    silent: [
      {
        name: 'that was before',
        series: { [of('snakepit_log_records_dropped_total', { reason: 'overflow' })]: stays(5) },
        at: '20m',
      },
    ],
  },
  {
    name: 'SnakepitLogWriteErrors',
    needs: ['snakepit_log_write_errors_total'],
    expr: 'increase(snakepit_log_write_errors_total[10m]) > 0',
    for: '0m',
    severity: 'ticket',
    summary: '{{ $labels.instance }} cannot write its log',
    description:
      'Writing the log of {{ $labels.instance }} failed about {{ $value | humanize }} times in 10 minutes.',
    fires: [
      {
        series: { [of('snakepit_log_write_errors_total')]: rises(1) },
        at: '20m',
        alerts: [[target, `Writing the log of ${where} failed about 10 times in 10 minutes.`]],
      },
    ],
    silent: [
      { name: 'that was before', series: { [of('snakepit_log_write_errors_total')]: stays(5) }, at: '20m' },
    ],
  },
  {
    name: 'SnakepitMetricsIncomplete',
    expr: 'increase(snakepit_metrics_collect_failures_total[10m]) > 0',
    for: '0m',
    severity: 'ticket',
    summary: 'Scrapes of {{ $labels.instance }} lack the metrics of {{ $labels.collector }}',
    description:
      'The collector {{ $labels.collector }} of {{ $labels.instance }} failed at about {{ $value | humanize }} scrapes in 10 minutes; its metrics were left out.',
    fires: [
      {
        series: { [of('snakepit_metrics_collect_failures_total', { collector: 'registry' })]: rises(1) },
        at: '20m',
        alerts: [
          [
            { ...target, collector: 'registry' },
            `The collector registry of ${where} failed at about 10 scrapes in 10 minutes; its metrics were left out.`,
          ],
        ],
      },
    ],
    silent: [
      {
        name: 'none fails',
        series: { [of('snakepit_metrics_collect_failures_total', { collector: 'registry' })]: stays(0) },
        at: '20m',
      },
    ],
  },
  {
    name: 'SnakepitSeriesLimitReached',
    expr: 'snakepit_metrics_series_limit_reached_total > 0',
    for: '0m',
    severity: 'ticket',
    summary: '{{ $labels.metric }} of {{ $labels.instance }} has too many series',
    description:
      '{{ $labels.metric }} of {{ $labels.instance }} reached its limit of series; what came later is counted as (other).',
    fires: [
      {
        series: {
          [of('snakepit_metrics_series_limit_reached_total', { metric: 'shop_orders_total' })]: stays(1),
        },
        at: '1m',
        alerts: [
          [
            { ...target, metric: 'shop_orders_total' },
            `shop_orders_total of ${where} reached its limit of series; what came later is counted as (other).`,
          ],
        ],
      },
    ],
    silent: [{ name: 'no metric did', series: { [of('up')]: stays(1) }, at: '1m' }],
  },
  {
    name: 'SnakepitConfigReloadFailed',
    expr: 'snakepit_config_last_reload_successful == 0',
    for: '5m',
    severity: 'ticket',
    summary: '{{ $labels.instance }} could not use its configuration',
    description:
      'The configuration of {{ $labels.instance }} could not be used when it was read last; the one before is in force.',
    fires: [
      {
        series: { [of('snakepit_config_last_reload_successful')]: stays(0) },
        at: '10m',
        alerts: [
          [
            target,
            `The configuration of ${where} could not be used when it was read last; the one before is in force.`,
          ],
        ],
      },
    ],
    silent: [
      { name: 'it could', series: { [of('snakepit_config_last_reload_successful')]: stays(1) }, at: '10m' },
      {
        name: 'it was mended',
        series: { [of('snakepit_config_last_reload_successful')]: '0x3 1x100' },
        at: '10m',
      },
    ],
  },
  {
    name: 'SnakepitSecretsLeak',
    expr: 'snakepit_redaction_canary_leaks_total > 0',
    for: '0m',
    severity: 'page',
    summary: 'Secrets leave {{ $labels.instance }} unmasked',
    description:
      '{{ $value }} fake secrets were found unmasked in what leaves {{ $labels.instance }}: real ones may be there too.',
    fires: [
      {
        series: { [of('snakepit_redaction_canary_leaks_total')]: '0x5 2x100' },
        at: '10m',
        alerts: [
          [target, `2 fake secrets were found unmasked in what leaves ${where}: real ones may be there too.`],
        ],
      },
    ],
    silent: [
      { name: 'none does', series: { [of('snakepit_redaction_canary_leaks_total')]: stays(0) }, at: '10m' },
    ],
  },
  {
    name: 'SnakepitEventLoopLags',
    expr: 'nodejs_eventloop_lag_p99_seconds > 0.2',
    for: '10m',
    severity: 'ticket',
    summary: 'The event loop of {{ $labels.instance }} lags',
    description:
      'One turn in a hundred of the event loop of {{ $labels.instance }} is {{ $value | humanizeDuration }} late: everything in this process waits.',
    fires: [
      {
        series: { [of('nodejs_eventloop_lag_p99_seconds')]: stays(0.25) },
        at: '15m',
        alerts: [
          [
            target,
            `One turn in a hundred of the event loop of ${where} is 250ms late: everything in this process waits.`,
          ],
        ],
      },
    ],
    silent: [
      { name: 'it turns', series: { [of('nodejs_eventloop_lag_p99_seconds')]: stays(0.15) }, at: '15m' },
      {
        name: 'it was one pause',
        series: { [of('nodejs_eventloop_lag_p99_seconds')]: '0.02x5 2x3 0.02x90' },
        at: '15m',
      },
    ],
  },
  {
    name: 'SnakepitSessionsNearCapacity',
    needs: ['snakepit_sessions_active', 'snakepit_sessions_capacity'],
    expr: 'snakepit_sessions_active / snakepit_sessions_capacity > 0.9',
    for: '10m',
    severity: 'ticket',
    summary: '{{ $labels.instance }} has room for few more sessions',
    description:
      '{{ $value | humanizePercentage }} of the sessions that {{ $labels.instance }} may hold are in use.',
    fires: [
      {
        series: {
          [of('snakepit_sessions_active')]: stays(950),
          [of('snakepit_sessions_capacity')]: stays(1000),
        },
        at: '15m',
        alerts: [[target, `95% of the sessions that ${where} may hold are in use.`]],
      },
    ],
    silent: [
      {
        name: 'there is room',
        series: {
          [of('snakepit_sessions_active')]: stays(850),
          [of('snakepit_sessions_capacity')]: stays(1000),
        },
        at: '15m',
      },
    ],
  },
];
