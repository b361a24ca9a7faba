import { useResource } from '../../data/api.ts';
import { isRecorded } from '../../data/recorded.ts';
import { now } from '../../data/store.ts';
import { Card, Empty, Skeleton } from '../../ui/card.tsx';
import { bytes, count, duration, ms, percent } from '../../ui/format.ts';
import { StatusBadge, type Tone } from '../../ui/status.tsx';
import { type Column, Table } from '../../ui/table.tsx';
import { Time } from '../../ui/time.tsx';
import { type Fact, Facts } from '../errors/facts.tsx';
import { title, toneOf } from './checks.tsx';
import type { Dependency, Detailed, Pythons, Report } from './types.ts';

const MIB = 2 ** 20;

interface ProbeProps {
  readonly name: string;
  readonly path: string;
  readonly asked: string;
  readonly words: Readonly<{ ok: string; error: string }>;
  readonly refresh: unknown;
}

function Probe({ name, path, asked, words, refresh }: ProbeProps) {
  const { data, error } = useResource<Report>(path, refresh);
  const status: Tone = data === null ? 'neutral' : toneOf(data.status);
  const word =
    data === null
      ? error === null
        ? 'asking …'
        : 'no answer'
      : data.status === 'error'
        ? words.error
        : words.ok;
  const bad = data?.checks?.filter((check) => check.status !== 'ok') ?? [];
  return (
    <li class="probe">
      <div class="row between">
        <span>
          <strong>{name}</strong> <span class="muted">{asked}</span>
        </span>
        <StatusBadge status={status} label={word} />
      </div>
      <code class="muted small-text">/{path}</code>
      {bad.map((check) => (
        <p key={check.name} class="small-text probe-found">
          {title(check.name)}: {check.message}
          {check.remedy !== undefined && <span class="muted"> {check.remedy}</span>}
        </p>
      ))}
    </li>
  );
}

/** What orchestrators are told. */
export function Probes({ refresh }: { readonly refresh: unknown }) {
  return (
    <Card title="What orchestrators are told">
      {isRecorded ? (
        <Readiness />
      ) : (
        <ul class="probes">
          <Probe
            name="Readiness"
            path="health/ready"
            asked="Send requests here?"
            words={{ ok: 'ready', error: 'not ready' }}
            refresh={refresh}
          />
          <Probe
            name="Liveness"
            path="health/live"
            asked="Leave it running?"
            words={{ ok: 'alive', error: 'restart it' }}
            refresh={refresh}
          />
          <Probe
            name="Startup"
            path="health/startup"
            asked="Has it come up?"
            words={{ ok: 'started', error: 'starting' }}
            refresh={refresh}
          />
        </ul>
      )}
    </Card>
  );
}

function Readiness() {
  const frame = now.value;
  if (frame === null) return <Empty tone="neutral" title="Not recorded" />;
  return <StatusBadge status={frame.ready ? 'ok' : 'error'} label={frame.ready ? 'ready' : 'not ready'} />;
}

/** Process and workers together. */
export function System({ system }: Pick<Detailed, 'system'>) {
  const { memory_mb, process_count, port_count, uptime_seconds, cpu_ratio, event_loop_lag_ms } = system;
  const rows: readonly Fact[] = [
    ['Up for', duration(uptime_seconds === null ? null : uptime_seconds * 1000)],
    ['Memory', bytes(memory_mb === null ? null : memory_mb * MIB)],
    ['CPU', percent(cpu_ratio)],
    ['Event loop late by (p99)', ms(event_loop_lag_ms)],
    ['Processes', count(process_count)],
    ['Open sockets', count(port_count)],
  ];
  return (
    <Card
      title="System"
      footer={<span class="muted small-text">This process and its workers together.</span>}
    >
      <Facts rows={rows} />
    </Card>
  );
}

const columns: readonly Column<Dependency>[] = [
  {
    id: 'status',
    label: 'Status',
    value: ({ status }) => status,
    cell: ({ status }) => <StatusBadge status={toneOf(status)} />,
    width: '7rem',
  },
  {
    id: 'name',
    label: 'Name',
    value: ({ name }) => name,
    cell: ({ name, critical }) => (
      <span class="row">
        <strong>{name}</strong>
        {critical && (
          <span class="chip" title="Readiness needs it">
            critical
          </span>
        )}
      </span>
    ),
  },
  { id: 'message', label: 'Found', value: ({ message }) => message },
  {
    id: 'latency',
    label: 'Took',
    value: ({ latency_ms }) => latency_ms,
    cell: ({ latency_ms }) => ms(latency_ms),
    align: 'end',
    width: '6rem',
  },
  {
    id: 'checked',
    label: 'Checked',
    value: ({ checked_at }) => (checked_at === null ? null : Date.parse(checked_at)),
    cell: ({ checked_at }) => <Time at={checked_at} />,
    align: 'end',
    width: '6.5rem',
    hide: 'narrow',
  },
];

/** Things outside that are looked at, and canaries. */
export function Dependencies({ dependencies }: Pick<Detailed, 'dependencies'>) {
  return (
    <Card title="Dependencies and canaries">
      <Table
        caption="Dependencies and canaries"
        rows={dependencies}
        columns={columns}
        rowKey={({ name }) => name}
        sort={{ by: 'name', dir: 'asc' }}
        pageSize={50}
        empty={
          <Empty
            tone="neutral"
            title="Nothing outside is checked"
            hint="registerHealthCheck() adds a check; health.canary in the configuration adds a canary for a pool."
          />
        }
      />
    </Card>
  );
}

/** Which Python each pool runs on, and why that one. */
export function Interpreters() {
  const { data, error } = useResource<Pythons>(isRecorded ? null : 'health/python');
  const versions = now.value?.pools.map(({ name, python_version }) => [name, python_version] as const) ?? [];
  return (
    <Card title="Python">
      {isRecorded && <Facts rows={versions.map(([name, version]) => [name, version ?? 'not known'])} />}
      {!isRecorded && data === null && error === null && <Skeleton lines={2} />}
      {error !== null && data === null && <p class="muted">{error.title}</p>}
      {data !== null && (
        <ul class="pythons">
          {Object.entries(data).map(([pool, { path, reason, version }]) => (
            <li key={pool} class="interpreter">
              <span class="row">
                <strong>{pool}</strong> <span class="chip">Python {version ?? '…'}</span>
              </span>
              <code class="python-path">{path}</code>
              <span class="muted small-text">Chosen: {reason}</span>
            </li>
          ))}
        </ul>
      )}
    </Card>
  );
}
