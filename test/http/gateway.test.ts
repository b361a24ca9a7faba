import { describe, expect, it } from 'vitest';
import { SnakepitError } from '../../src/errors/index.ts';
import { createGatewayApp } from '../../src/http/index.ts';
import { ask, dial, fakePort, gatewayOptions, post, serveGateway, TIMINGS, TOKEN, until } from './support.ts';

const CORRELATION = 'order-77:retry.1';

describe('a call', () => {
  it('answers with result, ids and timings', async () => {
    const port = fakePort({ result: () => ({ label: 'cat', score: 0.5 }) });
    const { url } = await serveGateway(port);
    const answer = await post(
      `${url}/v1/commands/predict`,
      { text: 'hi' },
      { 'x-correlation-id': CORRELATION },
    );
    expect(answer.status).toBe(200);
    expect(answer.json).toEqual({
      result: { label: 'cat', score: 0.5 },
      request_id: 'req_1',
      correlation_id: CORRELATION,
      timings: { queue_ms: TIMINGS.queueMs, python_ms: TIMINGS.pythonMs, total_ms: 2.123 },
    });
    expect(answer.headers).toMatchObject({
      'content-type': 'application/json',
      'x-request-id': 'req_1',
      'x-correlation-id': CORRELATION,
      'server-timing': 'queue;dur=0.25, python;dur=1.5, total;dur=2.123',
      'cache-control': 'no-store',
    });
    expect(answer.headers['access-control-allow-origin']).toBeUndefined();
    expect(port.seen).toMatchObject([{ command: 'predict', args: { text: 'hi' } }]);
  });

  it('passes pool, correlation id, timeout and trace context on', async () => {
    const port = fakePort();
    const { url } = await serveGateway(port);
    const traceparent = '00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01';
    await post(`${url}/v1/commands/a?pool=gpu`, {}, { traceparent, 'x-timeout-ms': '250' });
    await post(`${url}/v1/commands/b`, {}, { 'x-timeout-ms': '99999999999999999999' });
    await post(`${url}/v1/commands/c?pool=`);
    await post(`${url}/v1/commands/d?pool=constructor`, {}, { 'x-timeout-ms': '7' });
    const [a, b, c, d] = port.seen.map(({ options }) => options);
    expect(a).toMatchObject({ pool: 'gpu', timeoutMs: 250, traceparent });
    expect(a?.correlationId).toBe('0af7651916cd43dd8448eb211c80319c');
    // Capped by the pool's maxTimeoutMs.
    expect(b).toMatchObject({ pool: undefined, timeoutMs: 5000, traceparent: undefined });
    expect(b?.correlationId).toMatch(/^[0-9a-f]{32}$/);
    expect(c).toMatchObject({ pool: '', timeoutMs: undefined });
    expect(d).toMatchObject({ pool: 'constructor', timeoutMs: 7 });
  });

  it.each([
    [{ 'x-correlation-id': 'a', 'x-request-id': 'b' }, 'a'],
    [{ 'x-request-id': 'b' }, 'b'],
    [{ 'x-correlation-id': 'x'.repeat(128) }, 'x'.repeat(128)],
    [{ 'x-correlation-id': 'x'.repeat(129) }, undefined],
    [{ 'x-correlation-id': 'has space' }, undefined],
    [{ 'x-correlation-id': 'ünïcode' }, undefined],
    [{ 'x-correlation-id': '<script>' }, undefined],
    [{ traceparent: '00-00000000000000000000000000000000-b7ad6b7169203331-01' }, undefined],
  ])('correlation id of %o', async (headers, expected) => {
    const port = fakePort();
    const { url } = await serveGateway(port);
    const answer = await post(`${url}/v1/commands/a`, {}, headers as Record<string, string>);
    const id = port.seen[0]?.options.correlationId;
    if (expected === undefined) expect(id).toMatch(/^[0-9a-f]{32}$/);
    else expect(id).toBe(expected);
    expect(answer.headers['x-correlation-id']).toBe(id);
    expect(answer.json.correlation_id).toBe(id);
    expect(port.seen[0]?.options.traceparent).toBeUndefined();
  });

  it.each(['0', '-1', '1.5', '1e3', 'soon', '00', ''])("refuses x-timeout-ms '%s'", async (timeout) => {
    const port = fakePort();
    const { url } = await serveGateway(port);
    const answer = await post(`${url}/v1/commands/a`, {}, { 'x-timeout-ms': timeout });
    expect(answer.status).toBe(422);
    expect(answer.json).toMatchObject({ code: 'invalid_arguments', category: 'request', request_id: null });
    expect(answer.json.detail).toContain(`x-timeout-ms: got '${timeout}'`);
    expect(answer.json.detail).toContain('whole milliseconds above 0');
    expect(port.seen).toEqual([]);
  });

  it('decodes the name of the command', async () => {
    const port = fakePort();
    const { url } = await serveGateway(port);
    for (const name of ['text%2Fembed', 'caf%C3%A9', 'a.b-c_d', '%zz', '__proto__']) {
      await post(`${url}/v1/commands/${name}`);
    }
    expect(port.seen.map(({ command }) => command)).toEqual([
      'text/embed',
      'café',
      'a.b-c_d',
      '%zz',
      '__proto__',
    ]);
  });

  it('is cancelled when the caller hangs up', async () => {
    const port = fakePort({
      result: ({ options: { signal } }) =>
        new Promise((_, reject) => {
          signal?.addEventListener('abort', () => reject(new SnakepitError('cancelled', 'Given up.')));
        }),
    });
    const reports: unknown[] = [];
    const server = await serveGateway(port, {}, { reportBug: (error) => reports.push(error) });
    const socket = await dial(server);
    socket.write('POST /v1/commands/slow HTTP/1.1\r\nHost: localhost\r\nContent-Length: 0\r\n\r\n');
    await until(() => port.seen.length === 1, 'the call');
    expect(port.seen[0]?.options.signal?.aborted).toBe(false);
    socket.destroy();
    await until(() => port.seen[0]?.options.signal?.aborted, 'the cancellation');
    // The server is none the worse for it.
    port.result = () => 1;
    expect((await post(`${server.url}/v1/commands/a`)).status).toBe(200);
    expect(reports).toEqual([]);
  });
});

