import { type ChildProcess, execFileSync, spawn } from 'node:child_process';
import { existsSync, mkdtempSync, readFileSync, readlinkSync } from 'node:fs';
import { createInterface } from 'node:readline';
import { fileURLToPath } from 'node:url';
import { describe, expect, it, onTestFinished } from 'vitest';
import { acquireGuardian } from '../../src/process/index.ts';
import { readStat } from '../../src/process/procfs.ts';
import { isAlive, until } from '../support/pit.ts';
import { realPython, scratch, script } from './python-fixtures.ts';

const build = fileURLToPath(new URL('../../dist/process/guardian.js', import.meta.url));
const hostScript = fileURLToPath(new URL('guardian-host.mjs', import.meta.url));
const folder = scratch();

interface Told {
  readonly directory: string;
  readonly guardian: number;
  readonly pids: readonly number[];
}

/** Kills what a failed test would leave: the process, and the group where it leads one. */
const tidy = (pid: number | undefined) => {
  onTestFinished(() => {
    if (pid === undefined) return;
    for (const target of [-pid, pid]) {
      try {
        process.kill(target, 'SIGKILL');
      } catch {
        // It is gone, as it should be.
      }
    }
  });
};

/** Starts a host and hands on the objects it prints, one at each call. */
const startHost = (mode: 'at-once' | 'die' | 'wait') => {
  if (!existsSync(build)) throw new Error('dist is missing or old. Build it first: npm run build');
  const temporary = mkdtempSync(`${folder}/t-`);
  const env = { ...process.env, TMPDIR: temporary, SECRET_OF_HOST: 'x' };
  const host = spawn(process.execPath, [hostScript, mode, realPython], {
    env,
    stdio: ['pipe', 'pipe', 'inherit'],
  });
  tidy(host.pid);
  const lines = createInterface({ input: host.stdout })[Symbol.asyncIterator]();
  const next = async (): Promise<Told> => {
    const told = JSON.parse((await lines.next()).value) as Told;
    for (const pid of [told.guardian, ...(told.pids ?? [])]) tidy(pid);
    return told;
  };
  return { host, next };
};

const ended = (child: ChildProcess) =>
  until(() => child.exitCode !== null || child.signalCode !== null, 'the host ends');

const allGone = ({ directory, pids, guardian }: Told) =>
  until(
    () => ![...pids, guardian].some(isAlive) && !existsSync(directory),
    `${pids}, ${guardian} and ${directory} are gone`,
  );

/** A process that leads a group and that nothing but a kill ends. */
const sleeper = () => {
  const child = spawn(realPython, ['-S', '-c', 'import time; time.sleep(600)'], {
    detached: true,
    stdio: 'ignore',
  });
  tidy(child.pid);
  return child.pid as number;
};

describe('when the host is killed', () => {
  it('its workers, their children and its directory go, and the guardian itself, over and over', async () => {
    for (let round = 0; round < 10; round++) {
      const { host, next } = startHost('die');
      const told = await next();
      expect(told.pids).toHaveLength(4);
      await ended(host);
      await allGone(told);
    }
  });

  it('even when that happens in the very turn in which they were started', async () => {
    for (let round = 0; round < 10; round++) {
      const { host, next } = startHost('at-once');
      const told = await next();
      expect(told.pids).toHaveLength(2);
      await ended(host);
      await allGone(told);
    }
  });

  it('and the leader of a group had died before, the rest of the group goes', async () => {
    const { host, next } = startHost('wait');
    const told = await next();
    const [leader = 0] = told.pids;
    process.kill(leader, 'SIGKILL');
    await until(() => !existsSync(`/proc/${leader}`), 'the leader is gone for good');
    expect(told.pids.filter(isAlive)).toHaveLength(3);
    host.kill('SIGKILL');
    await allGone(told);
  });

  it('and a guardian had been killed before, its successor does the work', async () => {
    const { host, next } = startHost('wait');
    const told = await next();
    process.kill(told.guardian, 'SIGKILL');
    const { guardian } = await next();
    expect(guardian).not.toBe(told.guardian);
    host.kill('SIGKILL');
    await allGone({ ...told, guardian });
  });

  it('what had been forgotten stays, also when a successor has been told everything anew', async () => {
    const { host, next } = startHost('wait');
    const told = await next();
    host.stdin.write('forget\n');
    process.kill(told.guardian, 'SIGKILL');
    const { guardian } = await next();
    host.kill('SIGKILL');
    const [first, second, child, other] = told.pids as [number, number, number, number];
    await until(
      () => ![second, other, guardian].some(isAlive),
      'the second worker and the guardian are gone',
    );
    expect([first, child].map(isAlive)).toEqual([true, true]);
    expect(existsSync(told.directory)).toBe(true);
  });

  it('no signal but the end of its input has ended the guardian', async () => {
    const { host, next } = startHost('wait');
    const told = await next();
    await until(() => ignores(told.guardian), 'the guardian is up');
    for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const) process.kill(told.guardian, signal);
    host.kill('SIGKILL');
    await allGone(told);
  });
});

