import { useMemo } from 'preact/hooks';
import { Chart } from '../../charts/chart.tsx';
import type { ChartSeries } from '../../charts/options.ts';
import { times } from '../../data/advance.ts';
import { countsOf, perSecondOf } from '../../data/series.ts';
import type { History } from '../../data/types.ts';
import { compact, perSecond } from '../../ui/format.ts';
import { metrics } from '../../ui/metrics.ts';

const dashed = [6, 3];

export function Throughput({ history }: { readonly history: History }) {
  const x = useMemo(() => times(history), [history]);
  const series = useMemo<ChartSeries[]>(
    () => [{ label: 'Requests/s', values: perSecondOf(history, 'requests'), tone: 'accent', fill: true }],
    [history],
  );
  return (
    <Chart
      title="Throughput"
      x={x}
      series={series}
      format={perSecond}
      markers={history.markers}
      metric={metrics.requests}
    />
  );
}

export function Failures({ history }: { readonly history: History }) {
  const x = useMemo(() => times(history), [history]);
  const series = useMemo<ChartSeries[]>(
    () => [
      { label: 'Failed', values: countsOf(history, 'failed'), tone: 'error', fill: true },
      { label: 'Rejected', values: countsOf(history, 'rejected'), tone: 'warning', dash: dashed },
      { label: 'Cancelled', values: countsOf(history, 'cancelled'), tone: 'muted', dash: [2, 3] },
    ],
    [history],
  );
  return (
    <Chart
      title="Not successful, in 5 s"
      whole
      x={x}
      series={series}
      format={compact}
      markers={history.markers}
      metric={metrics.errors}
    />
  );
}
