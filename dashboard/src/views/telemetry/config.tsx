import { useResource } from '../../data/api.ts';
import { now } from '../../data/store.ts';
import { type ConfigView, type Drift, type Setting, settingsOf, valueText } from '../../text/config.ts';
import { Card, Empty, Notice, Problem, Skeleton } from '../../ui/card.tsx';
import { Filter, Toggle } from '../../ui/filter.tsx';
import { plural } from '../../ui/format.ts';
import { go, hrefWith, route } from '../../ui/route.ts';
import { StatusBadge } from '../../ui/status.tsx';
import { type Column, Table } from '../../ui/table.tsx';
import { Time } from '../../ui/time.tsx';

const change = (changes: Readonly<Record<string, string | null>>): void =>
  go(hrefWith(changes), { replace: true });

const columns: readonly Column<Setting>[] = [
  {
    id: 'path',
    label: 'Key',
    value: ({ path }) => path,
    cell: ({ path }) => <code class="setting">{path}</code>,
  },
  {
    id: 'value',
    label: 'Value',
    value: ({ value }) => value,
    cell: ({ value }) => <span class="mono setting">{value}</span>,
  },
  {
    id: 'origin',
    label: 'From',
    value: ({ origin }) => origin ?? 'default',
    cell: ({ origin }) =>
      origin === null ? <span class="muted">default</span> : <span class="setting">{origin}</span>,
    width: '12rem',
    hide: 'narrow',
  },
  {
    id: 'live',
    label: 'Changes',
    value: ({ live }) => (live ? 'live' : 'restart'),
    cell: ({ live }) => <span class="muted">{live ? 'live' : 'at a restart'}</span>,
    width: '7rem',
    hide: 'narrow',
  },
];

function DriftNotice({ drift }: { readonly drift: readonly Drift[] }) {
  if (drift.length === 0) return null;
  return (
    <Notice
      status="warning"
      title={`${plural(drift.length, 'key differs', 'keys differ')} from what was configured`}
    >
      <ul class="drift">
        {drift.map(({ path, from, to, live }) => (
          <li key={path}>
            <code>{path}</code>: {valueText(from)} → <strong>{valueText(to)}</strong>{' '}
            <span class="muted">{live ? 'changed live; gone after a restart' : 'waits for a restart'}</span>
          </li>
        ))}
      </ul>
    </Notice>
  );
}

function Settings({ view }: { readonly view: ConfigView }) {
  const { q = '', set = '' } = route.value.params;
  const words = q.toLowerCase().split(/\s+/);
  const all = settingsOf(view);
  const shown = all.filter(({ path, value, origin }) => {
    if (set === '1' && origin === null) return false;
    const text = `${path} ${value} ${origin ?? 'default'}`.toLowerCase();
    return words.every((word) => text.includes(word));
  });
  return (
    <>
      <search class="toolbar">
        <Filter
          label="Filter the configuration"
          value={q}
          onChange={(next) => change({ q: next })}
          placeholder="Words in key or value"
        />
        <Toggle
          label="Only what was set"
          checked={set === '1'}
          onChange={(on) => change({ set: on ? '1' : null })}
        />
      </search>
      <Table
        caption="Configuration in force"
        rows={shown}
        columns={columns}
        rowKey={({ path }) => path}
        sort={{ by: 'path', dir: 'asc' }}
        pageSize={25}
        empty={
          <Empty
            tone="neutral"
            title="No key passes the filter"
            hint={<a href={hrefWith({ q: null, set: null })}>Show all {plural(all.length, 'key')}</a>}
          />
        }
      />
    </>
  );
}

/** The configuration in force, and how it differs from what was written down. */
export function Configuration() {
  const { data, error, reload } = useResource<ConfigView>('api/config', now.value?.counts.config_version);
  const aside = data && (
    <>
      <span class="chip">version {data.version}</span>
      <span class="muted small-text clip" title={data.file ?? ''}>
        {data.file === null ? 'from code' : `from ${data.file}`}
      </span>
      {data.last_reload !== null && (
        <span class="muted small-text">
          read <Time at={data.last_reload.success_at} />
        </span>
      )}
      <StatusBadge
        status={data.drift.length === 0 ? 'ok' : 'warning'}
        label={data.drift.length === 0 ? 'no drift' : 'drift'}
      />
    </>
  );
  return (
    <Card title="Configuration in force" aside={aside} id="config">
      <div class="stack tight">
        {data === null && error === null && <Skeleton lines={6} />}
        {data === null && error !== null && <Problem problem={error} retry={reload} />}
        {data?.last_reload?.successful === false && (
          <Notice status="error" title="The file was read again and cannot be used, so nothing was changed.">
            What is wrong stands in the log, event snakepit.config.reload_failed.
          </Notice>
        )}
        {data !== null && <DriftNotice drift={data.drift} />}
        {data !== null && <Settings view={data} />}
      </div>
    </Card>
  );
}
