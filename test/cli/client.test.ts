import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdirSync } from 'node:fs';
import { join } from 'node:path';
import { beforeEach, describe, expect, it, onTestFinished } from 'vitest';
import { announce } from '../../src/cli/instances/announce.ts';
import { startTimeOf } from '../../src/cli/instances/start-time.ts';
import { file, scratch } from '../process/python-fixtures.ts';
import { fakeOps, json, problem } from './fake-ops.ts';
import { inProcess, runtimeEnv } from './terminal.ts';

const root = scratch();
let home: string;
let homes = 0;
let snakepit: ReturnType<typeof inProcess>;
beforeEach(() => {
  home = join(root, `home-${++homes}`);
  for (const name of ['run', 'tmp']) mkdirSync(join(home, name), { recursive: true });
  snakepit = inProcess(home);
});

const about = (ops_url: string, token: string | null) => ({
  ops_url,
  url: null,
  token,
  app: 'app.py',
  version: '0.1.0',
  cwd: '/srv/models',
});
/** Announces an instance that this test process stands for. */
const announced = async (ops_url: string, token: string | null = null): Promise<void> => {
  onTestFinished(await announce(about(ops_url, token), { env: runtimeEnv(home) }));
};
/** One that another process stands for. */
const another = async (ops_url: string): Promise<number> => {
  const child = spawn('sleep', ['3600']);
  await once(child, 'spawn');
  onTestFinished(() => void child.kill('SIGKILL'));
  const pid = child.pid as number;
  const start_time = await startTimeOf(pid);
  const entry = { ...about(ops_url, null), pid, start_time, started_at: '2025-01-15T10:30:00.000Z' };
  file(join(home, 'run', 'snakepit', `${pid}.json`), JSON.stringify(entry));
  return pid;
};
const DRAIN = 'POST /api/drain';
const drained = { [DRAIN]: { drained: true, took_ms: 1 } };

describe('the instance a command speaks to', () => {
  it('is the only one that runs, with the token that it made', async () => {
    const ops = await fakeOps(drained);
    await announced(ops.url, 'made-by-the-instance');
    expect(await snakepit(['drain'], { SNAKEPIT_OPS_TOKEN: 'of-something-else' })).toMatchObject({
      code: 0,
      err: '',
    });
    expect(ops.seen).toMatchObject([{ authorization: 'Bearer made-by-the-instance', body: '{}' }]);
  });

  it('is asked with the configured token where it made none', async () => {
    const ops = await fakeOps(drained);
    await announced(ops.url);
    await snakepit(['drain'], { SNAKEPIT_OPS_TOKEN: 'configured' });
    await snakepit(['drain'], { SNAKEPIT_OPS_TOKEN_FILE: file(join(home, 'token'), 'from-a-file-ü\n') });
    await snakepit(['drain']);
    const bytes = Buffer.from('from-a-file-ü').toString('latin1');
    expect(ops.seen.map(({ authorization }) => authorization)).toEqual([
      'Bearer configured',
      `Bearer ${bytes}`,
      undefined,
    ]);
  });

  it('may be named, and gets its own token where the environment has none', async () => {
    const ops = await fakeOps({ ...drained, 'POST /inner/api/drain': { drained: true } });
    const other = await fakeOps(drained);
    await announced(ops.url, 'made-by-the-instance');
    await snakepit(['drain', '--ops-url', `${ops.url}/`]);
    await snakepit(['drain', '--ops-url', ops.url], { SNAKEPIT_OPS_TOKEN: 'configured' });
    await snakepit(['drain', '--ops-url', `${ops.url}/inner/`]);
    await snakepit(['drain', '--ops-url', other.url]);
    expect(ops.seen.map(({ url, authorization }) => [url, authorization])).toEqual([
      ['/api/drain', 'Bearer made-by-the-instance'],
      ['/api/drain', 'Bearer configured'],
      ['/inner/api/drain', undefined],
    ]);
    expect(other.seen.map(({ authorization }) => authorization)).toEqual([undefined]);
  });

  it('must be said where several run: they are listed, exit code 2', async () => {
    await announced('http://127.0.0.1:9001');
    const pid = await another('http://127.0.0.1:9002');
    const { code, out, err } = await snakepit(['status']);
    expect({ code, out }).toEqual({ code: 2, out: '' });
    expect(err).toContain('2 instances are running; say which one is meant:');
    expect(err).toContain(`--ops-url http://127.0.0.1:9001   pid ${process.pid}, app.py in /srv/models, up `);
    expect(err).toContain(`--ops-url http://127.0.0.1:9002   pid ${pid}, `);
  });

  it('is missing where none runs: exit code 1, with how to start one and what was not looked into', async () => {
    expect(await snakepit(['status'])).toEqual({
      code: 1,
      out: '',
      err: expect.stringMatching(
        /^snakepit: no instance of yours is running .*`snakepit serve app.py` starts one/,
      ),
    });
    mkdirSync(join(home, 'run', 'snakepit'), { mode: 0o755 });
    expect((await snakepit(['status'])).err).toContain('Not looked into: ');
  });

  it.each(['nonsense', '127.0.0.1:9464', 'ftp://x', 'http://me:pw@x', 'http://x/?a=1'])(
    'cannot be %s: exit code 2',
    async (url) => {
      const { code, err } = await snakepit(['status', '--ops-url', url]);
      expect(code).toBe(2);
      expect(err).toContain(`--ops-url: got '${url}'; allowed: an http or https URL`);
    },
  );
});