/** Whether a process ignores SIGTERM (bit 14 of the mask). */
const ignores = (pid: number): boolean => {
  const mask = /^SigIgn:\s+([0-9a-f]+)$/m.exec(readFileSync(`/proc/${pid}/status`, 'utf8'))?.[1];
  return mask !== undefined && (BigInt(`0x${mask}`) & (1n << 14n)) !== 0n;
};

describe('the guardian', () => {
  it('has nothing of the host: session, folder, environment, descriptors', async () => {
    const guardian = acquireGuardian(realPython);
    onTestFinished(() => guardian.release());
    const pid = guardian.pid as number;
    await until(() => ignores(pid), 'the guardian is up');
    await until(() => !existsSync(`/proc/${pid}/fd/3`), 'it has closed what it does not need');
    expect(readStat(pid)).toMatchObject({ processGroup: pid, session: pid });
    expect(readlinkSync(`/proc/${pid}/cwd`)).toBe('/');
    const names = readFileSync(`/proc/${pid}/environ`, 'utf8')
      .split('\0')
      .map((pair) => pair.split('=')[0] as string);
    expect(names.filter((name) => !/^(PATH|HOME|LD_LIBRARY_PATH|PYENV_.*|)$/.test(name))).toEqual([]);
  });

  it('is shared, and goes with its last user, who is not kept waiting', async () => {
    const first = acquireGuardian(realPython);
    const second = acquireGuardian(realPython);
    const pid = first.pid as number;
    expect(second.pid).toBe(pid);
    const watched = sleeper();
    first.watch(watched);
    await first.release();
    await first.release();
    expect(isAlive(pid)).toBe(true);
    const begun = performance.now();
    await second.release();
    expect(isAlive(pid)).toBe(false);
    expect(performance.now() - begun).toBeLessThan(5000);
    // What a user lets go of without a word is not killed for that.
    expect(isAlive(watched)).toBe(true);
  });

  it('says once why it cannot be started, and then lets everything be called', async () => {
    const troubles: string[] = [];
    const guardian = acquireGuardian(`${folder}/nowhere/python`, (message) => {
      troubles.push(message);
      throw new Error('an observer that fails');
    });
    await until(() => troubles.length > 0, 'it is told');
    expect(troubles[0]).toMatch(/guardian.*cannot be started.*ENOENT/);
    guardian.watch(process.pid);
    guardian.watch(2 ** 22 + 1);
    guardian.forget(process.pid);
    guardian.watchDirectory(`${folder}/snakepit-a\nd /`);
    await new Promise((resolve) => setTimeout(resolve, 1200));
    expect(troubles).toHaveLength(1);
    await guardian.release();
  });

  it("takes another user's interpreter where the first one's fails", async () => {
    const troubles: string[] = [];
    const broken = script(`${folder}/broken`, 'exit 3');
    const first = acquireGuardian(broken, (message) => troubles.push(message));
    onTestFinished(() => first.release());
    const second = acquireGuardian(realPython);
    onTestFinished(() => second.release());
    await until(() => troubles.length > 0, 'it is told');
    expect(troubles[0]).toContain('exit code 3');
    await until(() => second.pid !== undefined && ignores(second.pid), 'a guardian runs');
  });

  it('does not keep Node alive', async () => {
    const program = `import { acquireGuardian } from ${JSON.stringify(build)};
      console.log(acquireGuardian(${JSON.stringify(realPython)}).pid);`;
    const output = execFileSync(process.execPath, ['--input-type=module', '-e', program], {
      encoding: 'utf8',
      timeout: 30_000,
    });
    const pid = Number(output);
    tidy(pid);
    await until(() => !isAlive(pid), 'the guardian ends with it');
  });
});
