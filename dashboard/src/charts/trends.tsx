import { useMemo } from 'preact/hooks';
import { times } from '../data/advance.ts';
import { availabilityOf, countsOf, errorRateOf, keyOf, perSecondOf } from '../data/series.ts';
import type { Bounds, History, ThresholdName } from '../data/types.ts';
import { compact, count, ms, percent, perSecond } from '../ui/format.ts';
import { metrics } from '../ui/metrics.ts';
import { Chart } from './chart.tsx';
import { limitsOf, type Reading } from './limits.ts';
import type { ChartSeries, Format } from './options.ts';

/** What a chart of the last fifteen minutes shows. One of each, whichever view it is in. */
export interface TrendOf {
  readonly title: string;
  readonly format: Format;
  readonly metric: string;
  /** Whether the values are whole numbers. */
  readonly whole?: boolean;
  /** No value is above it. */
  readonly ceiling?: number;
  readonly lines: (history: History) => readonly ChartSeries[];
  /** The criterion of health that judges it, and how its bounds read here. */
  readonly judged?: {
    readonly by: ThresholdName;
    readonly read: (bound: number) => Reading | null;
  };
}

export const throughput: TrendOf = {
  title: 'Throughput',
  format: perSecond,
  metric: metrics.requests,
  lines: (history) => [
    { label: 'Requests/s', values: perSecondOf(history, 'requests'), tone: 'accent', fill: true },
  ],
};

export const unsuccessful: TrendOf = {
  title: 'Not successful, in 5 s',
  format: compact,
  metric: metrics.errors,
  whole: true,
  lines: (history) => [
    { label: 'Failed', values: countsOf(history, 'failed'), tone: 'error', fill: true },
    { label: 'Refused', values: countsOf(history, 'rejected'), tone: 'warning', dash: [6, 3] },
    { label: 'Cancelled', values: countsOf(history, 'cancelled'), tone: 'muted', dash: [2, 3] },
  ],
};

export const responseTime: TrendOf = {
  title: 'Response time',
  format: ms,
  metric: metrics.duration,
  lines: (history) => [
    { label: 'p50', values: keyOf(history, 'p50_ms'), tone: 'p50' },
    { label: 'p95', values: keyOf(history, 'p95_ms'), tone: 'p95', dash: [8, 3] },
    { label: 'p99', values: keyOf(history, 'p99_ms'), tone: 'p99', dash: [2, 2] },
  ],
  judged: {
    by: 'response_time_ms',
    read: (bound) => ({ value: bound, said: (tone) => `p95 ${tone} from ${ms(bound)}` }),
  },
};

export const load: TrendOf = {
  title: 'Load',
  format: count,
  metric: metrics.inFlight,
  whole: true,
  lines: (history) => [
    { label: 'In flight', values: keyOf(history, 'in_flight'), tone: 'accent', fill: true },
    { label: 'Queue', values: keyOf(history, 'queue_depth'), tone: 'warning', dash: [6, 3] },
    { label: 'Available', values: keyOf(history, 'workers_available'), tone: 'muted', dash: [2, 3] },
  ],
};

export const errorRate: TrendOf = {
  title: 'Error rate',
  format: percent,
  metric: metrics.errors,
  lines: (history) => [{ label: 'Error rate', values: errorRateOf(history), tone: 'error', fill: true }],
  judged: {
    by: 'error_rate',
    // A threshold of nothing is passed by the first failure, and would hide the axis.
    read: (bound) => (bound > 0 ? { value: bound, said: (tone) => `${tone} from ${percent(bound)}` } : null),
  },
};

const belowOf = (share: number): string =>
  share === 1 ? 'below 100%' : share === 0 ? 'at 0%' : `at ${percent(share)} and below`;

export const availability: TrendOf = {
  title: 'Availability',
  format: percent,
  metric: metrics.workers,
  ceiling: 1,
  lines: (history) => [
    { label: 'Workers in their place', values: availabilityOf(history), tone: 'ok', fill: true },
  ],
  judged: {
    by: 'worker_availability',
    // Health judges the share that is missing; a bound of nothing is passed by the first.
    read: (bound) =>
      bound > 1 ? null : { value: 1 - bound, said: (tone) => `${tone} ${belowOf(1 - bound)}` },
  },
};

export const refusals: TrendOf = {
  title: 'Refused, in 5 s',
  format: compact,
  metric: metrics.requests,
  whole: true,
  lines: (history) => [
    { label: 'All', values: countsOf(history, 'rejected'), tone: 'warning', fill: true },
    { label: 'Queue full', values: countsOf(history, 'queue_full'), tone: 'error', dash: [6, 3] },
  ],
};

export const sessions: TrendOf = {
  title: 'Sessions, of all pools',
  format: compact,
  metric: metrics.sessions,
  whole: true,
  lines: (history) => [{ label: 'Active', values: keyOf(history, 'sessions'), tone: 'accent', fill: true }],
};

export const sessionOperations: TrendOf = {
  title: 'Session store',
  format: perSecond,
  metric: metrics.sessionOperations,
  lines: (history) => [
    {
      label: 'Reads and writes/s',
      values: perSecondOf(history, 'session_operations'),
      tone: 'accent',
      fill: true,
    },
  ],
};

const NO_BOUNDS: Readonly<Partial<Record<ThresholdName, Bounds>>> = {};

export interface TrendProps {
  readonly of: TrendOf;
  /** Null while it is fetched. */
  readonly history: History | null;
  /** Those of health that are in force. */
  readonly thresholds?: Readonly<Partial<Record<ThresholdName, Bounds>>> | undefined;
}

/** One chart of a history. */
export function Trend({ of, history, thresholds = NO_BOUNDS }: TrendProps) {
  const made = useMemo(() => history && { x: times(history), series: of.lines(history) }, [of, history]);
  if (!history || !made) return <div class="chart plot-wait" />;
  const { title, format, metric, whole = false, ceiling, judged } = of;
  return (
    <Chart
      {...{ title, format, metric, whole, ceiling }}
      x={made.x}
      series={made.series}
      markers={history.markers}
      limits={judged && limitsOf(thresholds[judged.by], judged.read)}
    />
  );
}
