import { describe, expect, it } from 'vitest';
import { createGatewayApp } from '../../src/http/index.ts';
import { ask, fakePort, gatewayOptions, post, serveGateway, TOKEN } from './support.ts';

const bearer = { authorization: `Bearer ${TOKEN}` };
const proxied = { 'x-forwarded-for': '10.1.2.3' };

describe('who may call', () => {
  it.each([
    ['loopback', {}, {}, 200],
    ['loopback through a proxy', {}, proxied, 403],
    ['loopback through a proxy, insecure', { insecure: true }, proxied, 200],
    ['loopback, token configured and missing', { token: TOKEN }, {}, 401],
    ['loopback, with the token', { token: TOKEN }, bearer, 200],
    ['remote without the token', { host: '0.0.0.0', token: TOKEN }, {}, 401],
    ['remote with a wrong token', { host: '0.0.0.0', token: TOKEN }, { authorization: 'Bearer wrong' }, 401],
    ['remote with the token', { host: '0.0.0.0', token: TOKEN }, bearer, 200],
    [
      'remote with the token through a proxy',
      { host: '0.0.0.0', token: TOKEN },
      { ...bearer, ...proxied },
      200,
    ],
    ['remote, insecure', { host: '0.0.0.0', insecure: true }, {}, 200],
    [
      'remote, insecure but with a token configured',
      { host: '0.0.0.0', insecure: true, token: TOKEN },
      {},
      401,
    ],
  ])('%s', async (_, options, headers, status) => {
    const port = fakePort();
    const { url } = await serveGateway(port, options);
    const answer = await post(`${url}/v1/commands/a`, {}, headers as Record<string, string>);
    expect(answer.status).toBe(status);
    expect(port.seen).toHaveLength(status === 200 ? 1 : 0);
    expect((await ask(`${url}/v1/commands`, { headers: headers as Record<string, string> })).status).toBe(
      status,
    );
    if (status === 200) return;
    expect(answer.headers['content-type']).toBe('application/problem+json');
    expect(answer.json).toMatchObject({
      code: status === 401 ? 'unauthorized' : 'forbidden',
      request_id: null,
    });
    expect(answer.headers['www-authenticate'] !== undefined).toBe(status === 401);
    expect(answer.text).not.toContain(TOKEN);
  });

  it('refuses to start where other machines reach it without a token', () => {
    const create =
      (host: string, more = {}) =>
      () =>
        createGatewayApp({ port: fakePort(), options: gatewayOptions({ host, ...more }), pools: {} });
    expect(create('0.0.0.0')).toThrow(/gateway\.host: got '0\.0\.0\.0'.*gateway\.token.*gateway\.insecure/);
    expect(create('::')).toThrow(expect.objectContaining({ code: 'invalid_configuration' }));
    expect(create('0.0.0.0', { token: TOKEN })).not.toThrow();
    expect(create('0.0.0.0', { insecure: true })).not.toThrow();
  });

  it('checks the Host header', async () => {
    const port = fakePort();
    const { url } = await serveGateway(port, { allowedHosts: ['models.internal'] });
    expect((await post(`${url}/v1/commands/a`, {}, { host: 'models.internal' })).status).toBe(200);
    const answer = await post(`${url}/v1/commands/a`, {}, { host: 'evil.example' });
    expect(answer).toMatchObject({ status: 403, json: { code: 'forbidden' } });
    expect(answer.json.detail).toContain('gateway.allowedHosts');
    expect(port.seen).toHaveLength(1);
  });
});

describe('pages of other sites', () => {
  const allowed = 'https://ui.example';

  it.each([
    ['no browser', {}, 200],
    ['a page of ours', { origin: 'http://localhost:8000', host: 'localhost:8000' }, 200],
    ['a page of ours behind TLS', { origin: 'https://localhost', host: 'localhost' }, 200],
    ['a default port written out', { origin: 'http://localhost', host: 'localhost:80' }, 200],
    ['another port of this machine', { origin: 'http://localhost:3000', host: 'localhost:8000' }, 403],
    ['another site', { origin: 'https://evil.example' }, 403],
    ['another site that looks allowed', { origin: 'https://ui.example.evil.example' }, 403],
    ['the wrong scheme', { origin: 'http://ui.example' }, 403],
    ['a sandboxed page', { origin: 'null' }, 403],
    ['nonsense', { origin: 'localhost' }, 403],
    ['another site without Origin', { 'sec-fetch-site': 'cross-site' }, 403],
    ['the address bar', { 'sec-fetch-site': 'none' }, 200],
    ['a page of ours by Sec-Fetch-Site', { 'sec-fetch-site': 'same-origin' }, 200],
    ['an allowed page', { origin: allowed, 'sec-fetch-site': 'cross-site' }, 200],
  ])('%s', async (_, headers, status) => {
    const port = fakePort();
    const { url } = await serveGateway(port, { allowedOrigins: [allowed] });
    const answer = await post(`${url}/v1/commands/a`, {}, headers as Record<string, string>);
    expect(answer.status).toBe(status);
    if (status === 403) expect(answer.json.detail).toContain('gateway.allowedOrigins');
    expect(port.seen).toHaveLength(status === 200 ? 1 : 0);
    const cors = answer.headers['access-control-allow-origin'];
    expect(cors).toBe('origin' in headers && headers.origin === allowed ? allowed : undefined);
  });

  it('only allowed ones get an answer to a preflight, and need the token afterwards', async () => {
    const { url } = await serveGateway(fakePort(), { allowedOrigins: [allowed], token: TOKEN });
    const preflight = (origin: string) =>
      ask(`${url}/v1/commands/a`, {
        method: 'OPTIONS',
        headers: { origin, 'access-control-request-method': 'POST' },
      });
    const answer = await preflight(allowed);
    expect(answer.status).toBe(204);
    expect(answer.headers).toMatchObject({ 'access-control-allow-origin': allowed, vary: 'origin' });
    expect(answer.headers['access-control-allow-headers']).toContain('authorization');
    expect((await preflight('https://evil.example')).status).toBe(403);
    const refused = await post(`${url}/v1/commands/a`, {}, { origin: allowed });
    expect(refused).toMatchObject({ status: 401, headers: { 'access-control-allow-origin': allowed } });
    const called = await post(`${url}/v1/commands/a`, {}, { origin: allowed, ...bearer });
    expect(called.status).toBe(200);
    expect(called.headers['access-control-expose-headers']).toContain('x-request-id');
  });

  it('without allowed origins there is no CORS at all', async () => {
    const { url } = await serveGateway(fakePort());
    const answer = await ask(`${url}/v1/commands/a`, { method: 'OPTIONS', headers: { origin: allowed } });
    expect(answer.status).toBe(403);
    expect(Object.keys(answer.headers).filter((name) => name.startsWith('access-control'))).toEqual([]);
  });
});
