import { describe, expect, it, onTestFinished, vi } from 'vitest';
import { Attempts } from '../../src/http/attempts.ts';
import { cookieName, ReaderSessions, randomCookieName } from '../../src/http/reader-sessions.ts';
import { createOpsHandler } from '../../src/index.ts';
import { createFakeSnakepit, type FakeSnakepitOptions } from '../../src/testing/index.ts';
import { type Answer, ask, TOKEN, until } from './support.ts';
import { begin } from './thread-support.ts';

/** A proxy on this machine makes callers from anywhere look local, but for this. */
const REMOTE = { 'x-forwarded-for': '10.1.2.3' };
const JSON_TYPE = { 'content-type': 'application/json' };

const served = async (ops: FakeSnakepitOptions['ops'] = { token: TOKEN }) => {
  const pit = await createFakeSnakepit({ ops: { port: 0, ...ops }, pools: { default: { workers: 1 } } });
  onTestFinished(() => pit.close());
  return { pit, url: pit.opsUrl as string };
};
type Headers = Record<string, string>;
const logIn = (url: string, body: unknown = { token: TOKEN }, headers: Headers = {}): Promise<Answer> =>
  ask(`${url}/api/login`, {
    method: 'POST',
    headers: { ...REMOTE, ...JSON_TYPE, ...headers },
    body: typeof body === 'string' ? body : JSON.stringify(body),
  });
const setCookie = ({ headers }: Answer): string => headers['set-cookie']?.[0] ?? '';
const cookieOf = (answer: Answer): Headers => ({ cookie: setCookie(answer).split(';')[0] as string });
const loggedIn = async (url: string): Promise<Headers> => cookieOf(await logIn(url));

