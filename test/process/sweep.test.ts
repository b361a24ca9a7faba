import { spawn } from 'node:child_process';
import {
  chmodSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readFileSync,
  renameSync,
  statSync,
  symlinkSync,
  utimesSync,
  writeFileSync,
} from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it, onTestFinished } from 'vitest';
import { hostState, markDirectory, sweepLeftovers } from '../../src/process/index.ts';
import { hasProc, readStat } from '../../src/process/procfs.ts';
import { isAlive, until } from '../support/pit.ts';
import { file, realPython, scratch } from './python-fixtures.ts';

const folder = scratch();
const makeBase = () => mkdtempSync(`${folder}/b-`);
const NOTHING = { removed: [], killed: [], failed: [] };

/** A directory as a host makes it. */
const makeDirectory = (base: string, record: Record<string, unknown> = {}): string => {
  const directory = mkdtempSync(`${base}/snakepit-`);
  markDirectory(directory);
  file(`${directory}/w1.sock`);
  file(`${directory}/w1.progress`);
  change(directory, record);
  return directory;
};

const change = (directory: string, values: Record<string, unknown>) => {
  const path = join(directory, 'host.json');
  writeFileSync(path, JSON.stringify({ ...JSON.parse(readFileSync(path, 'utf8')), ...values }));
};

/** Says of a directory that its host is this process, which began at another time: so it is another, and gone. */
const dead = hasProc ? { starttime: 1 } : { pid: 2 ** 22 + 1 };

/** A process as a worker is started, or a forked child of one. Waits until it can be recognized. */
const startWorker = async (socket: string, group: 'own' | 'ours'): Promise<number> => {
  const child = spawn(realPython, ['-S', '-c', 'import time; time.sleep(600)'], {
    detached: group === 'own',
    stdio: 'ignore',
    env: { SNAKEPIT_SOCKET: socket },
  });
  onTestFinished(() => void child.kill('SIGKILL'));
  const pid = child.pid as number;
  await until(() => readFileSync(`/proc/${pid}/environ`, 'utf8').includes(socket), 'it is started');
  return pid;
};

const age = (directory: string) => utimesSync(directory, new Date(0), new Date(0));

describe('markDirectory', () => {
  it('says whose it is, to nobody else', () => {
    const directory = makeDirectory(makeBase());
    const path = join(directory, 'host.json');
    expect(statSync(path).mode & 0o777).toBe(0o600);
    expect(JSON.parse(readFileSync(path, 'utf8'))).toMatchObject({
      pid: process.pid,
      starttime: readStat(process.pid)?.startTime ?? 0,
      created: expect.stringMatching(/^\d{4}-.*Z$/),
    });
    expect(hostState(directory)).toBe('alive');
    expect(() => markDirectory(directory)).toThrow('EEXIST');
  });
});

