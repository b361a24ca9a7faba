import { describe, expect, it } from 'vitest';
import { python, sharedPit, startPit, type TestPit, until } from '../support/pit.ts';

const app = () => python`
  @command
  def predict(text: str, top: int = 3):
      """Says it back."""
      print(text)
      return {"text": text, "top": top}

  @command
  def echo(value):
      return value

  @command
  def odd():
      return {"big": 2**60, "nan": float("nan"), "raw": b"\x00\xff", "fine": 1.5}

  @command
  def refuse():
      return {"set": {1, 2}}

  @command
  def fail():
      raise ValueError("wrong")

  @command
  def leave():
      os._exit(4)

  @command
  def hold(gate: str):
      note(f"holding {gate}")
      try:
          wait_for(gate)
      finally:
          note(f"released {gate}")
      return "held"

  @command
  def count(n: int, fail_at: int = -1):
      try:
          for i in range(n):
              if i == fail_at:
                  raise ValueError("in the midst")
              yield {"i": i}
      finally:
          note("generator closed")

  @command
  def describe_call():
      current = context()
      return {
          "request_id": current.request_id,
          "correlation_id": current.correlation_id,
          "traceparent": current.traceparent,
          "remaining": current.remaining(),
      }

  @command
  def large():
      return "x" * 200_000
`;

const gateway = { port: 0 };

interface Ask {
  readonly headers?: Record<string, string>;
  readonly body?: string;
  readonly signal?: AbortSignal;
  readonly query?: string;
}

const post = (
  { pit }: TestPit,
  command: string,
  args: unknown = {},
  { headers, body, signal, query = '' }: Ask = {},
) =>
  fetch(`${pit.gatewayUrl}/v1/commands/${command}${query}`, {
    method: 'POST',
    headers: { 'content-type': 'application/json', ...headers },
    body: body ?? JSON.stringify(args),
    ...(signal !== undefined && { signal }),
  });

// biome-ignore lint/suspicious/noExplicitAny: bodies are looked into by path
const json = async (response: Response | Promise<Response>): Promise<any> => (await response).json();

/** The events of a stream, as [name, data] pairs. */
const sse = async (response: Response): Promise<[string, unknown][]> => {
  const text = await response.text();
  return text
    .split('\n\n')
    .filter((block) => block.startsWith('event: '))
    .map((block) => {
      const [event, data] = block.split('\n');
      return [(event as string).slice('event: '.length), JSON.parse((data as string).slice('data: '.length))];
    });
};
const events = { accept: 'text/event-stream' };

describe('a command over HTTP', () => {
  const shared = sharedPit({ pool: { app: app() }, morePools: { other: { app: app() } }, gateway });

  it('answers with the result, the ids and the timings', async () => {
    const response = await post(shared, 'predict', { text: 'grüße', top: 1 });
    const body = await json(response);
    expect(response.status).toBe(200);
    expect(body).toEqual({
      result: { text: 'grüße', top: 1 },
      request_id: expect.stringMatching(/^req_/),
      correlation_id: expect.stringMatching(/^[0-9a-f]{32}$/),
      timings: { queue_ms: expect.any(Number), python_ms: expect.any(Number), total_ms: expect.any(Number) },
    });
    expect(response.headers.get('x-request-id')).toBe(body.request_id);
    expect(response.headers.get('x-correlation-id')).toBe(body.correlation_id);
    expect(response.headers.get('server-timing')).toMatch(/total;dur=/);
    const [completed] = shared.events
      .of(body.request_id)
      .filter(({ event_name }) => event_name.endsWith('completed'));
    expect(body.timings.total_ms).toBeCloseTo(completed?.measurements.duration_ms as number, 2);
  });

  it('takes the pool from the query', async () => {
    const response = await post(shared, 'predict', { text: 'hi' }, { query: '?pool=other' });
    const { request_id } = await json(response);
    expect(shared.events.of(request_id)[0]?.metadata.pool_name).toBe('other');
  });

  it('says where JSON has no form for a value', async () => {
    const body = await json(post(shared, 'odd'));
    expect(body.result).toEqual({
      big: (2n ** 60n).toString(),
      nan: null,
      raw: { $bytes: 'AP8=' },
      fine: 1.5,
    });
    expect(body.lossy.toSorted()).toEqual(['$.big', '$.nan', '$.raw']);
  });

  it('takes wide integers and bytes as it gives them', async () => {
    const body = '{"value": [1152921504606846976, {"$bytes": "AP8="}, 5]}';
    const answer = await json(post(shared, 'echo', {}, { body }));
    expect(answer.result).toEqual(['1152921504606846976', { $bytes: 'AP8=' }, 5]);
  });

  it('passes ids, trace context and deadline on to Python', async () => {
    const traceparent = '00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01';
    const headers = { traceparent, 'x-correlation-id': 'order-4711', 'x-timeout-ms': '20000' };
    const { result, request_id } = await json(post(shared, 'describe_call', {}, { headers }));
    expect(result).toMatchObject({ request_id, correlation_id: 'order-4711', traceparent });
    expect(result.remaining).toBeGreaterThan(0);
    expect(result.remaining).toBeLessThanOrEqual(20);
    const byRequestId = await json(post(shared, 'describe_call', {}, { headers: { 'x-request-id': 'r-1' } }));
    expect(byRequestId.correlation_id).toBe('r-1');
    const byTrace = await json(post(shared, 'describe_call', {}, { headers: { traceparent } }));
    expect(byTrace.correlation_id).toBe('0af7651916cd43dd8448eb211c80319c');
    const replaced = await post(
      shared,
      'describe_call',
      {},
      { headers: { 'x-correlation-id': 'not acceptable' } },
    );
    expect((await json(replaced)).correlation_id).toMatch(/^[0-9a-f]{32}$/);
  });

  it('lists the commands with their parameters', async () => {
    const { pools } = await json(fetch(`${shared.pit.gatewayUrl}/v1/commands`));
    expect(Object.keys(pools)).toEqual(['default', 'other']);
    expect(pools.default).toMatchObject({ state: 'running', ready: true });
    expect(pools.default.commands[0]).toMatchObject({
      name: 'predict',
      kind: 'plain',
      doc: 'Says it back.',
      parameters: [
        { name: 'text', annotation: 'str', required: true },
        { name: 'top', required: false },
      ],
    });
  });

  it('with the event stream of a generator: each chunk, then one end', async () => {
    const response = await post(shared, 'count', { n: 3 }, { headers: events });
    expect(response.headers.get('content-type')).toContain('text/event-stream');
    expect(await sse(response)).toEqual([
      ['chunk', { i: 0 }],
      ['chunk', { i: 1 }],
      ['chunk', { i: 2 }],
      [
        'end',
        expect.objectContaining({ timings: expect.objectContaining({ python_ms: expect.any(Number) }) }),
      ],
    ]);
  });

  it('with an event stream of any other command: its one result', async () => {
    const got = await sse(await post(shared, 'predict', { text: 'once' }, { headers: events }));
    expect(got.map(([name]) => name)).toEqual(['chunk', 'end']);
    expect(got[0]?.[1]).toEqual({ text: 'once', top: 3 });
  });

  it('tells an error in the midst of a stream as its last event', async () => {
    const got = await sse(await post(shared, 'count', { n: 5, fail_at: 2 }, { headers: events }));
    expect(got.map(([name]) => name)).toEqual(['chunk', 'chunk', 'error']);
    expect(got[2]?.[1]).toMatchObject({
      code: 'python_exception',
      status: 500,
      python_traceback: expect.stringContaining('ValueError: in the midst'),
    });
  });
});

