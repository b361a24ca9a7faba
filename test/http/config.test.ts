import { describe, expect, it } from 'vitest';
import { createOpsHandler } from '../../src/index.ts';
import { createFakeSnakepit, type FakeSnakepitOptions, recordEvents } from '../../src/testing/index.ts';
import { bearer } from './api-support.ts';
import { ask, cleanup, TOKEN } from './support.ts';

const GATEWAY_TOKEN = 'a-gateway-token-for-tests';

const serving = async (options: FakeSnakepitOptions = {}) => {
  const pit = await createFakeSnakepit({
    pools: { default: { workers: 2 } },
    ops: { port: 0, token: TOKEN },
    gateway: { token: GATEWAY_TOKEN },
    ...options,
  });
  cleanup(() => pit.close());
  const url = `${pit.opsUrl}/api/config`;
  const patch = (body: unknown, headers: Record<string, string> = {}, query = '') =>
    ask(url + query, {
      method: 'PATCH',
      headers: { ...bearer(TOKEN), 'content-type': 'application/merge-patch+json', ...headers },
      body: typeof body === 'string' ? body : JSON.stringify(body),
    });
  return { pit, url, patch, get: () => ask(url), events: recordEvents(pit) };
};

describe('GET /api/config', () => {
  it('shows what is in force, sanitized, with its version', async () => {
    const { pit, get, url } = await serving();
    const { status, headers, json, text } = await get();
    expect(status).toBe(200);
    expect(headers.etag).toMatch(/^"[0-9a-f]{8}-1"$/);
    expect(headers['accept-patch']).toContain('application/merge-patch+json');
    expect(json).toMatchObject({
      version: 1,
      file: null,
      config: { pools: { default: { workers: 2, timeoutMs: 60_000 } }, ops: { token: '[SANITIZED]' } },
      drift: [],
      restart_required: [],
      origins: { 'pools.default.workers': 'code' },
      last_reload: { successful: true },
    });
    expect(json.live).toContain('pools.default.workers');
    expect(json.live).not.toContain('ops.port');
    expect(text).not.toContain(TOKEN);
    expect(text).not.toContain(GATEWAY_TOKEN);
    expect((await ask(`${pit.opsUrl}/health`)).json.links.config).toBe('/api/config');
    expect((await ask(`${url}?verbose`)).status).toBe(400);
  });
});

