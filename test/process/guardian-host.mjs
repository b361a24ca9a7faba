/**
 * A host for the tests of the guardian, run by plain Node from the build. Starts workers, each with a child of its own in the same
 * process group, prints the pids as JSON, and then, by its first argument: is dead before anything was awaited (`at-once`), dies when
 * all run (`die`), or waits to be killed (`wait`). `forget` on its standard input makes it forget the first worker and the directory.
 */
import { spawn } from 'node:child_process';
import { mkdtempSync, writeSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { acquireGuardian, markDirectory } from '../../dist/process/index.js';

const [, , mode, python] = process.argv;
const directory = mkdtempSync(join(tmpdir(), 'snakepit-'));
markDirectory(directory);
const guardian = acquireGuardian(python);
guardian.watchDirectory(directory);

// No end of standard input and no parent's death ends these.
const child = 'import time; time.sleep(600)';
const worker = `import subprocess, sys, time
print(subprocess.Popen([sys.executable, "-S", "-c", ${JSON.stringify(child)}]).pid, flush=True)
time.sleep(600)`;

const start = () => {
  const env = { ...process.env, SNAKEPIT_SOCKET: `${directory}/w1.sock` };
  const started = spawn(python, ['-S', '-c', worker], {
    detached: true,
    env,
    stdio: ['ignore', 'pipe', 'ignore'],
  });
  guardian.watch(started.pid);
  return started;
};

if (mode === 'at-once') {
  // Nothing is awaited between the start and the end: what the guardian is to know must have left by then.
  const workers = [start(), start()];
  writeSync(
    1,
    `${JSON.stringify({ directory, guardian: guardian.pid, pids: workers.map(({ pid }) => pid) })}\n`,
  );
  process.kill(process.pid, 'SIGKILL');
}

const workers = [start(), start()];
const children = await Promise.all(
  workers.map((one) => new Promise((resolve) => one.stdout.once('data', (data) => resolve(Number(data))))),
);
const pids = [...workers.map(({ pid }) => pid), ...children];
writeSync(1, `${JSON.stringify({ directory, guardian: guardian.pid, pids })}\n`);
if (mode === 'die') process.kill(process.pid, 'SIGKILL');
process.stdin.once('data', () => {
  guardian.forget(workers[0].pid);
  guardian.forgetDirectory(directory);
});
// Whoever restarts the guardian is told of it here.
let last = guardian.pid;
setInterval(() => {
  if (guardian.pid !== undefined && guardian.pid !== last) {
    last = guardian.pid;
    writeSync(1, `${JSON.stringify({ guardian: last })}\n`);
  }
}, 5);