describe('logging in', () => {
  it('gives a cookie by which everything can be read and nothing changed', async () => {
    const { url, pit } = await served();
    const answer = await logIn(url);
    expect(answer).toMatchObject({ status: 204, text: '', headers: { 'cache-control': 'no-store' } });
    expect(setCookie(answer)).toMatch(
      /^snakepit_[0-9a-f]{12}=[\w-]{43}; Path=\/; Max-Age=43200; HttpOnly; SameSite=Strict$/,
    );
    const reader = { ...REMOTE, ...cookieOf(answer) };
    for (const path of ['/health/detailed', '/api/state', '/api/history', '/api/config', '/metrics'])
      expect((await ask(url + path, { headers: reader })).status, path).toBe(200);
    expect((await ask(`${url}/health`, { headers: reader })).json.links).toHaveProperty('dashboard');

    const change = {
      method: 'PATCH',
      headers: { ...reader, ...JSON_TYPE },
      body: '{"logs":{"level":"error"}}',
    };
    expect(await ask(`${url}/api/config`, change)).toMatchObject({ status: 401 });
    const [worker] = pit.snapshot().pools.default?.workers ?? [];
    const posts = [`/api/workers/${worker?.id}/recycle`, `/api/workers/${worker?.id}/stack`];
    for (const path of [
      ...posts,
      '/api/pools/default/recycle',
      '/api/pools/default/unquarantine',
      '/api/drain',
    ])
      expect((await ask(url + path, { method: 'POST', headers: reader })).status, path).toBe(401);
    // Not even from this machine: what is local may read without it, and changes nothing either.
    expect((await ask(`${url}/api/drain`, { method: 'POST', headers: cookieOf(answer) })).status).toBe(401);
    expect((await ask(`${url}/nowhere`, { headers: reader })).json.endpoints.join(' ')).not.toContain('POST');
  });

  it('tells the page whether to ask for the token', async () => {
    const state = async (url: string, headers: Headers) => (await ask(`${url}/api/login`, { headers })).json;
    const { url } = await served();
    expect(await state(url, {})).toEqual({ login: 'none', authenticated: true });
    expect(await state(url, REMOTE)).toEqual({ login: 'form', authenticated: false });
    expect(await state(url, { ...REMOTE, ...(await loggedIn(url)) })).toEqual({
      login: 'form',
      authenticated: true,
    });
    const open = await served({ insecure: true });
    expect(await state(open.url, REMOTE)).toEqual({ login: 'none', authenticated: true });
  });

  it('takes no wrong token, and tells nothing of the right one', async () => {
    const { url } = await served();
    for (const token of ['x', TOKEN.slice(1), `${TOKEN} `, TOKEN.toUpperCase()]) {
      const answer = await logIn(url, { token });
      expect(answer).toMatchObject({ status: 401, json: { code: 'unauthorized' } });
      expect(answer.headers['set-cookie']).toBeUndefined();
      expect(answer.text).not.toContain(TOKEN);
    }
    // A browser would ask for a password of its own.
    expect((await logIn(url, { token: 'x' })).headers['www-authenticate']).toBeUndefined();
  });

  it.each([
    ['no JSON', '{', {}, 400],
    ['no token', {}, {}, 400],
    ['a token that is no text', { token: 7 }, {}, 400],
    ['a member too many', { token: TOKEN, more: 1 }, {}, 400],
    ['a body too large', { token: 'x'.repeat(20_000) }, {}, 413],
    ['a form', `token=${TOKEN}`, { 'content-type': 'application/x-www-form-urlencoded' }, 415],
    ['a page of another site', { token: TOKEN }, { origin: 'https://evil.example' }, 403],
    ['a page without an origin', { token: TOKEN }, { origin: 'null' }, 403],
    ['another site, by what the browser says', { token: TOKEN }, { 'sec-fetch-site': 'cross-site' }, 403],
    ['a name that was made to lead here', { token: TOKEN }, { host: 'evil.example' }, 403],
  ])('refuses %s', async (_, body, headers, status) => {
    const { url } = await served();
    const answer = await logIn(url, body, headers as Headers);
    expect(answer.status).toBe(status);
    expect(answer.headers['set-cookie']).toBeUndefined();
  });

  it('is not possible where there is no token', async () => {
    const { url } = await served({});
    expect((await logIn(url)).status).toBe(403);
    expect((await ask(`${url}/api/login`, { method: 'POST', headers: JSON_TYPE, body: '{}' })).status).toBe(
      405,
    );
  });

  it('makes the cookie secure where the browser speaks https, also to a proxy that gives another Host', async () => {
    const { url } = await served();
    const { host } = new URL(url);
    const secure = async (headers: Headers) =>
      setCookie(await logIn(url, undefined, headers)).includes('; Secure');
    expect(await secure({ origin: `http://${host}` })).toBe(false);
    expect(await secure({ origin: `http://${host}`, 'x-forwarded-proto': 'https' })).toBe(false);
    expect(await secure({ origin: `https://${host}` })).toBe(true);
    expect(await secure({ 'x-forwarded-proto': 'https, http' })).toBe(true);
    expect(await secure({ origin: 'https://ops.example', 'sec-fetch-site': 'same-origin' })).toBe(true);
  });

  it('binds the cookie to the prefix', async () => {
    const { url } = await served({ token: TOKEN, prefix: '/pit' });
    expect(setCookie(await logIn(`${url}/pit`))).toContain('; Path=/pit;');
  });

  it('lets two servers of one host be, whose cookies a browser mixes', async () => {
    const [one, two] = [await served(), await served()];
    const both = {
      ...REMOTE,
      cookie: `${(await loggedIn(one.url)).cookie}; ${(await loggedIn(two.url)).cookie}`,
    };
    for (const { url } of [one, two])
      expect((await ask(`${url}/api/state`, { headers: both })).status).toBe(200);
    expect((await ask(`${one.url}/api/logout`, { method: 'POST', headers: both })).status).toBe(204);
    expect((await ask(`${one.url}/api/state`, { headers: both })).status).toBe(401);
    expect((await ask(`${two.url}/api/state`, { headers: both })).status).toBe(200);
  });

  it('stops taking tokens after ten wrong ones, the right one too, but still from programs', async () => {
    const { url } = await served();
    for (let i = 0; i < 10; i++) expect((await logIn(url, { token: `wrong ${i}` })).status).toBe(401);
    const answer = await logIn(url);
    expect(answer).toMatchObject({ status: 429, json: { code: 'too_many_attempts', retryable: true } });
    expect(Number(answer.headers['retry-after'])).toBeGreaterThan(0);
    const bearer = { ...REMOTE, authorization: `Bearer ${TOKEN}` };
    expect((await ask(`${url}/api/state`, { headers: bearer })).status).toBe(200);
  });

  it('counts guesses that are sent at once', async () => {
    const { url } = await served();
    const guesses = Array.from({ length: 40 }, (_, i) => logIn(url, { token: `wrong ${i}` }));
    const statuses = (await Promise.all(guesses)).map(({ status }) => status);
    expect(statuses.filter((status) => status === 401)).toHaveLength(10);
    expect(statuses.filter((status) => status === 429)).toHaveLength(30);
  });
});

describe('logging out', () => {
  it('ends the session, the cookie, and what streams by it', async () => {
    const { url } = await served();
    const reader = { ...REMOTE, ...(await loggedIn(url)) };
    const streams = await Promise.all(
      ['/api/live', '/api/events'].map((path) => streamOf(`${url}${path}`, reader)),
    );
    for (const { status } of streams) expect(status).toBe(200);
    const answer = await ask(`${url}/api/logout`, { method: 'POST', headers: reader });
    expect(answer.status).toBe(204);
    expect(setCookie(answer)).toMatch(/^snakepit_\w+=; Path=\/; Max-Age=0;/);
    await until(() => streams.every(({ ended }) => ended()), 'the streams have ended');
    expect((await ask(`${url}/api/state`, { headers: reader })).status).toBe(401);
  });

  it('is refused to pages of other sites', async () => {
    const { url } = await served();
    const reader = { ...REMOTE, ...(await loggedIn(url)) };
    const headers = { ...reader, origin: 'https://evil.example' };
    expect((await ask(`${url}/api/logout`, { method: 'POST', headers })).status).toBe(403);
    expect((await ask(`${url}/api/state`, { headers: reader })).status).toBe(200);
  });
});

