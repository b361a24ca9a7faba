import { describe, expect, it } from 'vitest';
import { SnakepitError } from '../../src/errors/index.ts';
import { fakePort, post, serveGateway, TIMINGS } from './support.ts';

const EVENTS = { accept: 'text/event-stream' };

interface Event {
  readonly event: string;
  // biome-ignore lint/suspicious/noExplicitAny: bodies are looked into by path
  readonly data: any;
}

const eventsOf = (text: string): Event[] =>
  text
    .split('\n\n')
    .filter((block) => block.startsWith('event: '))
    .map((block) => {
      const [event = '', data = ''] = block.split('\n');
      return { event: event.slice('event: '.length), data: JSON.parse(data.slice('data: '.length)) };
    });

describe('an event stream', () => {
  it('has a chunk event each, then one end with the timings', async () => {
    const port = fakePort({
      chunks: async function* ({ args }) {
        yield args;
        yield 'two\nlines';
        yield undefined;
      },
    });
    const { url } = await serveGateway(port);
    const answer = await post(`${url}/v1/commands/gen`, { n: 1 }, { ...EVENTS, 'x-correlation-id': 'corr' });
    expect(answer.status).toBe(200);
    expect(answer.headers).toMatchObject({
      'content-type': 'text/event-stream',
      'cache-control': 'no-store',
      'x-accel-buffering': 'no',
      'x-request-id': 'req_1',
      'x-correlation-id': 'corr',
    });
    expect(eventsOf(answer.text)).toEqual([
      { event: 'chunk', data: { n: 1 } },
      { event: 'chunk', data: 'two\nlines' },
      { event: 'chunk', data: null },
      {
        event: 'end',
        data: {
          request_id: 'req_1',
          correlation_id: 'corr',
          timings: { queue_ms: TIMINGS.queueMs, python_ms: TIMINGS.pythonMs, total_ms: 2.123 },
        },
      },
    ]);
  });

  it('ends with one error event when the call fails', async () => {
    const port = fakePort({
      chunks: async function* () {
        yield 1;
        throw new SnakepitError('python_exception', 'ValueError: no', {
          requestId: 'req_1',
          context: { python_traceback: 'Traceback' },
        });
      },
    });
    const { url } = await serveGateway(port);
    const events = eventsOf((await post(`${url}/v1/commands/gen`, {}, EVENTS)).text);
    expect(events.map(({ event }) => event)).toEqual(['chunk', 'error']);
    expect(events[1]?.data).toMatchObject({
      code: 'python_exception',
      status: 500,
      detail: 'ValueError: no',
      request_id: 'req_1',
      python_traceback: 'Traceback',
    });
  });

  it('an error before the first chunk is an event too', async () => {
    const port = fakePort({
      // biome-ignore lint/correctness/useYield: fails before it can
      chunks: async function* () {
        throw new SnakepitError('unknown_command', 'No such command.');
      },
    });
    const { url } = await serveGateway(port);
    const answer = await post(`${url}/v1/commands/gen`, {}, EVENTS);
    expect(answer.status).toBe(200);
    expect(eventsOf(answer.text)).toMatchObject([
      { event: 'error', data: { code: 'unknown_command', status: 404 } },
    ]);
  });

  it('a bug becomes an error event without insides, and stops the call', async () => {
    const reports: unknown[] = [];
    const cyclic: Record<string, unknown> = {
      toJSON: () => {
        throw new Error('secret');
      },
    };
    const port = fakePort({
      chunks: async function* () {
        yield cyclic;
      },
    });
    const { url } = await serveGateway(port, {}, { reportBug: (error) => reports.push(error) });
    const answer = await post(`${url}/v1/commands/gen`, {}, EVENTS);
    expect(eventsOf(answer.text)).toMatchObject([{ event: 'error', data: { code: 'internal_error' } }]);
    expect(answer.text).not.toContain('secret');
    expect(reports).toHaveLength(1);
    expect(port.seen[0]?.options.signal?.aborted).toBe(true);
  });

  it('what is refused before the call is a plain problem', async () => {
    const port = fakePort();
    const { url } = await serveGateway(port);
    const answer = await post(`${url}/v1/commands/gen`, {}, { ...EVENTS, 'x-timeout-ms': 'x' });
    expect(answer).toMatchObject({ status: 422, headers: { 'content-type': 'application/problem+json' } });
    expect(port.seen).toEqual([]);
  });

  it('lists what JSON changed in the end event, by number of the chunk', async () => {
    const port = fakePort({
      chunks: async function* () {
        yield 1;
        yield { a: [Number.NaN], b: 2n ** 60n };
        yield Uint8Array.of(1);
      },
    });
    const { url } = await serveGateway(port);
    const events = eventsOf((await post(`${url}/v1/commands/gen`, {}, EVENTS)).text);
    expect(events[1]?.data).toEqual({ a: [null], b: '1152921504606846976' });
    expect(events[2]?.data).toEqual({ $bytes: 'AQ==' });
    expect(events[3]?.data.lossy).toEqual(['$[1].a[0]', '$[1].b', '$[2]']);
    expect(events[3]?.data.lossy_omitted).toBeUndefined();
  });

  it('bounds that list', async () => {
    const port = fakePort({
      chunks: async function* () {
        for (let i = 0; i < 3; i++) yield Array(600).fill(Number.NaN);
      },
    });
    const { url } = await serveGateway(port);
    const end = eventsOf((await post(`${url}/v1/commands/gen`, {}, EVENTS)).text).at(-1)?.data;
    expect(end.lossy).toHaveLength(1000);
    expect(end.lossy_omitted).toBe(800);
  });

  it.each([
    ['text/event-stream', true],
    ['text/event-stream, */*;q=0.1', true],
    ['application/json;q=0.5, text/event-stream', true],
    ['application/json, text/event-stream', false],
    ['text/event-stream;q=0, */*', false],
    ['*/*', false],
    ['text/*', false],
  ])('Accept: %s', async (accept, streams) => {
    const { url } = await serveGateway(fakePort());
    const answer = await post(`${url}/v1/commands/gen`, {}, { accept });
    expect(answer.headers['content-type'] === 'text/event-stream').toBe(streams);
  });
});
