import { gunzipSync } from 'node:zlib';
import { describe, expect, expectTypeOf, it } from 'vitest';
import type { Health } from '../../src/consumers/health/index.ts';
import type { Metrics } from '../../src/consumers/metrics/index.ts';
import type { HealthReader, MetricsReader } from '../../src/http/index.ts';
import { ask, bad, EXPOSITION, good, healthOf, metricsOf, serveOps } from './support.ts';

it('takes the consumers as they are', () => {
  // Checked by the compiler.
  expectTypeOf<Health>().toExtend<HealthReader>();
  expectTypeOf<Metrics>().toExtend<MetricsReader>();
});

describe('/metrics', () => {
  it('answers with what the reader renders for the Accept header', async () => {
    const metrics = metricsOf();
    const { url } = await serveOps({}, { metrics });
    const answer = await ask(`${url}/metrics`, { headers: { accept: 'application/openmetrics-text;q=0.5' } });
    expect(answer.status).toBe(200);
    expect(answer.text).toBe(EXPOSITION);
    expect(answer.headers).toMatchObject({
      'content-type': 'text/plain; version=0.0.4; charset=utf-8',
      'cache-control': 'no-store',
      vary: 'accept, accept-encoding',
    });
    await ask(`${url}/metrics`);
    expect(metrics.accepts).toEqual(['application/openmetrics-text;q=0.5', undefined]);
  });

  it('compresses long bodies for those who take gzip', async () => {
    const long = EXPOSITION.repeat(100);
    const { url } = await serveOps({}, { metrics: metricsOf(long) });
    const encoded = await ask(`${url}/metrics`, { headers: { 'accept-encoding': 'gzip, deflate' } });
    expect(encoded.headers['content-encoding']).toBe('gzip');
    expect(gunzipSync(encoded.body).toString()).toBe(long);
    for (const encoding of ['identity', 'br', 'gzip;q=0', 'identity, gzip;q=0.1', '']) {
      const plain = await ask(`${url}/metrics`, { headers: { 'accept-encoding': encoding } });
      expect(plain.headers['content-encoding'], encoding).toBeUndefined();
      expect(plain.text).toBe(long);
    }
  });

  it('leaves short bodies as they are and passes bytes through', async () => {
    const bytes = Uint8Array.from([0, 255, 1, 128]);
    const { url } = await serveOps({}, { metrics: metricsOf(bytes) });
    const answer = await ask(`${url}/metrics`, { headers: { 'accept-encoding': 'gzip' } });
    expect(answer.headers['content-encoding']).toBeUndefined();
    expect(answer.body).toEqual(Buffer.from(bytes));
  });

  it('answers a failed scrape with a problem that shows nothing of it, and reports it', async () => {
    const reports: unknown[] = [];
    const fault = new Error('secret path /etc/x');
    const metrics: MetricsReader = { render: () => Promise.reject(fault) };
    const reportBug = (error: unknown, request: unknown) => reports.push([error, request]);
    const { url } = await serveOps({}, { metrics, reportBug });
    const answer = await ask(`${url}/metrics`);
    expect(answer.status).toBe(500);
    expect(answer.headers['content-type']).toBe('application/problem+json');
    expect(answer.json).toMatchObject({ code: 'internal_error', category: 'system', status: 500 });
    expect(answer.text).not.toContain('secret');
    expect(reports).toEqual([[fault, { method: 'GET', path: '/metrics' }]]);
  });
});

