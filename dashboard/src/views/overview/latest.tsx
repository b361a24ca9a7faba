import { MarkerList } from '../../charts/marker-list.tsx';
import { useResource } from '../../data/api.ts';
import { now } from '../../data/store.ts';
import type { History } from '../../data/types.ts';
import type { ErrorList } from '../../text/types.ts';
import { Card, Empty, Problem, Skeleton } from '../../ui/card.tsx';
import { href } from '../../ui/route.ts';
import { StatusBadge } from '../../ui/status.tsx';
import { Time } from '../../ui/time.tsx';

const SHOWN = 8;

function Errors() {
  const { data, error, reload } = useResource<ErrorList>('api/errors', now.value?.counts.errors);
  if (error && !data) return <Problem problem={error} retry={reload} />;
  if (!data) return <Skeleton lines={SHOWN} />;
  const errors = data.errors.slice(0, SHOWN);
  if (errors.length === 0)
    return <Empty title="No errors so far" hint="Requests that fail and workers that crash show up here." />;
  return (
    <ul class="marker-list">
      {errors.map((error) => (
        <li key={error.id}>
          <StatusBadge status="error" label={error.code} />
          <a
            class="clip grow"
            href={href('errors', { group: error.group_id, error: error.id })}
            title={error.message}
          >
            {error.message}
          </a>
          <Time at={error.timestamp} />
        </li>
      ))}
    </ul>
  );
}

export function LatestErrors() {
  return (
    <Card title="Latest errors" aside={<a href={href('errors')}>All errors</a>}>
      <Errors />
    </Card>
  );
}

export function LatestMarkers({ history }: { readonly history: History | null }) {
  return (
    <Card title="What happened, 15 minutes" aside={<a href={href('events')}>Events</a>}>
      {history ? <MarkerList markers={history.markers} limit={SHOWN} /> : <Skeleton lines={SHOWN} />}
    </Card>
  );
}
