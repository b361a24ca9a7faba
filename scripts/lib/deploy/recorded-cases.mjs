/** Cases of recorded rules: who counts for the objectives and who does not. */
import { ofPool, rises } from './alerts/series.mjs';

// Rises that come to whole or half ones a second: promtool compares to the last bit.
const requests = (status, perMinute) => [
  ofPool('snakepit_requests_total', { command: 'predict', status }),
  rises(perMinute),
];
const errors = (category, code, perMinute) => [
  ofPool('snakepit_errors_total', { category, code }),
  rises(perMinute),
];
const sample = (name, value) => ({
  expr: name,
  eval_time: '1h',
  exp_samples: [{ labels: `${name}{job="snakepit", pool_name="default"}`, value }],
});

const caseOf = (name, series, samples) => ({
  name,
  interval: '1m',
  input_series: series.map(([of, values]) => ({ series: of, values })),
  promql_expr_test: samples.map(([of, value]) => sample(of, value)),
});

export const recordedCases = [
  caseOf(
    'Cancelled requests and what callers got wrong count for nothing; failures of handlers count as served',
    [
      requests('success', 480),
      requests('failure', 60),
      requests('cancelled', 600),
      requests('crashed', 30),
      requests('timeout', 30),
      // Of these 120 a minute, 60 could never have been served.
      requests('rejected', 120),
      errors('request', 'unknown_command', 30),
      errors('request', 'payload_too_large', 30),
      errors('system', 'queue_full', 60),
    ],
    [
      ['job_pool:snakepit_requests_misdirected:rate1h', 1],
      ['job_pool:snakepit_requests_counted:rate1h', 11],
      ['job_pool:snakepit_requests_unavailable:rate1h', 2],
      ['job_pool:snakepit_requests_unavailable:ratio_rate1h', 2 / 11],
    ],
  ),
  caseOf(
    'A pool in which nothing goes wrong has a ratio of zero, not none',
    [requests('success', 60)],
    [['job_pool:snakepit_requests_unavailable:ratio_rate1h', 0]],
  ),
];
