import { spawn } from 'node:child_process';
import { mkdirSync, readFileSync, renameSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it, onTestFinished } from 'vitest';
import { file, realPython, scratch } from '../process/python-fixtures.ts';
import { bin, cleanEnv, type Ended, type Running, runCli, startCli, until } from './run-cli.ts';

const root = scratch();
const APP = `from snakepit import command

@command
def add(a: int, b: int):
    return a + b
`;

/** Runs a server in a terminal of its own, hangs it up with the terminal there, and then takes the terminal away. */
const IN_A_TERMINAL = `import json, os, pty, signal, sys, urllib.request
pid, terminal = pty.fork()
if pid == 0:
    os.execv(sys.argv[1], sys.argv[1:])
text = b""
while b"snakepit.ready" not in text or not text.endswith(b"\\n"):
    text += os.read(terminal, 4096)
url = json.loads(text)["ops_url"]
os.kill(pid, signal.SIGHUP)
urllib.request.urlopen(url + "/health").read()
print("after HUP it answers", flush=True)
os.close(terminal)
_, status = os.waitpid(pid, 0)
print("its terminal went: signal", os.WTERMSIG(status), flush=True)
`;

interface LogLine {
  readonly level: string;
  readonly message: string;
  readonly event: string;
  readonly [field: string]: unknown;
}

interface Instance {
  readonly running: Running;
  readonly opsUrl: string;
  readonly config: (...args: string[]) => Promise<Ended>;
  /** Writes the configuration file. */
  readonly write: (options: object | string) => void;
  readonly hangUp: () => void;
  /** Waits for a line of the log. */
  readonly logged: (event: string, times?: number) => Promise<LogLine>;
  readonly metric: (name: string) => Promise<number>;
}

const linesOf = (text: string): LogLine[] =>
  text
    .split('\n')
    .slice(0, -1)
    .map((line) => JSON.parse(line) as LogLine);

const base = {
  pools: { default: { app: './app.py', python: realPython, workers: 1, env: { MODEL_KEY: 'very-secret' } } },
  gateway: { port: 0 },
  ops: { port: 0 },
};

const serve = async (
  name: string,
  options: object,
  args: readonly string[] = [],
  logOf = (running: Running) => running.output.stderr,
): Promise<Instance> => {
  const folder = join(root, name);
  mkdirSync(folder, { recursive: true });
  file(join(folder, 'app.py'), APP);
  const path = join(folder, 'snakepit.config.json');
  const write = (next: object | string) =>
    writeFileSync(path, typeof next === 'string' ? next : JSON.stringify(next));
  write(options);
  const running = startCli(['serve', ...args], folder);
  await Promise.race([
    until(() => running.output.stdout.includes('\n')),
    running.ended.then(({ stderr }) => Promise.reject(new Error(stderr))),
  ]);
  const opsUrl = (JSON.parse(running.output.stdout) as { ops_url: string }).ops_url;
  return {
    running,
    opsUrl,
    config: (...more) => runCli(['config', ...more, '--ops-url', opsUrl], folder),
    write,
    hangUp: () => void running.child.kill('SIGHUP'),
    logged: (event, times = 1) =>
      until(() => linesOf(logOf(running)).filter((line) => line.event === event)[times - 1]),
    metric: async (metric) => {
      const text = await (await fetch(`${opsUrl}/metrics`)).text();
      return Number(new RegExp(`^${metric} (\\S+)$`, 'm').exec(text)?.[1]);
    },
  };
};

const stop = async ({ running }: Instance): Promise<Ended> => {
  running.child.kill('SIGTERM');
  const ended = await running.ended;
  expect(ended.code).toBe(0);
  return ended;
};

