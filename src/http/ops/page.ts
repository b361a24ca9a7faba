import type { Context } from 'hono';
import { type Topic, topics } from '../page/frames.ts';
import type { Page } from '../page/page.ts';
import { Refusal } from '../problem.ts';
import { sendJson, sendStream } from '../respond.ts';
import type { Read } from './endpoint.ts';
import { badParameter, parametersOf } from './query.ts';

const TYPE = 'text/event-stream';
const RETRY_AFTER_S = '5';
const TOPICS = `${topics.join(', ')}, one or several with commas between`;

/** @throws Refusal `bad_request` */
const topicsOf = (c: Context): readonly Topic[] => {
  const text = parametersOf(c, ['topics']).get('topics');
  if (text === undefined) return topics;
  const asked = text.split(',');
  if (!asked.every((name) => topics.includes(name as Topic))) throw badParameter('topics', text, TOPICS);
  return topics.filter((topic) => asked.includes(topic));
};

const nothing = (): ReadableStream<Uint8Array> =>
  new ReadableStream({ start: (controller) => controller.close() });

const refusalOf = (why: 'full' | 'ended', maxViewers: number): Refusal =>
  why === 'ended'
    ? new Refusal('shutting_down', 'Nothing is sent any more: the instance is shutting down.', {
        members: { category: 'system', retryable: true },
      })
    : new Refusal(
        'too_many_viewers',
        `${maxViewers} look at the page already, as many as may. Try again later, or close one of them.`,
        {
          headers: { 'retry-after': RETRY_AFTER_S },
          members: { category: 'system', retryable: true, max_viewers: maxViewers },
        },
      );

/** `GET /api/live`: frames of the state of things, as server-sent events. Each is whole, so one that was missed is not missed. */
const liveRead = ({ broadcast }: Page): Read => ({
  path: '/api/live',
  answer: (c) => {
    const wanted = topicsOf(c);
    const headers = { 'x-accel-buffering': 'no' };
    // A viewer whom nobody reads to the end would be one too many.
    if (c.req.method === 'HEAD') return sendStream(c, TYPE, nothing(), headers);
    const viewer = broadcast.watch(wanted);
    if (typeof viewer === 'string') throw refusalOf(viewer, broadcast.maxViewers);
    // One that has gone before its stream was read cancels nothing.
    c.req.raw.signal.addEventListener('abort', () => viewer.close(), { once: true });
    return sendStream(c, TYPE, viewer.stream, headers);
  },
});

const historyRead = (page: Page): Read => ({
  path: '/api/history',
  answer: (c) => {
    const given = parametersOf(c, ['pool', 'command']);
    const [pool, command] = [given.get('pool'), given.get('command')];
    const { pools } = page.sources.control.snapshot();
    if (pool !== undefined && !Object.hasOwn(pools, pool))
      throw badParameter('pool', pool, Object.keys(pools).join(', '));
    if (command !== undefined) requireCommand(page, pool, command);
    return sendJson(c, 200, page.history(pool, command));
  },
});

/** A misspelt one would read as one that is never called. */
const requireCommand = (page: Page, pool: string | undefined, command: string): void => {
  const { control, health } = page.sources;
  const pools = Object.values(control.snapshot().pools).filter(
    ({ name }) => pool === undefined || name === pool,
  );
  const names = new Set(
    pools.flatMap(({ name, commands }) => [
      ...commands.map((each) => each.name),
      ...(health?.traffic.commands(name) ?? []),
    ]),
  );
  if (!names.has(command))
    throw badParameter('command', command, [...names].join(', ') || 'none is known yet');
};

const workerRead = (page: Page): Read => ({
  path: '/api/workers/{id}',
  answer: (c) => {
    parametersOf(c, []);
    return sendJson(c, 200, page.worker(c.req.param('id') as string));
  },
});

/** What the live page reads. */
export const pageReads = (page: Page): readonly Read[] => [
  liveRead(page),
  historyRead(page),
  workerRead(page),
];
