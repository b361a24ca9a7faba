import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { readLogHeader } from '../../src/http/gateway/log-header.ts';
import { scratch } from '../process/python-fixtures.ts';
import { served } from './served.ts';
import { inProcess } from './terminal.ts';

const root = scratch();
const TOKEN = 'a-token-for-tests-only';
const folder = (name: string): string => {
  const path = join(root, name);
  mkdirSync(path, { recursive: true });
  return path;
};
const fromEnv = { SNAKEPIT_GATEWAY_TOKEN: TOKEN };

/** The headers that were printed, as curl reads them. */
const headersOf = (out: string): Record<string, string> =>
  Object.fromEntries(
    out
      .trimEnd()
      .split('\n')
      .map((line) => line.split(': ') as [string, string]),
  );

describe('snakepit log-header', () => {
  it('prints headers that hold for that id and that long, and no others', async () => {
    const snakepit = inProcess(folder('holds'));
    const { code, out, err } = await snakepit(['log-header', 'order-4711', '--for', '60'], fromEnv);
    expect({ code, err }).toEqual({ code: 0, err: '' });
    const headers = headersOf(out);
    expect(Object.keys(headers)).toEqual(['x-correlation-id', 'x-snakepit-log']);
    expect(headers['x-correlation-id']).toBe('order-4711');
    const value = headers['x-snakepit-log'] as string;
    const { forMs } = readLogHeader(value, TOKEN, 'order-4711') as { forMs: number };
    expect(forMs).toBeGreaterThan(0);
    expect(forMs).toBeLessThanOrEqual(60_000);
    expect(readLogHeader(value, TOKEN, 'order-4712')).toHaveProperty('refused');
    expect(readLogHeader(value, `${TOKEN}!`, 'order-4711')).toHaveProperty('refused');
  });

  it('makes a new id where none is given, and JSON with --json', async () => {
    const snakepit = inProcess(folder('json'));
    const first = JSON.parse((await snakepit(['log-header', '--json'], fromEnv)).out);
    const second = JSON.parse((await snakepit(['log-header', '--json'], fromEnv)).out);
    const { 'x-correlation-id': id, 'x-snakepit-log': value } = first.headers;
    expect(id).not.toBe(second.headers['x-correlation-id']);
    expect(readLogHeader(value, TOKEN, id)).toHaveProperty('forMs');
    expect(value.startsWith(`${Date.parse(first.expires_at)}.`)).toBe(true);
  });

  it('takes the token from a file, and from the configuration', async () => {
    const home = folder('sources');
    writeFileSync(join(home, 'token'), `${TOKEN}\n`);
    const snakepit = inProcess(home);
    const byFile = await snakepit(['log-header', 'c-1'], { SNAKEPIT_GATEWAY_TOKEN_FILE: 'token' });
    writeFileSync(join(home, 'mine.json'), JSON.stringify({ gateway: { token: TOKEN } }));
    const byConfig = await snakepit(['log-header', 'c-1', '--config', 'mine.json']);
    for (const { out } of [byFile, byConfig]) {
      expect(readLogHeader(headersOf(out)['x-snakepit-log'] as string, TOKEN, 'c-1')).toHaveProperty('forMs');
    }
  });

  it.each([
    ['no token', ['log-header'], {}, 'gateway.token: not set'],
    ['an empty token', ['log-header'], { SNAKEPIT_GATEWAY_TOKEN: '' }, 'gateway.token: not set'],
    ['an id that is none', ['log-header', 'two words'], fromEnv, "correlation-id: got 'two words'"],
    ['a header injected', ['log-header', 'a\nb: c'], fromEnv, 'correlation-id: got'],
    ['no time', ['log-header', '--for', '0'], fromEnv, "--for: got '0'"],
    ['too long a time', ['log-header', '--for', '86401'], fromEnv, "--for: got '86401'"],
  ])('refuses %s', async (name, argv, env, message) => {
    const { code, out, err } = await inProcess(folder(name))(argv, env);
    expect({ code, out }).toEqual({ code: 2, out: '' });
    expect(err).toContain(message);
    expect(err).not.toContain(TOKEN);
  });

  it('has a running instance write every line about the request, where others get none', async () => {
    const instance = await served(root, 'running', {
      SNAKEPIT_GATEWAY_TOKEN: TOKEN,
      SNAKEPIT_LOG_LEVEL: 'error',
    });
    const { out } = await inProcess(folder('asks'))(['log-header', 'c-full'], fromEnv);
    const call = async (headers: Record<string, string>) => {
      const response = await fetch(`${instance.url}/v1/commands/echo`, {
        method: 'POST',
        headers: { 'content-type': 'application/json', authorization: `Bearer ${TOKEN}`, ...headers },
        body: '{"n":1}',
      });
      expect(response.status).toBe(200);
    };
    await call({ 'x-correlation-id': 'c-plain' });
    await call(headersOf(out));
    instance.running.child.kill('SIGTERM');
    const { stderr } = await instance.running.ended;
    const lines = stderr.split('\n').filter((line) => line.includes('c-full'));
    const events = lines.map((line) => JSON.parse(line).event);
    expect(events).toContain('snakepit.request.started');
    expect(events).toContain('snakepit.request.completed');
    expect(stderr).not.toContain('c-plain');
  });
});
