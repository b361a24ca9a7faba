import type { WorkerRow } from '../../data/types.ts';
import { Card, Empty } from '../../ui/card.tsx';
import { count, duration, ms, percent } from '../../ui/format.ts';
import { go, href } from '../../ui/route.ts';
import { StatusBadge, workerTone } from '../../ui/status.tsx';
import { type Column, Table } from '../../ui/table.tsx';

const keyOf = (row: WorkerRow): string => row.worker_id ?? `${row.pool_name}#${row.worker_slot}`;
const linkOf = (row: WorkerRow): string | null =>
  row.worker_id === null ? null : href('worker', { id: row.worker_id });

const seconds = (n: number | null): number | null => (n === null ? null : n * 1000);
const memory = (n: number | null): string => (n === null ? '–' : `${n.toFixed(1)} MiB`);

function Name({ row }: { readonly row: WorkerRow }) {
  const to = linkOf(row);
  return to ? <a href={to}>{row.worker_id}</a> : <span class="muted">slot {row.worker_slot}, waits</span>;
}

function Doing({ row }: { readonly row: WorkerRow }) {
  if (row.current) {
    return (
      <span title={row.current.request_id ?? undefined}>
        {row.current.command} <span class="muted num">{ms(row.current.for_ms)}</span>
      </span>
    );
  }
  return <span class="muted">{row.phase ?? '–'}</span>;
}

const pid: Column<WorkerRow> = {
  id: 'pid',
  label: 'PID',
  align: 'end',
  width: '6rem',
  hide: 'medium',
  value: (row) => row.pid,
};
const address: Column<WorkerRow> = {
  id: 'address',
  label: 'Address',
  hide: 'medium',
  value: (row) => row.address,
  cell: (row) => (
    <div class="clip address" title={row.address ?? undefined}>
      {row.address ?? '–'}
    </div>
  ),
};

/** Where workers are. Those this host has started have a process id, those of somebody else an address. */
const place = (rows: readonly WorkerRow[]): Column<WorkerRow>[] => {
  const remote = rows.some((row) => row.address !== null);
  const local = !remote || rows.some((row) => row.pid !== null);
  return [...(local ? [pid] : []), ...(remote ? [address] : [])];
};

const columns = (rows: readonly WorkerRow[], many: boolean): Column<WorkerRow>[] => [
  { id: 'worker', label: 'Worker', value: keyOf, cell: (row) => <Name row={row} /> },
  ...(many ? [{ id: 'pool', label: 'Pool', value: (row: WorkerRow) => row.pool_name }] : []),
  {
    id: 'state',
    label: 'State',
    width: '8rem',
    value: ({ state }) => state,
    cell: ({ state }) => <StatusBadge status={workerTone(state)} label={state} />,
  },
  ...place(rows),
  {
    id: 'uptime',
    label: 'Uptime',
    align: 'end',
    width: '7rem',
    hide: 'narrow',
    value: (row) => row.uptime_seconds,
    cell: (row) => duration(seconds(row.uptime_seconds)),
  },
  {
    id: 'requests',
    label: 'Requests',
    align: 'end',
    width: '7rem',
    hide: 'narrow',
    value: (row) => row.requests,
    cell: (row) => count(row.requests),
  },
  {
    id: 'memory',
    label: 'Memory',
    align: 'end',
    width: '7rem',
    value: (row) => row.memory_mb,
    cell: (row) => memory(row.memory_mb),
  },
  {
    id: 'cpu',
    label: 'CPU',
    align: 'end',
    width: '6rem',
    value: (row) => row.cpu_ratio,
    cell: (row) => percent(row.cpu_ratio),
  },
  {
    id: 'restarts',
    label: 'Restarts',
    align: 'end',
    width: '6rem',
    hide: 'medium',
    value: (row) => row.restarts,
    title: 'Replacements of a dead worker in this slot',
  },
  {
    id: 'current',
    label: 'Running',
    width: '14rem',
    hide: 'narrow',
    value: (row) => row.current?.for_ms ?? null,
    cell: (row) => <Doing row={row} />,
  },
];

export function Workers({
  title,
  rows,
  many,
}: {
  readonly title: string;
  readonly rows: readonly WorkerRow[];
  readonly many: boolean;
}) {
  const open = (row: WorkerRow) => {
    const to = linkOf(row);
    if (to) go(to);
  };
  return (
    <Card title={title} class="flush" aside={<span class="muted num">{count(rows.length)}</span>}>
      <div class="stale-able">
        <Table
          caption={title}
          rows={rows}
          columns={columns(rows, many)}
          rowKey={keyOf}
          sort={{ by: 'worker', dir: 'asc' }}
          onOpen={open}
          empty={<Empty title="No worker runs" tone="info" />}
        />
      </div>
    </Card>
  );
}
