/** Rows about the observability itself, and about Node. */
import { panel, row } from './panel.mjs';
import { RANGE, TARGET } from './requests.mjs';

const rate = (name, by, more = '') => `sum by (${by}) (rate(${name}{${TARGET}${more}}${RANGE}))`;
const INSTANCE = '{{instance}}';

export const observabilityRow = row('Observability', [
  panel({
    title: 'Events',
    about: 'The ten most frequent events, per second.',
    queries: [[`topk(10, ${rate('snakepit_events_total', 'event')})`, '{{event}}']],
  }),
  panel({
    title: 'Events not delivered',
    about:
      'Events a consumer did not take, per second. sampled, rate_limited and removed are as asked for; all others are losses.',
    queries: [
      [
        `${rate('snakepit_events_dropped_total', 'consumer, reason')} > 0 or vector(0)`,
        '{{consumer}} {{reason}}',
      ],
    ],
  }),
  panel({
    title: 'Events that wait',
    about: 'Events that wait for a consumer, are being delivered, or are held until their request is over.',
    queries: [[`sum by (consumer) (snakepit_events_pending{${TARGET}})`, '{{consumer}}']],
  }),
  panel({
    title: 'Circuits of consumers',
    about: '0 closed: it gets events; 1 half open: it is tried; 2 open: it gets none.',
    max: 2,
    queries: [[`max by (consumer) (snakepit_consumer_circuit_state{${TARGET}})`, '{{consumer}}']],
  }),
  panel({
    title: 'Faults of the metrics',
    about: 'Updates that could not be taken, scrapes that lack something, metrics with too many series.',
    queries: [
      [`sum(increase(snakepit_metrics_rejected_total{${TARGET}}${RANGE}))`, 'rejected updates'],
      [`sum(increase(snakepit_metrics_collect_failures_total{${TARGET}}${RANGE}))`, 'incomplete scrapes'],
      [`sum(snakepit_metrics_series_limit_reached_total{${TARGET}}) or vector(0)`, 'metrics at their limit'],
    ],
  }),
  panel({
    title: 'Configuration and masking',
    about:
      'Whether the configuration could be used when it was read last (1), and fake secrets found unmasked: 0 is the only good value.',
    queries: [
      [`min(snakepit_config_last_reload_successful{${TARGET}})`, 'configuration in use'],
      [`sum(snakepit_redaction_canary_leaks_total{${TARGET}})`, 'secrets unmasked'],
    ],
  }),
]);

export const nodeRow = row('Node', [
  panel({
    title: 'Event loop lag',
    about: 'How late the event loop turns: everything in the process waits so long.',
    unit: 's',
    queries: [
      [`nodejs_eventloop_lag_p50_seconds{${TARGET}}`, `${INSTANCE} p50`],
      [`nodejs_eventloop_lag_p99_seconds{${TARGET}}`, `${INSTANCE} p99`],
    ],
  }),
  panel({
    title: 'Event loop utilisation',
    about: 'Share of the time in which the event loop has something to do.',
    unit: 'percentunit',
    max: 1,
    queries: [
      [
        `${rate('snakepit_event_loop_seconds_total', 'instance', ', state="active"')} / ${rate('snakepit_event_loop_seconds_total', 'instance')}`,
        INSTANCE,
      ],
    ],
  }),
  panel({
    title: 'Memory of Node',
    about: 'Resident memory, and the heap of JavaScript.',
    unit: 'bytes',
    queries: [
      [`process_resident_memory_bytes{${TARGET}}`, `${INSTANCE} resident`],
      [`nodejs_heap_size_used_bytes{${TARGET}}`, `${INSTANCE} heap used`],
      [`nodejs_heap_size_total_bytes{${TARGET}}`, `${INSTANCE} heap`],
    ],
  }),
  panel({
    title: 'CPU of Node',
    about: 'Cores the process uses, its workers not included.',
    queries: [[`rate(process_cpu_seconds_total{${TARGET}}${RANGE})`, INSTANCE]],
  }),
  panel({
    title: 'Garbage collection',
    about: 'Share of the time it takes, by kind.',
    unit: 'percentunit',
    queries: [[rate('nodejs_gc_duration_seconds_sum', 'kind'), '{{kind}}']],
  }),
  panel({
    title: 'Open files',
    about: 'File descriptors of the process.',
    queries: [[`process_open_fds{${TARGET}}`, INSTANCE]],
  }),
]);
