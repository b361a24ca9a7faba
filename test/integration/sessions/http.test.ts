import { describe, expect, it } from 'vitest';
import { python, sharedPit, startPit } from '../../support/pit.ts';

const app = python`
  @command
  def add(n: int):
      session = context().session
      if session is None:
          return None
      session.data = (session.data or 0) + n
      return [session.id, session.data]
`;

const post = async (url: string | undefined, headers: Record<string, string> = {}) => {
  const answer = await fetch(`${url}/v1/commands/add`, {
    method: 'POST',
    headers: { 'content-type': 'application/json', ...headers },
    body: '{"n": 2}',
  });
  return { status: answer.status, body: (await answer.json()) as Record<string, unknown> };
};

describe('sessions over HTTP', () => {
  const test = sharedPit({ pool: { app }, gateway: { port: 0 }, ops: { port: 0 } });

  it('are named by x-session-id', async () => {
    const url = test.pit.gatewayUrl;
    expect((await post(url)).body.result).toBeNull();
    expect((await post(url, { 'x-session-id': 'a' })).body.result).toEqual(['a', 2]);
    expect((await post(url, { 'x-session-id': 'a' })).body.result).toEqual(['a', 4]);
    expect((await post(url, { 'x-session-id': 'b' })).body.result).toEqual(['b', 2]);
  });

  it('refuse an id that cannot be one with 422', async () => {
    for (const id of ['a b', 'x'.repeat(200), 'a/b']) {
      const { status, body } = await post(test.pit.gatewayUrl, { 'x-session-id': id });
      expect([status, body.code]).toEqual([422, 'invalid_arguments']);
    }
  });

  it('are seen at /health/sessions and in the metrics', async () => {
    await post(test.pit.gatewayUrl, { 'x-session-id': 'seen' });
    const page = await fetch(`${test.pit.opsUrl}/health/sessions`);
    expect(page.status).toBe(200);
    expect(await page.json()).toMatchObject({
      status: 'ok',
      store: 'memory',
      capacity: 10_000,
      ttl_ms: 3_600_000,
      latency_ms: null,
    });
    const metrics = await (await fetch(`${test.pit.opsUrl}/metrics`)).text();
    expect(metrics).toMatch(/^snakepit_sessions_active [1-9]/m);
    expect(metrics).toContain('snakepit_sessions_capacity 10000');
    const health = (await (await fetch(`${test.pit.opsUrl}/health`)).json()) as { links: object };
    expect(health.links).toMatchObject({ sessions: '/health/sessions' });
  });
});

it('can be put into a namespace of each caller', async () => {
  const test = await startPit({
    pool: { app },
    gateway: {
      port: 0,
      sessionKey: ({ headers }) =>
        headers.has('x-session-id') ? `${headers.get('x-user')}:${headers.get('x-session-id')}` : undefined,
    },
  });
  const url = test.pit.gatewayUrl;
  const ask = (user: string) => post(url, { 'x-session-id': 'same', 'x-user': user });
  expect((await ask('ann')).body.result).toEqual(['ann:same', 2]);
  expect((await ask('bob')).body.result).toEqual(['bob:same', 2]);
  expect((await ask('ann')).body.result).toEqual(['ann:same', 4]);
  expect((await post(url)).body.result).toBeNull();
});
