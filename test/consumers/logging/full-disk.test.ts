import { spawn, spawnSync } from 'node:child_process';
import { mkdirSync, readFileSync, rmSync, symlinkSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it, onTestFinished } from 'vitest';
import { until } from '../../support/pit.ts';
import { Children, ended } from './child.ts';
import { openLog, parseLines, temporaryFolder } from './fixtures.ts';

let children: Children;
beforeAll(() => {
  children = new Children();
});
afterAll(() => children.remove());

const linux = process.platform === 'linux';

/** Runs a program with a file system of its own below a folder, which nobody else sees and which is gone with it. */
const withDisk = (folder: string, argv: readonly string[]): readonly string[] => [
  'unshare',
  '--map-root-user',
  '--mount',
  'sh',
  '-c',
  'mount -t tmpfs -o size=4m none "$0" && exec "$@"',
  folder,
  ...argv,
];

const runs = ([command, ...args]: readonly string[]): boolean =>
  spawnSync(command as string, args, { stdio: 'ignore' }).status === 0;

/** Not everybody may mount: containers as a rule do not let one. */
const mayMount = linux && runs(withDisk('/mnt', ['true']));

const numbers = (from: number, to: number) => Array.from({ length: to - from }, (_, i) => from + i);

describe('a disk that was full', () => {
  it.runIf(mayMount).each(['json', 'pretty'])(
    'has every line that waited, in order, once there is room again (%s, by leave of the kernel)',
    async (format) => {
      const folder = temporaryFolder();
      const disk = join(folder, 'disk');
      mkdirSync(disk);
      const dest = join(disk, 'the.log');
      const script = children.write(
        { dest, format },
        `import { closeSync, openSync, readFileSync, rmSync, writeSync } from 'node:fs';
         const ballast = ${JSON.stringify(join(disk, 'ballast'))};
         const lines = (from, to) => { for (let i = from; i < to; i++) log.logger.info('line ' + i + ' of ' + 'x'.repeat(100), { i }); };
         lines(0, 100);
         await until(() => readFileSync(${JSON.stringify(dest)}, 'utf8').includes('line 99 '));
         // The disk becomes full to the last byte: no part of a line fits any more, or only a part of one.
         const fd = openSync(ballast, 'w');
         try { for (;;) writeSync(fd, Buffer.alloc(1000)); } catch (error) { if (error.code !== 'ENOSPC') throw error; }
         closeSync(fd);
         lines(100, 1000);
         await until(() => log.counts().writeErrors > 0);
         lines(1000, 1500);
         const full = log.counts();
         // Nobody does anything but to make room. What waits is more than one batch.
         rmSync(ballast);
         await until(() => readFileSync(${JSON.stringify(dest)}, 'utf8').includes('line 1499 '));
         await log.close();
         process.stdout.write(JSON.stringify({ full, after: log.counts(), text: readFileSync(${JSON.stringify(dest)}, 'utf8') }));`,
      );
      const [command, ...args] = withDisk(disk, [process.execPath, script]);
      const child = spawn(command as string, args, { stdio: ['ignore', 'pipe', 'pipe'] });
      onTestFinished(() => void child.kill('SIGKILL'));
      const end = await ended(child);
      expect(end.code, end.stderr).toBe(0);
      const { full, after, text } = JSON.parse(end.stdout);
      expect(full.dropped).toBe(0);
      expect(after.dropped).toBe(0);
      expect(after.writeErrors).toBeGreaterThanOrEqual(full.writeErrors);
      const seen = [...text.matchAll(/line (\d+) of x{100}/g)].map(([, i]) => Number(i));
      expect(seen).toEqual(numbers(0, 1500));
      if (format === 'json') expect(parseLines(text).map(({ i }) => i)).toEqual(numbers(0, 1500));
    },
  );

  it.runIf(linux)('has every line that waited in the file that is opened in its place', async () => {
    const folder = temporaryFolder();
    const dest = join(folder, 'the.log');
    symlinkSync('/dev/full', dest);
    const log = openLog({ dest, level: 'info' });
    for (const i of numbers(0, 500)) log.logger.info('waits', { i });
    await until(() => log.counts().writeErrors > 0, 'the failure');
    for (const i of numbers(500, 1000)) log.logger.info('waits too', { i });
    rmSync(dest);
    log.reopen();
    for (const i of numbers(1000, 1500)) log.logger.info('afterwards', { i });
    await log.close();
    expect(parseLines(readFileSync(dest, 'utf8')).map(({ i }) => i)).toEqual(numbers(0, 1500));
    expect(log.counts().dropped).toBe(0);
  });
});
