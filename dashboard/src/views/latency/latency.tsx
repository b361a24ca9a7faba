import { HeatMap } from '../../charts/heat-map.tsx';
import { MarkerList } from '../../charts/marker-list.tsx';
import { RangeButtons } from '../../charts/range.tsx';
import { responseTime, Trend, throughput } from '../../charts/trends.tsx';
import { useHistory } from '../../data/history.ts';
import { now } from '../../data/store.ts';
import type { History } from '../../data/types.ts';
import { Card, Empty, PageTitle, Skeleton } from '../../ui/card.tsx';
import { Select } from '../../ui/filter.tsx';
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
  const { pool, command } = route.value.params;
  const pools = now.value?.pools ?? [];
  // Health judges pools, not commands. All are judged by the same thresholds.
  const judged = command ? undefined : (pools.find(({ name }) => name === pool) ?? pools[0]);
  return (
    <div class="charts">
      <Trend of={responseTime} history={history} thresholds={judged?.thresholds} />
      <Trend of={throughput} history={history} />
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
