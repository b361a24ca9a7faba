import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { errorOf, newFolder, python, startPit, type TestPit, until } from '../support/pit.ts';

/** Told by its form; made up. */
const key = 'ghp_0123456789abcdefghijABCDEFGHIJ456789';
const phrase = 'hunter2hunter2';

const app = () => python`
  import logging

  @command
  def fail(token: str = "", body=None):
      password = "${phrase}"
      logging.getLogger("app").warning("trying %s", "${key}")
      print("Authorization: Bearer abcdefgh12345678")
      raise ValueError(f"\x1b[31mcannot log in with password={password} and {token}\x1b[0m")

  @command
  def die():
      sys.stderr.write("dying with postgres://app:${phrase}@db/x\n")
      sys.stderr.flush()
      os._exit(3)
`;

const get = async ({ pit }: TestPit, path: string): Promise<string> =>
  (await fetch(`${pit.opsUrl}${path}`)).text();

const secrets = [key, phrase, 'abcdefgh12345678'];
const expectNone = (what: string, text: string): void => {
  for (const secret of secrets) expect(text.includes(secret), `${secret} in ${what}: ${text}`).toBe(false);
};

const start = async (sanitize: object) => {
  const dest = join(newFolder(), 'log');
  const test = await startPit({
    pool: { app: app(), restartDelayMs: 10 },
    logs: { level: 'debug', dest },
    ops: { port: 0 },
    gateway: { port: 0 },
    sanitize,
  });
  return { test, dest, log: () => readFileSync(dest, 'utf8') };
};

describe('what leaves the process', () => {
  it('shows no secret: log, errors, gateway, health, state, metrics', async () => {
    const { test, log } = await start({ canary: true, paths: ['**.extra'], replacement: '<hidden>' });
    const error = await errorOf(test.pit.execute('fail', { token: key, body: { password: phrase } }));
    // The caller in this process is told what Python said.
    expect(error.message).toContain(phrase);
    await errorOf(test.pit.execute('die'));
    test.pit.logger.warn(`with ${key}`, { extra: 1, list: [`Bearer ${key}`] });
    const answer = await fetch(`${test.pit.gatewayUrl}/v1/commands/fail`, {
      method: 'POST',
      headers: { 'content-type': 'application/json' },
      body: JSON.stringify({ token: key }),
    });
    const problem = await answer.text();
    expect(JSON.parse(problem)).toMatchObject({
      code: 'python_exception',
      python_traceback: expect.any(String),
    });
    expectNone('gateway', problem);
    const list = JSON.parse(await get(test, '/api/errors'));
    expect(list.errors.length).toBeGreaterThan(2);
    for (const { id } of list.errors) expectNone('error', await get(test, `/api/errors/${id}`));
    for (const path of ['/api/errors', '/api/requests/slow', '/api/state', '/health/detailed', '/api/config'])
      expectNone(path, await get(test, path));
    const kinds = list.groups.map(({ message }: { message: string }) => message);
    expect(kinds.join()).toContain('cannot log in with password=<hidden>');
    // biome-ignore lint/suspicious/noControlCharactersInRegex: they must be gone
    expect(JSON.stringify(list)).not.toMatch(/\\u001b|\[31m|[\x00-\x09]/);
    await until(() => log().includes('with <hidden>') && log().includes('dying'), 'the lines');
    const all = log();
    expectNone('log', all);
    expect(all).toContain('"extra":"<hidden>"');
    expect(await get(test, '/metrics')).toContain('snakepit_redaction_canary_leaks_total 0\n');
    expect(all).toContain('"canary"');
  });

  it('and where a place does show a fake secret, it is counted and told', async () => {
    const { test, log } = await start({ canary: true, allow: { paths: ['canary.**'] } });
    test.pit.logger.warn('hello');
    await until(() => log().includes('snakepit.redaction.canary_leaked'), 'the line that tells of it');
    const found = /snakepit_redaction_canary_leaks_total (\d+)/.exec(await get(test, '/metrics'));
    expect(Number(found?.[1])).toBeGreaterThan(0);
  });

  it('is not looked at where nobody asked for it', async () => {
    const { test } = await start({});
    expect(await get(test, '/metrics')).not.toContain('canary');
    expect(await get(test, '/api/errors')).not.toContain('canary');
  });
});
