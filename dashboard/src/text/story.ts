import { type Part, partsOf } from './anatomy.ts';
import { type Level, levelOf, nameIn, numberIn, saidOf } from './say.ts';
import type { Anatomy, LiveEvent } from './types.ts';

/** An event with its place in the stream, which tells doubles. */
export interface Told {
  readonly id: string;
  readonly event: LiveEvent;
}

/** One thing that happened. */
export interface Step {
  readonly id: string;
  /** Milliseconds since 1970. */
  readonly at: number;
  /** Since the begin of the story. Milliseconds. */
  readonly offsetMs: number;
  /** Until the next step of the same request; null for its last. */
  readonly untilNextMs: number | null;
  readonly title: string;
  readonly said: string;
  readonly level: Level;
  readonly event: LiveEvent;
}

/** One request of the story. */
export interface Chapter {
  readonly requestId: string | null;
  readonly pool: string | null;
  readonly command: string | null;
  readonly workerId: string | null;
  readonly steps: readonly Step[];
  /** How it ended; null while it runs or where its end was not seen. */
  readonly outcome: string | null;
  /** Since the begin of the story; before the first step where that was missed. Milliseconds. */
  readonly startMs: number;
  /** From acceptance to settlement, or to the last that is known. Milliseconds. */
  readonly durationMs: number;
  readonly parts: readonly Part[];
  /** Chunks of a stream, of which only the first and the last are steps. */
  readonly chunks: number;
  /** Whether its acceptance is among the steps. */
  readonly whole: boolean;
}

/** All that is known of one correlation id. */
export interface Story {
  readonly from: number;
  readonly durationMs: number;
  /** By when they began. What belongs to no request comes last. */
  readonly chapters: readonly Chapter[];
}

const titles: Readonly<Record<string, string>> = {
  'snakepit.request.queued': 'Accepted',
  'snakepit.request.started': 'Started',
  'snakepit.request.retried': 'To be tried again',
  'snakepit.request.slow': 'Slow',
  'snakepit.request.failed': 'Failed',
  'snakepit.request.timed_out': 'Out of time',
  'snakepit.request.cancelled': 'Given up by the caller',
  'snakepit.request.rejected': 'Refused',
  'snakepit.request.completed': 'Settled',
  'snakepit.stream.opened': 'Stream opened',
  'snakepit.stream.chunk': 'Chunk',
  'snakepit.stream.closed': 'Stream closed',
  'snakepit.worker.crashed': 'Worker crashed',
  'python.log': 'Python says',
};

const COMPLETED = 'snakepit.request.completed';
const CHUNK = 'snakepit.stream.chunk';
/** At the same millisecond things happen in this order. */
const order = [
  'snakepit.request.queued',
  'snakepit.stream.opened',
  'snakepit.request.started',
  '',
  'snakepit.stream.closed',
  'snakepit.request.failed',
  'snakepit.request.timed_out',
  'snakepit.request.cancelled',
  'snakepit.request.rejected',
  COMPLETED,
];
const rank = (name: string): number => (order.includes(name) ? order.indexOf(name) : order.indexOf(''));
const seqOf = (id: string): number => Number(/-(\d+)$/.exec(id)?.[1] ?? 0);
const timeOf = (event: LiveEvent): number => Date.parse(event.metadata.timestamp);

const inOrder = (told: readonly Told[]): readonly Told[] =>
  [...new Map(told.map((one) => [one.id, one])).values()]
    .filter(({ event }) => !Number.isNaN(timeOf(event)))
    .sort(
      (a, b) =>
        timeOf(a.event) - timeOf(b.event) ||
        rank(a.event.event_name) - rank(b.event.event_name) ||
        seqOf(a.id) - seqOf(b.id),
    );

const byRequest = (told: readonly Told[]): ReadonlyMap<string | null, readonly Told[]> => {
  const groups = new Map<string | null, Told[]>();
  for (const one of told) {
    const id = nameIn(one.event, 'request_id');
    groups.set(id, [...(groups.get(id) ?? []), one]);
  }
  return groups;
};

/** A stream may have thousands of chunks: the first and the last of them tell. */
const withoutMiddle = (told: readonly Told[]): readonly Told[] => {
  const chunks = told.filter(({ event }) => event.event_name === CHUNK);
  if (chunks.length < 3) return told;
  const [first, last] = [chunks[0], chunks.at(-1)];
  return told.filter((one) => one.event.event_name !== CHUNK || one === first || one === last);
};

