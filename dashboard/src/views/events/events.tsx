import { useEffect, useMemo } from 'preact/hooks';
import { isRecorded } from '../../data/recorded.ts';
import { connection } from '../../data/store.ts';
import { type EventFilter, levelFrom } from '../../text/event-filter.ts';
import type { EventRow } from '../../text/event-rows.ts';
import type { TailState } from '../../text/tail.ts';
import { Card, Empty, Notice, PageTitle } from '../../ui/card.tsx';
import { CopyCode } from '../../ui/copy.tsx';
import { count, plural } from '../../ui/format.ts';
import { Icon } from '../../ui/icon.tsx';
import { hrefWith, route } from '../../ui/route.ts';
import { StatusBadge } from '../../ui/status.tsx';
import { EventList } from './list.tsx';
import { EventLog } from './log.ts';
import type { SourceState } from './source.ts';
import { Story } from './story.tsx';
import { Toolbar } from './toolbar.tsx';
import './events.css';

const filterOf = (params: Readonly<Record<string, string>>): EventFilter => ({
  pattern: params.pattern ?? '',
  pool: params.pool ?? '',
  command: params.command ?? '',
  correlationId: params.correlation_id ?? '',
  // One request is followed with all there is of it.
  level: levelFrom(params.level, params.correlation_id === undefined ? 'info' : 'debug'),
});

function StateBadge({ state, paused }: { readonly state: SourceState; readonly paused: boolean }) {
  if (isRecorded) return <StatusBadge status="info" label="Recorded" />;
  if (state.kind === 'refused') return <StatusBadge status="error" label="Refused" />;
  if (state.kind === 'lost') return <StatusBadge status="warning" label="Lost, trying again" />;
  if (state.kind === 'connecting') return <StatusBadge status="neutral" label="Connecting" />;
  return paused ? <StatusBadge status="neutral" label="Paused" /> : <StatusBadge status="ok" label="Live" />;
}

/** What is not among the rows, and where it went. */
const missingOf = ({ trimmed, overflowed }: TailState<EventRow>): string | null => {
  const parts = [
    ...(trimmed > 0 ? [`${plural(trimmed, 'older row')} made room`] : []),
    ...(overflowed > 0
      ? [`${count(overflowed)} that came during the pause will not be shown: too many wait`]
      : []),
  ];
  return parts.length === 0 ? null : parts.join('; ');
};

function Bar({ log, tail }: { readonly log: EventLog; readonly tail: TailState<EventRow> }) {
  const { paused, waiting, rows } = tail;
  const missing = missingOf(tail);
  return (
    <div class="row between event-bar">
      <span class="row">
        <StateBadge state={log.state.value} paused={paused} />
        <span class="muted small-text">
          {plural(rows.length, 'row')}
          {missing !== null && ` · ${missing}`}
        </span>
      </span>
      {!isRecorded && (
        <span class="row">
          {paused && <span class="small-text">{plural(waiting, 'row')} waiting</span>}
          <button
            type="button"
            class="button"
            aria-pressed={paused}
            onClick={() => (paused ? log.resume() : log.pause())}
          >
            <Icon name={paused ? 'play' : 'pause'} size={14} /> {paused ? 'Resume' : 'Pause'}
          </button>
          <button type="button" class="button quiet" onClick={() => log.clear()}>
            Clear
          </button>
        </span>
      )}
    </div>
  );
}

function Nothing({ filter, state }: { readonly filter: EventFilter; readonly state: SourceState }) {
  if (state.kind === 'connecting') return <Empty tone="neutral" title="Connecting …" />;
  if (isRecorded) return <Empty tone="neutral" title="No recorded event passes the filter" />;
  const hint =
    filter.level === 'debug'
      ? 'What happens from now on is shown here.'
      : `Only events of level ${filter.level} and above are shown. What every request brings has the level debug.`;
  return <Empty tone="neutral" title="Nothing yet that passes the filter" hint={hint} />;
}

function Following({ id }: { readonly id: string }) {
  return (
    <Notice
      status="info"
      title="Following one correlation id"
      aside={
        <a class="button" href={hrefWith({ correlation_id: null, level: null })}>
          Show all events
        </a>
      }
    >
      <CopyCode text={id} label="correlation id" />
    </Notice>
  );
}

const useLog = (filter: EventFilter): EventLog => {
  const key = JSON.stringify(filter);
  const needsLogin = connection.value.kind === 'login';
  // The key stands for the filter; after a login it begins anew.
  const log = useMemo(() => new EventLog(filter), [key, needsLogin]);
  useEffect(() => () => log.close(), [log]);
  return log;
};

/** What happens, as it happens; or the story of one request. */
export default function EventsView() {
  const filter = filterOf(route.value.params);
  const log = useLog(filter);
  const state = log.state.value;
  const tail = log.rows.value;
  const problem = state.kind === 'lost' || state.kind === 'refused' ? state.problem : null;
  const isOfPattern = state.kind === 'refused' && state.problem.status === 400;
  const list = (
    <EventList
      rows={tail.rows}
      short={filter.correlationId !== ''}
      empty={<Nothing filter={filter} state={state} />}
    />
  );
  return (
    <>
      <PageTitle title="Events" />
      <div class="stack">
        <Toolbar filter={filter} refused={isOfPattern ? problem : null} />
        {filter.correlationId !== '' && <Following id={filter.correlationId} />}
        {problem !== null && !isOfPattern && (
          <Notice status={state.kind === 'lost' ? 'warning' : 'error'} title={problem.title}>
            {problem.detail}
            {state.kind === 'lost' &&
              ' What was missed is fetched when it is there again, as far as it is kept.'}
          </Notice>
        )}
        {filter.correlationId !== '' && <Story rows={tail.rows} isLoading={state.kind === 'connecting'} />}
        <Card class="events-card">
          <Bar log={log} tail={tail} />
          {list}
        </Card>
      </div>
    </>
  );
}
