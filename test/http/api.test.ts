import { describe, expect, expectTypeOf, it } from 'vitest';
import type { Errors } from '../../src/consumers/errors/index.ts';
import { opsHandler } from '../../src/http/index.ts';
import type { ErrorsReader } from '../../src/http/ports.ts';
import { bearer, controlOf, errorsOf } from './api-support.ts';
import { ask, serveOps, TOKEN } from './support.ts';

it('takes the consumer as it is', () => {
  // Checked by the compiler.
  expectTypeOf<Errors>().toExtend<ErrorsReader>();
});

const paths = ['/api/errors', '/api/requests/slow', '/api/state'];
const messages = (rows: readonly { message: string }[]) => rows.map(({ message }) => message).join();

describe('/api/errors', () => {
  it('lists lines, groups, what is quarantined and totals', async () => {
    const { errors, fail } = errorsOf();
    fail('KeyError: 1');
    fail('KeyError: 2', { worker_slot: 1, timestamp: Date.UTC(2025, 0, 15, 10, 30) });
    const { url } = await serveOps({}, { errors, control: controlOf() });
    const answer = await ask(`${url}/api/errors`);
    expect(answer.status).toBe(200);
    expect(answer.json.errors).toMatchObject([
      { id: 'e2', message: 'KeyError: 2', worker_slot: 1, timestamp: '2025-01-15T10:30:00.000Z' },
      { id: 'e1', message: 'KeyError: 1' },
    ]);
    expect(answer.text).not.toContain('Traceback');
    expect(answer.json.groups).toMatchObject([{ message: 'KeyError: <n>', count: 2, last_error_id: 'e2' }]);
    const row = { args_hash: '0123456789abcdef', deaths: 3, until: 1000 };
    expect(answer.json.quarantined).toEqual([
      { pool: 'default', command: 'default_crash', ...row },
      { pool: 'gpu', command: 'gpu_crash', ...row },
    ]);
    expect(answer.json.totals).toMatchObject({ errors: 2, cancelled: 0, kept: 2, groups: 1 });
  });

  it('gives one error whole, and 404 once it is gone', async () => {
    const { errors, fail } = errorsOf();
    fail('KeyError: 1');
    const { url } = await serveOps({}, { errors });
    expect((await ask(`${url}/api/errors/e1`)).json).toMatchObject({
      id: 'e1',
      measurements: { duration_ms: 1 },
      error: { python_traceback: 'Traceback of KeyError: 1' },
      group: { count: 1 },
    });
    for (let i = 0; i < 500; i++) fail('KeyError: 1');
    const gone = await ask(`${url}/api/errors/e1`);
    expect(gone).toMatchObject({ status: 404, json: { code: 'not_found', title: 'No such error is kept.' } });
    expect(gone.json.detail).toContain("'e1'");
    expect((await ask(`${url}/api/errors/e1`, { method: 'HEAD' })).status).toBe(404);
  });

  it.each([
    ['', 'new,gpu,slot,hour,old'],
    ['?pool=gpu', 'gpu'],
    ['?command=embed', 'new'],
    ['?worker_slot=3', 'slot'],
    ['?code=timeout', 'slot'],
    ['?limit=2', 'new,gpu'],
    ['?since=15m', 'new,gpu,slot'],
    ['?since=1.5h', 'new,gpu,slot,hour'],
    ['?since=4000s', 'new,gpu,slot,hour'],
    ['?since=2d&limit=500', 'new,gpu,slot,hour,old'],
    ['?since=0', 'new,gpu,slot,hour,old'],
    ['?since=EPOCH', 'new,gpu,slot'],
    ['?since=RFC', 'new,gpu,slot'],
    ['?since=OFFSET', 'new,gpu,slot'],
    ['?pool=default&code=timeout&worker_slot=3', 'slot'],
    ['?pool=nowhere', ''],
  ])('%s', async (query, expected) => {
    const { errors, fail } = errorsOf();
    const ago = (ms: number) => ({ timestamp: Date.now() - ms });
    fail('old', ago(86_400_000));
    fail('hour', ago(3_600_000));
    fail('slot', { worker_slot: 3, code: 'timeout' });
    fail('gpu', { pool_name: 'gpu' });
    fail('new', { command: 'embed' });
    const { url } = await serveOps({}, { errors });
    const at = Date.now() - 900_000;
    // As a browser's address bar would send it, with the plus sign not escaped.
    const berlin = `${new Date(at + 7_200_000).toISOString().replace('Z', '')}+02:00`;
    const asked = query
      .replace('EPOCH', String(at))
      .replace('RFC', new Date(at).toISOString())
      .replace('OFFSET', berlin);
    const { json } = await ask(`${url}/api/errors${asked}`);
    expect(messages(json.errors)).toBe(expected);
  });

  it('filters what is quarantined too', async () => {
    const { errors } = errorsOf();
    const { url } = await serveOps({}, { errors, control: controlOf() });
    const rows = async (query: string) => (await ask(`${url}/api/errors${query}`)).json.quarantined;
    expect(await rows('?pool=gpu')).toMatchObject([{ pool: 'gpu' }]);
    expect(await rows('?command=default_crash')).toMatchObject([{ pool: 'default' }]);
    const alone = await serveOps({}, { errors });
    expect((await ask(`${alone.url}/api/errors`)).json.quarantined).toEqual([]);
  });
});

