import './worker.css';
import { useEffect, useMemo } from 'preact/hooks';
import { RangeButtons } from '../../charts/range.tsx';
import { useResource } from '../../data/api.ts';
import { clock, now, workers } from '../../data/store.ts';
import { wantWorkers } from '../../data/stream.ts';
import type { WorkerRow } from '../../data/types.ts';
import { Card, Empty, Notice, PageTitle, Problem, Skeleton } from '../../ui/card.tsx';
import { Code, CopyCode } from '../../ui/copy.tsx';
import { Figure } from '../../ui/figure.tsx';
import { count, duration, ms, percent, plural, split } from '../../ui/format.ts';
import { metrics } from '../../ui/metrics.ts';
import { href, route } from '../../ui/route.ts';
import { StatusBadge, workerTone } from '../../ui/status.tsx';
import { Time } from '../../ui/time.tsx';
import { Lives } from './lives.tsx';
import { type WorkerEvent, type WorkerPage, workerPage } from './parse.ts';
import { Readings } from './readings.tsx';

/** Lives, readings and events change seldom: asked for that often, ms. */
const REFRESH_MS = 5000;

function Row({ row }: { readonly row: WorkerRow }) {
  return (
    <section class="figures" aria-label="The worker now">
      <Figure
        label="Uptime"
        value={duration(row.uptime_seconds === null ? null : row.uptime_seconds * 1000)}
        note={row.address ?? `pid ${row.pid ?? '–'}`}
      />
      <Figure
        label="Requests"
        value={count(row.requests)}
        metric={metrics.workerRequests}
        note={`${count(row.in_flight)} in flight`}
      />
      <Figure
        label="Memory"
        value={row.memory_mb === null ? '–' : `${row.memory_mb.toFixed(1)} MiB`}
        metric={metrics.memory}
        note="resident"
      />
      <Figure label="CPU" value={percent(row.cpu_ratio)} metric={metrics.cpu} note="of one core, 5 s" />
      <Figure
        label="Running"
        value={row.current ? ms(row.current.for_ms) : '–'}
        note={row.current?.command ?? row.phase ?? 'nothing'}
      />
      <Figure
        label="Heard"
        value={split(ms(row.heartbeat_ms_ago))[0]}
        unit={`${split(ms(row.heartbeat_ms_ago))[1]} ago`}
        note={`${plural(row.restarts ?? 0, 'restart')} of the slot`}
      />
    </section>
  );
}

function Commands({ id, address }: { readonly id: string; readonly address: string | null }) {
  return (
    <Card title="For a terminal">
      <dl class="kv">
        {address !== null && (
          <>
            <dt>Where it is</dt>
            <dd>
              <CopyCode text={address} />
            </dd>
          </>
        )}
        <dt>What it does now</dt>
        <dd>
          <CopyCode text={`snakepit stack ${id}`} />
        </dd>
        <dt>Replace it</dt>
        <dd>
          <CopyCode text={`snakepit recycle ${id}`} />
        </dd>
      </dl>
    </Card>
  );
}

function Events({ events }: { readonly events: readonly WorkerEvent[] }) {
  return (
    <Card title="Its events">
      {events.length === 0 && <Empty title="No events are kept" tone="info" />}
      <ul class="worker-events">
        {events.map((each, index) => (
          <li key={`${each.at}${each.name}${index}`} class="worker-event">
            <Time at={each.at} mode="clock" />
            <details class="grow">
              <summary class="clip" title={each.message}>
                <code>{each.name.replace(/^snakepit\./, '')}</code> <span class="muted">{each.message}</span>
              </summary>
              <Code text={JSON.stringify(each.whole, null, 2)} label="The whole event" />
            </details>
          </li>
        ))}
      </ul>
    </Card>
  );
}

function Page({ page, id }: { readonly page: WorkerPage; readonly id: string }) {
  const rows = workers.value?.pools[page.pool] ?? [];
  const row = rows.find((each) => each.worker_id === id) ?? (now.value ? null : page.worker) ?? null;
  const shown = row ?? (workers.value ? null : page.worker);
  return (
    <>
      {shown ? (
        <div class="stale-able">
          <Row row={shown} />
        </div>
      ) : (
        <Notice status="neutral" title="This worker has ended.">
          Below is what is known of its slot.
        </Notice>
      )}
      <Readings page={page} />
      <div class="split">
        <Lives lives={page.lives} slot={page.slot} shown={id} />
        <div class="stack">
          {shown && <Commands id={id} address={shown.address} />}
          <Events events={page.events} />
        </div>
      </div>
    </>
  );
}

/** One worker, and who was in its place before. */
export default function WorkerView() {
  useEffect(() => {
    wantWorkers(true);
    return () => wantWorkers(false);
  }, []);
  const id = route.value.params.id ?? route.value.params.worker ?? '';
  const { data, error, reload } = useResource<unknown>(
    id ? `api/workers/${encodeURIComponent(id)}` : null,
    Math.floor(clock.value / REFRESH_MS),
  );
  const page = useMemo(() => (data === null ? null : workerPage(data)), [data]);
  const row = page ? workers.value?.pools[page.pool]?.find((each) => each.worker_id === id) : undefined;
  const aside = (
    <>
      {row && <StatusBadge status={workerTone(row.state)} label={row.state} size="large" />}
      {page && <a href={href('pools', { pool: page.pool })}>Pool {page.pool}</a>}
      <RangeButtons />
    </>
  );
  return (
    <>
      <PageTitle
        title={
          <>
            Worker <span class="mono">{id}</span>
          </>
        }
        aside={aside}
      />
      {id === '' && (
        <Empty title="No worker was chosen" tone="info" hint="Choose one among the workers of a pool." />
      )}
      {error && !page && <Problem problem={error} retry={reload} />}
      {page ? <Page page={page} id={id} /> : id !== '' && !error && <Skeleton lines={10} />}
    </>
  );
}
