import { describe, expect, it } from 'vitest';
import { SnakepitError } from '../../src/errors/index.ts';
import { opsHandler } from '../../src/http/index.ts';
import { bearer, controlOf, recycled, stacks } from './api-support.ts';
import { ask, cleanup, serveOps, TOKEN, until } from './support.ts';

const changes = [
  '/api/workers/w-1/recycle',
  '/api/workers/w-1/stack',
  '/api/pools/default/recycle',
  '/api/pools/default/unquarantine',
  '/api/drain',
];

const serving = async (control = controlOf(), parts: Parameters<typeof serveOps>[1] = {}) => {
  const { url } = await serveOps({ token: TOKEN }, { control, ...parts });
  const change = (path: string, body?: string, headers: Record<string, string> = {}) =>
    ask(url + path, {
      method: 'POST',
      headers: {
        ...bearer(TOKEN),
        ...(body !== undefined && { 'content-type': 'application/json' }),
        ...headers,
      },
      ...(body !== undefined && { body }),
    });
  return { url, control, change };
};

describe('who may change anything', () => {
  it('nobody without the token, not on loopback either', async () => {
    const { url, control } = await serving();
    for (const path of changes) {
      const none = await ask(url + path, { method: 'POST' });
      expect(none, path).toMatchObject({ status: 401, json: { code: 'unauthorized' } });
      expect(none.headers['www-authenticate']).toBe('Bearer realm="snakepit"');
      for (const token of [`${TOKEN.slice(0, -1)}!`, `${TOKEN}x`, 'x'.repeat(16)]) {
        const wrong = await ask(url + path, { method: 'POST', headers: bearer(token) });
        expect(wrong.status, path).toBe(401);
        expect(wrong.headers['www-authenticate']).toContain('invalid_token');
      }
    }
    expect(control.asked).toEqual([]);
  });

  it('nobody where no token is configured; it says how to configure one', async () => {
    const control = controlOf();
    for (const options of [{}, { insecure: true }, { host: '0.0.0.0', insecure: true, open: changes }]) {
      const { url } = await serveOps(options, { control });
      for (const path of changes) {
        for (const headers of [{}, bearer(TOKEN), bearer('undefined')]) {
          const answer = await ask(url + path, { method: 'POST', headers });
          expect(answer, path).toMatchObject({ status: 403, json: { code: 'forbidden' } });
          expect(answer.json.detail).toMatch(/none is configured\. Set ops\.token.*SNAKEPIT_OPS_TOKEN/);
        }
      }
    }
    expect(control.asked).toEqual([]);
  });

  it('no page of another site, even with the token; pages of this server may', async () => {
    const { url, control, change } = await serving();
    const own = url.replace('http://', '');
    for (const headers of [
      { origin: 'https://evil.example' },
      { origin: 'null' },
      { origin: `${url}0` },
      { 'sec-fetch-site': 'cross-site' },
      { 'sec-fetch-site': 'Cross-Site' },
      { host: 'evil.example' },
      { host: 'evil.example', origin: 'http://evil.example' },
    ] as Record<string, string>[]) {
      for (const path of changes) {
        const answer = await change(path, undefined, headers);
        expect(answer, `${path} ${JSON.stringify(headers)}`).toMatchObject({
          status: 403,
          json: { code: 'forbidden' },
        });
        expect(answer.headers['access-control-allow-origin']).toBeUndefined();
      }
    }
    expect(control.asked).toEqual([]);
    for (const headers of [
      { origin: url },
      { origin: url, host: own, 'sec-fetch-site': 'same-origin' },
      { 'sec-fetch-site': 'none' },
    ] as Record<string, string>[])
      expect((await change('/api/drain', undefined, headers)).status).toBe(200);
  });

  it('callers from afar with the token may', async () => {
    const control = controlOf();
    const { url } = await serveOps({ host: '0.0.0.0', token: TOKEN }, { control });
    const headers = { ...bearer(TOKEN), 'x-forwarded-for': '10.0.0.1' };
    expect((await ask(`${url}/api/drain`, { method: 'POST', headers })).status).toBe(200);
    expect((await ask(`${url}/api/drain`, { method: 'POST' })).status).toBe(401);
  });

  it('holds for mounted handlers, open ones too', async () => {
    const control = controlOf();
    const parts = { metrics: null, health: null, control };
    const post = (fetch: (request: Request) => Promise<Response>, headers = {}) =>
      fetch(new Request('http://app.example/api/drain', { method: 'POST', headers }));
    expect((await post(opsHandler({ ...parts, access: 'open' }).fetch)).status).toBe(403);
    const { fetch } = opsHandler({ ...parts, access: 'open', token: TOKEN });
    expect((await post(fetch)).status).toBe(401);
    expect(control.asked).toEqual([]);
    expect((await post(fetch, bearer(TOKEN))).status).toBe(200);
  });

  it('never by another method', async () => {
    const { url, control } = await serving();
    for (const path of changes) {
      for (const method of ['GET', 'HEAD', 'PUT', 'DELETE', 'PATCH', 'OPTIONS']) {
        for (const headers of [{}, bearer(TOKEN)]) {
          const answer = await ask(url + path, { method, headers });
          expect(answer, `${method} ${path}`).toMatchObject({ status: 405, headers: { allow: 'POST' } });
        }
      }
    }
    expect((await ask(`${url}/api/drain`, { headers: { host: 'evil.example' } })).status).toBe(403);
    expect(control.asked).toEqual([]);
  });

  it('who has the token is told of the changes there are', async () => {
    const { url } = await serving();
    const { endpoints } = (await ask(`${url}/nowhere`, { headers: bearer(TOKEN) })).json;
    expect(endpoints).toContain('POST /api/workers/{id}/recycle');
    expect((await ask(`${url}/nowhere`)).json.endpoints.join()).not.toContain('POST');
  });
});