const anatomyOf = (event: LiveEvent): Anatomy => {
  const ms = (name: string) => numberIn(event, name) ?? 0;
  return {
    queue_ms: ms('queue_time_ms'),
    serialise_ms: ms('serialise_ms'),
    transport_ms: ms('transport_ms'),
    python_ms: ms('python_ms'),
    python_cpu_ms: ms('python_cpu_ms'),
    total_ms: ms('duration_ms'),
  };
};

/** Where the time went is told beside the steps. */
const withoutParts = (event: LiveEvent): LiveEvent => {
  const { bytes_in, bytes_out, peak_rss_mb } = event.measurements;
  return { ...event, measurements: { bytes_in, bytes_out, peak_rss_mb } };
};

const titleOf = (event: LiveEvent): string => {
  if (event.event_name === CHUNK) return `Chunk ${(numberIn(event, 'index') ?? 0) + 1}`;
  if (event.event_name === 'python.log') return `Python says (${levelOf(event)})`;
  return titles[event.event_name] ?? event.event_name.replace(/^snakepit\./, '');
};

/** How long a settled request took, as whichever of its last events says. */
const settledIn = (told: readonly Told[]): number | null =>
  told.reduce<number | null>(
    (found, { event }) =>
      /^snakepit\.request\.(?:completed|failed|timed_out|cancelled|rejected)$/.test(event.event_name)
        ? (numberIn(event, 'duration_ms') ?? found)
        : found,
    null,
  );

const failed: Readonly<Record<string, string>> = {
  'snakepit.request.failed': 'failure',
  'snakepit.request.timed_out': 'timeout',
  'snakepit.request.cancelled': 'cancelled',
  'snakepit.request.rejected': 'rejected',
};

const outcomeOf = (told: readonly Told[]): string | null => {
  const completed = told.find(({ event }) => event.event_name === COMPLETED);
  const status = completed === undefined ? null : nameIn(completed.event, 'status');
  return (
    status ?? told.map(({ event }) => failed[event.event_name]).find((word) => word !== undefined) ?? null
  );
};

const lastOf = (told: readonly Told[], field: string): string | null =>
  told.reduce<string | null>((found, { event }) => nameIn(event, field) ?? found, null);

interface Span {
  readonly start: number;
  readonly end: number;
}

const isBegin = ({ event }: Told): boolean => event.event_name === 'snakepit.request.queued';

/** When a request began is known from how long it took, also where nobody saw it begin. */
const spanOf = (told: readonly Told[]): Span => {
  const times = told.map(({ event }) => timeOf(event));
  const [first, end] = [Math.min(...times), Math.max(...times)];
  const took = told.some(isBegin) ? null : settledIn(told);
  return { start: took === null ? first : Math.min(first, end - took), end };
};

const stepsOf = (told: readonly Told[], from: number): readonly Step[] => {
  const shown = withoutMiddle(told);
  return shown.map(({ id, event }, i) => {
    const at = timeOf(event);
    const next = shown[i + 1];
    return {
      ...{ id, at, event, offsetMs: at - from },
      untilNextMs: next === undefined ? null : timeOf(next.event) - at,
      title: titleOf(event),
      said: saidOf(event.event_name === COMPLETED ? withoutParts(event) : event),
      level: levelOf(event),
    };
  });
};

const chapterOf = (requestId: string | null, told: readonly Told[], from: number): Chapter => {
  const { start, end } = spanOf(told);
  const completed = told.find(({ event }) => event.event_name === COMPLETED);
  return {
    requestId,
    pool: lastOf(told, 'pool_name'),
    command: lastOf(told, 'command'),
    workerId: lastOf(told, 'worker_id'),
    steps: stepsOf(told, from),
    outcome: outcomeOf(told),
    startMs: start - from,
    durationMs: (requestId === null ? null : settledIn(told)) ?? end - start,
    parts: completed === undefined ? [] : partsOf(anatomyOf(completed.event)),
    chunks: told.filter(({ event }) => event.event_name === CHUNK).length,
    whole: requestId === null || told.some(isBegin),
  };
};

/** Makes a story of events, whatever the order they came in and however often they came. Undefined where there are none. */
export const storyOf = (told: readonly Told[]): Story | undefined => {
  const ordered = inOrder(told);
  if (ordered.length === 0) return undefined;
  const groups = [...byRequest(ordered)];
  const spans = groups.map(([, those]) => spanOf(those));
  const from = Math.min(...spans.map(({ start }) => start));
  const chapters = groups
    .map(([id, those]) => chapterOf(id, those, from))
    .sort((a, b) => Number(a.requestId === null) - Number(b.requestId === null) || a.startMs - b.startMs);
  return { from, durationMs: Math.max(...spans.map(({ end }) => end)) - from, chapters };
};
