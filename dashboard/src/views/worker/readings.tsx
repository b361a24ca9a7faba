import { useMemo } from 'preact/hooks';
import { Chart } from '../../charts/chart.tsx';
import type { ChartSeries } from '../../charts/options.ts';
import { NONE, percent, perSecond, significant } from '../../ui/format.ts';
import { metrics } from '../../ui/metrics.ts';
import type { WorkerPage } from './parse.ts';

const MIB = 2 ** 20;
const mebibytes = (n: number | null): string => (n === null ? NONE : `${significant(n)} MiB`);

export function Readings({ page }: { readonly page: WorkerPage }) {
  const made = useMemo(() => {
    if (!page.readings) return null;
    const perStep = page.step_ms / 1000;
    const memory: ChartSeries[] = [
      {
        label: 'Resident',
        values: page.readings.memory_bytes.map((n) => (n === null ? null : n / MIB)),
        tone: 'accent',
        fill: true,
      },
    ];
    const cpu: ChartSeries[] = [
      { label: 'CPU', values: page.readings.cpu_ratio, tone: 'accent', fill: true },
    ];
    const requests: ChartSeries[] = [
      {
        label: 'Requests/s',
        values: page.readings.requests.map((n) => (n === null ? null : n / perStep)),
        tone: 'accent',
        fill: true,
      },
    ];
    return { memory, cpu, requests };
  }, [page]);
  if (!made) return null;
  return (
    <div class="charts">
      <Chart title="Memory" x={page.x} series={made.memory} format={mebibytes} metric={metrics.memory} />
      <Chart title="CPU" x={page.x} series={made.cpu} format={percent} metric={metrics.cpu} />
      <Chart
        title="Requests"
        x={page.x}
        series={made.requests}
        format={perSecond}
        metric={metrics.workerRequests}
      />
    </div>
  );
}
