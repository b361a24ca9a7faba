import { plainLine } from '../show/plain.ts';
import { type Cell, type Column, table } from '../show/table.ts';
import { counted, duration, figure, percent, size } from '../show/units.ts';
import { type Look, runningNow, stateCell } from './status-screen.ts';
import { type PoolView, poolsOf, type StateView, type WorkerView, workersOf } from './view.ts';

/** Two moments; what counts up is told by the difference. */
export interface TopFacts {
  readonly url: string;
  readonly state: StateView;
  /** Undefined the first time. */
  readonly before: StateView | undefined;
  /** Between them. */
  readonly seconds: number;
}

/** The answer of `snakepit top`. */
export const topScreen = ({ url, state, before, seconds }: TopFacts, look: Look): string => {
  const pools = poolsOf(state).map(([name, pool]) =>
    onePool(name, { pool, before: before?.pools?.[name], seconds }, look),
  );
  return `${[`${plainLine(url)}, up ${duration(state.uptime_ms)}`, ...pools].join('\n\n')}\n`;
};

const WORKERS: readonly Column[] = [
  { title: 'Worker' },
  { title: 'State' },
  { title: 'PID', right: true },
  { title: 'Req/s', right: true },
  { title: 'Busy', right: true },
  { title: 'CPU', right: true },
  { title: 'Memory', right: true },
  { title: 'Running now', flexible: true },
];

interface Moments {
  readonly pool: PoolView;
  readonly before: PoolView | undefined;
  readonly seconds: number;
}

const onePool = (name: string, { pool, before, seconds }: Moments, look: Look): string => {
  const workers = workersOf(pool).map((worker) => {
    // The counters belong to the slot, and go on when its worker is replaced.
    const old = before?.workers?.find(({ slot }) => slot === worker.slot);
    return workerRow(name, worker, rateFrom(old, worker, seconds));
  });
  const total = perSecond(sumOf(before?.workers), sumOf(pool.workers), before === undefined ? 0 : seconds);
  const head = [
    `${look.paint('bold', plainLine(name))} ${pool.state ?? '?'}`,
    `${pool.busy_workers ?? '?'} of ${counted(pool.workers_desired ?? 0, 'worker')} busy`,
    `queue ${pool.queue_depth ?? '?'}/${pool.queue_capacity ?? '?'}`,
    `${pool.requests_in_flight ?? '?'} running`,
    `${figure(total)} req/s`,
  ].join(', ');
  return `${head}\n${table(WORKERS, workers, look)}`;
};

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

const workerRow = (pool: string, worker: WorkerView, rate: Rate): Cell[] => [
  worker.id ?? `${pool}, slot ${worker.slot ?? '?'}`,
  stateCell(worker),
  String(worker.pid ?? '-'),
  figure(rate('slot_requests_total')),
  percent(rate('slot_busy_seconds_total')),
  percent(rate('slot_cpu_seconds_total')),
  size(worker.memory_bytes),
  runningNow(worker),
];
