import {
  availability,
  errorRate,
  load,
  refusals,
  responseTime,
  sessionOperations,
  sessions,
  Trend,
  throughput,
} from '../../charts/trends.tsx';
import { useHistory } from '../../data/history.ts';
import { now } from '../../data/store.ts';
import type { PoolFrame, Slice } from '../../data/types.ts';

const ofPool = [load, throughput, responseTime, errorRate, availability, refusals];

const hasSessions = (slice: Slice | null): boolean =>
  (slice?.sessions ?? 0) > 0 || (slice?.session_operations ?? 0) > 0;

/** All pools share the sessions. Where there have been none of late, there is nothing to show. */
function SessionCharts() {
  const history = useHistory();
  if (!history?.slices.some(hasSessions)) return null;
  return (
    <div class="charts">
      <Trend of={sessions} history={history} />
      <Trend of={sessionOperations} history={history} />
    </div>
  );
}

export function PoolCharts({ pool }: { readonly pool: PoolFrame }) {
  const history = useHistory(pool.name);
  return (
    <>
      <div class="charts">
        {ofPool.map((each) => (
          <Trend key={each.title} of={each} history={history} thresholds={pool.thresholds} />
        ))}
      </div>
      {now.value?.sessions && <SessionCharts />}
    </>
  );
}
