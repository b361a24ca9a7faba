import { useResource } from '../../data/api.ts';
import { isRecorded } from '../../data/recorded.ts';
import { now } from '../../data/store.ts';
import { isRunning, slowKey } from '../../text/slow.ts';
import type { SlowList, SlowRequest } from '../../text/types.ts';
import { Card, Empty, Notice, PageTitle, Problem, Skeleton } from '../../ui/card.tsx';
import { Filter, Select } from '../../ui/filter.tsx';
import { count, plural } from '../../ui/format.ts';
import { go, hrefWith, route } from '../../ui/route.ts';
import { SlowCard } from './detail.tsx';
import { SlowTable } from './list.tsx';
import './slow.css';

const change = (changes: Readonly<Record<string, string | null>>): void =>
  go(hrefWith(changes), { replace: true });

type Params = Readonly<Record<string, string>>;

const passes = ({ q = '', pool = '', status = '' }: Params, request: SlowRequest): boolean => {
  if (pool !== '' && request.pool !== pool) return false;
  if (status === 'running' ? !isRunning(request) : status !== '' && request.status !== status) return false;
  const all =
    `${request.command} ${request.worker_id} ${request.request_id} ${request.code} ${request.python_stack}`.toLowerCase();
  return q
    .toLowerCase()
    .split(/\s+/)
    .every((word) => all.includes(word));
};

const choices = (all: string, values: readonly (string | null | undefined)[]) => [
  { value: '', label: all },
  ...[...new Set(values)].flatMap((value) => (value ? [{ value, label: value }] : [])),
];

function Toolbar({
  requests,
  params,
}: {
  readonly requests: readonly SlowRequest[];
  readonly params: Params;
}) {
  return (
    <search class="toolbar">
      <Filter
        label="Filter slow requests"
        value={params.q ?? ''}
        onChange={(q) => change({ q })}
        placeholder="Words in command, ids or stack"
      />
      <Select
        label="Status"
        value={params.status ?? ''}
        options={choices('All', ['running', ...requests.map(({ status }) => status), params.status])}
        onChange={(status) => change({ status })}
      />
      <Select
        label="Pool"
        value={params.pool ?? ''}
        options={choices('All', [...requests.map(({ pool }) => pool), params.pool])}
        onChange={(pool) => change({ pool })}
      />
    </search>
  );
}

function Nothing({ total }: { readonly total: number }) {
  if (total === 0) {
    return (
      <Empty
        title="No slow requests"
        hint={
          isRecorded
            ? 'None were known when this was recorded.'
            : 'A request counts as slow past slowAfterMs of its pool, or half its deadline. Its Python stack is taken then.'
        }
      />
    );
  }
  return (
    <Empty
      tone="neutral"
      title="No slow request passes the filter"
      hint={<a href={hrefWith({ q: null, pool: null, status: null })}>Show all {count(total)}</a>}
    />
  );
}

function List({ list }: { readonly list: SlowList }) {
  const { params } = route.value;
  const shown = list.requests.filter((request) => passes(params, request));
  const selected = list.requests.find((request) => slowKey(request) === params.request);
  return (
    <>
      <Toolbar requests={list.requests} params={params} />
      <div class={params.request === undefined ? '' : 'split'}>
        <Card title={plural(shown.length, 'slow request')}>
          <SlowTable
            requests={shown}
            selected={params.request}
            empty={<Nothing total={list.requests.length} />}
          />
        </Card>
        {params.request !== undefined &&
          (selected === undefined ? (
            <Card title="Slow request">
              <Empty
                tone="neutral"
                title="This request is not known any more"
                hint="Only the last ones are kept, and only as long as the process lives."
              />
            </Card>
          ) : (
            <SlowCard key={slowKey(selected)} request={selected} />
          ))}
      </div>
    </>
  );
}

/** Requests that take longer than they should: those that hang now first, with what their Python does. */
export default function SlowView() {
  const counts = now.value?.counts;
  const { data, error, reload } = useResource<SlowList>(
    'api/requests/slow?limit=500',
    `${counts?.slow} ${counts?.slow_running}`,
  );
  return (
    <>
      <PageTitle
        title="Slow requests"
        aside={
          data && (
            <span class="muted">
              {count(data.totals.running)} running · {count(data.totals.seen)} seen ·{' '}
              {count(data.totals.kept)} kept
            </span>
          )
        }
      />
      <div class="stack">
        {data === null && error === null && <Skeleton lines={8} />}
        {data === null && error !== null && <Problem problem={error} retry={reload} />}
        {data !== null && error !== null && (
          <Notice
            status="warning"
            title="The list could not be read again; it may be old."
            aside={
              <button type="button" class="button" onClick={reload}>
                Try again
              </button>
            }
          />
        )}
        {data !== null && <List list={data} />}
      </div>
    </>
  );
}