describe('health endpoints', () => {
  it.each(['/health', '/health/live'])('%s is liveness, with links', async (path) => {
    const { url } = await serveOps();
    const answer = await ask(url + path);
    expect(answer.status).toBe(200);
    expect(answer.headers['content-type']).toBe('application/json');
    expect(answer.json).toEqual({
      ...good,
      links: {
        health: '/health',
        live: '/health/live',
        ready: '/health/ready',
        startup: '/health/startup',
        detailed: '/health/detailed',
        workers: '/health/workers',
        python: '/health/python',
        metrics: '/metrics',
      },
    });
    for (const link of Object.values<string>(answer.json.links)) {
      expect((await ask(url + link)).status, link).toBe(200);
    }
  });

  it('readiness is 503 with why and remedy on error, 200 on a warning', async () => {
    let report = bad;
    const { url } = await serveOps({}, { health: healthOf({ checkReadiness: () => report }) });
    const failed = await ask(`${url}/health/ready`);
    expect(failed.status).toBe(503);
    expect(failed.json).toEqual(bad);
    report = { ...good, status: 'warning' };
    expect((await ask(`${url}/health/ready`)).status).toBe(200);
  });

  it('speaks application/health+json to those who ask for it', async () => {
    const { url } = await serveOps({}, { health: healthOf({ checkReadiness: () => bad }) });
    const answer = await ask(`${url}/health/ready`, { headers: { accept: 'application/health+json' } });
    expect(answer.status).toBe(503);
    expect(answer.headers['content-type']).toBe('application/health+json');
    expect(answer.json).toMatchObject({
      status: 'fail',
      checks: {
        core: [{ status: 'pass', message: 'Answering, up 3 s' }],
        error_rate: [{ status: 'warn', output: '7 % of requests failed' }],
        'pool:default': [{ status: 'fail', output: '0 of 2 workers ready', why: 'both crashed' }],
      },
    });
    const preferring = await ask(`${url}/health`, {
      headers: { accept: 'application/json;q=0.5, application/health+json' },
    });
    expect(preferring.json.status).toBe('pass');
  });

  it('startup is 503 with the workers on their way until started', async () => {
    const workers = [{ worker_slot: 0, phase: 'import', elapsed_ms: 1200, deadline_ms: 300_000 }];
    let report = { ...bad, started: false, workers };
    const { url } = await serveOps({}, { health: healthOf({ startup: () => report }) });
    const waiting = await ask(`${url}/health/startup`);
    expect(waiting.status).toBe(503);
    expect(waiting.json).toMatchObject({ status: 'error', started: false, workers });
    report = { ...good, started: true, workers: [] } as unknown as typeof report;
    expect(await ask(`${url}/health/startup`)).toMatchObject({
      status: 200,
      json: { status: 'ok', started: true },
    });
  });

  it('detailed, workers and python show what the reader has', async () => {
    const { url } = await serveOps();
    expect((await ask(`${url}/health/detailed`)).json).toMatchObject({
      ...good,
      pools: { default: { total_workers: 2 } },
    });
    expect((await ask(`${url}/health/workers`)).json).toEqual({
      workers: [{ worker_slot: 0, state: 'ready' }],
    });
    expect((await ask(`${url}/health/python`)).json).toMatchObject({ default: { version: '3.11.2' } });
    const own = await serveOps({}, { python: () => ({ mine: true }) });
    expect((await ask(`${own.url}/health/python`)).json).toEqual({ mine: true });
    const sick = await serveOps({}, { health: healthOf({ getDetailedHealth: () => bad }) });
    expect((await ask(`${sick.url}/health/detailed`)).status).toBe(503);
  });
});

