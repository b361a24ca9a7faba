import { existsSync, mkdirSync, readdirSync, readFileSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { file, realPython, scratch } from '../process/python-fixtures.ts';
import { type Running, runCli, startCli, until } from './run-cli.ts';
import { runtimeEnv } from './terminal.ts';

/** The commands against a real `serve`, each test with runtime folders of its own. */

const root = scratch();
const FREE = ['--port', '0', '--ops-port', '0', '--python', realPython];
const APP = `import time
from snakepit import command

VERSION = 1

@command
def version():
    return VERSION

@command
def fail(text: str):
    raise ValueError("no " + text)

@command
def busy(mark: str, seconds: float = 3600):
    open(mark, "w").close()
    end = time.time() + seconds
    while time.time() < end:
        time.sleep(0.02)
    return "done"
`;

interface Served {
  readonly running: Running;
  readonly url: string;
  readonly ops_url: string;
  readonly folder: string;
  readonly entry: string;
  /** Runs a command as the same user. */
  readonly snakepit: (...argv: string[]) => ReturnType<typeof runCli>;
  readonly call: (command: string, args?: object) => Promise<Response>;
}

const serving = async (
  name: string,
  argv: readonly string[],
  more: Record<string, string> = {},
): Promise<Served> => {
  const folder = join(root, name);
  for (const inner of ['run', 'tmp']) mkdirSync(join(folder, inner), { recursive: true });
  if (!existsSync(join(folder, 'app.py'))) file(join(folder, 'app.py'), APP);
  const env = { ...runtimeEnv(folder), ...more };
  const running = startCli([...argv, ...FREE], folder, env);
  const line = await Promise.race([
    until(() => running.output.stdout.includes('\n') && running.output.stdout),
    running.ended.then(({ stderr }) => Promise.reject(new Error(stderr))),
  ]);
  const { url, ops_url, pid } = JSON.parse(line) as { url: string; ops_url: string; pid: number };
  return {
    running,
    url,
    ops_url,
    folder,
    entry: join(folder, 'run', 'snakepit', `${pid}.json`),
    snakepit: (...args) => runCli(args, folder, env),
    call: (command, args = {}) =>
      fetch(`${url}/v1/commands/${command}`, {
        method: 'POST',
        headers: { 'content-type': 'application/json' },
        body: JSON.stringify(args),
      }),
  };
};
const serve = (name: string, workers = 1) => serving(name, ['serve', 'app.py', '--workers', String(workers)]);
const workerIds = async ({ snakepit }: Served): Promise<string[]> => {
  const { stdout } = await snakepit('status', '--json');
  return JSON.parse(stdout).workers.map(({ worker_id }: { worker_id: string }) => worker_id);
};

describe('an instance', () => {
  it('is found by its user while it runs, and its token stands nowhere else', async () => {
    const served = await serve('announced');
    const entry = JSON.parse(readFileSync(served.entry, 'utf8'));
    expect(entry).toMatchObject({
      pid: served.running.child.pid,
      url: served.url,
      ops_url: served.ops_url,
      app: join(served.folder, 'app.py'),
      cwd: served.folder,
    });
    expect(statSync(served.entry).mode & 0o777).toBe(0o600);
    expect(entry.token).toMatch(/^[\w-]{43}$/);
    expect((await served.snakepit('status')).stdout).toContain(served.ops_url);
    served.running.child.kill('SIGTERM');
    const { code, stdout, stderr } = await served.running.ended;
    expect(code).toBe(0);
    expect(stdout + stderr).not.toContain(entry.token);
    expect(existsSync(served.entry)).toBe(false);
    expect(await served.snakepit('status')).toMatchObject({
      code: 1,
      stderr: expect.stringContaining('no instance'),
    });
  });

  it('leaves no file behind when an error ends it', async () => {
    const config = file(
      join(root, 'crash', 'boom.mjs'),
      `process.once('SIGUSR2', () => { throw new Error('nobody handles this'); });
export default { pools: { default: { app: './app.py', workers: 1 } } };
`,
    );
    const served = await serving('crash', ['serve', '--config', config]);
    expect(existsSync(served.entry)).toBe(true);
    served.running.child.kill('SIGUSR2');
    expect((await served.running.ended).code).toBe(1);
    expect(readdirSync(join(served.folder, 'run', 'snakepit'))).toEqual([]);
  });

  it('is forgotten by the next command when it was killed', async () => {
    const served = await serve('killed');
    served.running.child.kill('SIGKILL');
    await served.running.ended;
    expect(existsSync(served.entry)).toBe(true);
    expect((await served.snakepit('status')).code).toBe(1);
    expect(existsSync(served.entry)).toBe(false);
  });

  it('keeps a configured token to itself, and serves without a folder to announce itself in', async () => {
    const configured = await serving('configured', ['serve', 'app.py', '--workers', '1'], {
      SNAKEPIT_OPS_TOKEN: 'configured-token-of-an-operator',
    });
    expect(JSON.parse(readFileSync(configured.entry, 'utf8')).token).toBeNull();
    const folder = join(root, 'unannounced');
    mkdirSync(join(folder, 'tmp'), { recursive: true });
    file(join(folder, 'run'));
    mkdirSync(join(folder, 'tmp', `snakepit-${process.getuid?.()}`), { mode: 0o755 });
    file(join(folder, 'app.py'), APP);
    const running = startCli(['serve', 'app.py', '--workers', '1', ...FREE], folder, runtimeEnv(folder));
    await until(() => running.output.stdout.includes('snakepit.ready'));
    expect(running.output.stderr).toContain('is open to other users');
  });

  it('still is refused beyond loopback without a token of the operator', async () => {
    const folder = join(root, 'beyond');
    mkdirSync(join(folder, 'tmp'), { recursive: true });
    file(join(folder, 'app.py'), APP);
    const argv = ['serve', 'app.py', ...FREE, '--ops-host', '0.0.0.0'];
    expect(await runCli(argv, folder, runtimeEnv(folder))).toMatchObject({
      code: 2,
      stderr: expect.stringContaining('ops.token is not set'),
    });
  });
});

describe('commands', () => {
  it('show a running instance', async () => {
    const served = await serve('shown', 2);
    const { code, stdout } = await served.snakepit('status');
    expect(code).toBe(0);
    expect(stdout).toContain('Health: ok');
    for (const id of await workerIds(served)) expect(stdout).toContain(`${id}  ready`);
    const top = await served.snakepit('top', '--count', '2');
    expect(top.code).toBe(0);
    expect(top.stdout).toContain('default running, 0 of 2 workers busy');
    expect(JSON.parse((await served.snakepit('top', '--count', '1', '--json')).stdout)).toHaveProperty(
      'pools.default',
    );
  });

  it('top ends with 0 on Ctrl-C', async () => {
    const served = await serve('top');
    const top = startCli(['top', '--count', '1000'], served.folder, runtimeEnv(served.folder));
    await until(() => top.output.stdout.includes('default running'));
    top.child.kill('SIGINT');
    expect(await top.ended).toMatchObject({ code: 0, signal: null, stderr: '' });
  });

  it('tell errors, with the traceback', async () => {
    const served = await serve('errors');
    expect((await served.snakepit('errors')).stdout).toContain('No such errors');
    await served.call('fail', { text: 'luck' });
    const { stdout } = await served.snakepit('errors', '--command', 'fail');
    expect(stdout).toContain('python_exception');
    const [{ id }] = JSON.parse((await served.snakepit('errors', '--json')).stdout).errors;
    const { code, stdout: page } = await served.snakepit('errors', id);
    expect(code).toBe(0);
    expect(page).toContain('ValueError: no luck');
    expect(page).toContain(', in fail\n');
    expect(await served.snakepit('errors', 'nope')).toMatchObject({ code: 1 });
    expect(await served.snakepit('errors', '--since', 'x')).toMatchObject({ code: 2 });
    expect((await served.snakepit('slow')).stdout).toContain('No such slow requests');
  });

  it('tell what Python is doing', async () => {
    const served = await serve('stack');
    void served.call('busy', { mark: join(served.folder, 'mark') }).catch(() => {});
    await until(() => existsSync(join(served.folder, 'mark')));
    const [id] = await workerIds(served);
    const { code, stdout } = await served.snakepit('stack', id as string);
    expect(code).toBe(0);
    expect(stdout).toMatch(/in busy/);
    expect(await served.snakepit('stack', 'nope')).toMatchObject({
      code: 1,
      stderr: expect.stringContaining(id as string),
    });
  });

  it('replace workers', async () => {
    const served = await serve('recycle', 2);
    const before = await workerIds(served);
    const one = await served.snakepit('recycle', before[0] as string);
    expect(one).toMatchObject({ code: 0, stdout: expect.stringContaining(`${before[0]} was replaced by `) });
    const all = await served.snakepit('recycle', '--pool', 'default');
    expect(all.code).toBe(0);
    expect(all.stdout.trimEnd().split('\n')).toHaveLength(2);
    const after = await workerIds(served);
    expect(after.filter((id) => before.includes(id))).toEqual([]);
    expect(await (await served.call('version')).json()).toMatchObject({ result: 1 });
    const released = await served.snakepit('recycle', '--pool', 'default', '--unquarantine');
    expect(released).toMatchObject({ code: 0, stdout: 'Nothing was quarantined.\n' });
    expect(await served.snakepit('recycle', '--pool', 'nope')).toMatchObject({ code: 1, stdout: '' });
  });

  it('drain', async () => {
    const served = await serve('drain');
    expect(await served.snakepit('drain', '--within', '5')).toMatchObject({
      code: 0,
      stdout: expect.stringContaining('Drained'),
    });
    expect((await served.call('version')).status).toBe(503);
  });

  it('cannot change anything without the token', async () => {
    const served = await serve('guarded');
    for (const headers of [{}, { authorization: 'Bearer wrong' }] as Record<string, string>[]) {
      const { status } = await fetch(`${served.ops_url}/api/drain`, { method: 'POST', headers });
      expect(status).toBe(401);
    }
  });
});

describe('snakepit dev', () => {
  const version = async ({ call }: Served) => (await call('version')).json();

  it('runs one worker, and takes over what is changed', async () => {
    const served = await serving('dev', ['dev', 'app.py']);
    expect(await workerIds(served)).toHaveLength(1);
    expect(await version(served)).toMatchObject({ result: 1 });
    // Logs are for people.
    expect(served.running.output.stderr).not.toContain('{"level"');
    file(join(served.folder, 'app.py'), APP.replace('VERSION = 1', 'VERSION = 2'));
    await until(() => /^app\.py changed: 1 worker reloaded in .*\.$/m.test(served.running.output.stderr));
    expect(await version(served)).toMatchObject({ result: 2 });
  });

  it('keeps the old worker when the change does not import, shows why, and takes the mended one', async () => {
    const served = await serving('dev-broken', ['dev', 'app.py']);
    file(join(served.folder, 'app.py'), `import no_such_model\n${APP}`);
    await until(() => served.running.output.stderr.includes('the old workers go on'));
    expect(served.running.output.stderr).toContain("ModuleNotFoundError: No module named 'no_such_model'");
    expect(await version(served)).toMatchObject({ result: 1 });
    file(join(served.folder, 'app.py'), APP.replace('VERSION = 1', 'VERSION = 3'));
    await until(() => served.running.output.stderr.includes('1 worker reloaded'));
    expect(await version(served)).toMatchObject({ result: 3 });
    served.running.child.kill('SIGINT');
    expect((await served.running.ended).code).toBe(0);
  });
});
