import { get, type IncomingMessage } from 'node:http';
import { createParser, type EventSourceMessage } from 'eventsource-parser';
import { Hono } from 'hono';
import { describe, expect, it } from 'vitest';
import { LiveEvents, type LiveEventsInit } from '../../src/consumers/live/index.ts';
import { EventBus } from '../../src/events/index.ts';
import { eventsRead } from '../../src/http/ops/events.ts';
import { bearer } from './api-support.ts';
import { ask, cleanup, serve, serveOps, TOKEN, until } from './support.ts';

/** A server with the stream, and a bus to emit on. */
const serving = async (init: Partial<LiveEventsInit> = {}, ops: Parameters<typeof serveOps>[0] = {}) => {
  const bus = new EventBus();
  const live = new LiveEvents({ bus, ...init });
  const server = await serveOps(ops, { live });
  cleanup(() => live.close());
  return { bus, live, url: `${server.url}/api/events` };
};

/** Reads a stream as an EventSource does: over a socket, with a parser that others have written. */
const open = async (url: string, headers: Record<string, string> = {}) => {
  const events: EventSourceMessage[] = [];
  const comments: string[] = [];
  const parser = createParser({
    onEvent: (event) => events.push(event),
    onComment: (comment) => comments.push(comment),
  });
  const req = get(url, { agent: false, headers: { accept: 'text/event-stream', ...headers } });
  const res = await new Promise<IncomingMessage>((resolve, reject) => {
    req.once('response', resolve).once('error', reject);
  });
  let ended = false;
  res.setEncoding('utf8').on('data', (text: string) => parser.feed(text));
  res.once('end', () => {
    ended = true;
  });
  req.on('error', () => {});
  res.on('error', () => {});
  cleanup(() => req.destroy());
  await until(() => events.length > 0 || ended, 'the first event');
  return {
    ...{ events, comments, res },
    names: () => events.map(({ event }) => event).filter((name) => name !== 'hello'),
    ended: () => ended,
    leave: () => req.destroy(),
    lastId: () => events.at(-1)?.id as string,
  };
};

describe('GET /api/events', () => {
  it('sends events as they happen, at once, with headers no proxy holds back', async () => {
    const { bus, url } = await serving();
    const client = await open(url);
    expect(client.res.statusCode).toBe(200);
    expect(client.res.headers).toMatchObject({
      'content-type': 'text/event-stream',
      'cache-control': 'no-store',
      'x-accel-buffering': 'no',
    });
    expect(client.res.headers).not.toHaveProperty('content-length');
    bus.emit('my.event', { text: 'two\nlines' }, { pool_name: 'default' });
    await until(() => client.names().length === 1, 'the event');
    const { id, event, data } = client.events.at(-1) as EventSourceMessage;
    expect({ id, event }).toEqual({ id: expect.stringMatching(/^[0-9a-f]{8}-\d+$/), event: 'my.event' });
    expect(JSON.parse(data)).toMatchObject({
      event_name: 'my.event',
      measurements: { text: 'two\nlines' },
      metadata: { pool_name: 'default', timestamp: expect.stringMatching(/^\d{4}-.*Z$/) },
    });
  });

  it('takes a filter', async () => {
    const { bus, url } = await serving();
    const client = await open(
      `${url}?pattern=a.*&pattern=b.**&pool=gpu&command=c&correlation_id=x&request_id=r&level=warning&immediate=1`,
    );
    const metadata = { pool_name: 'gpu', command: 'c', correlation_id: 'x', request_id: 'r', level: 'error' };
    for (const key of Object.keys(metadata)) bus.emit('a.one', {}, { ...metadata, [key]: 'debug' });
    bus.emit('c.one', {}, metadata);
    bus.emit('b.one.two', {}, metadata);
    await until(() => client.names().includes('b.one.two'), 'the event');
    expect(client.names()).toEqual(['b.one.two']);
  });

  it.each([
    ['pattern=a.**.b', 'pattern'],
    [`pattern=${'a'.repeat(201)}`, 'pattern'],
    [Array(51).fill('pattern=a').join('&'), 'pattern'],
    ['pool=', 'pool'],
    ['pool=a&pool=b', 'pool'],
    ['level=loud', 'level'],
    ['since=yesterday', 'since'],
    ['immediate=yes', 'immediate'],
    ['patern=a', 'patern'],
  ])('refuses %.30s, and nobody looks then', async (query, parameter) => {
    const { live, url } = await serving();
    const answer = await ask(`${url}?${query}`);
    expect(answer.status).toBe(400);
    expect(answer.json).toMatchObject({ code: 'bad_request', parameter });
    expect(live.viewers).toBe(0);
  });

  it('goes on after the last id, or says that something is missing', async () => {
    const { bus, live, url } = await serving({ keep: 20 });
    const first = await open(url);
    bus.emit('a.one');
    await until(() => first.names().length === 1, 'the event');
    const lastId = first.lastId();
    first.leave();
    await until(() => live.viewers === 0, 'the client is gone');
    bus.emit('a.two');
    const second = await open(url, { 'last-event-id': lastId });
    await until(() => second.names().length === 1, 'what it has missed');
    expect(second.names()).toEqual(['a.two']);
    for (let i = 0; i < 30; i++) bus.emit('a.more');
    const late = await open(url, { 'last-event-id': lastId });
    expect(late.events[0]).toMatchObject({ event: 'reset', data: expect.stringContaining('"too_old"') });
  });

  it('needs the token from afar, and what the gate asks for', async () => {
    const { live, url } = await serving({}, { token: TOKEN, host: '127.0.0.1' });
    const far = { 'x-forwarded-for': '203.0.113.9' };
    expect((await ask(url, { headers: far })).status).toBe(401);
    expect((await ask(url, { headers: { host: 'evil.example' } })).status).toBe(403);
    expect(live.viewers).toBe(0);
    const client = await open(url, { ...far, ...bearer(TOKEN) });
    expect(client.res.statusCode).toBe(200);
  });

  it('answers HEAD without a viewer, and refuses other methods', async () => {
    const { live, url } = await serving();
    const head = await ask(url, { method: 'HEAD' });
    expect({ status: head.status, type: head.headers['content-type'] }).toEqual({
      status: 200,
      type: 'text/event-stream',
    });
    const post = await ask(url, { method: 'POST' });
    expect({ status: post.status, allow: post.headers.allow }).toEqual({ status: 405, allow: 'GET, HEAD' });
    expect(live.viewers).toBe(0);
  });

  it('refuses one viewer too many with 503, and takes the next when one has left', async () => {
    const { live, url } = await serving({ maxViewers: 3 });
    const clients = await Promise.all([open(url), open(url), open(url)]);
    const refused = await Promise.all(Array.from({ length: 20 }, () => ask(url)));
    for (const { status, headers, json } of refused) {
      expect(status).toBe(503);
      expect(headers).toMatchObject({ 'content-type': 'application/problem+json', 'retry-after': '5' });
      expect(json).toMatchObject({ code: 'too_many_viewers', retryable: true, max_viewers: 3 });
    }
    clients[0]?.leave();
    await until(() => live.viewers === 2, 'the client is gone');
    expect((await open(url)).res.statusCode).toBe(200);
  });

  it('ends with a last comment', async () => {
    const { live, url } = await serving();
    const client = await open(url);
    live.end();
    await until(client.ended, 'the end');
    expect(client.comments).toEqual(['the instance is shutting down']);
    expect((await ask(url)).json).toMatchObject({ status: 503, code: 'shutting_down' });
  });

  it('says something when nothing happens', async () => {
    const live = new LiveEvents({ bus: new EventBus() });
    cleanup(() => live.close());
    const read = eventsRead(live, 5);
    const server = await serve(new Hono().get(read.path, (c) => read.answer(c, {} as never)));
    const client = await open(`${server.url}/api/events`);
    await until(() => client.comments.length > 2, 'comments');
    expect(client.comments[0]).toBe(`at ${client.events[0]?.id}`);
  });

  it('is not served where nobody can look', async () => {
    const server = await serveOps();
    expect((await ask(`${server.url}/api/events`)).status).toBe(404);
  });
});

