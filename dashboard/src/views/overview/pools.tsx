import type { PoolFrame } from '../../data/types.ts';
import { Bar } from '../../ui/bar.tsx';
import { Card, Empty } from '../../ui/card.tsx';
import { count, ms, percent, perSecond } from '../../ui/format.ts';
import { href } from '../../ui/route.ts';
import { StatusBadge } from '../../ui/status.tsx';

function PoolTile({ pool }: { readonly pool: PoolFrame }) {
  return (
    <a class="pool-tile stale-able" href={href('pools', { pool: pool.name })}>
      <span class="row">
        <strong class="clip">{pool.name}</strong>
        <StatusBadge status={pool.status} label={pool.status === 'ok' ? pool.state : undefined} />
      </span>
      <span class="num">
        {perSecond(pool.requests_per_second)}
        <small>req/s</small>
      </span>
      <span class="num">
        {ms(pool.p95_ms)}
        <small>p95</small>
      </span>
      <span class="num">
        {count(pool.available_workers)} / {count(pool.workers_desired)}
        <small>available</small>
      </span>
      <Bar value={pool.utilisation} label={`Utilisation of ${pool.name}`} text={percent(pool.utilisation)} />
    </a>
  );
}

export function PoolTiles({ pools }: { readonly pools: readonly PoolFrame[] }) {
  return (
    <Card title="Pools" class="flush" aside={<a href={href('pools')}>All pools</a>}>
      {pools.length === 0 && (
        <Empty title="No pool is configured" tone="info" hint="Add one under pools in the configuration." />
      )}
      <div class="pool-tiles">
        {pools.map((pool) => (
          <PoolTile key={pool.name} pool={pool} />
        ))}
      </div>
    </Card>
  );
}
