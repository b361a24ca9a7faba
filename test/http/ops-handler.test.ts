import { describe, expect, it } from 'vitest';
import { opsHandler } from '../../src/http/index.ts';
import { ask, healthOf, metricsOf, serve, TOKEN } from './support.ts';

const bearer = (token: string) => ({ authorization: `Bearer ${token}` });

describe('a handler in another server', () => {
  const parts = { metrics: metricsOf(), health: healthOf() };

  it('answers only probes, even to local callers', async () => {
    const { fetch } = opsHandler(parts);
    expect((await fetch(new Request('http://localhost/metrics'))).status).toBe(403);
    const health = await fetch(new Request('http://app.example/health'));
    expect(health.status).toBe(200);
    expect(Object.keys((await health.json()) as object)).toEqual(['status', 'links']);
  });

  it('answers everything with the token', async () => {
    const { fetch } = opsHandler({ ...parts, token: TOKEN });
    expect((await fetch(new Request('http://app.example/metrics'))).status).toBe(401);
    expect((await fetch(new Request('http://app.example/metrics', { headers: bearer(TOKEN) }))).status).toBe(
      200,
    );
  });

  it('answers everything when open', async () => {
    const { fetch } = opsHandler({ ...parts, access: 'open', prefix: '/ops' });
    const answer = await fetch(new Request('http://app.example/ops/metrics'));
    expect(await answer.text()).toContain('snakepit_ready 1');
    expect((await fetch(new Request('http://app.example/ops/health/workers'))).status).toBe(200);
  });

  it('checks Host where it is told the names', async () => {
    const { fetch } = opsHandler({
      ...parts,
      access: 'open',
      allowedHosts: ['app.example'],
      open: ['/metrics'],
    });
    expect((await fetch(new Request('https://app.example/metrics'))).status).toBe(200);
    expect((await fetch(new Request('https://evil.example/metrics'))).status).toBe(403);
  });

  it('works in node:http, where a mount path has been stripped, and leaves the globals alone', async () => {
    const [before, beforeResponse] = [globalThis.Request, globalThis.Response];
    const { createServer } = await import('node:http');
    const { node } = opsHandler({ ...parts, access: 'open' });
    const server = createServer((req, res) => {
      req.url = req.url?.replace(/^\/mounted/, '') ?? '/';
      void node(req, res);
    });
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
    const { port } = server.address() as { port: number };
    const answer = await ask(`http://127.0.0.1:${port}/mounted/metrics`);
    expect(answer.status).toBe(200);
    await new Promise((resolve) => server.close(resolve));
    expect(globalThis.Request).toBe(before);
    expect(globalThis.Response).toBe(beforeResponse);
  });

  it('answers what is thrown and no error with a problem', async () => {
    const reports: unknown[] = [];
    const server = await serve(() => Promise.reject('a string'), {
      reportBug: (...report) => reports.push(report),
    });
    const answer = await ask(`${server.url}/x?y`);
    expect(answer).toMatchObject({ status: 500, json: { code: 'internal_error' } });
    expect(reports).toEqual([['a string', { method: 'GET', path: '/x' }]]);
  });
});