describe('changes', () => {
  it('recycles a worker', async () => {
    const { change, control } = await serving();
    expect(await change('/api/workers/w-1/recycle')).toMatchObject({ status: 200, json: recycled });
    expect((await change('/api/workers/a%20worker%2F%C3%BC/recycle')).status).toBe(200);
    expect(control.asked).toEqual([['w-1'], ['a worker/ü']]);
  });

  it('shows the stacks of a worker', async () => {
    const { change } = await serving();
    expect(await change('/api/workers/w-1/stack')).toMatchObject({ status: 200, json: stacks });
  });

  it('recycles a pool', async () => {
    const { change } = await serving();
    const answer = await change('/api/pools/gpu/recycle');
    expect(answer).toMatchObject({ status: 200, json: { pool: 'gpu', recycled: [recycled] } });
  });

  it('lifts a quarantine', async () => {
    const { change } = await serving();
    const answer = await change('/api/pools/default/unquarantine');
    expect(answer).toMatchObject({ status: 200, json: { pool: 'default', slots: [1], requests: 2 } });
  });

  it('drains, within the time given', async () => {
    const { change, control } = await serving();
    expect((await change('/api/drain')).json).toEqual({ drained: true, took_ms: expect.any(Number) });
    await change('/api/drain', '');
    await change('/api/drain', '{}');
    await change('/api/drain', '{"within_ms": 0}');
    await change('/api/drain', '{"within_ms": 1500.5}', {
      'content-type': 'Application/JSON; charset=utf-8',
    });
    expect(control.asked.map(([, within]) => within)).toEqual([undefined, undefined, undefined, 0, 1500.5]);
    const late = await serving(controlOf({ drain: async () => false }));
    expect((await late.change('/api/drain')).json.drained).toBe(false);
  });

  it.each([
    ['{"within_ms": "5s"}', 400, 'within_ms "5s"'],
    ['{"within_ms": -1}', 400, 'from 0 to'],
    ['{"within_ms": null}', 400, 'within_ms null'],
    ['{"within_ms": 1e99}', 400, 'from 0 to'],
    ['{"within": 5}', 400, "member 'within'"],
    ['[]', 400, 'not a JSON object'],
    ['null', 400, 'not a JSON object'],
    ['{"within_ms": ', 400, 'not a JSON object'],
    [`{"within_ms": ${' '.repeat(20_000)}5}`, 413, 'more than 16384 bytes'],
  ])('a drain with the body %.20s is refused', async (body, status, words) => {
    const { change, control } = await serving();
    const answer = await change('/api/drain', body);
    expect(answer.status).toBe(status);
    expect(answer.headers['content-type']).toBe('application/problem+json');
    expect(answer.json.detail).toContain(words);
    expect(control.asked).toEqual([]);
  });

  it('a body that is not JSON by its type is 415', async () => {
    const { change, control } = await serving();
    for (const type of ['text/plain', 'application/x-www-form-urlencoded', 'application/jsonp'])
      expect((await change('/api/drain', '{}', { 'content-type': type })).status, type).toBe(415);
    expect(control.asked).toEqual([]);
  });

  it('an unknown worker is 404 with those there are, waited for or not', async () => {
    const { change } = await serving();
    for (const path of [
      '/api/workers/w-7/recycle',
      '/api/workers/w-7/recycle?wait=0',
      '/api/workers/w-7/stack',
    ]) {
      const answer = await change(path);
      expect(answer, path).toMatchObject({
        status: 404,
        json: { code: 'not_found', workers: ['w-1', 'w-2', 'w-9'] },
      });
      expect(answer.json.detail).toBe("There is no worker 'w-7'. There are: w-1, w-2, w-9.");
    }
  });

  it('an unknown pool is 404 with those there are', async () => {
    const { change } = await serving();
    for (const path of ['/api/pools/x/recycle', '/api/pools/x/recycle?wait=0', '/api/pools/x/unquarantine']) {
      expect(await change(path), path).toMatchObject({
        status: 404,
        json: { code: 'not_found', pools: ['default', 'gpu'] },
      });
    }
  });

  it('what the core refuses keeps its code', async () => {
    const refuse = async () => {
      throw new SnakepitError('draining', 'The pool is being closed.');
    };
    const { change } = await serving(controlOf({ recyclePool: refuse, recycleWorker: refuse }));
    for (const path of ['/api/pools/default/recycle', '/api/workers/w-1/recycle?wait=0'])
      expect(await change(path), path).toMatchObject({ status: 503, json: { code: 'draining' } });
  });

  it('a bug is a problem that shows nothing of it, and is reported', async () => {
    const reports: unknown[] = [];
    const fault = new Error('secret path');
    const stackOf = () => Promise.reject(fault);
    const { change } = await serving(controlOf({ stackOf }), { reportBug: (...all) => reports.push(all) });
    const answer = await change('/api/workers/w-1/stack');
    expect(answer).toMatchObject({ status: 500, json: { code: 'internal_error' } });
    expect(answer.text).not.toContain('secret');
    expect(reports).toEqual([[fault, { method: 'POST', path: '/api/workers/w-1/stack' }]]);
  });
});

