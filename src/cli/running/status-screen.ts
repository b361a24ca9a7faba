import { type Paint, type Style, styleOf } from '../show/paint.ts';
import { plainLine } from '../show/plain.ts';
import { type Cell, type Column, table } from '../show/table.ts';
import { duration, figure, percent, size } from '../show/units.ts';
import { placeColumns } from './place.ts';
import { troublesOf } from './troubles.ts';
import { type HealthView, poolsOf, type StateView, type WorkerView, workersOf } from './view.ts';

/** What is shown; what could not be had is undefined. */
export interface StatusFacts {
  readonly url: string;
  readonly state: StateView | undefined;
  readonly health: HealthView | undefined;
  /** Whether there is a live page. */
  readonly hasPage?: boolean;
}

/** How it is shown. */
export interface Look {
  /** Epoch milliseconds. */
  readonly now: number;
  readonly width: number;
  readonly paint: Paint;
}

/** The answer of `snakepit status`. */
export const statusScreen = (facts: StatusFacts, look: Look): string => {
  const { state, health } = facts;
  const parts = [
    heading(facts, look),
    ...(state === undefined ? [] : [poolTable(state, health, look), workerTable(state, look)]),
    ...(state === undefined ? [] : [troublesOf(state, look.now).join('\n')]),
  ];
  return `${parts.filter((part) => part !== '').join('\n\n')}\n`;
};

const heading = ({ url, state, health, hasPage }: StatusFacts, { paint }: Look): string => {
  const word = health === undefined ? 'not known (health is switched off)' : plainLine(health.status);
  const up = state?.uptime_ms === undefined ? '' : `, up ${duration(state.uptime_ms)}`;
  const lines = [`Health: ${paint(styleOf(word), word)}   ${plainLine(url)}${up}`];
  if (hasPage) lines.push(`Page:   ${plainLine(url)}/dashboard`);
  for (const { name, status, message, why, remedy } of health?.checks ?? []) {
    if (status === 'ok') continue;
    lines.push(`  ${paint(styleOf(status ?? ''), plainLine(name))}: ${plainLine(why ?? message ?? status)}`);
    if (remedy !== undefined) lines.push(`    → ${plainLine(remedy)}`);
  }
  return lines.join('\n');
};

const POOLS: readonly Column[] = [
  { title: 'Pool', flexible: true },
  { title: 'State' },
  { title: 'Workers', right: true },
  { title: 'Busy', right: true },
  { title: 'Queue', right: true },
  { title: 'Running', right: true },
  { title: 'Req/s', right: true },
  { title: 'p95', right: true },
  { title: 'Errors', right: true },
];

const poolTable = (state: StateView, health: HealthView | undefined, look: Look): string => {
  const rows = poolsOf(state).map(([name, pool]): Cell[] => {
    const { requests, requests_per_second, p95_response_time_ms, error_rate } = health?.pools?.[name] ?? {};
    const by = pool.workers_by_state;
    // Without a request in the last minute these say nothing.
    const seen = requests ? 1 : undefined;
    return [
      name,
      { text: pool.state ?? '?', style: styleOf(pool.state ?? '') },
      `${by === undefined ? '?' : (by.ready ?? 0) + (by.busy ?? 0)}/${pool.workers_desired ?? '?'}`,
      figure(pool.busy_workers),
      `${pool.queue_depth ?? '?'}/${pool.queue_capacity ?? '?'}`,
      figure(pool.requests_in_flight),
      figure(requests_per_second),
      duration(seen && p95_response_time_ms),
      { text: percent(seen && error_rate, 1), style: seen && error_rate ? 'yellow' : undefined },
    ];
  });
  return table(POOLS, rows, look);
};

const workerColumns = (place: readonly Column[]): readonly Column[] => [
  { title: 'Worker' },
  { title: 'State' },
  ...place,
  { title: 'Up', right: true },
  { title: 'Requests', right: true },
  { title: 'Memory', right: true },
  { title: 'Running now', flexible: true },
];

/** More would not fit on one screen. */
const MAX_WORKERS = 20;

const workerTable = (state: StateView, look: Look): string => {
  const all = poolsOf(state).flatMap(([name, pool]) => workersOf(pool).map((worker) => ({ name, worker })));
  if (all.length === 0) return '';
  // What is idle can be left out soonest.
  const shown =
    all.length <= MAX_WORKERS
      ? all
      : [...all].sort((a, b) => rank(a.worker) - rank(b.worker)).slice(0, MAX_WORKERS);
  const place = placeColumns(shown.map(({ worker }) => worker));
  const rows = shown.map(({ name, worker }) =>
    workerRow(
      name,
      worker,
      place.map(({ cell }) => cell(worker)),
    ),
  );
  const columns = workerColumns(place.map(({ column }) => column));
  const rest = all.length - shown.length;
  return `${table(columns, rows, look)}${rest === 0 ? '' : `\n… and ${rest} more (--json lists all)`}`;
};

const rank = ({ state }: WorkerView): number => (state === 'ready' ? 2 : state === 'busy' ? 1 : 0);

const workerRow = (pool: string, worker: WorkerView, place: readonly Cell[]): Cell[] => [
  worker.id ?? `${pool}, slot ${worker.slot ?? '?'}`,
  stateCell(worker),
  ...place,
  worker.id == null ? '-' : duration(worker.uptime_ms),
  figure(worker.requests),
  size(worker.memory_bytes),
  runningNow(worker),
];

/** The state of a worker, with what it is about: the phase of a start, or that it comes or goes. */
export const stateCell = ({ state, phase, role }: WorkerView): Cell => {
  const detail = state === 'starting' ? phase : role === 'leaving' ? 'replaced' : undefined;
  const text = `${state ?? '?'}${detail == null ? '' : ` (${detail})`}`;
  const style: Style | undefined = styleOf(state ?? '');
  return { text, style };
};

/** The oldest request that runs, and how many more. */
export const runningNow = ({ current, in_flight }: WorkerView): string => {
  if (current == null) return '';
  const more = (in_flight ?? 1) - 1;
  return `${current.command} ${duration(current.for_ms)}${more > 0 ? ` +${more}` : ''}`;
};
