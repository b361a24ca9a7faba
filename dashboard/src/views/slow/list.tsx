import type { ComponentChildren } from 'preact';
import { clock } from '../../data/store.ts';
import { partsOf } from '../../text/anatomy.ts';
import { isRunning, slowKey, slowTone, tookMs, urgency } from '../../text/slow.ts';
import type { SlowRequest } from '../../text/types.ts';
import { ms } from '../../ui/format.ts';
import { go, hrefWith } from '../../ui/route.ts';
import { StatusBadge } from '../../ui/status.tsx';
import { type Column, Table } from '../../ui/table.tsx';
import { Time } from '../../ui/time.tsx';
import { AnatomyBar } from './anatomy.tsx';

const open = (request: SlowRequest): string => hrefWith({ request: slowKey(request) });

/** How long it took; of one that runs that grows. */
export function Took({ request }: { readonly request: SlowRequest }) {
  if (!isRunning(request)) return <span class="num">{ms(tookMs(request, 0))}</span>;
  return <strong class="num">{ms(tookMs(request, clock.value))}</strong>;
}

export function SlowStatus({ request: { status, code, phase } }: { readonly request: SlowRequest }) {
  const label = status === 'running' ? (phase === 'queued' ? 'waiting' : 'running') : (code ?? status);
  return <StatusBadge status={slowTone(status)} label={label} />;
}

const columns: readonly Column<SlowRequest>[] = [
  {
    id: 'status',
    label: 'Status',
    value: urgency,
    cell: (request) => <SlowStatus request={request} />,
    width: '11.5rem',
    title: 'Running requests first, the longest first',
  },
  {
    id: 'command',
    label: 'Command',
    value: ({ command }) => command,
    cell: (request) => (
      <span class="row">
        <a class="mono" href={open(request)}>
          {request.command ?? '(unknown)'}
        </a>
        {request.pool !== null && request.pool !== 'default' && <span class="chip">{request.pool}</span>}
      </span>
    ),
  },
  {
    id: 'took',
    label: 'Took',
    value: (request) => tookMs(request, clock.peek()),
    cell: (request) => <Took request={request} />,
    align: 'end',
    width: '6.5rem',
  },
  {
    id: 'threshold',
    label: 'Slow after',
    value: ({ threshold_ms }) => threshold_ms,
    cell: ({ threshold_ms }) => ms(threshold_ms),
    align: 'end',
    width: '6.5rem',
    hide: 'medium',
  },
  {
    id: 'anatomy',
    label: 'Where the time went',
    value: () => null,
    sortable: false,
    cell: ({ anatomy, status }) =>
      anatomy === undefined ? (
        <span class="muted">{status === 'running' ? 'known when it ends' : 'not known'}</span>
      ) : (
        <AnatomyBar parts={partsOf(anatomy)} />
      ),
    width: '12rem',
    hide: 'medium',
  },
  {
    id: 'worker',
    label: 'Worker',
    value: ({ worker_id }) => worker_id,
    cell: ({ worker_id }) => (
      <span class="mono clip" title={worker_id ?? ''}>
        {worker_id ?? '–'}
      </span>
    ),
    hide: 'narrow',
    width: '9rem',
  },
  {
    id: 'when',
    label: 'Noticed',
    value: ({ timestamp }) => Date.parse(timestamp),
    cell: ({ timestamp }) => <Time at={timestamp} />,
    align: 'end',
    width: '6.5rem',
    hide: 'narrow',
  },
];

export interface SlowTableProps {
  readonly requests: readonly SlowRequest[];
  readonly selected: string | undefined;
  readonly empty: ComponentChildren;
}

export function SlowTable({ requests, selected, empty }: SlowTableProps) {
  const few = columns.filter(({ id }) => id !== 'threshold' && id !== 'worker' && id !== 'anatomy');
  return (
    <Table
      caption="Slow requests"
      rows={requests}
      columns={selected === undefined ? columns : few}
      rowKey={slowKey}
      sort={{ by: 'status', dir: 'desc' }}
      pageSize={50}
      empty={empty}
      selected={selected}
      onOpen={(request) => go(open(request))}
    />
  );
}