describe('an error over HTTP is a problem with its own status', () => {
  const shared = sharedPit({ pool: { app: app(), maxFrameBytes: 100_000, restartDelayMs: 1 }, gateway });

  const problem = async (response: Response) => {
    expect(response.headers.get('content-type')).toBe('application/problem+json');
    const body = await json(response);
    expect(body.status).toBe(response.status);
    expect(body).toMatchObject({
      type: expect.any(String),
      title: expect.any(String),
      detail: expect.any(String),
      correlation_id: response.headers.get('x-correlation-id'),
      retryable: expect.any(Boolean),
    });
    return body;
  };

  it.each<[string, string, object, number, string, string]>([
    ['an exception', 'fail', {}, 500, 'python_exception', 'request'],
    ['a missing argument', 'predict', {}, 422, 'invalid_arguments', 'request'],
    ['a result that cannot be sent', 'refuse', {}, 500, 'unserializable', 'request'],
    ['an unknown command', 'nobody', {}, 404, 'unknown_command', 'request'],
    [
      'arguments that are too large',
      'echo',
      { value: 'x'.repeat(100_000) },
      413,
      'payload_too_large',
      'request',
    ],
    ['a result that is too large', 'large', {}, 413, 'payload_too_large', 'request'],
    ['a crash', 'leave', {}, 502, 'worker_crashed', 'worker'],
  ])('%s', async (_, command, args, status, code, category) => {
    const response = await post(shared, command, args);
    expect(response.status).toBe(status);
    const body = await problem(response);
    expect(body).toMatchObject({ code, category, request_id: expect.stringMatching(/^req_/) });
    expect(response.headers.get('x-request-id')).toBe(body.request_id);
    expect(shared.events.storyOf(body.request_id).at(-1)).toBe('request.completed');
  });

  it('an exception shows its traceback on loopback, not through a proxy', async () => {
    expect(await problem(await post(shared, 'fail'))).toMatchObject({
      python_traceback: expect.stringContaining('ValueError: wrong'),
    });
    const proxied = await post(shared, 'fail', {}, { headers: { 'x-forwarded-for': '203.0.113.9' } });
    expect(await proxied.text()).not.toContain('Traceback');
  });

  it('an unknown pool', async () => {
    const response = await post(shared, 'predict', { text: 'hi' }, { query: '?pool=nowhere' });
    expect(response.status).toBe(404);
    expect(await problem(response)).toMatchObject({ code: 'unknown_pool' });
  });

  it('a deadline', async () => {
    await post(shared, 'predict', { text: 'warm' });
    const response = await post(shared, 'hold', { gate: 'never' }, { headers: { 'x-timeout-ms': '300' } });
    expect(response.status).toBe(504);
    expect(await problem(response)).toMatchObject({ code: 'timeout', retryable: false });
  });

  it.each<[string, string, Record<string, string>, number, string]>([
    ['no JSON', '{"text": ', {}, 400, 'malformed_body'],
    ['an array', '[1]', {}, 400, 'malformed_body'],
    ['text', 'hi', { 'content-type': 'text/plain' }, 415, 'unsupported_media_type'],
    ['of another site', '{}', { origin: 'https://evil.example' }, 403, 'forbidden'],
    ['a timeout that is none', '{}', { 'x-timeout-ms': 'soon' }, 422, 'invalid_arguments'],
  ])('a body that is %s, and no request is made', async (_, body, headers, status, code) => {
    const before = shared.events.named('snakepit.request.queued').length;
    const response = await post(shared, 'predict', {}, { body, headers });
    expect(response.status).toBe(status);
    expect(await problem(response)).toMatchObject({ code, request_id: null });
    expect(shared.events.named('snakepit.request.queued')).toHaveLength(before);
  });

  it('a full queue and a wait in vain, with Retry-After', async () => {
    const test = await startPit({ pool: { app: app(), maxQueue: 1 }, gateway });
    const held = post(test, 'hold', { gate: 'go' });
    await test.noted('holding go');
    const waiting = post(test, 'predict', { text: 'in vain' }, { headers: { 'x-timeout-ms': '1000' } });
    await until(() => test.pit.snapshot().pools.default?.queue_depth === 1, 'one waits');
    const full = await post(test, 'predict', { text: 'one too many' });
    expect(full.status).toBe(503);
    expect(full.headers.get('retry-after')).toMatch(/^\d+$/);
    expect(await problem(full)).toMatchObject({ code: 'queue_full', category: 'system', retryable: true });
    const late = await waiting;
    expect(late.status).toBe(503);
    expect(late.headers.get('retry-after')).toMatch(/^\d+$/);
    expect(await problem(late)).toMatchObject({ code: 'queue_timeout', retryable: true });
    test.open('go');
    expect((await held).status).toBe(200);
  });

  it('a pit that drains', async () => {
    const test = await startPit({ pool: { app: app() }, gateway });
    const held = post(test, 'hold', { gate: 'go' });
    await test.noted('holding go');
    const closed = test.pit.close();
    const refused = await post(test, 'predict', { text: 'late' });
    expect(refused.status).toBe(503);
    expect(await problem(refused)).toMatchObject({ code: 'draining', retryable: true });
    test.open('go');
    expect(await json(held)).toMatchObject({ result: 'held' });
    await closed;
  });

  it('an app that cannot start', async () => {
    const broken = python`raise OSError("disk full")`;
    const test = await startPit({ pool: { app: broken }, gateway, waitFor: 'none' });
    await test.events.first('snakepit.worker.start_failed');
    const refused = await post(test, 'predict', { text: 'hi' });
    expect(refused.status).toBe(503);
    expect(await problem(refused)).toMatchObject({
      code: 'worker_start_failed',
      python_traceback: expect.stringContaining('OSError: disk full'),
    });
  });
});

