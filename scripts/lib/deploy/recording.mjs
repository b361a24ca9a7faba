/** Recording rules: what the alerts of the objectives ask for again and again, over each window. */
import { availability, latency, windows } from './slo.mjs';

const BY = 'by (job, pool_name)';
const REQUESTS = 'snakepit_requests_total';
const DURATION = 'snakepit_request_duration_seconds';

/** Prometheus reads `le="1.0"` from OpenMetrics and `le="1"` from the other formats. */
const upTo = (seconds) => `le=~"${seconds}|${seconds}\\\\.0"`;

/** Days of samples are read for each of these; every two minutes is often enough, and sooner than they go stale. */
const LONG = new Set(['1d', '3d']);

/** Rules of one window, in the order in which they need each other. */
const ofWindow = (window) => {
  const rate = (what) => `sum ${BY} (rate(${what}[${window}]))`;
  const name = (what, operation = 'rate') => `job_pool:${what}:${operation}${window}`;
  const misdirected = name('snakepit_requests_misdirected');
  const counted = name('snakepit_requests_counted');
  const unavailable = name('snakepit_requests_unavailable');
  const slow = name('snakepit_requests_over_objective');
  return [
    {
      record: misdirected,
      expr: `${rate(`snakepit_errors_total{code=~"${availability.callersCodes}"}`)}\n  or 0 * ${rate(REQUESTS)}`,
    },
    { record: counted, expr: `clamp_min(${rate(`${REQUESTS}{status!="cancelled"}`)} - ${misdirected}, 0)` },
    {
      record: unavailable,
      expr: `clamp_min(${rate(`${REQUESTS}{status=~"${availability.statuses}"}`)} - ${misdirected}, 0)\n  or 0 * ${counted}`,
    },
    {
      record: name('snakepit_requests_unavailable', 'ratio_rate'),
      expr: `${unavailable} / (${counted} > 0)`,
    },
    {
      record: slow,
      expr: `clamp_min(${rate(`${DURATION}_count`)} - ${rate(`${DURATION}_bucket{${upTo(latency.seconds)}}`)}, 0)`,
    },
    {
      record: name('snakepit_requests_over_objective', 'ratio_rate'),
      expr: `${slow} / (${rate(`${DURATION}_count`)} > 0)`,
    },
  ];
};

const quantile = (q) => ({
  record: `job_pool_command:snakepit_request_duration_seconds:p${q * 100}_rate5m`,
  expr: `histogram_quantile(${q}, sum by (job, pool_name, command, le) (rate(${DURATION}_bucket[5m])))`,
});

const levels = [
  quantile(0.5),
  quantile(0.95),
  quantile(0.99),
  {
    record: 'job_pool:snakepit_requests_failed:rate5m',
    expr: `sum ${BY} (rate(${REQUESTS}{status="failure"}[5m]))`,
  },
  {
    record: 'job_pool:snakepit_requests_failed:ratio_rate5m',
    expr: `job_pool:snakepit_requests_failed:rate5m / (sum ${BY} (rate(${REQUESTS}[5m])) > 0)`,
  },
  {
    record: 'job_pool:snakepit_pool_slots_busy:ratio_rate5m',
    expr: `sum ${BY} (rate(snakepit_pool_slot_busy_seconds_total[5m])) / (sum ${BY} (snakepit_pool_slots) > 0)`,
  },
];

/** @type {{ name: string, interval?: string, rules: { record: string, expr: string }[] }[]} */
export const recordingGroups = [
  ...windows.map((window) => ({
    name: `snakepit-slo-${window}`,
    ...(LONG.has(window) && { interval: '2m' }),
    rules: ofWindow(window),
  })),
  { name: 'snakepit-levels', rules: levels },
];
