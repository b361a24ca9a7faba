/** Rows about what callers see. */
import { availability, burns, latency, thresholdOf } from '../slo.mjs';
import { panel, row } from './panel.mjs';

export const TARGET = 'job=~"$job", instance=~"$instance"';
export const POOL = `${TARGET}, pool_name=~"$pool"`;
/** The range of a rate; Grafana makes it at least four scrapes. */
export const RANGE = '[$__rate_interval]';

const RECORDED = 'job=~"$job", pool_name=~"$pool"';
const requests = (more = '') => `rate(snakepit_requests_total{${POOL}${more}}${RANGE})`;
const seconds = (name, part) => `rate(snakepit_${name}_seconds_${part}{${POOL}}${RANGE})`;
const quantile = (q, name, by = '') =>
  `histogram_quantile(${q}, sum by (le${by}) (${seconds(name, 'bucket')}))`;
/** Of nothing there is no mean; a gap says so. */
const mean = (name) => `sum(${seconds(name, 'sum')}) / (sum(${seconds(name, 'count')}) > 0)`;
const [page] = burns;

const yesNo = [
  { type: 'value', options: { 0: { text: 'no', color: 'red' }, 1: { text: 'yes', color: 'green' } } },
];

export const overview = row('Overview', [
  panel({
    type: 'stat',
    width: 4,
    title: 'Ready',
    about: 'Whether the readiness check of every instance passes.',
    queries: [[`min(snakepit_ready{${TARGET}})`]],
    thresholds: [
      [null, 'red'],
      [1, 'green'],
    ],
    mappings: yesNo,
  }),
  panel({
    type: 'stat',
    width: 4,
    title: 'Instances',
    about: 'Instances that are scraped, by version.',
    queries: [[`sum by (version) (snakepit_build_info{${TARGET}})`, '{{version}}']],
  }),
  panel({
    type: 'stat',
    width: 4,
    title: 'Requests per second',
    about: 'Requests settled, however they ended.',
    unit: 'reqps',
    queries: [[`sum(${requests()})`]],
  }),
  panel({
    type: 'stat',
    width: 4,
    title: 'Not served',
    about:
      'Share of requests that were refused, timed out or died with a worker. The objective also leaves out what callers got wrong.',
    unit: 'percentunit',
    queries: [[`sum(${requests(`, status=~"${availability.statuses}"`)}) / (sum(${requests()}) > 0)`]],
    thresholds: [
      [null, 'green'],
      [Number((1 - availability.objective).toPrecision(3)), 'orange'],
      [thresholdOf(availability, page), 'red'],
    ],
  }),
  panel({
    type: 'stat',
    width: 4,
    title: 'p99 latency',
    about: 'From acceptance to settlement, queue and retries included.',
    unit: 's',
    queries: [[quantile(0.99, 'request_duration')]],
  }),
  panel({
    type: 'stat',
    width: 4,
    title: 'Uptime',
    about: 'Of the instance that was started last.',
    unit: 's',
    queries: [[`min(snakepit_uptime_seconds{${TARGET}})`]],
  }),
  ...[
    [availability, 'unavailable', `${availability.objective * 100} % served`],
    [latency, 'over_objective', `${latency.objective * 100} % within ${latency.seconds} s`],
  ].map(([slo, bad, text]) =>
    panel({
      width: 12,
      title: `Error budget burn: ${text}`,
      about: `How many times faster than it may the error budget is used up; ${page.factor} for an hour calls somebody. Needs the recording rules.`,
      queries: ['5m', '1h', '6h'].map((window) => [
        `max by (pool_name) (job_pool:snakepit_requests_${bad}:ratio_rate${window}{${RECORDED}}) / ${Number((1 - slo.objective).toPrecision(3))}`,
        `{{pool_name}} ${window}`,
      ]),
    }),
  ),
]);

export const requestRow = row('Requests', [
  panel({
    title: 'Requests by status',
    about: 'Requests settled per second, by how they ended.',
    unit: 'reqps',
    stack: true,
    queries: [[`sum by (status) (${requests()})`, '{{status}}']],
  }),
  panel({
    title: 'Requests by command',
    about: 'The ten commands that are called most.',
    unit: 'reqps',
    queries: [[`topk(10, sum by (command) (${requests()}))`, '{{command}}']],
  }),
  panel({
    title: 'Errors by code',
    about:
      'Requests that did not succeed, and workers that crashed or failed to start. `snakepit errors` shows them.',
    unit: 'reqps',
    stack: true,
    queries: [[`sum by (code) (rate(snakepit_errors_total{${POOL}}${RANGE})) > 0`, '{{code}}']],
  }),
  panel({
    title: 'Latency',
    about: 'From acceptance to settlement, queue and retries included; refused requests left out.',
    unit: 's',
    queries: [0.5, 0.95, 0.99].map((q) => [quantile(q, 'request_duration'), `p${q * 100}`]),
  }),
  panel({
    title: 'p99 latency by command',
    about: 'The ten slowest commands.',
    unit: 's',
    queries: [[`topk(10, ${quantile(0.99, 'request_duration', ', command')})`, '{{command}}']],
  }),
  panel({
    type: 'heatmap',
    format: 'heatmap',
    title: 'Latency, heat map',
    about: 'How many requests took how long.',
    unit: 's',
    queries: [
      [`sum by (le) (increase(snakepit_request_duration_seconds_bucket{${POOL}}${RANGE}))`, '{{le}}'],
    ],
  }),
  panel({
    title: 'Mean time by phase',
    about:
      'Where the time of a request goes: waiting, encoding the arguments, Python, and all between the processes.',
    unit: 's',
    stack: true,
    queries: [
      [mean('request_queue_wait'), 'queue'],
      [mean('request_serialise'), 'serialise'],
      [mean('request_python'), 'Python'],
      [mean('request_transport'), 'transport'],
    ],
  }),
  panel({
    title: 'Time in Python',
    about: 'Wall time and CPU time of the handler: far apart, it waits for something.',
    unit: 's',
    queries: [
      [quantile(0.5, 'request_python'), 'wall p50'],
      [quantile(0.99, 'request_python'), 'wall p99'],
      [quantile(0.99, 'request_python_cpu'), 'CPU p99'],
    ],
  }),
  panel({
    title: 'Slow and retried',
    about:
      'Requests beyond slowAfterMs or half their deadline (`snakepit slow` has their stacks), and starts after the first.',
    unit: 'reqps',
    queries: [
      [`sum(rate(snakepit_requests_slow_total{${POOL}}${RANGE})) or vector(0)`, 'slow'],
      [`sum(rate(snakepit_request_retries_total{${POOL}}${RANGE})) or vector(0)`, 'retried'],
    ],
  }),
  panel({
    width: 12,
    title: 'Streams',
    about: 'Chunks from Python per second, and the time to the first.',
    queries: [
      [`sum(rate(snakepit_stream_chunks_total{${POOL}}${RANGE})) or vector(0)`, 'chunks per second'],
      [quantile(0.95, 'stream_first_chunk'), 'first chunk p95, seconds'],
    ],
  }),
  panel({
    width: 12,
    title: 'Size of requests and answers',
    about: 'Bytes per second, encoded.',
    unit: 'Bps',
    queries: [
      [`sum(rate(snakepit_request_size_bytes_sum{${POOL}}${RANGE}))`, 'requests'],
      [`sum(rate(snakepit_response_size_bytes_sum{${POOL}}${RANGE}))`, 'answers'],
    ],
  }),
]);