describe('an answer that is none', () => {
  const failing = async (argv: readonly string[], env = {}) => {
    const { code, out, err } = await snakepit(argv, env);
    expect({ code, out }).toEqual({ code: 1, out: '' });
    // A reason, not a stack trace.
    expect(err).not.toContain('    at ');
    return err;
  };

  it('connection refused', async () => {
    const ops = await fakeOps({});
    await ops.close();
    expect(await failing(['drain', '--ops-url', ops.url])).toContain(
      `connection refused: nothing listens at ${ops.url}.`,
    );
  });

  it('a name that is not known', async () => {
    expect(await failing(['status', '--ops-url', 'http://nowhere.invalid'])).toMatch(
      /nowhere.invalid cannot be asked: .*nowhere/,
    );
  });

  it('silence', async () => {
    const ops = await fakeOps({ [DRAIN]: () => {} });
    const err = await failing(['drain', '--ops-url', ops.url, '--timeout', '0.05']);
    expect(err).toContain(
      `${ops.url} has not answered within 0.1 s (--timeout gives it longer). What it has begun goes on there.`,
    );
  });

  it('half an answer', async () => {
    const ops = await fakeOps({
      [DRAIN]: (res) => void res.writeHead(200, { 'content-type': 'application/json' }).write('{"dra'),
    });
    expect(await failing(['drain', '--ops-url', ops.url, '--timeout', '0.2'])).toContain('has not answered');
    const cut = await fakeOps({
      [DRAIN]: (res) =>
        res
          .writeHead(200, { 'content-type': 'application/json', 'content-length': 99 })
          .write('{"dra', () => res.destroy()),
    });
    expect(await failing(['drain', '--ops-url', cut.url])).toContain(`${cut.url} cannot be asked: `);
  });

  it('a redirect, which would carry the token elsewhere', async () => {
    const thief = await fakeOps(drained);
    const ops = await fakeOps({
      [DRAIN]: (res) => res.writeHead(307, { location: `${thief.url}/api/drain` }).end(),
    });
    const err = await failing(['drain', '--ops-url', ops.url], {
      SNAKEPIT_OPS_TOKEN: 'secret-of-the-operator',
    });
    expect(err).toContain(`answers with a redirect to ${thief.url}/api/drain, which is not followed`);
    expect(thief.seen).toEqual([]);
  });

  it('another program', async () => {
    const ops = await fakeOps({
      [DRAIN]: (res) => res.writeHead(200, { 'content-type': 'text/html' }).end('<h1>hello</h1>'),
      'GET /api/state': json({ error: 'x' }, 500),
    });
    expect(await failing(['drain', '--ops-url', ops.url])).toContain(
      'HTTP 200 and text/html: this is no ops server',
    );
    expect(await failing(['top', '--ops-url', ops.url])).toContain('HTTP 500 and application/json');
  });

  it('a problem: title and detail, safe for a terminal, and how to mend a missing token', async () => {
    const title = 'The token is missing or wrong.';
    const ops = await fakeOps({ [DRAIN]: problem(401, { title, detail: 'Send \u001b[31mit\u0007.' }) });
    expect(await failing(['drain', '--ops-url', ops.url])).toBe(
      `snakepit: ${title}\nSend it.\nSet SNAKEPIT_OPS_TOKEN, or SNAKEPIT_OPS_TOKEN_FILE, to the token of that instance.\n`,
    );
    const sent = await failing(['drain', '--ops-url', ops.url], { SNAKEPIT_OPS_TOKEN: 'wrong' });
    expect(sent).toContain('A token was sent: from SNAKEPIT_OPS_TOKEN');
    expect(sent).not.toContain('wrong\n');
  });
});

describe('usage', () => {
  it.each([
    [['recycle'], 'recycle: got neither of a worker id and --pool'],
    [['recycle', 'w', '--pool', 'p'], 'recycle: got both of a worker id and --pool'],
    [['recycle', 'w', '--unquarantine'], '--unquarantine: got a worker id; allowed: with --pool only.'],
    [['stack'], "missing required argument 'worker-id'"],
    [['drain', '--within', 'soon'], "--within: got 'soon'; allowed: seconds, above 0 and at most 290."],
    [['drain', '--within', '300'], "--within: got '300'"],
    [['status', '--timeout', '0'], "--timeout: got '0'; allowed: seconds, above 0 and at most 300."],
    [['top', '--count', '0'], "--count: got '0'; allowed: a whole number from 1"],
    [['errors', '--limit', '501'], "--limit: got '501'; allowed: a whole number from 1 to 500."],
    [['errors', 'e1', '--pool', 'p'], 'errors: got an id and a flag that chooses among many'],
  ])('%j ends with 2', async (argv, message) => {
    const { code, out, err } = await snakepit([...argv, '--ops-url', 'http://127.0.0.1:1']);
    expect({ code, out }).toEqual({ code: 2, out: '' });
    expect(err).toContain(message);
  });

  it('the server finds wrong ends with 2 as well', async () => {
    const detail = "since: got 'x'; allowed: a time ago such as 15m";
    const ops = await fakeOps({
      'GET /api/errors?since=x&limit=20': problem(400, {
        title: 'A parameter is not usable.',
        detail,
        parameter: 'since',
      }),
    });
    const { code, err } = await snakepit(['errors', '--since', 'x', '--ops-url', ops.url]);
    expect(code).toBe(2);
    expect(err).toContain(detail);
  });
});
