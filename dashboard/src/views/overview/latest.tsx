import { MarkerList } from '../../charts/marker-list.tsx';
import { useResource } from '../../data/api.ts';
import { now } from '../../data/store.ts';
import type { History } from '../../data/types.ts';
import { groupKey } from '../../text/groups.ts';
import type { ErrorGroup, ErrorLine, ErrorList } from '../../text/types.ts';
import { Card, Empty, Problem, Skeleton } from '../../ui/card.tsx';
import { href } from '../../ui/route.ts';
import { StatusBadge } from '../../ui/status.tsx';
import { Time } from '../../ui/time.tsx';

const SHOWN = 8;

/** Its kind, as the list of errors shows it; without a kind the list is what can be shown. */
const linkOf = (error: ErrorLine, groups: readonly ErrorGroup[]): string => {
  const group =
    groups.find(({ last_error_id }) => last_error_id === error.id) ??
    groups.find(
      ({ code, pool, command }) => code === error.code && pool === error.pool && command === error.command,
    );
  return href('errors', group ? { group: groupKey(group), error: error.id } : { code: error.code });
};

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
          <a class="clip grow" href={linkOf(error, data.groups)} title={error.message}>
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
