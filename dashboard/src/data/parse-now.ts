import { list, mapValues, number, one, pick, raw, text } from './shape.ts';
import {
  type Bounds,
  type CommandFigures,
  countNames,
  type Figures,
  type NowFrame,
  type PoolFrame,
  type Reason,
  workerStates,
} from './types.ts';

const statuses = ['ok', 'warning', 'error'] as const;
const states = ['starting', 'running', 'draining', 'closed'] as const;

const zero = (value: unknown): number => number(value) ?? 0;

const readings = [
  'requests_per_second',
  'error_rate',
  'p50_ms',
  'p95_ms',
  'p99_ms',
  'requests_1m',
  'in_flight',
  'queue_depth',
  'queue_capacity',
  'workers_desired',
  'slots',
  'available_workers',
  'utilisation',
  'restarts',
  'saturated_total',
] as const;

const figures = (value: unknown): Figures => ({
  ...pick(value, readings, number),
  workers: pick(raw(value).workers, workerStates, zero),
});

const bounds = (value: unknown): Bounds => pick(value, ['warning', 'error'], number);

const commandReadings = ['requests_per_second', 'error_rate', 'p50_ms', 'p95_ms', 'p99_ms'] as const;

const command = (value: unknown): CommandFigures => ({
  ...pick(value, commandReadings, number),
  name: text(raw(value).name) ?? '?',
  kind: text(raw(value).kind) ?? 'plain',
});

const crashLoop = (value: unknown): PoolFrame['crash_loop'] =>
  value ? { why: text(raw(value).why), retry_in_ms: number(raw(value).retry_in_ms) } : null;

const pool = (value: unknown): PoolFrame => {
  const source = raw(value);
  return {
    ...figures(source),
    ...pick(source, ['transport', 'codec', 'python_version', 'circuit', 'start_error'], text),
    name: text(source.name) ?? '?',
    state: text(source.state) ?? '?',
    status: one(source.status, statuses, 'ok'),
    crash_loop: crashLoop(source.crash_loop),
    quarantined_requests: zero(source.quarantined_requests),
    critical: source.critical === true,
    thresholds: mapValues(source.thresholds, bounds),
    commands: list(source.commands).map(command),
  };
};

export const reason = (value: unknown): Reason => ({
  ...pick(value, ['why', 'remedy'], text),
  name: text(raw(value).name) ?? '?',
  status: one(raw(value).status, statuses, 'warning'),
  message: text(raw(value).message) ?? '',
});

const sessions = (value: unknown): NowFrame['sessions'] =>
  value ? { active: zero(raw(value).active), capacity: number(raw(value).capacity) } : null;

/** A frame of how things are; null where it is none. */
export const nowFrame = (value: unknown): NowFrame | null => {
  const source = raw(value);
  const at = number(source.at);
  if (at === null) return null;
  return {
    at,
    instance: text(source.instance) ?? '',
    version: text(source.version) ?? '',
    started_at: number(source.started_at),
    uptime_ms: zero(source.uptime_ms),
    state: one(source.state, states, 'running'),
    status: one(source.status, statuses, 'ok'),
    ready: source.ready === true,
    reasons: list(source.reasons).map(reason),
    total: figures(source.total),
    pools: list(source.pools).map(pool),
    system: pick(source.system, ['memory_bytes', 'cpu_ratio', 'event_loop_lag_ms'], number),
    sessions: sessions(source.sessions),
    counts: pick(source.counts, countNames, zero),
  };
};