describe('snakepit config', () => {
  it('shows, changes, checks and compares', async () => {
    const instance = await serve('control', base);
    const { config } = instance;

    const shown = await config();
    expect(shown).toMatchObject({ code: 0, stderr: '' });
    expect(shown.stdout).toContain('Configuration, version 1, from ');
    expect(shown.stdout).toMatch(/^pools\.default\.workers +1 +live +file$/m);
    expect(shown.stdout).toMatch(/^ops\.host +127\.0\.0\.1 +restart +default$/m);
    expect(shown.stdout).toMatch(/^pools\.default\.env\.MODEL_KEY +\[SANITIZED\] +restart/m);
    expect(shown.stdout).not.toContain('very-secret');

    expect(await config('get', 'pools.default.workers')).toMatchObject({ code: 0, stdout: '1\n' });
    expect(await config('get', 'logs.level')).toMatchObject({ stdout: 'info\n' });
    expect(JSON.parse((await config('get', 'pools.default.retries')).stdout)).toMatchObject({ max: 2 });
    expect(JSON.parse((await config('get', 'logs.level', '--json')).stdout)).toEqual({
      key: 'logs.level',
      value: 'info',
      live: true,
      origin: 'default',
    });
    const unknown = await config('get', 'workers');
    expect(unknown.code).toBe(2);
    expect(unknown.stderr).toContain('Did you mean pools.default.workers?');

    const dry = await config('set', 'pools.default.workers=2', '--dry-run');
    expect(dry).toMatchObject({ code: 0, stdout: 'Would change:\n  pools.default.workers: 1 → 2\n' });
    const set = await config(
      'set',
      'pools.default.workers=2',
      'logs.level=debug',
      'observability.sampling["snakepit.worker.*"]=0.5',
    );
    expect(set.stderr).toBe('');
    expect(set.stdout).toBe(
      'Changed; version 2 is in force until the next restart:\n' +
        '  pools.default.workers: 1 → 2\n' +
        '  observability.sampling["snakepit.worker.*"]: unset → 0.5\n' +
        '  logs.level: info → debug\n',
    );
    const change = await instance.logged('snakepit.observability.config_changed');
    expect(change).toMatchObject({ level: 'info', who: 'cli', version: 2 });
    await until(
      async () =>
        (await instance.metric('snakepit_pool_workers\\{pool_name="default",state="ready"\\}')) === 2,
    );

    const diff = await config('diff');
    expect(diff.stdout).toMatch(/^logs\.level +info +debug +changed live$/m);
    expect(JSON.parse((await config('diff', '--json')).stdout)).toMatchObject({
      version: 2,
      drift: [{ path: 'pools.default.workers', from: 1, to: 2, live: true }, {}, {}],
    });
    const again = await config('set', 'logs.level=debug');
    expect(again.stdout).toBe('Nothing has changed: it is so already (version 2).\n');

    const patch = file(
      join(root, 'control', 'patch.yaml'),
      'logs:\n  level: null\npools:\n  default: {workers: 1}\n',
    );
    expect(await config('patch', patch, '--if-version', '2')).toMatchObject({ code: 0 });
    // The default of `serve`, not that of the library.
    expect(await config('get', 'logs.level')).toMatchObject({ stdout: 'info\n' });
    expect((await config('diff')).stdout).toContain('observability.sampling["snakepit.worker.*"]');
    const stale = await config('patch', patch, '--if-version', '2');
    expect(stale.code).toBe(1);
    expect(stale.stderr).toContain('is at version 3');
    await stop(instance);
  });

  it('exits with 2 for what is wrong, saying what is allowed, and changes nothing', async () => {
    const instance = await serve('wrong', base);
    const { config } = instance;
    const cases: [string[], RegExp][] = [
      [['set', 'logs.level=loud'], /logs\.level: got "loud"; allowed: one of trace, debug/],
      [['set', 'logs.levle=debug'], /logs\.levle is not an option/],
      [['set', 'gateway.port=1', 'logs.level=warn'], /gateway\.port needs a restart/],
      [['set', 'logs.level'], /KEY=VALUE/],
      [['set', 'logs.level='], /KEY=null puts the default back/],
      [['set', 'a]=1'], /which is no key/],
      [['set', 'logs.level=[1'], /logs\.level: /],
      [['set'], /missing required argument/],
      [['patch', 'nowhere.json'], /cannot be read/],
      [['patch', file(join(root, 'list.json'), '[]')], /something else than an object/],
      [['nonsense'], /unknown command|too many arguments/],
    ];
    for (const [args, message] of cases) {
      const { code, stderr, stdout } = await config(...args);
      expect({ args, code, stdout }).toEqual({ args, code: 2, stdout: '' });
      expect(stderr).toMatch(message);
    }
    expect(JSON.parse((await config('--json')).stdout).version).toBe(1);
    await stop(instance);
    const gone = await config('diff');
    expect(gone.code).toBe(1);
    expect(gone.stderr).toContain('connection refused');
  });
});