/** The beginning of a stream, read on until it ends. */
const streamOf = async (url: string, headers: Headers) => {
  const answer = await begin(url, headers);
  let isOver = false;
  answer.on('end', () => {
    isOver = true;
  });
  answer.resume();
  return { status: answer.statusCode, ended: () => isOver };
};

describe('a mounted handler', () => {
  it('lets browsers log in too', async () => {
    const pit = await createFakeSnakepit({});
    onTestFinished(() => pit.close());
    const { fetch } = createOpsHandler(pit, { token: TOKEN, prefix: '/ops' });
    const at = (path: string, init: RequestInit = {}) =>
      fetch(new Request(`https://app.example/ops${path}`, init));
    expect((await at('/dashboard')).status).toBe(200);
    expect((await at('/api/state')).status).toBe(401);
    const answer = await at('/api/login', {
      method: 'POST',
      headers: JSON_TYPE,
      body: JSON.stringify({ token: TOKEN }),
    });
    expect(answer.status).toBe(204);
    const [cookie = ''] = answer.headers.getSetCookie();
    expect(cookie).toMatch(/; Path=\/ops; .*; Secure$/);
    expect((await at('/api/state', { headers: { cookie: cookie.split(';')[0] as string } })).status).toBe(
      200,
    );
  });
});

describe('sessions', () => {
  const scope = { name: 'snakepit_test', path: '/' };
  const idOf = (header: string): Headers => ({ cookie: header.split(';')[0] as string });
  const of = (sessions: ReaderSessions, headers: Headers) => sessions.of(new Headers(headers));

  it('end after twelve hours, also for what streams', () => {
    vi.useFakeTimers();
    onTestFinished(() => {
      vi.useRealTimers();
    });
    const sessions = new ReaderSessions(scope);
    const cookie = idOf(sessions.open(false));
    const session = of(sessions, cookie);
    vi.advanceTimersByTime(12 * 3600 * 1000 - 1);
    expect(of(sessions, cookie)).toBe(session);
    vi.advanceTimersByTime(1);
    expect(of(sessions, cookie)).toBeUndefined();
    expect(session?.ended.aborted).toBe(true);
    expect(sessions.size).toBe(0);
  });

  it('are bounded in number: the oldest gives way', () => {
    const sessions = new ReaderSessions(scope);
    const cookies = Array.from({ length: 150 }, () => idOf(sessions.open(false)));
    expect(sessions.size).toBe(100);
    expect(cookies.map((cookie) => of(sessions, cookie) !== undefined)).toEqual(
      cookies.map((_, i) => i >= 50),
    );
  });

  it('are found among other cookies, and not by another name', () => {
    const sessions = new ReaderSessions(scope);
    const { cookie = '' } = idOf(sessions.open(false));
    expect(of(sessions, { cookie: `a=b; ${cookie}; c=d` })).toBeDefined();
    expect(of(sessions, { cookie: `snakepit_test=stale; ${cookie}` })).toBeDefined();
    expect(of(sessions, { cookie: `x${cookie}` })).toBeUndefined();
    expect(of(sessions, { cookie: 'snakepit_test=' })).toBeUndefined();
  });

  it('have names by server', () => {
    expect(cookieName(['host', '9464', ''])).toBe(cookieName(['host', '9464', '']));
    expect(cookieName(['host', '9464', ''])).not.toBe(cookieName(['host', '9465', '']));
    expect(randomCookieName()).not.toBe(randomCookieName());
  });
});

it('gives one more try every six seconds', () => {
  let now = 0;
  const attempts = new Attempts(() => now);
  for (let i = 0; i < 10; i++) {
    expect(attempts.waitMs()).toBe(0);
    attempts.failed();
  }
  expect(attempts.waitMs()).toBe(6000);
  now = 5999;
  expect(attempts.waitMs()).toBeGreaterThan(0);
  now = 6000;
  expect(attempts.waitMs()).toBe(0);
  attempts.failed();
  expect(attempts.waitMs()).toBe(6000);
  // A pause gives no more than there were.
  now += 3_600_000;
  for (let i = 0; i < 10; i++) attempts.failed();
  expect(attempts.waitMs()).toBe(6000);
});
