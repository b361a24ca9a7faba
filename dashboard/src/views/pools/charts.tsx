import { useMemo } from 'preact/hooks';
import { Chart } from '../../charts/chart.tsx';
import type { Threshold } from '../../charts/marks.ts';
import type { ChartSeries } from '../../charts/options.ts';
import { times } from '../../data/advance.ts';
import { useHistory } from '../../data/history.ts';
import { errorRateOf, keyOf } from '../../data/series.ts';
import type { Bounds, PoolFrame } from '../../data/types.ts';
import { count, percent } from '../../ui/format.ts';
import { metrics } from '../../ui/metrics.ts';

const lines = (bounds: Bounds | undefined): Threshold[] =>
  (['warning', 'error'] as const).flatMap((tone) => {
    const value = bounds?.[tone];
    return value ? [{ value, tone, label: `${tone} from ${percent(value)}` }] : [];
  });

export function PoolCharts({ pool }: { readonly pool: PoolFrame }) {
  const history = useHistory(pool.name);
  const made = useMemo(() => {
    if (!history) return null;
    const load: ChartSeries[] = [
      { label: 'In flight', values: keyOf(history, 'in_flight'), tone: 'accent', fill: true },
      { label: 'Queue', values: keyOf(history, 'queue_depth'), tone: 'warning', dash: [6, 3] },
      { label: 'Available', values: keyOf(history, 'workers_available'), tone: 'muted', dash: [2, 3] },
    ];
    const errors: ChartSeries[] = [
      { label: 'Error rate', values: errorRateOf(history), tone: 'error', fill: true },
    ];
    return { x: times(history), load, errors };
  }, [history]);
  if (!history || !made)
    return (
      <div class="charts">
        <div class="chart plot-wait" />
        <div class="chart plot-wait" />
      </div>
    );
  return (
    <div class="charts">
      <Chart
        title="Load"
        whole
        x={made.x}
        series={made.load}
        format={count}
        markers={history.markers}
        metric={metrics.inFlight}
      />
      <Chart
        title="Error rate"
        x={made.x}
        series={made.errors}
        format={percent}
        markers={history.markers}
        thresholds={lines(pool.thresholds.error_rate)}
        metric={metrics.errors}
      />
    </div>
  );
}
