import { execFileSync } from 'node:child_process';
import {
  closeSync,
  constants,
  mkdirSync,
  openSync,
  readdirSync,
  readFileSync,
  renameSync,
  rmSync,
} from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it, onTestFinished } from 'vitest';
import { isSnakepitError } from '../../../src/errors/index.ts';
import { openLog, parseLines, temporaryFolder } from './fixtures.ts';

const linux = process.platform === 'linux';

/** Descriptors of this process that lead to a file, also one that was removed. */
const openOn = (file: string): number =>
  readdirSync('/proc/self/fd').filter((fd) => {
    try {
      return execFileSync('readlink', [`/proc/${process.pid}/fd/${fd}`], { encoding: 'utf8' }).startsWith(
        file,
      );
    } catch {
      return false;
    }
  }).length;

describe('a log file that is renamed and opened anew', () => {
  it('goes on under its name; nothing is lost or torn, however often', async () => {
    const log = openLog();
    const files: string[] = [];
    const total = 20_000;
    for (let i = 0; i < total; i++) {
      log.logger.info('x'.repeat(i % 200), { i });
      if (i % 1000 === 999) {
        const old = `${log.file}.${files.length}`;
        renameSync(log.file, old);
        files.push(old);
        log.reopen();
        if (i % 4000 === 3999) await new Promise((resolve) => setImmediate(resolve));
      }
    }
    await log.close();
    const lines = [...files, log.file].flatMap((file) => parseLines(readFileSync(file, 'utf8')));
    expect(lines.map(({ i }) => i)).toEqual(Array.from({ length: total }, (_, i) => i));
    expect(log.counts()).toEqual({ writeErrors: 0, dropped: 0 });
  });

  it('has what is written afterwards in the new file', async () => {
    const log = openLog();
    log.logger.info('before');
    const old = `${log.file}.1`;
    await new Promise((resolve) => setImmediate(resolve));
    renameSync(log.file, old);
    log.reopen();
    log.logger.info('after');
    await log.close();
    expect(parseLines(readFileSync(log.file, 'utf8')).map(({ message }) => message)).toContain('after');
    expect(readFileSync(old, 'utf8')).not.toContain('after');
  });

  it.runIf(linux)('leaves no descriptor behind', async () => {
    const log = openLog();
    log.logger.info('one');
    for (let i = 0; i < 5; i++) log.reopen();
    log.logger.info('two');
    expect(await log.lines()).toHaveLength(2);
    log.reopen();
    expect(openOn(log.file)).toBe(0);
  });

  it('stays the one that is open when it cannot be opened', async () => {
    const log = openLog();
    const old = `${log.file}.1`;
    renameSync(log.file, old);
    mkdirSync(log.file);
    let error: unknown;
    try {
      log.reopen();
    } catch (thrown) {
      error = thrown;
    }
    expect(isSnakepitError(error) && error.message).toMatch(/logs\.dest: .*It is a folder/);
    log.logger.info('still here');
    await log.close();
    expect(parseLines(readFileSync(old, 'utf8')).map(({ message }) => message)).toEqual(['still here']);
  });

  it.runIf(linux)('comes back to life when its reader had gone', async () => {
    const folder = temporaryFolder();
    const pipe = join(folder, 'pipe');
    execFileSync('mkfifo', [pipe]);
    const reader = openSync(pipe, constants.O_RDONLY | constants.O_NONBLOCK);
    const log = openLog({ dest: pipe });
    closeSync(reader);
    log.logger.info('lost');
    while (log.counts().dropped === 0) await new Promise((resolve) => setImmediate(resolve));
    rmSync(pipe);
    log.reopen();
    onTestFinished(() => log.close());
    log.logger.info('found');
    await log.close();
    expect(parseLines(readFileSync(pipe, 'utf8')).map(({ message }) => message)).toEqual(['found']);
  });
});
