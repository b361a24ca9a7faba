import { describe, expect, it } from 'vitest';
import { isSnakepitError } from '../../src/errors/index.ts';
import { listenerAccess } from '../../src/http/index.ts';
import { ask, bad, dial, good, healthOf, opsOptions, serveOps, TOKEN, until } from './support.ts';

const probes = ['/health', '/health/live', '/livez', '/health/ready', '/readyz', '/health/startup'];
const guarded = ['/metrics', '/health/detailed', '/health/workers', '/health/python'];
const bearer = (token: string) => ({ authorization: `Bearer ${token}` });
const faultOf = (fn: () => unknown): { code: string; message: string } => {
  try {
    fn();
  } catch (error) {
    if (isSnakepitError(error)) return error;
    throw error;
  }
  throw new Error('nothing was thrown');
};

describe('who may read what', () => {
  const callers: [string, Partial<ReturnType<typeof opsOptions>>, Record<string, string>, number][] = [
    ['loopback', {}, {}, 200],
    ['loopback with a token configured', { token: TOKEN }, {}, 200],
    ['loopback through a proxy', {}, { 'x-forwarded-for': '10.1.2.3' }, 403],
    ['loopback through a proxy (Forwarded)', {}, { forwarded: 'for=127.0.0.1' }, 403],
    ['loopback through a proxy, token missing', { token: TOKEN }, { 'x-forwarded-for': '127.0.0.1' }, 401],
    [
      'loopback through a proxy, with the token',
      { token: TOKEN },
      { 'x-forwarded-for': '10.1.2.3', ...bearer(TOKEN) },
      200,
    ],
    ['loopback through a proxy, insecure', { insecure: true }, { 'x-forwarded-for': '10.1.2.3' }, 200],
    ['remote without the token', { host: '0.0.0.0', token: TOKEN }, {}, 401],
    ['remote with a wrong token', { host: '0.0.0.0', token: TOKEN }, bearer(`${TOKEN.slice(0, -1)}!`), 401],
    ['remote with the token', { host: '0.0.0.0', token: TOKEN }, bearer(TOKEN), 200],
    ['remote, insecure', { host: '0.0.0.0', insecure: true }, {}, 200],
    [
      'remote, insecure but with a token configured',
      { host: '0.0.0.0', insecure: true, token: TOKEN },
      {},
      401,
    ],
  ];

  it.each(callers)('%s', async (_, options, headers, status) => {
    const { url } = await serveOps(options, { health: healthOf({ checkReadiness: () => bad }) });
    for (const path of guarded) {
      const answer = await ask(url + path, { headers });
      expect(answer.status, path).toBe(status);
      expect((await ask(url + path, { headers, method: 'POST' })).status, path).toBe(
        status === 200 ? 405 : status,
      );
      if (status === 401) expect(answer.headers['www-authenticate']).toMatch(/^Bearer realm="snakepit"/);
      if (status !== 200) expect(answer.json.code).toBe(status === 401 ? 'unauthorized' : 'forbidden');
    }
    // Probes answer everybody; the details only those who may read the rest.
    for (const path of probes) {
      const answer = await ask(url + path, { headers: { ...headers, accept: 'application/json' } });
      expect(answer.status, path).toBe(path.includes('ready') ? 503 : 200);
      if (status === 200) expect(answer.json.checks, path).toBeInstanceOf(Array);
      else
        expect(
          Object.keys(answer.json).filter((key) => key !== 'links'),
          path,
        ).toEqual(['status']);
    }
    const { links } = (await ask(`${url}/health`, { headers })).json;
    expect('metrics' in links).toBe(status === 200);
    expect(links.ready).toBe('/health/ready');
    const { endpoints } = (await ask(`${url}/nowhere`, { headers })).json;
    expect(endpoints.includes('/metrics')).toBe(status === 200);
  });

  it('strangers learn no names of checks from the text probes', async () => {
    const { url } = await serveOps(
      { host: '0.0.0.0', token: TOKEN },
      { health: healthOf({ checkReadiness: () => bad }) },
    );
    expect((await ask(`${url}/readyz`)).text).toBe('readyz check failed\n');
    expect((await ask(`${url}/livez?verbose`)).text).toBe('livez check passed\n');
    expect((await ask(`${url}/readyz?exclude=pool:default`)).text).toBe('ok');
  });

  it('ops.open frees named paths, with or without the prefix', async () => {
    const { url } = await serveOps({
      host: '0.0.0.0',
      token: TOKEN,
      prefix: '/p',
      open: ['/metrics', '/p/health/python', '/health'],
    });
    expect((await ask(`${url}/p/metrics`)).status).toBe(200);
    expect((await ask(`${url}/p/health/python`)).status).toBe(200);
    expect((await ask(`${url}/p/health/workers`)).status).toBe(401);
    const health = (await ask(`${url}/p/health`)).json;
    expect(health.checks).toEqual(good.checks);
    expect(Object.keys(health.links).sort()).toEqual([
      'health',
      'live',
      'metrics',
      'python',
      'ready',
      'startup',
    ]);
  });
});