describe('sweepLeftovers', () => {
  it('removes directories of dead hosts, and leaves those of living ones', async () => {
    const base = makeBase();
    const [left, alive] = [makeDirectory(base, dead), makeDirectory(base)];
    const gone = makeDirectory(base, { pid: 2 ** 22 + 1 });
    mkdirSync(`${gone}/deep`);
    const report = await sweepLeftovers(base);
    expect(report).toEqual({ ...NOTHING, removed: expect.arrayContaining([left, gone]) });
    expect([left, gone, alive].map((path) => existsSync(path))).toEqual([false, false, true]);
    expect(await sweepLeftovers(base)).toEqual(NOTHING);
  });

  it.skipIf(!hasProc)('takes a host that waits to be asked after for dead', async () => {
    const base = makeBase();
    const directory = makeDirectory(base);
    const code = `import os, time
pid = os.fork()
if pid == 0: os._exit(0)
print(pid, flush=True)
time.sleep(600)`;
    const host = spawn(realPython, ['-S', '-c', code], { stdio: ['ignore', 'pipe', 'ignore'] });
    onTestFinished(() => void host.kill('SIGKILL'));
    const pid = await new Promise<number>((resolve) =>
      host.stdout.once('data', (data) => resolve(Number(data))),
    );
    await until(() => readStat(pid)?.state === 'Z', 'a zombie');
    change(directory, { pid, starttime: readStat(pid)?.startTime });
    expect((await sweepLeftovers(base)).removed).toEqual([directory]);
  });

  it.skipIf(!hasProc)('kills the workers of dead hosts and nobody else', async () => {
    const base = makeBase();
    const [left, alive] = [makeDirectory(base, dead), makeDirectory(base)];
    const orphan = await startWorker(`${left}/w1.sock`, 'own');
    const forked = await startWorker(`${left}/w1.sock`, 'ours');
    const serving = await startWorker(`${alive}/w1.sock`, 'own');
    const similar = await startWorker(`${left}x/w1.sock`, 'own');
    const { killed, removed } = await sweepLeftovers(base);
    expect([...killed].sort()).toEqual([orphan, forked].sort());
    expect(removed).toEqual([left]);
    await until(() => !isAlive(orphan) && !isAlive(forked), 'the orphans are gone');
    expect([serving, similar].map(isAlive)).toEqual([true, true]);
  });

  it.skipIf(!hasProc)('recognizes workers that know the directory by another path', async () => {
    const base = makeBase();
    const link = `${folder}/link-${Math.random()}`;
    symlinkSync(base, link);
    const directory = makeDirectory(base, dead);
    const orphan = await startWorker(`${link}/${directory.slice(base.length + 1)}/w1.sock`, 'own');
    expect((await sweepLeftovers(base)).killed).toEqual([orphan]);
  });

  it('leaves hosts of other containers and machines alone, but not those of before a restart', async () => {
    const base = makeBase();
    const container = makeDirectory(base, { ...dead, pid_namespace: 'pid:[1]' });
    const machine = makeDirectory(base, { ...dead, boot_id: 'x', hostname: 'another' });
    expect(await sweepLeftovers(base)).toEqual(NOTHING);
    expect([container, machine].map(hostState)).toEqual(['elsewhere', 'elsewhere']);
    const before = makeDirectory(base, { boot_id: 'x' });
    expect((await sweepLeftovers(base)).removed).toEqual([before]);
  });

  it('removes what names no host only when it is old and holds nothing else', async () => {
    const base = makeBase();
    const make = (...files: string[]) => {
      const directory = mkdtempSync(`${base}/snakepit-`);
      for (const name of files) file(`${directory}/${name}`, '{"half');
      return directory;
    };
    const young = make('w1.sock');
    const [old, broken, foreign, nested] = [
      make('w1.sock', 'w1.progress'),
      make('host.json'),
      make('w1.sock', 'notes.txt'),
      make('deep.sock/x'),
    ];
    for (const path of [old, broken, foreign, nested]) age(path);
    const report = await sweepLeftovers(base);
    expect(report).toEqual({ ...NOTHING, removed: expect.arrayContaining([old, broken]) });
    expect([young, old, broken, foreign, nested].map((path) => existsSync(path))).toEqual([
      true,
      false,
      false,
      true,
      true,
    ]);
  });

  it.skipIf(!hasProc)('leaves what names no host but is used', async () => {
    const base = makeBase();
    const directory = mkdtempSync(`${base}/snakepit-`);
    age(directory);
    const worker = await startWorker(`${directory}/w1.sock`, 'own');
    expect(await sweepLeftovers(base)).toEqual(NOTHING);
    expect(isAlive(worker)).toBe(true);
  });

  it('follows no links and touches nothing of another name or that others may enter', async () => {
    const base = makeBase();
    const [linked, inner] = [makeDirectory(makeBase(), dead), makeDirectory(base, dead)];
    symlinkSync(linked, `${base}/snakepit-aaaaaa`);
    const outside = file(`${makeBase()}/outside`, 'x');
    symlinkSync(outside, `${inner}/link`);
    const renamed = `${base}/snakepit-test-x`;
    renameSync(makeDirectory(base, dead), renamed);
    const open = makeDirectory(base, dead);
    chmodSync(open, 0o755);
    file(`${base}/snakepit-bbbbbb`);
    expect((await sweepLeftovers(base)).removed).toEqual([inner]);
    for (const path of [linked, outside, renamed, open, `${base}/snakepit-bbbbbb`])
      expect(existsSync(path)).toBe(true);
  });

  it('makes nothing of a base that is not there', async () => {
    expect(await sweepLeftovers(`${folder}/nowhere`)).toEqual(NOTHING);
  });
});