describe('PATCH /api/config', () => {
  it('applies a merge patch at once, and says what it did', async () => {
    const { pit, get, patch, events } = await serving();
    const answer = await patch({
      pools: { default: { workers: 3 } },
      health: { readiness: { policy: 'any' } },
    });
    expect(answer.status).toBe(200);
    expect(answer.json).toEqual({
      version: 2,
      applied: ['pools.default.workers', 'health.readiness.policy'],
      restart_required: [],
      changes: [
        { path: 'pools.default.workers', from: 2, to: 3 },
        { path: 'health.readiness.policy', from: 'all', to: 'any' },
      ],
    });
    expect(pit.snapshot().pools.default?.workers_desired).toBe(3);
    const seen = await get();
    expect(seen.headers.etag).toBe(answer.headers.etag);
    expect(seen.json).toMatchObject({ version: 2, config: { pools: { default: { workers: 3 } } } });
    expect(seen.json.drift).toEqual(answer.json.changes.map((change: object) => ({ ...change, live: true })));
    expect(events.named('snakepit.observability.config_changed')[0]?.metadata).toMatchObject({
      who: 'http',
      applied: answer.json.applied,
    });
    // And null puts back.
    const back = await patch({ health: { readiness: { policy: null } } });
    expect(back.json.changes).toEqual([{ path: 'health.readiness.policy', from: 'any', to: 'all' }]);
    expect((await patch({})).json).toMatchObject({ applied: [], version: 3 });
  });

  it('takes application/json too, and knows the command line', async () => {
    const { patch, events } = await serving();
    const headers = { 'content-type': 'application/json; charset=utf-8', 'user-agent': 'snakepit-cli/1.2.3' };
    expect((await patch({ errors: { showArgs: [] } }, headers)).status).toBe(200);
    expect(events.named('snakepit.observability.config_changed')[0]?.metadata.who).toBe('cli');
  });

  it('answers 409 to a key that needs a restart, and applies nothing', async () => {
    const { pit, get, patch } = await serving();
    for (const query of ['', '?dry_run=1']) {
      const body = {
        pools: { default: { workers: 5, concurrency: 2 } },
        ops: { token: 'a-token-of-somebody-else' },
      };
      const { status, headers, json, text } = await patch(body, {}, query);
      expect({ status, type: headers['content-type'] }).toEqual({
        status: 409,
        type: 'application/problem+json',
      });
      expect(json).toMatchObject({
        code: 'restart_required',
        applied: [],
        restart_required: ['pools.default.concurrency', 'ops.token'],
        version: 1,
      });
      expect(text).not.toContain('somebody-else');
    }
    expect(pit.snapshot().pools.default?.workers_desired).toBe(2);
    expect((await get()).json).toMatchObject({ version: 1, drift: [] });
  });

  it('answers 422 to what would not be valid, naming every fault, and applies nothing', async () => {
    const { get, patch } = await serving();
    const { status, json } = await patch({ pools: { default: { workers: 0, tiemoutMs: 5 } } });
    expect(status).toBe(422);
    expect(json).toMatchObject({
      code: 'invalid_configuration',
      category: 'configuration',
      applied: [],
      version: 1,
    });
    expect(json.detail).toContain('pools.default.workers: got 0; allowed: a whole number from 1 to 1024');
    expect(json.detail).toContain("pools.default.tiemoutMs is not an option. Did you mean 'timeoutMs'?");
    const polluting = await patch('{"pools":{"__proto__":{"app":"x"}}}');
    expect(polluting.status).toBe(422);
    expect((await patch(`${'{"a":'.repeat(20_000)}1${'}'.repeat(20_000)}`)).status).toBe(422);
    expect((await get()).json.version).toBe(1);
  });

  it('says what a dry run would do, and does nothing', async () => {
    const { get, patch, events } = await serving();
    const { status, json } = await patch({ pools: { default: { workers: 3 } } }, {}, '?dry_run=1');
    expect(status).toBe(200);
    expect(json).toMatchObject({ dry_run: true, applied: ['pools.default.workers'], version: 1 });
    expect((await get()).json).toMatchObject({ version: 1, drift: [] });
    expect(events.named('snakepit.observability.config_changed')).toEqual([]);
    expect((await patch({}, {}, '?dry_run=yes')).status).toBe(400);
    expect((await patch({}, {}, '?dryrun=1')).status).toBe(400);
  });

  it('minds If-Match', async () => {
    const { get, patch } = await serving();
    const first = String((await get()).headers.etag);
    const workers = (count: number) => ({ pools: { default: { workers: count } } });
    const second = await patch(workers(3), { 'if-match': first });
    expect(second.status).toBe(200);
    const late = await patch(workers(4), { 'if-match': first });
    expect(late).toMatchObject({ status: 412, json: { code: 'version_conflict', version: 2, applied: [] } });
    expect(late.headers.etag).toBe(second.headers.etag);
    // A weak tag never matches (RFC 9110, 13.1.1), nor does that of another instance.
    for (const tag of [`W/${second.headers.etag}`, '"00000000-2"', '2']) {
      expect((await patch(workers(4), { 'if-match': tag })).status, tag).toBe(412);
    }
    expect((await patch(workers(4), { 'if-match': `"x", ${second.headers.etag}` })).status).toBe(200);
    expect((await patch(workers(5), { 'if-match': '"3"' })).status).toBe(200);
    expect((await patch(workers(6), { 'if-match': '*' })).status).toBe(200);
  });

  it('takes no other body', async () => {
    const { patch } = await serving();
    const wrong = await patch('{}', { 'content-type': 'text/plain' });
    expect(wrong.status).toBe(415);
    expect(wrong.headers['accept-patch']).toContain('application/merge-patch+json');
    for (const body of ['', '[]', 'null', '5', '{', '"x"'])
      expect((await patch(body)).status, body).toBe(400);
    expect((await patch({ a: 'x'.repeat(300_000) })).status).toBe(413);
  });

  it('takes nothing without the token, and not from a page of another site', async () => {
    const { url, get, patch } = await serving();
    const headers = { 'content-type': 'application/merge-patch+json' };
    const body = JSON.stringify({ pools: { default: { workers: 3 } } });
    expect((await ask(url, { method: 'PATCH', headers, body })).status).toBe(401);
    const wrong = { ...headers, ...bearer('b-token-for-tests-only') };
    expect((await ask(url, { method: 'PATCH', headers: wrong, body })).status).toBe(401);
    expect((await patch(body, { origin: 'https://elsewhere.example' })).status).toBe(403);
    expect((await get()).json.version).toBe(1);
    const other = await ask(url, { method: 'PUT', headers: { ...headers, ...bearer(TOKEN) }, body });
    expect(other).toMatchObject({ status: 405, headers: { allow: 'GET, HEAD, PATCH' } });
  });

  it('is 403 in a library without a token', async () => {
    const { pit, url } = await serving({ ops: { port: 0 } });
    const answer = await ask(url, { method: 'PATCH', body: '{}' });
    expect(answer.status).toBe(403);
    expect((await ask(url)).status).toBe(200);
    const { fetch } = createOpsHandler(pit, { token: TOKEN });
    const mounted = await fetch(
      new Request('http://app.example/api/config', {
        method: 'PATCH',
        headers: { ...bearer(TOKEN), 'content-type': 'application/json' },
        body: '{"pools":{"default":{"workers":1}}}',
      }),
    );
    expect(await mounted.json()).toMatchObject({ applied: ['pools.default.workers'] });
  });
});

describe('what changes is in force', () => {
  it('in metrics, and at the gateway', async () => {
    const { pit, patch } = await serving({
      gateway: { port: 0 },
      commands: { hold: () => new Promise(() => {}) },
    });
    const metrics = async () => (await ask(`${pit.opsUrl}/metrics`)).text;
    expect(await metrics()).toContain('\nsnakepit_config_last_reload_successful 1\n');
    expect(await metrics()).toMatch(/\nsnakepit_config_last_reload_success_timestamp_seconds \d{10}/);
    await patch({ pools: { default: { workers: 3, maxQueue: 7, maxTimeoutMs: 50 } } });
    expect(await metrics()).toContain('snakepit_pool_workers_desired{pool_name="default"} 3');
    expect(await metrics()).toContain('snakepit_pool_queue_capacity{pool_name="default"} 7');
    const answer = await ask(`${pit.gatewayUrl}/v1/commands/hold`, {
      method: 'POST',
      headers: { 'content-type': 'application/json', 'x-timeout-ms': '3600000' },
      body: '{}',
    });
    expect(answer.status).toBe(504);
  });
});
