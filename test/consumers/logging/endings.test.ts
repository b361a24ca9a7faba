import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { Children, ended } from './child.ts';
import { parseLines, temporaryFolder } from './fixtures.ts';

let children: Children;
beforeAll(() => {
  children = new Children();
});
afterAll(() => children.remove());

const LINES = 20_000;
const many = `for (let i = 0; i < ${LINES}; i++) log.logger.info('a line of ordinary length, as there are many', { i });`;

describe('many lines, and then the end', () => {
  it.each([
    ['process.exit', 'process.exit(7);', 7],
    ['an uncaught exception', "throw new Error('crash');", 1],
    ['an uncaught exception later', "setTimeout(() => { throw new Error('crash'); });", 1],
    ['an unhandled rejection', "Promise.reject(new Error('crash'));", 1],
    [
      'a SIGTERM that is handled',
      "process.once('SIGTERM', () => process.exit(0)); process.kill(process.pid, 'SIGTERM'); setInterval(() => {}, 1000);",
      0,
    ],
    ['nothing more to do', '', 0],
  ])('by %s has every line, whole and in order', async (_, ending, code) => {
    const dest = join(temporaryFolder(), 'end.log');
    const end = await children.run({ dest }, `${many} ${ending}`);
    expect(end.code).toBe(code);
    expect(parseLines(readFileSync(dest, 'utf8')).map((line) => line.i)).toEqual(
      Array.from({ length: LINES }, (_, i) => i),
    );
  });
});

describe('a pipe whose reader is slow', () => {
  it('gets every line, and holds nobody up', async () => {
    const child = children.start(
      { dest: 'stdout' },
      `${many}
       // The loop turns although nobody reads.
       let turns = 0;
       const turn = () => (++turns < 1000 ? setImmediate(turn) : process.stderr.write('turned'));
       turn();
       process.on('SIGUSR2', async () => { await log.close(); process.stderr.write(JSON.stringify(log.counts())); process.exit(0); });
       setInterval(() => {}, 1000);`,
    );
    child.stdout?.pause();
    await new Promise((resolve) => child.stderr?.once('data', resolve));
    const ending = ended(child);
    child.stdout?.resume();
    child.kill('SIGUSR2');
    const end = await ending;
    expect(end.stderr).toContain('{"writeErrors":0,"dropped":0}');
    expect(parseLines(end.stdout)).toHaveLength(LINES);
  });

  it('loses what exceeds the buffer, counted, and what it gets is whole', async () => {
    const child = children.start(
      { dest: 'stdout' },
      `const long = 'x'.repeat(10_000);
       for (let i = 0; i < 2000; i++) log.logger.info(long, { i });
       process.on('SIGUSR2', async () => { await log.close(); process.stderr.write(JSON.stringify(log.counts())); process.exit(0); });
       process.stderr.write('done');
       setInterval(() => {}, 1000);`,
    );
    child.stdout?.pause();
    await new Promise((resolve) => child.stderr?.once('data', resolve));
    const ending = ended(child);
    child.stdout?.resume();
    child.kill('SIGUSR2');
    const end = await ending;
    const { dropped } = JSON.parse(end.stderr.slice(end.stderr.indexOf('{'))) as { dropped: number };
    expect(dropped).toBeGreaterThan(0);
    expect(parseLines(end.stdout)).toHaveLength(2000 - dropped);
  });
});

describe('a disk that is full', () => {
  it.runIf(process.platform === 'linux')(
    'has its lines on stderr, shortened, in the names that were asked for',
    async () => {
      const end = await children.run(
        { dest: '/dev/full', fields: 'gcp' } as never,
        `log.logger.error('first');
       await until(() => log.counts().writeErrors > 0);
       log.logger.fatal('second');`,
      );
      const lines = parseLines(end.stderr) as unknown as Record<string, unknown>[];
      expect(lines.map((line) => [line.severity, line.message])).toEqual([
        ['ERROR', expect.stringContaining('ENOSPC')],
        ['ERROR', 'first'],
        ['CRITICAL', 'second'],
      ]);
      for (const line of lines)
        expect(Object.keys(line).sort()).toEqual(['event', 'logger', 'message', 'severity', 'time']);
    },
  );
});
