import { styleOf } from '../show/paint.ts';
import { cutTo, plainLine } from '../show/plain.ts';
import { type Cell, type Column, table } from '../show/table.ts';
import { counted, duration, figure, momentOf, percent, since, size } from '../show/units.ts';
import { placeColumns } from './place.ts';
import { type Look, runningNow, stateCell } from './status-screen.ts';
import { exitInWords, troublesOf } from './troubles.ts';
import {
  type HealthView,
  type PoolFigures,
  type PoolView,
  poolsOf,
  type StateView,
  type WorkerView,
  workersOf,
} from './view.ts';

/** Two moments; what counts up is told by the difference. */
export interface TopFacts {
  readonly url: string;
  readonly state: StateView;
  /** Undefined where it could not be had. */
  readonly health: HealthView | undefined;
  /** Undefined the first time. */
  readonly before: StateView | undefined;
  /** Between them. */
  readonly seconds: number;
}

/** The answer of `snakepit top`. */
export const topScreen = (facts: TopFacts, look: Look): string => {
  const { state, health, before, seconds } = facts;
  const pools = poolsOf(state).map(([name, pool]) =>
    onePool(name, { pool, figures: health?.pools?.[name], before: before?.pools?.[name], seconds }, look),
  );
  return `${[heading(facts, look), ...pools, ofLate(facts, look)].filter((part) => part !== '').join('\n\n')}\n`;
};

const heading = ({ url, state, health }: TopFacts, { paint }: Look): string => {
  const up = `${plainLine(url)}, up ${duration(state.uptime_ms)}`;
  if (health === undefined) return up;
  const { memory_mb, cpu_ratio, event_loop_lag_ms } = health.system ?? {};
  const status = plainLine(health.status);
  const figures = [
    memory_mb === undefined ? '' : `memory ${size(memory_mb * 2 ** 20)}`,
    cpu_ratio === undefined ? '' : `CPU ${percent(cpu_ratio)}`,
    event_loop_lag_ms === undefined ? '' : `event loop ${duration(event_loop_lag_ms)} late`,
  ];
  return [`${up}, health ${paint(styleOf(status), status)}`, ...figures]
    .filter((each) => each !== '')
    .join(', ');
};

interface Moments {
  readonly pool: PoolView;
  readonly figures: PoolFigures | undefined;
  readonly before: PoolView | undefined;
  readonly seconds: number;
}

const onePool = (name: string, moments: Moments, look: Look): string => {
  const { pool, figures, before, seconds } = moments;
  const place = placeColumns(workersOf(pool));
  const workers = workersOf(pool).map((worker) => {
    // The counters belong to the slot, and go on when its worker is replaced.
    const old = before?.workers?.find(({ slot }) => slot === worker.slot);
    const where = place.map(({ cell }) => cell(worker));
    return workerRow(name, worker, where, rateFrom(old, worker, seconds));
  });
  const measured = perSecond(sumOf(before?.workers), sumOf(pool.workers), before === undefined ? 0 : seconds);
  const head = [
    `${look.paint('bold', plainLine(name))} ${pool.state ?? '?'}`,
    `${pool.busy_workers ?? '?'} of ${counted(pool.workers_desired ?? 0, 'worker')} busy`,
    `queue ${pool.queue_depth ?? '?'}/${pool.queue_capacity ?? '?'}`,
    `${pool.requests_in_flight ?? '?'} running`,
    // Without a moment before, that of the last minute is the best there is.
    `${figure(measured ?? figures?.requests_per_second)} req/s`,
  ].join(', ');
  return [
    head,
    commandTable(figures, look),
    table(workerColumns(place.map(({ column }) => column)), workers, look),
  ]
    .filter((part) => part !== '')
    .join('\n');
};

const COMMANDS: readonly Column[] = [
  { title: 'Last minute', flexible: true },
  { title: 'Requests', right: true },
  { title: 'Req/s', right: true },
  { title: 'p50', right: true },
  { title: 'p95', right: true },
  { title: 'p99', right: true },
  { title: 'Errors', right: true },
];

