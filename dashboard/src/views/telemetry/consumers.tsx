import {
  type Consumer,
  consumerTone,
  droppedOf,
  isBalanced,
  reasonsText,
  type Telemetry,
} from '../../text/telemetry.ts';
import { Card, Empty } from '../../ui/card.tsx';
import { count, perSecond } from '../../ui/format.ts';
import { StatusBadge } from '../../ui/status.tsx';
import { type Column, Table } from '../../ui/table.tsx';

type Row = Consumer & { readonly rate: number | null };

const circuits: Readonly<Record<string, string>> = { closed: 'closed', half_open: 'on trial', open: 'open' };

const columns: readonly Column<Row>[] = [
  {
    id: 'name',
    label: 'Consumer',
    value: ({ name }) => name,
    cell: ({ name }) => <span class="mono">{name}</span>,
  },
  {
    id: 'circuit',
    label: 'Circuit',
    value: ({ circuit }) => circuit,
    cell: (row) => <StatusBadge status={consumerTone(row)} label={circuits[row.circuit] ?? row.circuit} />,
    title: 'Open: it failed so often in a row that it gets nothing for a while',
    width: '7.5rem',
  },
  {
    id: 'rate',
    label: 'Offered/s',
    value: ({ rate }) => rate,
    cell: ({ rate }) => perSecond(rate),
    align: 'end',
    width: '6rem',
    hide: 'narrow',
  },
  {
    id: 'offered',
    label: 'Offered',
    value: ({ offered }) => offered,
    cell: ({ offered }) => count(offered),
    align: 'end',
    width: '7rem',
  },
  {
    id: 'delivered',
    label: '= Delivered',
    value: ({ delivered }) => delivered,
    cell: ({ delivered }) => count(delivered),
    align: 'end',
    width: '7rem',
    hide: 'narrow',
  },
  {
    id: 'dropped',
    label: '+ Dropped',
    value: (row) => droppedOf(row).all,
    cell: (row) => {
      const { all, lost } = droppedOf(row);
      if (all === 0) return <span class="muted">0</span>;
      return (
        <span>
          {lost > 0 ? <strong>{count(all)}</strong> : count(all)}
          <span class="reasons">{reasonsText(row)}</span>
        </span>
      );
    },
    align: 'end',
    width: '11rem',
    title: 'Sampled and rate limited: as it was told. Overflow, circuit open and failed: lost',
  },
  {
    id: 'pending',
    label: '+ Pending',
    value: ({ pending }) => pending,
    cell: (row) => (isBalanced(row) ? count(row.pending) : `${count(row.pending)} (being handed over)`),
    align: 'end',
    width: '7rem',
  },
];

/** What became of the events, by who wanted them. */
export function Consumers({
  data,
  rates,
}: {
  readonly data: Telemetry;
  readonly rates: Readonly<Record<string, number>>;
}) {
  const rows = data.consumers.map((consumer): Row => ({ ...consumer, rate: rates[consumer.name] ?? null }));
  return (
    <Card
      title="Consumers"
      footer={
        <span class="muted small-text">
          Of every consumer: offered = delivered + dropped + pending.
          {data.switched_off.length > 0 && ` Switched off: ${data.switched_off.join(', ')}.`}
        </span>
      }
    >
      <Table
        caption="What became of the events, by consumer"
        rows={rows}
        columns={columns}
        rowKey={({ name }) => name}
        sort={{ by: 'offered', dir: 'desc' }}
        pageSize={50}
        empty={<Empty tone="neutral" title="Nobody listens" hint="No consumer is registered." />}
      />
    </Card>
  );
}