describe('a client that does not read', () => {
  it('fills neither memory nor others, and is told what it lost', async () => {
    const { bus, live, url } = await serving();
    const quick = await open(url);
    const slow = await open(url);
    slow.res.pause();
    const text = 'x'.repeat(2000);
    // More than the sockets of both ends take.
    const emitted = 20_000;
    for (let i = 0; i < emitted; i++) {
      bus.emit('my.event', { i, text });
      if (i % 100 === 99) await new Promise((resolve) => setImmediate(resolve));
    }
    const last = (client: typeof slow) => {
      const data = client.events.at(-1)?.data ?? '{}';
      return (JSON.parse(data) as { measurements?: { i: number } }).measurements?.i;
    };
    await until(() => last(quick) === emitted - 1, 'all has come to the quick one');
    expect(live.kept.bytes).toBeLessThan(9 * 2 ** 20);
    slow.res.resume();
    await until(() => last(slow) === emitted - 1, 'the last has come to the slow one');
    for (const client of [quick, slow]) {
      const dropped = client.events
        .filter(({ event }) => event === 'dropped')
        .reduce((sum, { data }) => sum + JSON.parse(data).count, 0);
      const sent = client.names().filter((name) => name === 'my.event').length;
      expect(sent + dropped).toBe(emitted);
    }
  });
});

describe('a hundred viewers under load', () => {
  it('are each told of every event, and take no more memory than their bounds', async () => {
    const { bus, live, url } = await serving();
    const clients = await Promise.all(Array.from({ length: 100 }, (_, i) => open(`${url}?pool=p${i % 4}`)));
    expect(live.viewers).toBe(100);
    const each = 3000;
    for (let i = 0; i < 4 * each; i++) {
      bus.emit(
        'snakepit.request.completed',
        { duration_ms: i } as never,
        { pool_name: `p${i % 4}` } as never,
      );
      if (i % 200 === 199) await new Promise((resolve) => setImmediate(resolve));
    }
    for (let p = 0; p < 4; p++) bus.emit('last.one', {}, { pool_name: `p${p}` });
    await until(() => clients.every(({ events }) => events.at(-1)?.event === 'last.one'), 'the last event');
    for (const { events, names } of clients) {
      const dropped = events.filter(({ event }) => event === 'dropped');
      const lost = dropped.reduce((sum, { data }) => sum + JSON.parse(data).count, 0);
      expect(names().length - dropped.length + lost).toBe(each + 1);
    }
    expect(live.kept.events).toBeLessThanOrEqual(6000);
    expect(live.kept.bytes).toBeLessThanOrEqual(12 * 2 ** 20);
    for (const { leave } of clients) leave();
    await until(() => live.viewers === 0, 'all are gone');
  });
});
