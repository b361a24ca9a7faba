import { request as httpRequest } from 'node:http';
import { describe, expect, it } from 'vitest';
import { SnakepitError } from '../../src/errors/index.ts';
import { createGatewayApp } from '../../src/http/index.ts';
import { ask, dial, type FakePort, fakePort, gatewayOptions, serveGateway, until } from './support.ts';

const EVENTS = { accept: 'text/event-stream' };
const REQUEST =
  'POST /v1/commands/gen HTTP/1.1\r\nHost: localhost\r\nAccept: text/event-stream\r\nContent-Length: 0\r\n\r\n';

/** Yields what it is told, when it is told, and knows how often it was asked. */
const manual = () => {
  const waiting: ((result: IteratorResult<unknown>) => void)[] = [];
  const state = {
    asked: 0,
    returned: false,
    push: (value: unknown) => waiting.shift()?.({ done: false, value }),
    end: () => waiting.shift()?.({ done: true, value: undefined }),
  };
  const chunks: FakePort['chunks'] = ({ options: { signal } }) => ({
    next: () => {
      state.asked++;
      return new Promise((resolve, reject) => {
        waiting.push(resolve);
        signal?.addEventListener('abort', () => reject(new SnakepitError('cancelled', 'Given up.')));
      });
    },
    return: async (value) => {
      state.returned = true;
      return { done: true, value };
    },
  });
  return { state, chunks };
};

describe('over time', () => {
  it('sends headers at once, comments while nothing comes, and chunks as they come', async () => {
    const { state, chunks } = manual();
    const server = await serveGateway(fakePort({ chunks }), {}, { commentEveryMs: 20 });
    const socket = await dial(server);
    socket.write(REQUEST);
    await until(() => socket.received().includes('\r\n\r\n'), 'the headers');
    await until(() => socket.received().split(':\n\n').length > 3, 'comments');
    // However many comments, the chunk was asked for once.
    expect(state.asked).toBe(1);
    state.push('first');
    await until(() => socket.received().includes('data: "first"'), 'the chunk');
    await until(() => state.asked === 2, 'the next question');
    state.end();
    await until(() => socket.received().includes('event: end'), 'the end');
  });

  it('a reader that goes away cancels the call, between and before chunks', async () => {
    for (const first of [true, false]) {
      const { state, chunks } = manual();
      const port = fakePort({ chunks });
      const reports: unknown[] = [];
      const server = await serveGateway(port, {}, { reportBug: (error) => reports.push(error) });
      const socket = await dial(server);
      socket.write(REQUEST);
      await until(() => state.asked === 1, 'the first question');
      if (first) {
        state.push('first');
        await until(() => socket.received().includes('"first"'), 'the chunk');
      }
      socket.destroy();
      await until(() => port.seen[0]?.options.signal?.aborted && state.returned, 'the cancellation');
      expect(reports).toEqual([]);
    }
  });

  it('a slow reader is not read ahead for', async () => {
    const chunk = 'x'.repeat(64 * 1024);
    let yielded = 0;
    let finished = false;
    const port = fakePort({
      chunks: async function* () {
        try {
          for (; yielded < 5000; yielded++) yield chunk;
        } finally {
          finished = true;
        }
      },
    });
    const { url } = await serveGateway(port, {}, { commentEveryMs: 5 });
    const res = await new Promise<import('node:http').IncomingMessage>((resolve, reject) => {
      const req = httpRequest(
        `${url}/v1/commands/gen`,
        { method: 'POST', headers: EVENTS, agent: false },
        resolve,
      );
      req.on('error', reject);
      req.end();
    });
    res.on('error', () => {});
    // Nobody reads: the sockets' own buffers fill, then the generator must stand still.
    let before = -1;
    let still = 0;
    await until(() => {
      still = yielded === before ? still + 1 : 0;
      before = yielded;
      return yielded > 0 && still >= 20;
    }, 'standstill');
    const stood = yielded;
    expect(stood).toBeLessThan(1000);
    // Reading on sets it going again.
    res.on('data', () => {});
    await until(() => yielded > stood + 20, 'more chunks');
    res.destroy();
    await until(() => finished, 'the cancellation');
    expect(yielded).toBeLessThan(5000);
  });

  it('fetch gets chunks as they come, and its abort cancels the call', async () => {
    const { state, chunks } = manual();
    const port = fakePort({ chunks });
    const server = await serveGateway(port);
    const controller = new AbortController();
    const answer = await fetch(`${server.url}/v1/commands/gen`, {
      method: 'POST',
      headers: EVENTS,
      signal: controller.signal,
    });
    const reader = answer.body?.getReader();
    await until(() => state.asked === 1, 'the first question');
    state.push(1);
    expect(Buffer.from((await reader?.read())?.value ?? []).toString()).toBe('event: chunk\ndata: 1\n\n');
    controller.abort();
    await until(() => state.returned, 'the cancellation');
    expect(await ask(`${server.url}/v1/commands`)).toMatchObject({ status: 200 });
  });

  it('without a server, leaving the body is the hang-up', async () => {
    const { state, chunks } = manual();
    const port = fakePort({ chunks });
    const app = createGatewayApp({ port, options: gatewayOptions(), pools: {} });
    const answer = await app.fetch(
      new Request('http://localhost/v1/commands/gen', { method: 'POST', headers: EVENTS }),
    );
    const reader = answer.body?.getReader();
    // Nothing is asked for before somebody reads.
    expect(state.asked).toBe(0);
    const first = reader?.read();
    await until(() => state.asked === 1, 'the first question');
    state.push(1);
    expect(Buffer.from((await first)?.value ?? []).toString()).toBe('event: chunk\ndata: 1\n\n');
    await reader?.cancel();
    expect(state.returned).toBe(true);
    expect(port.seen[0]?.options.signal?.aborted).toBe(true);
  });
});