describe('the listing', () => {
  it('has the commands of every pool with their parameters', async () => {
    const commands = [
      {
        name: 'predict',
        kind: 'plain' as const,
        doc: 'Predicts.',
        parameters: [
          { name: 'text', kind: 'positional_or_keyword', annotation: 'str', required: true, default: null },
          { name: 'top', kind: 'positional_or_keyword', annotation: 'int', required: false, default: '3' },
        ],
      },
    ];
    const pool = { state: 'running', ready: true, commands, python_path: '/secret/python' };
    const snapshot = () => ({ timestamp: 0, uptime_ms: 0, pools: { default: pool } }) as never;
    const { url } = await serveGateway(fakePort({ snapshot }));
    const answer = await ask(`${url}/v1/commands`);
    expect(answer.status).toBe(200);
    expect(answer.json).toEqual({ pools: { default: { state: 'running', ready: true, commands } } });
    const head = await ask(`${url}/v1/commands`, { method: 'HEAD' });
    expect(head).toMatchObject({ status: 200, text: '' });
    expect(head.headers['content-length']).toBe(String(answer.body.length));
  });
});

describe('errors', () => {
  const failing = (error: unknown) => fakePort({ result: () => Promise.reject(error) });
  const context = {
    python_traceback: 'Traceback (most recent call last):\n  …\nValueError: no',
    system_context: { pool_name: 'default', worker_id: 'w1' },
  };

  it('are problems with the ids and what may be done about them', async () => {
    const error = new SnakepitError('queue_full', 'The queue holds 1000 of 1000.', {
      requestId: 'req_9',
      correlationId: 'corr_9',
      retryAfterMs: 1200,
    });
    const { url } = await serveGateway(failing(error));
    const answer = await post(`${url}/v1/commands/a`);
    expect(answer.status).toBe(503);
    expect(answer.headers).toMatchObject({
      'content-type': 'application/problem+json',
      'retry-after': '2',
      'x-request-id': 'req_9',
      'x-correlation-id': 'corr_9',
    });
    expect(answer.json).toEqual({
      type: 'urn:snakepit:error:queue_full',
      title: 'The queue of the pool is at its limit.',
      status: 503,
      detail: 'The queue holds 1000 of 1000.',
      code: 'queue_full',
      category: 'system',
      retryable: true,
      request_id: 'req_9',
      correlation_id: 'corr_9',
    });
  });

  it.each([
    ['python_exception', 500],
    ['invalid_arguments', 422],
    ['unserializable', 422],
    ['unknown_command', 404],
    ['payload_too_large', 413],
    ['timeout', 504],
    ['cancelled', 499],
    ['draining', 503],
    ['worker_crashed', 502],
    ['crash_loop', 503],
    ['invalid_configuration', 500],
  ] as const)('%s is %i', async (code, status) => {
    const { url } = await serveGateway(failing(new SnakepitError(code, 'It failed.')));
    const answer = await post(`${url}/v1/commands/a`);
    expect(answer.status).toBe(status);
    expect(answer.json).toMatchObject({ code, status, request_id: null });
    expect(answer.headers['retry-after']).toBeUndefined();
  });

  it('a result that cannot be serialised is the server’s fault', async () => {
    const error = new SnakepitError('unserializable', '$.x is a set.', { context: { path_in: 'result' } });
    const { url } = await serveGateway(failing(error));
    expect((await post(`${url}/v1/commands/a`)).status).toBe(500);
  });

  it.each(['queue_full', 'queue_timeout'] as const)(
    '%s has Retry-After even without an estimate',
    async (code) => {
      const { url } = await serveGateway(failing(new SnakepitError(code, 'It failed.')));
      expect((await post(`${url}/v1/commands/a`)).headers['retry-after']).toBe('1');
    },
  );

  it('show the traceback to local callers and those with the token alone', async () => {
    const error = new SnakepitError('python_exception', 'ValueError: no', { context });
    const proxied = { 'x-forwarded-for': '10.1.1.1' };
    const local = await serveGateway(failing(error));
    const seen = (await post(`${local.url}/v1/commands/a`)).json;
    expect(seen.python_traceback).toBe(context.python_traceback);
    expect(seen.system_context).toBeUndefined();
    const open = await serveGateway(failing(error), { insecure: true });
    const hidden = (await post(`${open.url}/v1/commands/a`, {}, proxied)).json;
    expect(hidden.code).toBe('python_exception');
    expect(hidden.python_traceback).toBeUndefined();
    const guarded = await serveGateway(failing(error), { token: TOKEN });
    const headers = { ...proxied, authorization: `Bearer ${TOKEN}` };
    const shown = (await post(`${guarded.url}/v1/commands/a`, {}, headers)).json;
    expect(shown.python_traceback).toBe(context.python_traceback);
  });

  it.each([new Error('secret insides'), 'secret insides', null])(
    'a bug (%s) shows no insides',
    async (bug) => {
      const reports: unknown[] = [];
      const { url } = await serveGateway(failing(bug), {}, { reportBug: (error) => reports.push(error) });
      const answer = await post(`${url}/v1/commands/a`);
      expect(answer.status).toBe(500);
      expect(answer.json).toMatchObject({ code: 'internal_error', retryable: false });
      expect(answer.text).not.toContain('secret');
      expect(reports).toHaveLength(1);
      const [report] = reports as [Error];
      expect(report instanceof Error && bug instanceof Error ? report : report.cause).toBe(bug);
    },
  );

  it('unknown paths and wrong methods say what there is', async () => {
    const { url } = await serveGateway(fakePort());
    const lost = await ask(`${url}/v2/predict`);
    expect(lost.status).toBe(404);
    expect(lost.json).toMatchObject({
      code: 'not_found',
      endpoints: ['GET /v1/commands', 'POST /v1/commands/{command}'],
    });
    expect(lost.headers['x-correlation-id']).toBe(lost.json.correlation_id);
    const got = await ask(`${url}/v1/commands/predict`);
    expect(got).toMatchObject({ status: 405, headers: { allow: 'POST' } });
    const put = await ask(`${url}/v1/commands`, { method: 'PUT' });
    expect(put).toMatchObject({ status: 405, headers: { allow: 'GET, HEAD' } });
  });
});

describe('as a Web-standard handler', () => {
  it('needs no server', async () => {
    const port = fakePort();
    const app = createGatewayApp({ port, options: gatewayOptions(), pools: {} });
    const request = new Request('http://localhost/v1/commands/a', {
      method: 'POST',
      headers: { 'content-type': 'application/json' },
      body: '{"n":1}',
    });
    const answer = await app.fetch(request);
    expect(await answer.json()).toMatchObject({ result: { n: 1 } });
  });
});