describe('SIGHUP', () => {
  it('has the file read again: live keys apply, the rest is told; flags still win', async () => {
    const instance = await serve('hangup', { ...base, logs: { level: 'debug' } }, [
      '--workers',
      '2',
      '--log-level',
      'info',
    ]);
    const started = await instance.metric('snakepit_config_last_reload_success_timestamp_seconds');
    expect(await instance.metric('snakepit_config_last_reload_successful')).toBe(1);
    await instance.config('set', 'pools.default.timeoutMs=1234');

    const pool = { ...base.pools.default, workers: 4, maxQueue: 7, concurrency: 2 };
    instance.write({ ...base, pools: { default: pool }, logs: { level: 'error' } });
    instance.hangUp();
    const change = await instance.logged('snakepit.observability.config_changed', 2);
    expect(change).toMatchObject({
      level: 'info',
      who: 'sighup',
      applied: ['pools.default.maxQueue', 'pools.default.timeoutMs'],
      restart_required: ['pools.default.concurrency'],
    });
    expect(await instance.logged('snakepit.config.restart_required')).toMatchObject({
      level: 'warn',
      message: 'Changed, but in force only after a restart: pools.default.concurrency',
    });
    const { stdout } = await instance.config('diff');
    expect(stdout).toMatch(/^pools\.default\.concurrency +2 +1 +needs a restart$/m);
    expect(stdout).not.toContain('timeoutMs');
    // Flags say so.
    expect(await instance.config('get', 'pools.default.workers')).toMatchObject({ stdout: '2\n' });
    expect(await instance.config('get', 'logs.level')).toMatchObject({ stdout: 'info\n' });
    expect(await instance.metric('snakepit_config_last_reload_success_timestamp_seconds')).toBeGreaterThan(
      started,
    );

    const version = await instance.config('--json').then((end) => JSON.parse(end.stdout).version);
    const good = await instance.metric('snakepit_config_last_reload_success_timestamp_seconds');
    for (const [i, broken] of ['{ "pools": ', JSON.stringify({ ...base, memoryGuard: 'loud' })].entries()) {
      instance.write(broken);
      instance.hangUp();
      const failed = await instance.logged('snakepit.config.reload_failed', i + 1);
      expect(failed.level).toBe('error');
      expect(failed.message).toContain('snakepit.config.json');
      expect(await instance.metric('snakepit_config_last_reload_successful')).toBe(0);
    }
    expect(JSON.parse((await instance.config('--json')).stdout)).toMatchObject({
      version,
      last_reload: { successful: false },
      config: { pools: { default: { maxQueue: 7 } } },
    });
    expect(await instance.metric('snakepit_config_last_reload_success_timestamp_seconds')).toBe(good);

    instance.write({ ...base, pools: { default: pool } });
    instance.hangUp();
    expect(await instance.logged('snakepit.config.reloaded')).toMatchObject({ level: 'info' });
    expect(await instance.metric('snakepit_config_last_reload_successful')).toBe(1);
    await stop(instance);
  });

  it('opens the log file anew, so that it can be rotated', async () => {
    const path = join(root, 'rotate', 'serve.log');
    const instance = await serve('rotate', base, ['--log-dest', path], () => readFileSync(path, 'utf8'));
    await instance.logged('snakepit.pool.started');
    renameSync(path, `${path}.1`);
    instance.hangUp();
    await until(() => {
      try {
        return readFileSync(path, 'utf8').includes('snakepit.config.reloaded');
      } catch {
        return false;
      }
    });
    await instance.config('set', 'pools.default.maxQueue=5');
    expect(await instance.logged('snakepit.observability.config_changed')).toMatchObject({ who: 'cli' });
    const old = readFileSync(`${path}.1`, 'utf8');
    await stop(instance);
    expect(readFileSync(`${path}.1`, 'utf8')).toBe(old);
    expect(linesOf(old).map(({ event }) => event)).toContain('snakepit.pool.started');
    expect(linesOf(readFileSync(path, 'utf8')).map(({ event }) => event)).toContain('snakepit.pool.stopped');
  });

  it('ends a server whose terminal is gone, in an orderly way', async () => {
    const folder = join(root, 'terminal');
    mkdirSync(folder, { recursive: true });
    file(join(folder, 'app.py'), APP);
    const script = file(join(folder, 'in_a_terminal.py'), IN_A_TERMINAL);
    const log = join(folder, 'log');
    const args = [
      'serve',
      'app.py',
      '--port',
      '0',
      '--ops-port',
      '0',
      '--workers',
      '1',
      '--python',
      realPython,
    ];
    const inside = spawn(realPython, [script, process.execPath, bin, ...args, '--log-dest', log], {
      cwd: folder,
      env: cleanEnv(),
      stdio: ['ignore', 'pipe', 'inherit'],
    });
    onTestFinished(() => void inside.kill('SIGKILL'));
    let told = '';
    inside.stdout.setEncoding('utf8').on('data', (text: string) => {
      told += text;
    });
    await new Promise((resolve) => inside.once('close', resolve));
    expect(told).toBe('after HUP it answers\nits terminal went: signal 1\n');
    const events = linesOf(readFileSync(log, 'utf8')).map(({ event }) => event);
    expect(events).toContain('snakepit.worker.stopped');
    expect(events).toContain('snakepit.pool.stopped');
  });

  it('does not end a server without a configuration file, also while it starts', async () => {
    const folder = join(root, 'bare');
    mkdirSync(folder, { recursive: true });
    file(join(folder, 'app.py'), `import time\ntime.sleep(0.5)\n${APP}`);
    const args = [
      'serve',
      'app.py',
      '--port',
      '0',
      '--ops-port',
      '0',
      '--workers',
      '1',
      '--python',
      realPython,
    ];
    const running = startCli([...args, '--log-level', 'debug'], folder);
    await until(() => running.output.stderr.includes('snakepit.worker.starting'));
    running.child.kill('SIGHUP');
    await until(() => running.output.stdout.includes('\n') || running.child.exitCode !== null);
    running.child.kill('SIGHUP');
    const { url } = JSON.parse(running.output.stdout) as { url: string };
    const answer = await fetch(`${url}/v1/commands/add`, {
      method: 'POST',
      headers: { 'content-type': 'application/json' },
      body: '{"a":1,"b":2}',
    });
    expect(await answer.json()).toMatchObject({ result: 3 });
    running.child.kill('SIGTERM');
    expect((await running.ended).code).toBe(0);
    expect(running.output.stderr).not.toContain('snakepit.config.');
  });
});
