import './overview.css';
import { RangeButtons } from '../../charts/range.tsx';
import { Trend, throughput, unsuccessful } from '../../charts/trends.tsx';
import { useHistory } from '../../data/history.ts';
import { now } from '../../data/store.ts';
import { PageTitle, Skeleton } from '../../ui/card.tsx';
import { CapacityFigures, TrafficFigures } from './figures.tsx';
import { LatestErrors, LatestMarkers } from './latest.tsx';
import { PoolTiles } from './pools.tsx';
import { Verdict } from './verdict.tsx';

/** What is looked at first when something smells. */
export default function OverviewView() {
  const frame = now.value;
  const history = useHistory();
  if (!frame)
    return (
      <>
        <PageTitle title="Overview" />
        <Skeleton lines={12} />
      </>
    );
  return (
    <>
      <PageTitle title="Overview" aside={<RangeButtons />} />
      <Verdict frame={frame} />
      <TrafficFigures frame={frame} history={history} />
      <CapacityFigures frame={frame} history={history} />
      <PoolTiles pools={frame.pools} />
      <div class="charts">
        <Trend of={throughput} history={history} />
        <Trend of={unsuccessful} history={history} />
      </div>
      <div class="summary">
        <LatestErrors />
        <LatestMarkers history={history} />
      </div>
    </>
  );
}