describe('/livez and /readyz', () => {
  const serveBad = () => serveOps({}, { health: healthOf({ checkReadiness: () => bad }) });

  it('answer ok in plain text, JSON where asked for', async () => {
    const { url } = await serveOps();
    for (const accept of [undefined, '*/*', 'text/plain', 'text/html, */*;q=0.8']) {
      const answer = await ask(`${url}/livez`, accept === undefined ? {} : { headers: { accept } });
      expect(answer.status).toBe(200);
      expect(answer.headers['content-type']).toBe('text/plain; charset=utf-8');
      expect(answer.text).toBe('ok');
    }
    const json = await ask(`${url}/readyz`, { headers: { accept: 'application/json' } });
    expect(json.json).toEqual(good);
    const draft = await ask(`${url}/livez`, { headers: { accept: 'application/health+json' } });
    expect(draft.json.status).toBe('pass');
  });

  it('?verbose lists the checks', async () => {
    const { url } = await serveOps();
    expect((await ask(`${url}/livez?verbose`)).text).toBe('[+]core ok\nlivez check passed\n');
  });

  it('list the checks on failure', async () => {
    const { url } = await serveBad();
    const answer = await ask(`${url}/readyz`);
    expect(answer.status).toBe(503);
    expect(answer.text).toBe(
      '[+]core ok\n[+]error_rate ok (warning: 7 % of requests failed)\n' +
        '[-]pool:default failed: 0 of 2 workers ready\nreadyz check failed\n',
    );
  });

  it('?exclude leaves checks out', async () => {
    const { url } = await serveBad();
    const answer = await ask(`${url}/readyz?verbose&exclude=pool:default&exclude=nonsense`);
    expect(answer.status).toBe(200);
    expect(answer.text).toBe(
      '[+]core ok\n[+]error_rate ok (warning: 7 % of requests failed)\n[+]pool:default excluded: ok\n' +
        'warn: some health checks cannot be excluded: no matches for "nonsense"\nreadyz check passed\n',
    );
    const json = await ask(`${url}/health/ready?exclude=pool:default`);
    expect(json).toMatchObject({ status: 200, json: { status: 'warning' } });
    expect((await ask(`${url}/readyz?exclude=core`)).status).toBe(503);
  });

  it('?exclude never worsens a report that is ok in spite of a failed check', async () => {
    const report = { ...bad, status: 'ok' as const };
    const { url } = await serveOps({}, { health: healthOf({ checkReadiness: () => report }) });
    expect((await ask(`${url}/readyz?exclude=core`)).status).toBe(200);
  });
});

describe('paths and methods', () => {
  it('answers HEAD as GET, without the body', async () => {
    const { url } = await serveOps({}, { metrics: metricsOf(EXPOSITION.repeat(100)) });
    for (const path of ['/metrics', '/health', '/livez', '/readyz', '/health/detailed', '/nowhere']) {
      const [get, head] = [await ask(url + path), await ask(url + path, { method: 'HEAD' })];
      expect(head.status, path).toBe(get.status);
      expect(head.text).toBe('');
      expect(head.headers['content-type']).toBe(get.headers['content-type']);
      expect(head.headers['content-length']).toBe(get.headers['content-length']);
    }
  });

  it('an unknown path is a problem that lists what there is', async () => {
    const { url } = await serveOps();
    const answer = await ask(`${url}/metrix`);
    expect(answer.status).toBe(404);
    expect(answer.headers['content-type']).toBe('application/problem+json');
    expect(answer.json).toMatchObject({
      type: 'urn:snakepit:error:not_found',
      status: 404,
      code: 'not_found',
    });
    expect(answer.json.detail).toContain('/metrix');
    expect(answer.json.endpoints).toContain('/metrics');
    expect(answer.json.endpoints).toContain('/readyz');
  });

  it.each(['POST', 'PUT', 'DELETE', 'PATCH', 'OPTIONS'])('%s is 405 with Allow', async (method) => {
    const { url } = await serveOps();
    const answer = await ask(`${url}/metrics`, { method });
    expect(answer.status).toBe(405);
    expect(answer.headers.allow).toBe('GET, HEAD');
    expect(answer.headers['access-control-allow-origin']).toBeUndefined();
    expect(answer.json.code).toBe('method_not_allowed');
  });

  it('what is disabled is 404', async () => {
    const { url } = await serveOps({}, { metrics: null, health: null });
    for (const path of ['/metrics', '/health', '/livez', '/readyz', '/health/python']) {
      expect((await ask(url + path)).status, path).toBe(404);
    }
    const blind = await serveOps({}, { health: null });
    expect((await ask(`${blind.url}/metrics`)).status).toBe(200);
    expect((await ask(`${blind.url}/health`)).json.endpoints).toEqual(['/metrics']);
  });

  it('serves below the prefix alone', async () => {
    const { url } = await serveOps({ prefix: '/ops/snakepit' });
    expect((await ask(`${url}/ops/snakepit/metrics`)).status).toBe(200);
    expect((await ask(`${url}/metrics`)).status).toBe(404);
    expect((await ask(`${url}/ops/snakepit/health`)).json.links.ready).toBe('/ops/snakepit/health/ready');
    expect((await ask(url)).json.endpoints).toContain('/ops/snakepit/metrics');
  });
});