describe('?wait', () => {
  const held = () => {
    let fail = (_: unknown): void => {};
    const promise = new Promise<never>((_, reject) => {
      fail = reject;
    });
    cleanup(() => fail(new SnakepitError('draining', 'over')));
    return { promise, fail };
  };

  it('0 answers 202 once it has begun', async () => {
    const { promise } = held();
    const control = controlOf({
      recycleWorker: () => promise,
      recyclePool: () => promise,
      drain: () => promise,
    });
    const { change } = await serving(control);
    const begun = async (path: string) => {
      const { status, json } = await change(`${path}?wait=0`);
      return [status, json];
    };
    expect(await begun('/api/workers/w-1/recycle')).toEqual([202, { worker_id: 'w-1', begun: true }]);
    expect(await begun('/api/pools/gpu/recycle')).toEqual([202, { pool: 'gpu', begun: true }]);
    expect(await begun('/api/drain')).toEqual([202, { begun: true }]);
  });

  it('a bug that comes after the answer is reported', async () => {
    const reports: unknown[] = [];
    const { promise, fail } = held();
    const control = controlOf({ recyclePool: () => promise });
    const { change } = await serving(control, { reportBug: (error) => reports.push(error) });
    expect((await change('/api/pools/gpu/recycle?wait=0')).status).toBe(202);
    fail('a bug');
    await until(() => reports.length > 0, 'the report');
    expect(reports).toEqual(['a bug']);
  });

  it('takes 0 and 1 alone, and no other parameter is taken', async () => {
    const { change, control } = await serving();
    expect((await change('/api/pools/gpu/recycle?wait=1')).json.recycled).toEqual([recycled]);
    control.asked.length = 0;
    for (const query of ['wait=no', 'wait=', 'wait=0&wait=1', 'within_ms=5']) {
      expect(await change(`/api/drain?${query}`), query).toMatchObject({
        status: 400,
        json: { code: 'bad_request', parameter: query.split('=')[0] },
      });
    }
    expect((await change('/api/workers/w-1/stack?wait=0')).status).toBe(400);
    expect((await change('/api/pools/gpu/unquarantine?wait=0')).status).toBe(400);
    expect(control.asked).toEqual([]);
  });
});
