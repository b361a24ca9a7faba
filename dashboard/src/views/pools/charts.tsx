import {
  availability,
  errorRate,
  load,
  percentiles,
  refusals,
  sessionOperations,
  sessions,
  Trend,
} from '../../charts/trends.tsx';
import { useHistory } from '../../data/history.ts';
import { now } from '../../data/store.ts';
import type { PoolFrame } from '../../data/types.ts';

const ofPool = [load, percentiles, errorRate, availability, refusals];

/** All pools share the sessions. */
function SessionCharts() {
  const history = useHistory();
  return (
    <>
      <Trend of={sessions} history={history} />
      <Trend of={sessionOperations} history={history} />
    </>
  );
}

export function PoolCharts({ pool }: { readonly pool: PoolFrame }) {
  const history = useHistory(pool.name);
  return (
    <div class="charts">
      {ofPool.map((each) => (
        <Trend key={each.title} of={each} history={history} thresholds={pool.thresholds} />
      ))}
      {now.value?.sessions && <SessionCharts />}
    </div>
  );
}
