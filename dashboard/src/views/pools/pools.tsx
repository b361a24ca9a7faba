import './pools.css';
import { useEffect } from 'preact/hooks';
import { RangeButtons } from '../../charts/range.tsx';
import { now, workers } from '../../data/store.ts';
import { wantWorkers } from '../../data/stream.ts';
import type { NowFrame, PoolFrame } from '../../data/types.ts';
import { Empty, PageTitle, Skeleton } from '../../ui/card.tsx';
import { Select } from '../../ui/filter.tsx';
import { go, hrefWith, route } from '../../ui/route.ts';
import { PoolCard } from './card.tsx';
import { PoolCharts } from './charts.tsx';
import { Commands } from './commands.tsx';
import { Workers } from './workers.tsx';

function Choice({ frame, name }: { readonly frame: NowFrame; readonly name: string }) {
  const options = [
    { value: '', label: 'All pools' },
    ...frame.pools.map((pool) => ({ value: pool.name, label: pool.name })),
  ];
  return <Select label="Pool" value={name} options={options} onChange={(pool) => go(hrefWith({ pool }))} />;
}

function OnePool({ pool }: { readonly pool: PoolFrame }) {
  return (
    <>
      <PoolCard pool={pool} />
      <PoolCharts pool={pool} />
      <Commands pool={pool.name} commands={pool.commands} />
    </>
  );
}

/** Pools, what they run, and their workers. */
export default function PoolsView() {
  useEffect(() => {
    wantWorkers(true);
    return () => wantWorkers(false);
  }, []);
  const frame = now.value;
  const name = route.value.params.pool ?? '';
  if (!frame)
    return (
      <>
        <PageTitle title="Pools" />
        <Skeleton lines={12} />
      </>
    );
  const chosen = frame.pools.filter((pool) => name === '' || pool.name === name);
  const rows = Object.entries(workers.value?.pools ?? {}).flatMap(([pool, each]) =>
    name === '' || pool === name ? each : [],
  );
  const only = chosen.length === 1 ? chosen[0] : undefined;
  return (
    <>
      <PageTitle
        title={name ? `Pool ${name}` : 'Pools'}
        aside={
          <>
            <Choice frame={frame} name={name} />
            {only && <RangeButtons />}
          </>
        }
      />
      {chosen.length === 0 && (
        <Empty title={name ? `There is no pool ${name}` : 'No pool is configured'} tone="info" />
      )}
      {only ? (
        <OnePool pool={only} />
      ) : (
        <div class="grid">
          {chosen.map((pool) => (
            <PoolCard key={pool.name} pool={pool} />
          ))}
        </div>
      )}
      {workers.value ? <Workers title="Workers" rows={rows} many={!only} /> : <Skeleton lines={6} />}
    </>
  );
}
