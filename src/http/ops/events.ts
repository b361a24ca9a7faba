import type { Context } from 'hono';
import { compilePattern, type LogLevel } from '../../events/index.ts';
import type { EventFilter, EventViewer, LiveReader } from '../ports.ts';
import { Refusal } from '../problem.ts';
import { sendStream } from '../respond.ts';
import type { Read } from './endpoint.ts';
import { parseSince, SINCE } from './filter.ts';
import { badParameter, parametersOf } from './query.ts';

const TYPE = 'text/event-stream';
/** Silence after which a comment tells proxies that the connection lives. */
const COMMENT_EVERY_MS = 15_000;
const RETRY_AFTER_S = '5';
const MAX_PATTERNS = 50;
const MAX_NAME = 200;

const names = [
  ...['pattern', 'pool', 'command', 'correlation_id', 'request_id', 'level'],
  ...['since', 'immediate'],
];
const levels: readonly LogLevel[] = ['debug', 'info', 'warning', 'error', 'critical'];
const PATTERN =
  'an event name such as snakepit.request.failed; a part may be *, and ** at the end matches the rest; at most 50 of them, each of at most 200 characters';

const patternsOf = (c: Context): readonly string[] => {
  const patterns = c.req.queries('pattern') ?? [];
  if (patterns.length > MAX_PATTERNS) throw badParameter('pattern', `${patterns.length} of them`, PATTERN);
  for (const pattern of patterns) {
    try {
      if (pattern.length <= MAX_NAME && compilePattern(pattern)) continue;
    } catch {
      // It is told below.
    }
    throw badParameter('pattern', pattern, PATTERN);
  }
  return patterns;
};

interface Wanted {
  readonly filter: EventFilter;
  readonly since: number | undefined;
  readonly immediate: boolean;
}

/** @throws Refusal `bad_request` */
const wantedOf = (c: Context): Wanted => {
  const given = parametersOf(c, names, ['pattern']);
  const read = <T>(name: string, parse: (text: string) => T | undefined, allowed: string): T | undefined => {
    const text = given.get(name);
    if (text === undefined) return undefined;
    const value = parse(text);
    if (value === undefined) throw badParameter(name, text, allowed);
    return value;
  };
  const nameOf = (name: string) => read(name, (text) => text || undefined, 'a text that is not empty');
  return {
    filter: {
      patterns: patternsOf(c),
      pool: nameOf('pool'),
      command: nameOf('command'),
      correlationId: nameOf('correlation_id'),
      requestId: nameOf('request_id'),
      level: read('level', (text) => levels.find((level) => level === text), levels.join(', ')),
    },
    since: read('since', parseSince, SINCE),
    immediate: read('immediate', (text) => ['0', '1'].indexOf(text) + 1 || undefined, '0 or 1') === 2,
  };
};

const SILENCE = Symbol('silence');

/** What a viewer is sent next: a comment where nothing comes for a while. */
const nextOf = (viewer: EventViewer, commentEveryMs: number) => {
  let pending: Promise<Uint8Array | undefined> | undefined;
  return async (): Promise<Uint8Array | undefined> => {
    pending ??= viewer.next();
    let timer: NodeJS.Timeout | undefined;
    const silence = new Promise<typeof SILENCE>((resolve) => {
      timer = setTimeout(resolve, commentEveryMs, SILENCE);
      timer.unref();
    });
    const step = await Promise.race([pending, silence]).finally(() => clearTimeout(timer));
    if (step === SILENCE) return viewer.heartbeat();
    pending = undefined;
    return step;
  };
};

/** Asks the viewer only when the socket has taken what it got before (the high-water mark of 0 sees to that): what cannot be sent waits there, within its bounds. */
const streamOf = (viewer: EventViewer, commentEveryMs: number): ReadableStream<Uint8Array> => {
  const next = nextOf(viewer, commentEveryMs);
  let cancelled = false;
  return new ReadableStream<Uint8Array>(
    {
      async pull(controller) {
        const bytes = await next();
        if (cancelled) return;
        if (bytes === undefined) controller.close();
        else controller.enqueue(bytes);
      },
      cancel() {
        cancelled = true;
        viewer.close();
      },
    },
    { highWaterMark: 0 },
  );
};

const nothing = (): ReadableStream<Uint8Array> =>
  new ReadableStream({ start: (controller) => controller.close() });

const refusalOf = (why: 'full' | 'ended', { maxViewers }: LiveReader): Refusal =>
  why === 'ended'
    ? new Refusal('shutting_down', 'No events are sent any more: the instance is shutting down.', {
        members: { category: 'system', retryable: true },
      })
    : new Refusal(
        'too_many_viewers',
        `${maxViewers} look at the events already, as many as may. Try again later, or close one of them.`,
        {
          headers: { 'retry-after': RETRY_AFTER_S },
          members: { category: 'system', retryable: true, max_viewers: maxViewers },
        },
      );

/** `GET /api/events`: events as they happen, as server-sent events. */
export const eventsRead = (live: LiveReader, commentEveryMs = COMMENT_EVERY_MS): Read => ({
  path: '/api/events',
  link: 'events',
  answer: (c) => {
    const { filter, since, immediate } = wantedOf(c);
    // nginx would hold events back until its buffer is full.
    const headers = { 'x-accel-buffering': 'no' };
    // A viewer whom nobody reads to the end would be one too many.
    if (c.req.method === 'HEAD') return sendStream(c, TYPE, nothing(), headers);
    const lastEventId = c.req.header('last-event-id');
    const viewer = live.watch(filter, { lastEventId, since, immediate });
    if (typeof viewer === 'string') throw refusalOf(viewer, live);
    // One that has gone before its stream was read cancels nothing.
    c.req.raw.signal.addEventListener('abort', () => viewer.close(), { once: true });
    return sendStream(c, TYPE, streamOf(viewer, commentEveryMs), headers);
  },
});
