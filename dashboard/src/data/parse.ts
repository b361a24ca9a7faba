import { list, mapValues, number, one, pick, raw, text } from './shape.ts';
import {
  type CurrentRequest,
  type ExitSummary,
  type History,
  type Marker,
  type Slice,
  type SliceFrame,
  sliceNumbers,
  type WorkerRow,
  type WorkersFrame,
} from './types.ts';

const zero = (value: unknown): number => number(value) ?? 0;
const counts = (value: unknown): number[] | null => (Array.isArray(value) ? value.map(zero) : null);

export const slice = (value: unknown): Slice | null => {
  if (typeof value !== 'object' || value === null) return null;
  return { ...pick(value, sliceNumbers, number), heat: counts(raw(value).heat) };
};

const marker = (value: unknown): Marker => ({
  ...pick(value, ['pool', 'worker_id'], text),
  at: zero(raw(value).at),
  kind: text(raw(value).kind) ?? '',
  worker_slot: number(raw(value).worker_slot),
  text: text(raw(value).text) ?? '',
  level: one(raw(value).level, ['info', 'warning', 'error'], 'info'),
});

const markers = (value: unknown): Marker[] =>
  list(value)
    .map(marker)
    .filter(({ at }) => at > 0);

/** What happened in the step that is over now. */
export const sliceFrame = (value: unknown): SliceFrame | null => {
  const source = raw(value);
  const at = number(source.at);
  if (at === null) return null;
  const pools = mapValues(source.pools, slice);
  return {
    at,
    step_ms: number(source.step_ms) ?? 5000,
    total: slice(source.total),
    pools: Object.fromEntries(
      Object.entries(pools).filter((entry): entry is [string, Slice] => entry[1] !== null),
    ),
    markers: markers(source.markers),
  };
};

export const history = (value: unknown): History | null => {
  const source = raw(value);
  const from = number(source.from);
  const step = number(source.step_ms);
  if (from === null || step === null || step <= 0) return null;
  const slices = list(source.slices).map(slice);
  const heat = list(raw(source.heat).counts).map(counts);
  return {
    instance: text(source.instance) ?? '',
    step_ms: step,
    from,
    slices,
    heat: {
      bounds_ms: list(raw(source.heat).bounds_ms).map(zero),
      counts: slices.map((each, index) => heat[index] ?? each?.heat ?? null),
    },
    markers: markers(source.markers),
    pools: list(source.pools).filter((name): name is string => typeof name === 'string'),
    commands: mapValues(source.commands, (names) =>
      list(names).filter((name): name is string => typeof name === 'string'),
    ),
  };
};

const current = (value: unknown): CurrentRequest | null => {
  const command = text(raw(value).command);
  return command === null
    ? null
    : { command, request_id: text(raw(value).request_id), for_ms: number(raw(value).for_ms) };
};

const lastExit = (value: unknown): ExitSummary | null =>
  value
    ? {
        code: number(raw(value).code),
        signal: text(raw(value).signal),
        oom: raw(value).oom === true,
        at: number(raw(value).at),
      }
    : null;

const readings = [
  'pid',
  'uptime_seconds',
  'requests',
  'in_flight',
  'memory_mb',
  'cpu_seconds',
  'cpu_ratio',
  'restarts',
  'heartbeat_ms_ago',
  'failures',
] as const;

export const workerRow = (value: unknown): WorkerRow => {
  const source = raw(value);
  return {
    ...pick(source, readings, number),
    ...pick(source, ['worker_id', 'address', 'role', 'phase', 'python_version', 'codec'], text),
    pool_name: text(source.pool_name) ?? '',
    worker_slot: zero(source.worker_slot),
    state: text(source.state) ?? '?',
    current: current(source.current),
    last_exit: lastExit(source.last_exit),
  };
};

export const workersFrame = (value: unknown): WorkersFrame | null => {
  const at = number(raw(value).at);
  if (at === null) return null;
  return { at, pools: mapValues(raw(value).pools, (rows) => list(rows).map(workerRow)) };
};
