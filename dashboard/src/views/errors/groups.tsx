import type { ComponentChildren } from 'preact';
import type { ErrorGroup } from '../../text/types.ts';
import { count } from '../../ui/format.ts';
import { go, hrefWith } from '../../ui/route.ts';
import { Sparkline } from '../../ui/sparkline.tsx';
import { type Column, Table } from '../../ui/table.tsx';
import { Time } from '../../ui/time.tsx';

const open = (group: ErrorGroup): string => hrefWith({ group: group.id, error: null, request: null });

const columns: readonly Column<ErrorGroup>[] = [
  {
    id: 'message',
    label: 'What',
    value: ({ code, message }) => `${code} ${message}`,
    cell: (group) => (
      <span class="error-what">
        <span class="row">
          <a href={open(group)}>{group.code}</a>
          <span class="mono">{group.command ?? '–'}</span>
          {group.pool !== null && group.pool !== 'default' && <span class="chip">{group.pool}</span>}
        </span>
        <span class="error-shape" title={group.message}>
          {group.message}
        </span>
      </span>
    ),
  },
  {
    id: 'count',
    label: 'Count',
    value: ({ count: n }) => n,
    cell: ({ count: n }) => count(n),
    align: 'end',
    width: '5rem',
  },
  {
    id: 'trend',
    label: 'Last 15 min',
    value: ({ per_minute }) => per_minute.reduce((sum, n) => sum + n, 0),
    cell: ({ per_minute }) => (
      <Sparkline
        values={per_minute}
        tone="error"
        label={`${per_minute.reduce((sum, n) => sum + n, 0)} in the last 15 minutes, ${per_minute.at(-1) ?? 0} in this one`}
      />
    ),
    width: '8rem',
    hide: 'narrow',
  },
  {
    id: 'first',
    label: 'First',
    value: ({ first_seen }) => Date.parse(first_seen),
    cell: ({ first_seen }) => <Time at={first_seen} />,
    align: 'end',
    width: '6.5rem',
    hide: 'medium',
  },
  {
    id: 'last',
    label: 'Last',
    value: ({ last_seen }) => Date.parse(last_seen),
    cell: ({ last_seen }) => <Time at={last_seen} />,
    align: 'end',
    width: '6.5rem',
  },
];

export interface GroupTableProps {
  readonly groups: readonly ErrorGroup[];
  readonly selected: string | undefined;
  readonly empty: ComponentChildren;
}

/** Kinds of errors. */
export function GroupTable({ groups, selected, empty }: GroupTableProps) {
  return (
    <Table
      caption="Kinds of errors"
      rows={groups}
      columns={
        selected === undefined ? columns : columns.filter(({ id }) => id !== 'first' && id !== 'trend')
      }
      rowKey={({ id }) => id}
      sort={{ by: 'last', dir: 'desc' }}
      pageSize={50}
      empty={empty}
      selected={selected}
      onOpen={(group) => go(open(group))}
    />
  );
}
