import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { chmodSync, existsSync, mkdirSync, readdirSync, readFileSync, statSync, symlinkSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it, onTestFinished } from 'vitest';
import { announce } from '../../src/cli/instances/announce.ts';
import { parseInstance } from '../../src/cli/instances/instance.ts';
import { runningInstances } from '../../src/cli/instances/list.ts';
import { withOwnToken } from '../../src/cli/instances/own-token.ts';
import { startTimeOf } from '../../src/cli/instances/start-time.ts';
import { resolveOptions } from '../../src/config/index.ts';
import { file, scratch } from '../process/python-fixtures.ts';
import { runtimeEnv } from './terminal.ts';

const root = scratch();
let homes = 0;
/** A user's runtime folders, empty. */
const home = () => {
  const folder = join(root, `home-${++homes}`);
  for (const name of ['run', 'tmp']) mkdirSync(join(folder, name), { recursive: true });
  return { folder, env: runtimeEnv(folder), own: join(folder, 'run', 'snakepit') };
};
const what = {
  ops_url: 'http://127.0.0.1:9464',
  url: 'http://127.0.0.1:8000',
  token: 'a-secret-of-this-user',
  app: 'app.py',
  version: '0.1.0',
  cwd: '/srv',
};
const announced = async (env: Record<string, string>) => {
  const remove = await announce(what, { env });
  onTestFinished(remove);
  return remove;
};
/** A process that lives until the test ends. */
const sleeper = async () => {
  const child = spawn('sleep', ['3600']);
  await once(child, 'spawn');
  onTestFinished(() => void child.kill('SIGKILL'));
  return child;
};
const record = (pid: number, start_time: string) =>
  JSON.stringify({ ...what, pid, start_time, started_at: '2025-01-15T10:30:00.000Z' });

describe('announce', () => {
  it('writes a file that only this user can read, whole, and removes it', async () => {
    const { env, own } = home();
    const remove = await announced(env);
    const path = join(own, `${process.pid}.json`);
    expect(statSync(own).mode & 0o777).toBe(0o700);
    expect(statSync(path).mode & 0o777).toBe(0o600);
    expect(readdirSync(own)).toEqual([`${process.pid}.json`]);
    expect(JSON.parse(readFileSync(path, 'utf8'))).toEqual({
      ...what,
      pid: process.pid,
      start_time: await startTimeOf(process.pid),
      started_at: expect.stringMatching(/^\d{4}-\d\d-\d\dT[\d:.]+Z$/),
    });
    expect((await runningInstances({ env })).instances).toMatchObject([what]);
    remove();
    expect(existsSync(path)).toBe(false);
    expect(process.listeners('exit')).not.toContain(remove);
  });

  it('takes the temporary folder where there is no runtime folder, and readers find it there', async () => {
    const { env, folder } = home();
    const { TMPDIR } = env;
    await announced({ TMPDIR: TMPDIR as string });
    expect(readdirSync(join(folder, 'tmp'))).toEqual([`snakepit-${process.getuid?.()}`]);
    expect((await runningInstances({ env })).instances).toHaveLength(1);
  });

  it('does the same where the runtime folder is not there or its name is no absolute path', async () => {
    for (const XDG_RUNTIME_DIR of [join(root, 'nowhere'), 'run']) {
      const { env, folder } = home();
      await announced({ ...env, XDG_RUNTIME_DIR });
      expect(readdirSync(join(folder, 'tmp'))).toHaveLength(1);
    }
  });

  it('writes into no folder that others can read or turn, and says which it refused', async () => {
    const { env, own, folder } = home();
    mkdirSync(own);
    chmodSync(own, 0o750);
    symlinkSync(join(folder, 'run'), join(folder, 'tmp', `snakepit-${process.getuid?.()}`));
    await expect(announce(what, { env })).rejects.toThrow(
      `${own} is open to other users (mode 0750; \`chmod 700 ${own}\` mends that); ${folder}/tmp/snakepit-`,
    );
    expect(readdirSync(own)).toEqual([]);
    file(join(own, '1.json'), record(process.pid, (await startTimeOf(process.pid)) as string));
    const { instances, faults } = await runningInstances({ env });
    expect({ instances, faults }).toEqual({
      instances: [],
      faults: [expect.stringContaining('is open to other users'), expect.stringContaining('is not a folder')],
    });
  });
});

describe('runningInstances', () => {
  it('removes the files of processes that are gone, or whose id another has now; leaves alone what is not its own', async () => {
    const { env, own } = home();
    mkdirSync(own, { mode: 0o700 });
    const [living, dying] = [await sleeper(), await sleeper()];
    const gone = record(dying.pid as number, (await startTimeOf(dying.pid as number)) as string);
    dying.kill('SIGKILL');
    await once(dying, 'exit');
    file(join(own, `${dying.pid}.json`), gone);
    file(join(own, '1.json'), record(living.pid as number, 'another'));
    file(
      join(own, `${living.pid}.json`),
      record(living.pid as number, (await startTimeOf(living.pid as number)) as string),
    );
    file(join(own, '7.json'), '{"pid":');
    file(join(own, 'notes.txt'), 'mine');
    const { instances } = await runningInstances({ env });
    expect(instances).toMatchObject([{ pid: living.pid }]);
    expect(readdirSync(own).sort()).toEqual(['7.json', `${living.pid}.json`, 'notes.txt'].sort());
  });
});

describe('parseInstance', () => {
  it('takes only whole records', () => {
    const whole = JSON.parse(record(1, '2'));
    expect(parseInstance(JSON.stringify(whole))).toEqual(whole);
    for (const fault of [
      { pid: '1' },
      { pid: null },
      { ops_url: 'x' },
      { token: 1 },
      { url: 1 },
      { cwd: undefined },
    ])
      expect(parseInstance(JSON.stringify({ ...whole, ...fault }))).toBeUndefined();
    for (const text of ['', 'null', '[]', '7']) expect(parseInstance(text)).toBeUndefined();
  });
});

describe('withOwnToken', () => {
  const options = (ops: object) => resolveOptions({ pools: { default: { app: 'app' } }, ops });

  it('makes a token of 32 random bytes for a server on loopback that has none', () => {
    for (const host of ['127.0.0.1', '::1', 'localhost']) {
      const { resolved, token } = withOwnToken(options({ host }));
      expect(token).toMatch(/^[\w-]{43}$/);
      expect(resolved.ops.token).toBe(token);
      expect(withOwnToken(options({ host })).token).not.toBe(token);
    }
  });

  it('makes none where one is configured, where all is open, or where others reach it', () => {
    const token = 'configured-token-of-an-operator';
    for (const ops of [{ token }, { insecure: true }, { host: '0.0.0.0' }, { host: '192.168.1.1' }]) {
      const given = options(ops);
      expect(withOwnToken(given)).toEqual({ resolved: given, token: null });
    }
  });
});
