import type { ComponentChild } from 'preact';
import { useState } from 'preact/hooks';
import { type EventRow, gapText } from '../../text/event-rows.ts';
import { type Level, levelOf, nameIn, numberIn, saidOf, shortName } from '../../text/say.ts';
import type { LiveEvent } from '../../text/types.ts';
import { Code } from '../../ui/copy.tsx';
import { clockTime, dateTime, ms } from '../../ui/format.ts';
import { Icon } from '../../ui/icon.tsx';
import { href } from '../../ui/route.ts';
import type { Tone } from '../../ui/status.tsx';

export const levelTones: Readonly<Record<Level, Tone>> = {
  debug: 'neutral',
  info: 'info',
  warning: 'warning',
  error: 'error',
  critical: 'error',
};

const timeOf = (event: LiveEvent): string => {
  const at = Date.parse(event.metadata.timestamp);
  return Number.isNaN(at) ? '–' : `${clockTime(at)}.${String(at % 1000).padStart(3, '0')}`;
};

const whereOf = (event: LiveEvent): string => {
  const [pool, command] = [nameIn(event, 'pool_name'), nameIn(event, 'command')];
  return [pool === 'default' && command !== null ? null : pool, command]
    .filter((name) => name !== null)
    .join(' / ');
};

/** Of these an error is kept, under the id of the request. */
const failed = /^snakepit\.request\.(?:failed|timed_out|rejected)$/;

function Detail({ event }: { readonly event: LiveEvent }) {
  const correlation = nameIn(event, 'correlation_id');
  const request = failed.test(event.event_name) ? nameIn(event, 'request_id') : null;
  const worker = nameIn(event, 'worker_id');
  return (
    <div class="event-detail">
      <p class="row small">
        <span class="muted">{dateTime(Date.parse(event.metadata.timestamp))}</span>
        {correlation !== null && (
          <a href={href('events', { correlation_id: correlation })}>Follow this request</a>
        )}
        {request !== null && <a href={href('errors', { request })}>Its error</a>}
        {worker !== null && (
          <a href={href('worker', { pool: nameIn(event, 'pool_name'), worker })}>Worker {worker}</a>
        )}
        <a href={href('events', { pattern: event.event_name })}>Only {shortName(event.event_name)}</a>
      </p>
      <Code text={JSON.stringify(event, null, 2)} label="event as JSON" />
    </div>
  );
}

function Event({ event }: { readonly event: LiveEvent }) {
  const [open, setOpen] = useState(false);
  const level = levelOf(event);
  const took = numberIn(event, 'duration_ms');
  return (
    <li class={`event ${level}`}>
      <button type="button" class="event-line" aria-expanded={open} onClick={() => setOpen(!open)}>
        <span class="event-time">{timeOf(event)}</span>
        <span class="event-level" title={level}>
          <Icon name={levelTones[level]} size={14} />
          <span class="visually-hidden">{level}</span>
        </span>
        <span class="event-name">{shortName(event.event_name)}</span>
        <span class="event-took">{took === null ? '' : ms(took)}</span>
        <span class="event-where">{whereOf(event)}</span>
        <span class="event-said">{saidOf(event)}</span>
      </button>
      {open && <Detail event={event} />}
    </li>
  );
}

function Gap({ row }: { readonly row: Extract<EventRow, { kind: 'gap' }> }) {
  return (
    <li class="event-gap">
      <Icon name="warning" size={14} /> {gapText(row)}
    </li>
  );
}

/** Written once for each row: a thousand that have not changed cost nothing when some are added. */
const drawn = new WeakMap<EventRow, ComponentChild>();

export const rowView = (row: EventRow): ComponentChild => {
  const known = drawn.get(row);
  if (known !== undefined) return known;
  const key = `${row.kind}-${row.id}`;
  const view = row.kind === 'event' ? <Event key={key} event={row.event} /> : <Gap key={key} row={row} />;
  drawn.set(row, view);
  return view;
};
