import { execFileSync } from 'node:child_process';
import { existsSync, readFileSync, statSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { createLogging } from '../../../src/consumers/logging/index.ts';
import { isSnakepitError } from '../../../src/errors/index.ts';
import { EventBus } from '../../../src/events/index.ts';
import { Children, ended } from './child.ts';
import { fail, openLog, parseLines, temporaryFolder } from './fixtures.ts';

let children: Children;
beforeAll(() => {
  children = new Children();
});
afterAll(() => children.remove());

const hundred = "for (let i = 0; i < 100; i++) log.logger.info('line', { i });";
const linux = process.platform === 'linux';

describe('a file', () => {
  it('is appended to, readable by the group at most', async () => {
    const log = openLog();
    await log.close();
    writeFileSync(log.file, 'before\n');
    const again = createLogging({
      options: { level: 'info', format: 'json', dest: log.file },
      bus: new EventBus(),
    });
    again.logger.info('after');
    await again.close();
    expect(readFileSync(log.file, 'utf8')).toMatch(/^before\n\{.*"message":"after"\}\n$/);
    expect(statSync(log.file).mode & 0o007).toBe(0);
  });

  it('has every line in order after close', async () => {
    const log = openLog();
    for (let i = 0; i < 5000; i++) log.logger.info('x'.repeat(i % 300), { i });
    const lines = await log.lines();
    expect(lines.map((line) => line.i)).toEqual(Array.from({ length: 5000 }, (_, i) => i));
    expect(log.counts()).toEqual({ writeErrors: 0, dropped: 0 });
  });

  it('takes no lines after close, and says so', async () => {
    const log = openLog();
    await log.close();
    await log.close();
    log.logger.error('late');
    expect(log.counts().dropped).toBe(1);
  });

  it.each([
    ['at process.exit', `${hundred} process.exit(0);`, 0],
    ['at an uncaught exception', `${hundred} throw new Error('crash');`, 1],
    ['at a natural end', hundred, 0],
    ['in the middle of writing', `${hundred} setImmediate(() => { ${hundred} process.exit(0); });`, 0],
  ])('has every line %s', async (_, script, code) => {
    const dest = join(temporaryFolder(), 'exit.log');
    const end = await children.run({ dest }, script);
    expect(end.code).toBe(code);
    expect(parseLines(readFileSync(dest, 'utf8')).length).toBe(script.split('for (').length * 100 - 100);
  });

  it('that cannot be written is an error of the start', () => {
    const folder = temporaryFolder();
    const dest = join(folder, 'missing', 'x.log');
    const open = (path: string) => () =>
      createLogging({ options: { level: 'info', format: 'json', dest: path }, bus: new EventBus() });
    expect(open(dest)).toThrow(
      `logs.dest: got "${dest}", which cannot be opened for appending (ENOENT). Create its folder first. 'stderr' and 'stdout' work too.`,
    );
    expect(open(folder)).toThrow('It is a folder: name a file in it.');
    try {
      open(dest)();
    } catch (error) {
      expect(isSnakepitError(error) && error.code).toBe('invalid_configuration');
    }
    expect(existsSync(dest)).toBe(false);
  });

  it.runIf(linux)('that is a pipe nobody reads does not hang the start', () => {
    const pipe = join(temporaryFolder(), 'pipe');
    execFileSync('mkfifo', [pipe]);
    expect(() =>
      createLogging({ options: { level: 'info', format: 'json', dest: pipe }, bus: new EventBus() }),
    ).toThrow('start its reader first');
  });
});

describe('standard streams', () => {
  it.each(['stderr', 'stdout'] as const)('gets its lines on %s and nothing elsewhere', async (dest) => {
    const end = await children.run({ dest }, hundred);
    expect(parseLines(end[dest])).toHaveLength(100);
    expect(end[dest === 'stderr' ? 'stdout' : 'stderr']).toBe('');
    expect(end.code).toBe(0);
  });

  it('has every line on a pipe at process.exit', async () => {
    const end = await children.run({ dest: 'stderr' }, `${hundred} process.exit(3);`);
    expect(end.code).toBe(3);
    expect(parseLines(end.stderr)).toHaveLength(100);
  });
});

describe('a write that fails', () => {
  it.runIf(linux)('on a full disk goes on shortened on stderr, and the process ends', async () => {
    const end = await children.run(
      { dest: '/dev/full' },
      `log.logger.error('first', { detail: 1 });
       log.logger.info('not important');
       await until(() => log.counts().writeErrors > 0);
       log.logger.warn('second');
       console.log(JSON.stringify(log.counts()));`,
    );
    expect(end.code).toBe(0);
    const lines = parseLines(end.stderr);
    expect(lines.map((line) => line.message)).toEqual([
      expect.stringContaining('cannot be written to /dev/full: ENOSPC'),
      'first',
      'second',
    ]);
    for (const line of lines) {
      expect(Object.keys(line).sort()).toEqual(['event', 'level', 'logger', 'message', 'timestamp']);
    }
    expect(JSON.parse(end.stdout)).toEqual({ writeErrors: 1, dropped: 0 });
  });

  it.runIf(linux)('at the exit itself does not keep the process', async () => {
    const script =
      "log.logger.error('last'); process.on('exit', () => log.logger.error('very last')); process.exit(0);";
    const end = await children.run({ dest: '/dev/full' }, script);
    expect(end.code).toBe(0);
    expect(end.stderr).toContain('very last');
  });

  it.runIf(linux)('is counted as lost on close', async () => {
    const log = openLog({ dest: '/dev/full', level: 'info' });
    log.logger.info('lost');
    await log.close();
    expect(log.counts()).toEqual({ writeErrors: 1, dropped: 1 });
  });

  it.each([
    ['stderr', 'no line anywhere'],
    ['stdout', 'shortened lines on stderr'],
  ] as const)('on a %s nobody reads does not end the process: %s', async (dest, _) => {
    const child = children.start(
      { dest },
      `const other = process.${dest === 'stderr' ? 'stdout' : 'stderr'};
       process.on('SIGUSR2', async () => {
         log.logger.error('one');
         await until(() => log.counts().writeErrors > 0);
         log.logger.error('two');
         other.write('alive ' + JSON.stringify(log.counts()) + '\\n');
         process.exit(0);
       });
       setInterval(() => {}, 1000);
       other.write('up\\n');`,
    );
    const other = dest === 'stderr' ? child.stdout : child.stderr;
    await new Promise((resolve) => other?.once('data', resolve));
    const closed = new Promise((resolve) => child[dest]?.once('close', resolve));
    child[dest]?.destroy();
    await closed;
    const ending = ended(child);
    child.kill('SIGUSR2');
    const end = await ending;
    expect(end.code).toBe(0);
    const said = dest === 'stderr' ? end.stdout : end.stderr;
    expect(said).toContain('alive {"writeErrors":1,"dropped":2}');
    if (dest === 'stdout') expect(said).toContain('"message":"two"');
  });
});

describe('as a guest', () => {
  it('adds no signal handler and leaves no listener behind', async () => {
    const signals = ['SIGTERM', 'SIGINT', 'SIGHUP', 'SIGPIPE'] as const;
    const counts = () => [...signals, 'exit', 'uncaughtException'].map((name) => process.listenerCount(name));
    const before = counts();
    const logs = Array.from({ length: 20 }, () => openLog());
    expect(counts().slice(0, 4)).toEqual(before.slice(0, 4));
    expect(process.listenerCount('exit')).toBeLessThanOrEqual((before[4] as number) + 1);
    await Promise.all(logs.map((log) => log.close()));
    expect(counts()).toEqual(before);
  });

  it('does not keep the process alive', async () => {
    const end = await children.run({ dest: 'stderr' }, '');
    expect(end).toMatchObject({ code: 0, stdout: '', stderr: '' });
  });
});

describe('pretty', () => {
  it('is for people, without colours where there is no terminal', async () => {
    const log = openLog({ format: 'pretty' });
    log.logger.info('hello', { a: 1 });
    log.bus.emit('python.log', {}, { level: 'info', logger: 'torch.hub', message: 'loading \u001b[2J' });
    fail(log.bus);
    const text = await log.text();
    expect(text).toMatch(/^\[\d\d:\d\d:\d\d\.\d{3}\] INFO: hello \{"a":1\}$/m);
    expect(text).toContain('INFO: [torch.hub] loading [2J');
    expect(text).toMatch(/^ {4}error: Traceback \(most recent call last\):\n {6}File "app.py", line 3/m);
    expect(text).not.toContain('\u001b');
  });

  it('ends with its lines written, also at process.exit', async () => {
    const dest = join(temporaryFolder(), 'pretty.log');
    await children.run({ dest, format: 'pretty' }, `${hundred} process.exit(0);`);
    expect(readFileSync(dest, 'utf8').match(/INFO: line/g)).toHaveLength(100);
  });
});
