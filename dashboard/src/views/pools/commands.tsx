import type { CommandFigures } from '../../data/types.ts';
import { Card, Empty } from '../../ui/card.tsx';
import { ms, percent, perSecond } from '../../ui/format.ts';
import { href } from '../../ui/route.ts';
import { type Column, Table } from '../../ui/table.tsx';

const columnsOf = (pool: string): Column<CommandFigures>[] => [
  {
    id: 'name',
    label: 'Command',
    value: ({ name }) => name,
    cell: ({ name }) => (
      <a href={href('latency', { pool, command: name })} title={`Latency of ${name}`}>
        {name}
      </a>
    ),
  },
  { id: 'kind', label: 'Kind', value: ({ kind }) => kind.replace('_', ' '), hide: 'medium' },
  {
    id: 'rate',
    label: 'Req/s',
    align: 'end',
    width: '7rem',
    value: (row) => row.requests_per_second,
    cell: (row) => perSecond(row.requests_per_second),
  },
  {
    id: 'errors',
    label: 'Errors',
    align: 'end',
    width: '7rem',
    value: (row) => row.error_rate,
    cell: (row) => percent(row.error_rate),
  },
  {
    id: 'p50',
    label: 'p50',
    align: 'end',
    width: '7rem',
    hide: 'narrow',
    value: (row) => row.p50_ms,
    cell: (row) => ms(row.p50_ms),
  },
  {
    id: 'p95',
    label: 'p95',
    align: 'end',
    width: '7rem',
    value: (row) => row.p95_ms,
    cell: (row) => ms(row.p95_ms),
  },
  {
    id: 'p99',
    label: 'p99',
    align: 'end',
    width: '7rem',
    hide: 'narrow',
    value: (row) => row.p99_ms,
    cell: (row) => ms(row.p99_ms),
  },
];

export function Commands({
  pool,
  commands,
}: {
  readonly pool: string;
  readonly commands: readonly CommandFigures[];
}) {
  return (
    <Card title={`Commands of ${pool}`} class="flush">
      <Table
        caption={`Commands of ${pool}`}
        rows={commands}
        columns={columnsOf(pool)}
        rowKey={({ name }) => name}
        sort={{ by: 'rate', dir: 'desc' }}
        pageSize={20}
        empty={
          <Empty
            title="No command is known yet"
            tone="info"
            hint="They are told by the first worker that is ready."
          />
        }
      />
    </Card>
  );
}