describe('a client that hangs up', () => {
  it('cancels its command: Python cleans up', async () => {
    const test = await startPit({ pool: { app: app() }, gateway });
    const controller = new AbortController();
    const call = post(test, 'hold', { gate: 'never' }, { signal: controller.signal });
    await test.noted('holding never');
    controller.abort();
    await expect(call).rejects.toThrow();
    await test.noted('released never');
    const cancelled = await test.events.first('snakepit.request.cancelled');
    expect(cancelled.metadata).toMatchObject({ command: 'hold', code: 'cancelled' });
    expect((await post(test, 'predict', { text: 'next' })).status).toBe(200);
  });

  it('cancels its stream: the generator is closed', async () => {
    const test = await startPit({ pool: { app: app() }, gateway });
    const controller = new AbortController();
    const response = await post(
      test,
      'count',
      { n: 1_000_000_000 },
      { headers: events, signal: controller.signal },
    );
    const reader = (response.body as ReadableStream<Uint8Array>).getReader();
    await reader.read();
    controller.abort();
    await test.noted('generator closed');
    await test.events.first('snakepit.request.cancelled');
    expect((await post(test, 'predict', { text: 'next' })).status).toBe(200);
  });

  it('while it waits in the queue leaves it', async () => {
    const test = await startPit({ pool: { app: app() }, gateway });
    const held = post(test, 'hold', { gate: 'go' });
    await test.noted('holding go');
    const controller = new AbortController();
    const waiting = post(test, 'hold', { gate: 'nobody' }, { signal: controller.signal });
    await until(() => test.pit.snapshot().pools.default?.queue_depth === 1, 'it waits');
    controller.abort();
    await expect(waiting).rejects.toThrow();
    await until(() => test.pit.snapshot().pools.default?.queue_depth === 0, 'it has left');
    test.open('go');
    await held;
    expect(test.notes()).not.toContain('holding nobody');
  });
});
