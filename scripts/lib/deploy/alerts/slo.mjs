/** Alerts of the objectives: multi-window, multi-burn-rate, as in the workbook of Google's SREs. */
import { availability, burns, latency, MIN_BAD, secondsOf, thresholdOf } from '../slo.mjs';
import { ofPool, rises } from './series.mjs';

const percent = (share) => `${Number((share * 100).toPrecision(4))}%`;
const lasts = ({ factor }) => {
  const hours = Math.round((30 * 24) / factor);
  return hours % 24 === 0 ? `${hours / 24} days` : `${hours} hours`;
};
const upper = (text) => text[0].toUpperCase() + text.slice(1);

const exprOf = (slo, bad, burn) => {
  const ratio = (window) => `job_pool:${bad}:ratio_rate${window} > ${thresholdOf(slo, burn)}`;
  const count = `job_pool:${bad}:rate${burn.long} * ${secondsOf(burn.long)} >= ${MIN_BAD}`;
  return `${ratio(burn.long)}\n  and ${ratio(burn.short)}\n  and ${count}`;
};

/** When a short outage would have fired if it were not for so few requests: after `for`, within the short window. */
const QUIET = { '1h': '10m', '6h': '20m', '1d': '30m', '3d': '90m' };

/** Per minute: enough that each share comes out even. */
const TOTAL = 100_000;

/** The short window burns, longer than `for`, and the long one does not yet. */
const begun = (burn, threshold, series) => {
  const minutes = (secondsOf(burn.short) + secondsOf(burn.for)) / 60;
  const half = Math.ceil(minutes / 5) * 5 + 10;
  const failing = Math.round(TOTAL * threshold * 1.25);
  return {
    series: series(`0x${half} ${failing}+${failing}x${half}`, rises(TOTAL - failing, 2 * half)),
    at: `${2 * half}m`,
  };
};

/** `series(bad, good)` gives requests their values. */
const alertsOf = (slo, bad, what, series) =>
  burns.map((burn) => {
    const threshold = thresholdOf(slo, burn);
    const steady = (times) => {
      const failing = Math.round(TOTAL * threshold * times);
      return series(rises(failing), rises(TOTAL - failing));
    };
    const shown = percent(threshold * 1.25);
    const text = (value) =>
      `${value} of the requests to pool {{ $labels.pool_name }} of {{ $labels.job }} ${what} in the last ${burn.long}; at ${percent(threshold)} the error budget of 30 days lasts ${lasts(burn)}.`;
    return {
      name: `Snakepit${upper(slo.name)}Burn${burn.long}`,
      runbook: `snakepit${slo.name}burn`,
      expr: exprOf(slo, bad, burn),
      for: burn.for,
      severity: burn.severity,
      labels: { slo: slo.name },
      summary: `Pool {{ $labels.pool_name }} of {{ $labels.job }} burns its ${slo.name} budget`,
      description: text('{{ $value | humanizePercentage }}'),
      fires: [
        {
          series: steady(1.25),
          pending: '5m',
          at: '2h',
          alerts: [
            [
              { job: 'snakepit', pool_name: 'default' },
              text(shown)
                .replace('{{ $labels.pool_name }}', 'default')
                .replace('{{ $labels.job }}', 'snakepit'),
            ],
          ],
        },
      ],
      silent: [
        { name: 'it burns a little slower', series: steady(0.8), at: '2h' },
        { name: 'it has burned for a short time only', ...begun(burn, threshold, series) },
        {
          name: 'all fail, but hardly anybody asks',
          series: series(rises(1, MIN_BAD - 2), rises(0)),
          at: QUIET[burn.long],
        },
        {
          name: 'it is over',
          series: series(`0+${TOTAL}x5 ${5 * TOTAL}x400`, rises(TOTAL, 405)),
          at: `${secondsOf(burn.short) / 60 + 20}m`,
        },
      ],
    };
  });

const counted = (bad, good) => ({
  [ofPool('snakepit_requests_total', { command: 'predict', status: 'crashed' })]: bad,
  [ofPool('snakepit_requests_total', { command: 'predict', status: 'success' })]: good,
});

/** A histogram counts all in `_count` and in `+Inf`; what is slow is in no bucket up to the objective. */
const timed = (slow, fast) => ({
  [ofPool('snakepit_request_duration_seconds_bucket', { command: 'slow', le: String(latency.seconds) })]:
    rises(0, 900),
  [ofPool('snakepit_request_duration_seconds_count', { command: 'slow' })]: slow,
  [ofPool('snakepit_request_duration_seconds_bucket', { command: 'fast', le: `${latency.seconds}.0` })]: fast,
  [ofPool('snakepit_request_duration_seconds_count', { command: 'fast' })]: fast,
});

export const sloAlerts = [
  ...alertsOf(
    availability,
    'snakepit_requests_unavailable',
    'were refused, timed out or died with a worker',
    counted,
  ),
  ...alertsOf(latency, 'snakepit_requests_over_objective', `took longer than ${latency.seconds} s`, timed),
];
