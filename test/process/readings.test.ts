import { type ChildProcess, spawn } from 'node:child_process';
import { describe, expect, it, onTestFinished } from 'vitest';
import { type ProcessReadings, readProcess } from '../../src/process/index.ts';
import { hasProc } from '../../src/process/procfs.ts';
import { until } from '../support/pit.ts';
import { file, realPython, scratch } from './python-fixtures.ts';

const folder = scratch();

const start = (code: string): ChildProcess & { pid: number } => {
  const child = spawn(realPython, ['-S', '-c', code], { stdio: 'ignore' });
  onTestFinished(() => void child.kill('SIGKILL'));
  return child as ChildProcess & { pid: number };
};

describe.skipIf(!hasProc)('readProcess', () => {
  it('sees a process that spins: CPU, memory, threads', async () => {
    const { pid } = start(`import threading, time
for _ in range(3): threading.Thread(target=time.sleep, args=(600,), daemon=True).start()
kept = bytearray(64 * 1024 * 1024)
while True: pass`);
    const first = (await until(() => {
      const now = readProcess(pid);
      return now?.threads === 4 && now.cpuSeconds >= 0.2 ? now : undefined;
    }, 'it spins with four threads')) as ProcessReadings;
    expect(first.state).toBe('R');
    expect(first.rssBytes).toBeGreaterThan(64 * 1024 ** 2);
    expect(first.rssBytes).toBeLessThan(256 * 1024 ** 2);
    await until(() => (readProcess(pid)?.cpuSeconds ?? 0) > first.cpuSeconds, 'its CPU time grows');
    expect(readProcess(pid)?.startTime).toBe(first.startTime);
    expect(start('import time; time.sleep(600)').pid).not.toBe(pid);
  });

  it('sees sleep and stop', async () => {
    const child = start('import time; time.sleep(600)');
    await until(() => readProcess(child.pid)?.state === 'S', 'it sleeps');
    child.kill('SIGSTOP');
    await until(() => readProcess(child.pid)?.state === 'T', 'it is stopped');
  });

  it('is undefined when the process is gone', async () => {
    const child = start('pass');
    await until(() => child.exitCode !== null, 'it ends');
    expect(readProcess(child.pid)).toBeUndefined();
  });

  it('is not led astray by the name of a process; a zombie has no memory', () => {
    const numbers = Array.from({ length: 49 }, (_, i) => i + 4);
    file(`${folder}/proc/7/stat`, `7 (a) Z 9 (b)) Z ${numbers.join(' ')}\n`);
    file(`${folder}/proc/7/status`, 'Name:\ta) Z 9 (b)\n');
    expect(readProcess(7, folder)).toEqual({
      rssBytes: 0,
      cpuSeconds: (14 + 15) / 100,
      threads: 20,
      state: 'Z',
      startTime: 22,
    });
  });
});
