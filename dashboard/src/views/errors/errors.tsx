import { useResource } from '../../data/api.ts';
import { isRecorded } from '../../data/recorded.ts';
import { now } from '../../data/store.ts';
import { filterGroups, type GroupFilter, valuesOf } from '../../text/groups.ts';
import type { ErrorGroup, ErrorList, QuarantinedRequest } from '../../text/types.ts';
import { Card, Empty, Notice, PageTitle, Problem, Skeleton } from '../../ui/card.tsx';
import { Filter, Select } from '../../ui/filter.tsx';
import { count, plural } from '../../ui/format.ts';
import { go, hrefWith, route } from '../../ui/route.ts';
import { Time } from '../../ui/time.tsx';
import { GroupErrors } from './group.tsx';
import { GroupTable } from './groups.tsx';
import './errors.css';

const filterOf = (params: Readonly<Record<string, string>>): GroupFilter => ({
  code: params.code ?? '',
  pool: params.pool ?? '',
  command: params.command ?? '',
  text: params.q ?? '',
});

const change = (changes: Readonly<Record<string, string | null>>): void =>
  go(hrefWith(changes), { replace: true });

function Toolbar({
  groups,
  filter,
}: {
  readonly groups: readonly ErrorGroup[];
  readonly filter: GroupFilter;
}) {
  const choice = (field: 'code' | 'pool' | 'command', all: string) => {
    const values = new Set([...valuesOf(groups, field), filter[field]]);
    values.delete('');
    return [{ value: '', label: all }, ...[...values].map((value) => ({ value, label: value }))];
  };
  return (
    <search class="toolbar">
      <Filter
        label="Filter errors"
        value={filter.text}
        onChange={(q) => change({ q })}
        placeholder="Words in code or message"
      />
      <Select
        label="Code"
        value={filter.code}
        options={choice('code', 'All')}
        onChange={(code) => change({ code })}
      />
      <Select
        label="Pool"
        value={filter.pool}
        options={choice('pool', 'All')}
        onChange={(pool) => change({ pool })}
      />
      <Select
        label="Command"
        value={filter.command}
        options={choice('command', 'All')}
        onChange={(command) => change({ command })}
      />
    </search>
  );
}

function Quarantined({ rows }: { readonly rows: readonly QuarantinedRequest[] }) {
  if (rows.length === 0) return null;
  return (
    <Notice status="error" title={`${plural(rows.length, 'request')} refused for having killed workers`}>
      <ul class="quarantined">
        {rows.map((row, i) => (
          <li key={i}>
            <strong class="mono">{row.command}</strong> in pool {row.pool}:{' '}
            {plural(row.deaths ?? 0, 'worker')} died of it; refused until <Time at={row.until} mode="clock" />{' '}
            for the arguments <span class="mono">{row.args_hash}</span>
          </li>
        ))}
      </ul>
    </Notice>
  );
}

const isFiltered = (filter: GroupFilter): boolean => Object.values(filter).some((value) => value !== '');

function Nothing({ filter, total }: { readonly filter: GroupFilter; readonly total: number }) {
  if (!isFiltered(filter) || total === 0)
    return (
      <Empty
        title="No errors"
        hint={isRecorded ? 'None had happened when this was recorded.' : 'None since this process started.'}
      />
    );
  return (
    <Empty
      tone="neutral"
      title="No error passes the filter"
      hint={
        <a href={hrefWith({ q: null, code: null, pool: null, command: null })}>
          Show all {plural(total, 'kind')}
        </a>
      }
    />
  );
}

function List({
  list,
  problem,
  reload,
}: {
  readonly list: ErrorList;
  readonly problem: boolean;
  readonly reload: () => void;
}) {
  const { params } = route.value;
  const filter = filterOf(params);
  const shown = filterGroups(list.groups, filter);
  // A link may name the error alone, or the request that failed with it.
  const named = list.errors.find(
    ({ id, request_id }) =>
      id === params.error || (params.request !== undefined && request_id === params.request),
  );
  const lost = params.request ?? params.error;
  const key = params.group ?? named?.group_id;
  const selected = list.groups.find(({ id }) => id === key);
  return (
    <div class="stack">
      {problem && (
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
      {lost !== undefined && named === undefined && params.group === undefined && (
        <Notice
          status="info"
          title={`No error of this ${params.request === undefined ? 'id' : 'request'} is kept any more.`}
        >
          <span class="mono">{lost}</span>
        </Notice>
      )}
      <Quarantined rows={list.quarantined} />
      <Toolbar groups={list.groups} filter={filter} />
      <div class={key === undefined ? '' : 'split errors-split'}>
        <Card title={plural(shown.length, 'kind of error', 'kinds of errors')}>
          <GroupTable
            groups={shown}
            selected={key}
            empty={<Nothing filter={filter} total={list.groups.length} />}
          />
        </Card>
        {key !== undefined && (
          <GroupErrors list={list} group={selected} errorId={params.error ?? named?.id} />
        )}
      </div>
    </div>
  );
}

/** What failed, by kind, and each failure with all that was preserved of it. */
export default function ErrorsView() {
  const { data, error, reload } = useResource<ErrorList>('api/errors?limit=500', now.value?.counts.errors);
  const totals = data?.totals;
  return (
    <>
      <PageTitle
        title="Errors"
        aside={
          totals && (
            <span class="muted">
              {plural(totals.errors, 'error')} · {count(totals.cancelled)} cancelled by callers ·{' '}
              {count(totals.kept)} kept
              {totals.evicted > 0 && ` · ${plural(totals.evicted, 'kind')} forgotten`}
            </span>
          )
        }
      />
      {data === null && error === null && <Skeleton lines={8} />}
      {data === null && error !== null && <Problem problem={error} retry={reload} />}
      {data !== null && <List list={data} problem={error !== null} reload={reload} />}
    </>
  );
}