describe('/api/requests/slow', () => {
  it('lists slow requests with their stacks, filtered', async () => {
    const { bus, errors } = errorsOf();
    for (const [request_id, pool_name] of [
      ['r1', 'default'],
      ['r2', 'gpu'],
    ]) {
      bus.emit(
        ['snakepit', 'request', 'slow'],
        { duration_ms: 30, threshold_ms: 25 },
        { pool_name, request_id, command: 'predict', phase: 'running', python_stack: 'File "app.py"' },
      );
    }
    const { url } = await serveOps({}, { errors });
    const { json } = await ask(`${url}/api/requests/slow`);
    expect(json.requests).toMatchObject([
      { request_id: 'r2', pool: 'gpu', status: 'running', python_stack: 'File "app.py"' },
      { request_id: 'r1', pool: 'default' },
    ]);
    expect(json.totals).toEqual({ seen: 2, kept: 2, running: 2 });
    const filtered = await ask(`${url}/api/requests/slow?pool=default&limit=1`);
    expect(filtered.json.requests).toMatchObject([{ request_id: 'r1' }]);
  });
});

describe('a filter that is not usable', () => {
  it.each([
    ['since', 'yesterday', 'a time ago such as 15m'],
    ['since', '2025-01-15', 'RFC 3339'],
    ['since', '2025-13-45T00:00:00Z', 'RFC 3339'],
    ['since', '-5m', '15m'],
    ['since', '1e9', '15m'],
    ['since', '', '15m'],
    ['pool', '', 'the name of a pool'],
    ['command', '', 'the name of a command'],
    ['worker_slot', '-1', 'a whole number from 0'],
    ['worker_slot', '1.5', 'a whole number from 0'],
    ['worker_slot', 'gone', 'a whole number from 0'],
    ['code', 'time_out', 'timeout'],
    ['code', 'toString', 'timeout'],
    ['limit', '0', 'from 1 to 500'],
    ['limit', '501', 'from 1 to 500'],
    ['limit', 'all', 'from 1 to 500'],
  ])('%s=%s', async (parameter, got, allowed) => {
    const { errors } = errorsOf();
    const { url } = await serveOps({}, { errors });
    for (const path of ['/api/errors', '/api/requests/slow']) {
      const answer = await ask(`${url}${path}?${parameter}=${got}`);
      expect(answer.status).toBe(400);
      expect(answer.headers['content-type']).toBe('application/problem+json');
      expect(answer.json).toMatchObject({ code: 'bad_request', parameter, got, status: 400 });
      expect(answer.json.allowed).toContain(allowed);
      expect(answer.json.detail).toContain(`${parameter}: got '${got}'; allowed: `);
    }
  });

  it('an unknown parameter, or one given twice, is not ignored', async () => {
    const { errors } = errorsOf();
    const { url } = await serveOps({}, { errors });
    const unknown = await ask(`${url}/api/errors?pol=gpu`);
    expect(unknown).toMatchObject({ status: 400, json: { parameter: 'pol' } });
    expect(unknown.json.detail).toContain('taken are since, pool, command, worker_slot, code, limit');
    const twice = await ask(`${url}/api/errors?pool=a&pool=b`);
    expect(twice).toMatchObject({ status: 400, json: { parameter: 'pool', allowed: 'once' } });
  });
});

describe('/api/state', () => {
  it('is the snapshot', async () => {
    const control = controlOf();
    const { url } = await serveOps({}, { control });
    expect((await ask(`${url}/api/state`)).json).toEqual(control.snapshot());
  });
});

describe('who may read', () => {
  it('local callers, callers with the token, and whom ops.open lets in', async () => {
    const { errors, fail } = errorsOf();
    fail('x');
    const parts = { errors, control: controlOf() };
    const local = await serveOps({ token: TOKEN }, parts);
    const remote = await serveOps({ host: '0.0.0.0', token: TOKEN, open: ['/api/state'] }, parts);
    for (const path of [...paths, '/api/errors/e1']) {
      expect((await ask(local.url + path)).status, path).toBe(200);
      expect((await ask(remote.url + path)).status, path).toBe(path === '/api/state' ? 200 : 401);
      expect((await ask(remote.url + path, { headers: bearer(TOKEN) })).status, path).toBe(200);
      expect((await ask(local.url + path, { headers: { host: 'evil.example' } })).status, path).toBe(403);
      const posted = await ask(local.url + path, { method: 'POST' });
      expect(posted, path).toMatchObject({ status: 405, headers: { allow: 'GET, HEAD' } });
    }
  });

  it('/health links to them by name, as far as this caller may read', async () => {
    const parts = { errors: errorsOf().errors, control: controlOf() };
    const { url } = await serveOps({ prefix: '/p' }, parts);
    expect((await ask(`${url}/p/health`)).json.links).toMatchObject({
      errors: '/p/api/errors',
      slow: '/p/api/requests/slow',
      state: '/p/api/state',
    });
    const remote = await serveOps({ host: '0.0.0.0', token: TOKEN }, parts);
    expect((await ask(`${remote.url}/health`)).json.links).not.toHaveProperty('errors');
  });

  it('what is disabled is 404', async () => {
    const { url } = await serveOps({}, { errors: null, control: null });
    for (const path of [...paths, '/api/errors/e1', '/api/drain'])
      expect((await ask(url + path)).status, path).toBe(404);
  });

  it('a mounted handler serves them alike', async () => {
    const { fetch } = opsHandler({
      ...{ metrics: null, health: null, errors: errorsOf().errors, control: controlOf(), token: TOKEN },
    });
    for (const path of paths) {
      const at = `http://app.example${path}`;
      expect((await fetch(new Request(at))).status).toBe(401);
      expect((await fetch(new Request(at, { headers: bearer(TOKEN) }))).status).toBe(200);
    }
  });
});
