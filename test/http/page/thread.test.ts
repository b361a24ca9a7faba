import { expect, it } from 'vitest';
import type { Viewer } from '../../../src/http/page/audience.ts';
import { Broadcast } from '../../../src/http/page/broadcast.ts';
import type { Topic } from '../../../src/http/page/frames.ts';
import { until } from '../support.ts';
import { begin, serveBehind } from '../thread-support.ts';

const serving = async () => {
  let made = 0;
  const broadcast = new Broadcast({
    mark: 'abc',
    maxViewers: 10,
    producers: {
      now: () => ({ short: `${++made}`, json: () => `{"made":${made}}` }),
      workers: () => ({ short: '', json: () => '{}' }),
      slice: () => undefined,
    },
  });
  const viewers: Viewer[] = [];
  const server = await serveBehind((request) => {
    const topics = new URL(request.url).searchParams.get('topics')?.split(',') as Topic[];
    const viewer = broadcast.watch(topics) as Viewer;
    viewers.push(viewer);
    request.signal.addEventListener('abort', () => viewer.close());
    return new Response(viewer.stream, { headers: { 'content-type': 'text/event-stream' } });
  });
  const look = async (topics: string) => {
    const response = await begin(`${server.url}/?topics=${topics}`);
    const state = { text: '', ended: false, broken: false };
    response.setEncoding('utf8').on('data', (text: string) => {
      state.text += text;
    });
    response.once('end', () => {
      state.ended = true;
    });
    response.once('error', () => {
      state.broken = true;
    });
    await until(() => state.text !== '', 'the first frame');
    return { state, response };
  };
  return { broadcast, viewers, server, look };
};

it('sends all who look the same, each only what it asked for', async () => {
  const { look } = await serving();
  const [first, second, other] = [await look('now'), await look('now'), await look('workers')];
  await until(() => (second.state.text.match(/event: now/g) ?? []).length >= 4, 'frames');
  const tail = second.state.text.slice(second.state.text.indexOf('id: '));
  await until(() => first.state.text.includes(tail), 'the same frames');
  expect(other.state.text).not.toContain('event: now');
  expect(second.state.text).not.toContain('event: workers');
});

it('ends the stream of one whom the main thread wants out, and of no other', async () => {
  const { broadcast, viewers, look } = await serving();
  const [first, second] = [await look('now'), await look('now')];
  viewers[0]?.close();
  await until(() => first.state.ended, 'it ends');
  expect(broadcast.viewers).toBe(1);
  const { length } = second.state.text;
  await until(() => second.state.text.length > length, 'the other goes on');
});

it('lets the main thread know when one has gone', async () => {
  const { broadcast, look } = await serving();
  const { response } = await look('now');
  response.destroy();
  await until(() => broadcast.viewers === 0, 'it is forgotten');
});

it('says goodbye to all', async () => {
  const { broadcast, look } = await serving();
  const clients = [await look('now'), await look('workers')];
  broadcast.end();
  await until(() => clients.every(({ state }) => state.ended), 'they end');
  for (const { state } of clients) expect(state.text).toMatch(/event: bye\ndata: {"reason":"shutdown"}\n\n$/);
  expect(broadcast.viewers).toBe(0);
});