/** More would leave no room for workers. */
const MAX_COMMANDS = 8;

const commandTable = (figures: PoolFigures | undefined, look: Look): string => {
  if (!figures?.requests) return '';
  const commands = Object.entries(figures.commands ?? {})
    .map(([name, spans]) => [name, spans['1m'] ?? {}] as const)
    .filter(([, { requests }]) => requests)
    .sort(([, a], [, b]) => (b.requests ?? 0) - (a.requests ?? 0));
  const rows = commands.slice(0, MAX_COMMANDS).map(([name, each]) => commandRow(name, each));
  // Of one command alone the whole is the same.
  const whole = commands.length === 1 ? [] : [commandRow('all commands', figures)];
  const rest = commands.length - MAX_COMMANDS;
  const more = rest > 0 ? `\n… and ${counted(rest, 'command')} more` : '';
  return table(COMMANDS, [...whole, ...rows], look) + more;
};

const commandRow = (name: string, figures: PoolFigures): Cell[] => [
  name,
  figure(figures.requests),
  figure(figures.requests_per_second),
  duration(figures.p50_response_time_ms),
  duration(figures.p95_response_time_ms),
  duration(figures.p99_response_time_ms),
  { text: percent(figures.error_rate, 1), style: figures.error_rate ? 'yellow' : undefined },
];

const workerColumns = (place: readonly Column[]): readonly Column[] => [
  { title: 'Worker' },
  { title: 'State' },
  ...place,
  { title: 'Req/s', right: true },
  { title: 'Busy', right: true },
  { title: 'CPU', right: true },
  { title: 'Memory', right: true },
  { title: 'Running now', flexible: true },
];

const sumOf = (workers: readonly WorkerView[] | undefined): number =>
  (workers ?? []).reduce((sum, { slot_requests_total }) => sum + (slot_requests_total ?? 0), 0);

/** How a count has grown; unknown without two moments. */
const perSecond = (before: number | undefined, after: number | undefined, seconds: number) =>
  before === undefined || after === undefined || seconds <= 0
    ? undefined
    : Math.max(0, after - before) / seconds;

type Rate = (
  counter: 'slot_requests_total' | 'slot_busy_seconds_total' | 'slot_cpu_seconds_total',
) => number | undefined;

const rateFrom =
  (old: WorkerView | undefined, worker: WorkerView, seconds: number): Rate =>
  (counter) =>
    perSecond(old?.[counter], worker[counter], worker.role === 'leaving' ? 0 : seconds);

const workerRow = (pool: string, worker: WorkerView, place: readonly Cell[], rate: Rate): Cell[] => [
  worker.id ?? `${pool}, slot ${worker.slot ?? '?'}`,
  stateCell(worker),
  ...place,
  figure(rate('slot_requests_total')),
  percent(rate('slot_busy_seconds_total')),
  percent(rate('slot_cpu_seconds_total')),
  size(worker.memory_bytes),
  runningNow(worker),
];

const LATE_MS = 15 * 60_000;

/** What went wrong: checks that are not ok, pools that do not work, workers that died. */
const ofLate = ({ state, health }: TopFacts, { now, width, paint }: Look): string => {
  const checks = (health?.checks ?? [])
    .filter(({ status }) => status !== undefined && status !== 'ok')
    .map(({ name, status, message, why }) =>
      paint(
        styleOf(status as string),
        cutTo(`${plainLine(name)}: ${plainLine(why ?? message ?? status)}`, width),
      ),
    );
  const deaths = poolsOf(state)
    .flatMap(([, pool]) => workersOf(pool))
    .flatMap(({ last_exit }) => (last_exit == null ? [] : [last_exit]))
    .filter(({ at }) => now - (momentOf(at) ?? 0) < LATE_MS)
    .sort((a, b) => b.at - a.at)
    .map((exit) => plainLine(`${since(exit.at, now)} ago: ${exit.worker_id} ${exitInWords(exit)}`));
  return [...checks, ...[...troublesOf(state, now), ...deaths].map((line) => cutTo(line, width))].join('\n');
};
