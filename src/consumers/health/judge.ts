import { type CriterionName, criterionNames } from '../../config/index.ts';
import type { HealthStatus } from '../../events/index.ts';
import { workerAvailability } from './criteria/availability.ts';
import type { Criterion, Finding, HealthOptions } from './criteria/finding.ts';
import { type BusReading, observability } from './criteria/observability.ts';
import { eventLoopLag, type LagReading, type MemoryReading, memoryUse } from './criteria/process.ts';
import { queueDepth } from './criteria/queue.ts';
import { workerRestarts } from './criteria/restarts.ts';
import { errorRate, responseTime } from './criteria/traffic.ts';
import { initial, type Standing, step } from './damper.ts';
import type { PoolView } from './pools.ts';
import type { HealthCheck } from './types.ts';
import { rank, seconds, toCheck, type Verdict } from './verdict.ts';

/** Everything the criteria look at. */
export interface Inputs {
  readonly pools: readonly PoolView[];
  /** Epoch milliseconds, the clock of the events. */
  readonly now: number;
  /** The clock of durations. */
  readonly at: number;
  readonly memory: MemoryReading | undefined;
  readonly lag: LagReading;
  readonly bus: BusReading;
}

/** A threshold that was passed, or left. */
export interface Crossing {
  readonly check: CriterionName;
  /** Missing where it is about the process. */
  readonly pool: string | undefined;
  /** Undefined: left again. */
  readonly level: 'warning' | 'error' | undefined;
  readonly value: number;
  readonly threshold: number;
}

const perPool =
  (find: (pool: PoolView, criterion: Criterion, now: number) => Finding) =>
  ({ pools, now }: Inputs, criterion: Criterion): Finding[] =>
    pools.map((pool) => find(pool, criterion, now));

const finders: Readonly<Record<CriterionName, (inputs: Inputs, criterion: Criterion) => Finding[]>> = {
  worker_availability: perPool(workerAvailability),
  error_rate: perPool(errorRate),
  queue_depth: perPool(queueDepth),
  response_time: perPool(responseTime),
  memory: ({ memory }, criterion) => [memoryUse(memory, criterion)],
  event_loop_lag: ({ lag }, criterion) => [eventLoopLag(lag, criterion)],
  worker_restarts: perPool(workerRestarts),
  observability: ({ bus }, criterion) => [observability(bus, criterion)],
};

const keyOf = (criterion: string, pool: string): string => `${criterion} ${pool}`;

/** Judges by the criteria, and remembers where each stands, pool by pool: of the past nothing else counts. */
export class Judge {
  readonly #standings = new Map<string, Standing>();

  run(inputs: Inputs, criteria: HealthOptions['criteria']): { checks: HealthCheck[]; crossings: Crossing[] } {
    const crossings: Crossing[] = [];
    const checks = criterionNames.map((name) => {
      try {
        return this.#check(name, inputs, criteria[name], crossings);
      } catch (error) {
        return brokenCheck(name, error);
      }
    });
    return { checks, crossings };
  }

  /** Where a pool stands by the criteria that judge it by itself. */
  standingOf(pool: string): HealthStatus {
    const statuses = criterionNames.map((name) => this.#standings.get(keyOf(name, pool))?.status ?? 'ok');
    return statuses.reduce((worst, status) => (rank[status] > rank[worst] ? status : worst), 'ok');
  }

  #check(name: CriterionName, inputs: Inputs, criterion: Criterion, crossings: Crossing[]): HealthCheck {
    const verdicts = finders[name](inputs, criterion).map((finding) => {
      if (finding.fixed !== undefined)
        return { pool: finding.pool, status: finding.fixed, ...finding.words(finding.fixed) };
      const [before, standing] = this.#step(name, finding, criterion, inputs.at);
      crossings.push(...crossed(name, finding, criterion, before.status, standing.status));
      return verdictOf(finding, standing, criterion, inputs.at);
    });
    return toCheck(name, verdicts);
  }

  #step(name: string, finding: Finding, criterion: Criterion, at: number): [Standing, Standing] {
    const key = keyOf(name, finding.pool ?? '');
    const before = this.#standings.get(key) ?? initial;
    const standing = step(before, finding, criterion, at);
    this.#standings.set(key, standing);
    return [before, standing];
  }
}

/** From error to warning it has come down, but is over a threshold still: that was said. */
const crossed = (
  check: CriterionName,
  { pool, value, passed }: Finding,
  limits: Criterion,
  from: HealthStatus,
  to: HealthStatus,
): Crossing[] => {
  const what = { check, pool, value: value ?? 0 };
  if (rank[to] > rank[from] && to !== 'ok') return [{ ...what, level: to, threshold: passed ?? limits[to] }];
  return to === 'ok' && from !== 'ok' ? [{ ...what, level: undefined, threshold: limits.warning }] : [];
};

const verdictOf = (
  finding: Finding,
  { status, raw, warningAt, errorAt }: Standing,
  { dwellMs }: Criterion,
  at: number,
): Verdict => {
  const { pool } = finding;
  const words = finding.words(raw);
  if (status === raw) return { pool, status, ...words };
  const since = at - (status === 'error' ? errorAt : warningAt);
  return {
    pool,
    status,
    message: `${words.message}; still ${status} for ${seconds(dwellMs - since)}`,
    why: `it was that bad ${seconds(since)} ago, and a status gets better only after ${seconds(dwellMs)}, so that it does not flap`,
    remedy: words.remedy ?? 'None needed unless it comes again.',
  };
};

/** One criterion that fails takes no other with it. */
const brokenCheck = (name: string, error: unknown): HealthCheck => ({
  name,
  status: 'error',
  message: 'The check itself failed',
  why: error instanceof Error ? error.message : 'it threw',
  remedy: 'Report this: it is a fault of the library.',
});