describe('the token', () => {
  it.each([
    ['Bearer ', 401],
    ['Bearer', 401],
    [`Basic ${TOKEN}`, 401],
    [TOKEN, 401],
    [`Bearer ${TOKEN}x`, 401],
    [`Bearer ${TOKEN.slice(0, 5)}`, 401],
    [`Bearer ${'x'.repeat(8000)}`, 401],
    ['Bearer tökén', 401],
    [`bearer   ${TOKEN}`, 200],
  ])('%s', async (authorization, status) => {
    const { url } = await serveOps({ host: '0.0.0.0', token: TOKEN });
    const answer = await ask(`${url}/metrics`, { headers: { authorization } });
    expect(answer.status).toBe(status);
    expect(answer.text).not.toContain(TOKEN);
  });

  it('is compared byte by byte, beyond ASCII too', async () => {
    const token = 'ein-schlüssel-für-tests';
    const { url } = await serveOps({ host: '0.0.0.0', token });
    // What a client puts on the wire in UTF-8, spelt as node:http takes it.
    const wire = Buffer.from(token).toString('latin1');
    expect((await ask(`${url}/metrics`, { headers: bearer(wire) })).status).toBe(200);
  });
});

describe('the Host header', () => {
  it.each([
    ['localhost', 200],
    ['LOCALHOST:9464', 200],
    ['app.localhost', 200],
    ['127.0.0.1:1', 200],
    ['[::1]:9464', 200],
    ['10.2.3.4', 200],
    ['metrics.internal', 200],
    ['Metrics.Internal.:9464', 200],
    ['exact.internal:9464', 200],
    ['exact.internal', 403],
    ['evil.example', 403],
    ['localhost.evil.example', 403],
    ['127.0.0.1.evil.example', 403],
    ['notlocalhost', 403],
  ])('%s', async (host, status) => {
    const { url } = await serveOps({ allowedHosts: ['metrics.internal', 'exact.internal:9464'] });
    const answer = await ask(`${url}/metrics`, { headers: { host } });
    expect(answer.status).toBe(status);
    if (status === 403) expect(answer.json).toMatchObject({ code: 'forbidden' });
    for (const path of probes) expect((await ask(url + path, { headers: { host } })).status, path).toBe(200);
  });

  it('a page that rebinds its name sees no details on probe paths', async () => {
    const { url } = await serveOps();
    const answer = await ask(`${url}/health`, { headers: { host: 'evil.example' } });
    expect(answer.json).toEqual({
      status: 'ok',
      links: expect.not.objectContaining({ metrics: '/metrics' }),
    });
    expect((await ask(`${url}/nowhere`, { headers: { host: 'evil.example' } })).status).toBe(403);
  });

  it('is checked with the token too', async () => {
    const { url } = await serveOps({ host: '0.0.0.0', token: TOKEN });
    const answer = await ask(`${url}/metrics`, { headers: { host: 'evil.example', ...bearer(TOKEN) } });
    expect(answer.status).toBe(403);
    expect(answer.json.detail).toContain('ops.allowedHosts');
  });

  it.each([
    ['none, as HTTP/1.0 probes send', 'GET /livez HTTP/1.0\r\n\r\n', 200],
    ['none, not a probe', 'GET /metrics HTTP/1.0\r\n\r\n', 200],
    [
      'two of them',
      'GET /metrics HTTP/1.1\r\nHost: localhost\r\nHost: evil.example\r\nConnection: close\r\n\r\n',
      403,
    ],
    [
      'another host in the target',
      'GET http://evil.example/metrics HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n',
      403,
    ],
    ['nonsense', 'GET /metrics HTTP/1.1\r\nHost: a b\r\nConnection: close\r\n\r\n', 400],
    ['a path in it', 'GET /metrics HTTP/1.1\r\nHost: localhost/x\r\nConnection: close\r\n\r\n', 400],
    [
      'a user in it',
      'GET /metrics HTTP/1.1\r\nHost: localhost@evil.example\r\nConnection: close\r\n\r\n',
      400,
    ],
  ])('%s', async (_, text, status) => {
    const socket = await dial(await serveOps());
    socket.write(text);
    await until(() => socket.closed, 'the answer');
    expect(socket.received()).toMatch(new RegExp(`^HTTP/1.1 ${status} `));
    if (status === 400) expect(socket.received()).toContain('application/problem+json');
  });
});

describe('where a server may listen', () => {
  it.each([
    '127.0.0.1',
    '127.8.8.8',
    'localhost',
    'x.localhost',
    '::1',
    '0:0:0:0:0:0:0:1',
    '::ffff:127.0.0.1',
  ])('%s needs no token', (host) => {
    expect(listenerAccess('ops', opsOptions({ host })).identify(new Headers()).local).toBe(true);
  });

  it.each([
    '0.0.0.0',
    '::',
    '10.0.0.1',
    'example.org',
    '128.0.0.1',
    'localhost.example.org',
    '::ffff:10.0.0.1',
  ])('%s needs a token or insecure', (host) => {
    const fault = faultOf(() => listenerAccess('ops', opsOptions({ host })));
    expect(fault.code).toBe('invalid_configuration');
    expect(fault.message).toContain(`ops.host: got '${host}'`);
    expect(fault.message).toMatch(/Set ops\.token.*SNAKEPIT_OPS_TOKEN.*127\.0\.0\.1.*ops\.insecure/);
    for (const options of [{ token: TOKEN }, { insecure: true }]) {
      const access = listenerAccess('ops', opsOptions({ host, ...options }));
      expect(access.identify(new Headers()).local).toBe(false);
    }
  });

  it('the name that was bound is accepted as Host', () => {
    const access = listenerAccess('ops', opsOptions({ host: 'ops.example.org', token: TOKEN }));
    expect(access.acceptsHost(new Request('http://ops.example.org:9464/metrics'))).toBe(true);
    expect(access.acceptsHost(new Request('http://evil.example/metrics'))).toBe(false);
  });
});
