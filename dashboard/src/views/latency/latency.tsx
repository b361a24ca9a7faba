import { useMemo } from 'preact/hooks';
import { Chart } from '../../charts/chart.tsx';
import { HeatMap } from '../../charts/heat-map.tsx';
import { MarkerList } from '../../charts/marker-list.tsx';
import type { ChartSeries } from '../../charts/options.ts';
import { RangeButtons } from '../../charts/range.tsx';
import { times } from '../../data/advance.ts';
import { useHistory } from '../../data/history.ts';
import { keyOf, perSecondOf } from '../../data/series.ts';
import { now } from '../../data/store.ts';
import type { History } from '../../data/types.ts';
import { Card, Empty, PageTitle, Skeleton } from '../../ui/card.tsx';
import { Select } from '../../ui/filter.tsx';
import { ms, perSecond } from '../../ui/format.ts';
import { metrics } from '../../ui/metrics.ts';
import { go, hrefWith, route } from '../../ui/route.ts';

const option = (name: string) => ({ value: name, label: name });

function Choice({ history }: { readonly history: History | null }) {
  const { pool = '', command = '' } = route.value.params;
  const pools = now.value?.pools.map(({ name }) => name) ?? history?.pools ?? [];
  const known = history?.commands ?? {};
  const commands = [...new Set(pool ? (known[pool] ?? []) : Object.values(known).flat())].sort();
  const shown = command && !commands.includes(command) ? [command, ...commands] : commands;
  return (
    <>
      <Select
        label="Pool"
        value={pool}
        options={[{ value: '', label: 'All' }, ...pools.map(option)]}
        onChange={(to) => go(hrefWith({ pool: to, command: null }))}
      />
      <Select
        label="Command"
        value={command}
        options={[{ value: '', label: 'All' }, ...shown.map(option)]}
        onChange={(to) => go(hrefWith({ command: to }))}
      />
      <RangeButtons />
    </>
  );
}

function Charts({ history }: { readonly history: History }) {
  const made = useMemo(() => {
    const percentiles: ChartSeries[] = [
      { label: 'p50', values: keyOf(history, 'p50_ms'), tone: 'p50' },
      { label: 'p95', values: keyOf(history, 'p95_ms'), tone: 'p95', dash: [8, 3] },
      { label: 'p99', values: keyOf(history, 'p99_ms'), tone: 'p99', dash: [2, 2] },
    ];
    const rate: ChartSeries[] = [
      { label: 'Requests/s', values: perSecondOf(history, 'requests'), tone: 'accent', fill: true },
    ];
    return { x: times(history), percentiles, rate };
  }, [history]);
  return (
    <div class="charts">
      <Chart
        title="Percentiles"
        x={made.x}
        series={made.percentiles}
        format={ms}
        markers={history.markers}
        metric={metrics.duration}
      />
      <Chart
        title="Throughput"
        x={made.x}
        series={made.rate}
        format={perSecond}
        markers={history.markers}
        metric={metrics.requests}
      />
    </div>
  );
}

function Shown({ history }: { readonly history: History }) {
  const { pool, command } = route.value.params;
  const some = history.heat.counts.some((bins) => bins?.some((n) => n > 0));
  const title = `How long requests took${command ? `: ${command}` : ''}${pool ? ` in ${pool}` : ''}`;
  return (
    <>
      <div class="charts">
        {some ? (
          <HeatMap history={history} title={title} />
        ) : (
          <Card>
            <Empty title="No requests in the last 15 minutes" tone="info" />
          </Card>
        )}
      </div>
      <Charts history={history} />
      <Card title="What happened, 15 minutes">
        <MarkerList markers={history.markers} limit={20} />
      </Card>
    </>
  );
}

/** How long requests took, at which time. */
export default function LatencyView() {
  const { pool, command } = route.value.params;
  const history = useHistory(pool, command);
  return (
    <>
      <PageTitle title="Latency" aside={<Choice history={history} />} />
      {history ? <Shown history={history} /> : <Skeleton lines={14} />}
    </>
  );
}
