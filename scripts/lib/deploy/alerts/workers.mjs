/** Alerts of workers: too few, dying, stuck, growing. */
import { inPool, of, ofPool, rises, stays, target } from './series.mjs';

const POOL = 'pool {{ $labels.pool_name }} of {{ $labels.instance }}';
const pool = 'pool default of 10.0.0.1:9464';
const exits = (reason) => ofPool('snakepit_worker_exits_total', { reason });
const workers = (state) => ofPool('snakepit_pool_workers', { state });
const memory = ofPool('snakepit_worker_memory_bytes', { worker_slot: '0' });
const uptime = ofPool('snakepit_worker_uptime_seconds', { worker_slot: '0' });
const slot = { ...inPool, worker_slot: '0' };
const MIB = 2 ** 20;

const exited = (reasons, window) =>
  `sum by (job, instance, pool_name) (increase(snakepit_worker_exits_total{reason=~"${reasons}"}[${window}])) > 0`;

export const workerAlerts = [
  {
    name: 'SnakepitWorkersMissing',
    expr: 'sum by (job, instance, pool_name) (snakepit_pool_workers{state=~"ready|busy"})\n  < sum by (job, instance, pool_name) (snakepit_pool_workers_desired)',
    for: '15m',
    severity: 'ticket',
    summary: `${POOL.replace('pool', 'Pool')} lacks workers`,
    description: `Only {{ $value }} workers of ${POOL} can take requests, fewer than it should have, for 15 minutes.`,
    fires: [
      {
        series: {
          [workers('ready')]: stays(1),
          [workers('busy')]: stays(1),
          [workers('backoff')]: stays(2),
          [ofPool('snakepit_pool_workers_desired')]: stays(4),
        },
        pending: '5m',
        at: '20m',
        alerts: [
          [inPool, `Only 2 workers of ${pool} can take requests, fewer than it should have, for 15 minutes.`],
        ],
      },
    ],
    silent: [
      {
        name: 'all are there',
        series: {
          [workers('ready')]: stays(1),
          [workers('busy')]: stays(3),
          [ofPool('snakepit_pool_workers_desired')]: stays(4),
        },
        at: '20m',
      },
      {
        name: 'one was replaced',
        series: {
          [workers('ready')]: '3x5 4x100',
          [workers('starting')]: '1x5 0x100',
          [ofPool('snakepit_pool_workers_desired')]: stays(4),
        },
        at: '20m',
      },
    ],
  },
  {
    name: 'SnakepitWorkersCrash',
    expr: 'increase(snakepit_worker_exits_total{reason=~"crashed|start_failed"}[15m]) > 3',
    for: '0m',
    severity: 'ticket',
    summary: `Workers of ${POOL} end unasked ({{ $labels.reason }})`,
    description: `{{ $value | humanize }} workers of ${POOL} ended in 15 minutes, reason {{ $labels.reason }}.`,
    fires: [
      {
        series: { [exits('crashed')]: '0x10 4x110' },
        at: '20m',
        alerts: [
          [{ ...inPool, reason: 'crashed' }, `4 workers of ${pool} ended in 15 minutes, reason crashed.`],
        ],
      },
    ],
    silent: [
      { name: 'three did', series: { [exits('crashed')]: '0x10 3x110' }, at: '20m' },
      { name: 'they are replaced as planned', series: { [exits('recycled_requests')]: rises(5) }, at: '20m' },
    ],
  },
  {
    name: 'SnakepitWorkersOutOfMemory',
    expr: exited('oom', '15m'),
    for: '0m',
    severity: 'ticket',
    summary: `The kernel killed workers of ${POOL} for want of memory`,
    description: `Workers of ${POOL} were killed out of memory, about {{ $value | humanize }} in 15 minutes.`,
    fires: [
      {
        series: { [exits('oom')]: '0x10 1x110' },
        at: '20m',
        alerts: [[inPool, `Workers of ${pool} were killed out of memory, about 1 in 15 minutes.`]],
      },
    ],
    silent: [
      { name: 'that was before', series: { [exits('oom')]: stays(1) }, at: '40m' },
      {
        name: 'they end otherwise',
        series: { [exits('crashed')]: rises(1), [exits('oom')]: stays(0) },
        at: '20m',
      },
    ],
  },
  {
    name: 'SnakepitWorkersStuck',
    expr: exited('stuck', '15m'),
    for: '0m',
    severity: 'ticket',
    summary: `Workers of ${POOL} hang and are killed`,
    description: `Workers of ${POOL} did not answer or did not let go of a cancelled request and were killed, about {{ $value | humanize }} in 15 minutes.`,
    fires: [
      {
        series: { [exits('stuck')]: rises(1) },
        at: '20m',
        alerts: [
          [
            inPool,
            `Workers of ${pool} did not answer or did not let go of a cancelled request and were killed, about 15 in 15 minutes.`,
          ],
        ],
      },
    ],
    silent: [
      {
        name: 'they stop when told',
        series: { [exits('stopped')]: rises(1), [exits('stuck')]: stays(0) },
        at: '20m',
      },
    ],
  },
  {
    name: 'SnakepitHeartbeatsMissed',
    expr: 'increase(snakepit_worker_heartbeats_missed_total[10m]) > 5',
    for: '0m',
    severity: 'ticket',
    summary: `Workers of ${POOL} miss heartbeats`,
    description: `Workers of ${POOL} left about {{ $value | humanize }} heartbeats unanswered in 10 minutes.`,
    fires: [
      {
        series: { [ofPool('snakepit_worker_heartbeats_missed_total')]: '0x12 6x100' },
        at: '20m',
        alerts: [[inPool, `Workers of ${pool} left about 6 heartbeats unanswered in 10 minutes.`]],
      },
    ],
    silent: [
      {
        name: 'few are missed',
        series: { [ofPool('snakepit_worker_heartbeats_missed_total')]: '0x12 5x100' },
        at: '20m',
      },
    ],
  },
  {
    name: 'SnakepitWorkerMemoryGrows',
    // Half as much again since it was warm, and by enough to matter. A young worker is left alone: it still loads.
    expr: 'snakepit_worker_memory_bytes > 1.5 * snakepit_worker_memory_bytes offset 6h\n  and snakepit_worker_memory_bytes - snakepit_worker_memory_bytes offset 6h > 256 * 1024 * 1024\n  and snakepit_worker_uptime_seconds > 6.5 * 3600',
    for: '30m',
    severity: 'ticket',
    summary: `The memory of worker {{ $labels.worker_slot }} of ${POOL} grows`,
    description: `Worker {{ $labels.worker_slot }} of ${POOL} has {{ $value | humanize1024 }}B, half as much again as six hours ago.`,
    fires: [
      {
        // From 512 MiB, two more each minute.
        series: { [memory]: `${512 * MIB}+${2 * MIB}x600`, [uptime]: '0+60x600' },
        pending: '7h',
        at: '9h',
        alerts: [[slot, `Worker 0 of ${pool} has 1.555GiB, half as much again as six hours ago.`]],
      },
    ],
    silent: [
      { name: 'it stays', series: { [memory]: `${512 * MIB}x600`, [uptime]: '0+60x600' }, at: '9h' },
      {
        name: 'it was replaced and loads its model',
        // At 170 minutes; the look is 370 minutes later, and six hours before it there was little yet.
        series: {
          [memory]: `${512 * MIB}x169 ${300 * MIB}x24 ${1024 * MIB}x400`,
          [uptime]: '0+60x169 0+60x430',
        },
        at: '9h',
      },
      {
        name: 'it is small',
        series: { [memory]: `${20 * MIB}+${MIB / 4}x600`, [uptime]: '0+60x600' },
        at: '9h',
      },
    ],
  },
  {
    name: 'SnakepitMemoryNearLimit',
    needs: ['snakepit_memory_used_bytes', 'snakepit_memory_limit_bytes'],
    expr: 'snakepit_memory_used_bytes / snakepit_memory_limit_bytes > 0.9',
    for: '5m',
    severity: 'page',
    summary: 'The memory of {{ $labels.instance }} is nearly used up',
    description:
      '{{ $labels.instance }} uses {{ $value | humanizePercentage }} of the memory it may have; beyond that the kernel kills.',
    fires: [
      {
        series: {
          [of('snakepit_memory_used_bytes')]: stays(95),
          [of('snakepit_memory_limit_bytes')]: stays(100),
        },
        pending: '0m',
        at: '10m',
        alerts: [[target, '10.0.0.1:9464 uses 95% of the memory it may have; beyond that the kernel kills.']],
      },
    ],
    silent: [
      {
        name: 'there is room',
        series: {
          [of('snakepit_memory_used_bytes')]: stays(85),
          [of('snakepit_memory_limit_bytes')]: stays(100),
        },
        at: '10m',
      },
    ],
  },
];
