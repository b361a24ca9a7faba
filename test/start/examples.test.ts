import { execFile } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { describe, expect, it } from 'vitest';
import { requireTool, testPython } from '../support/tools.ts';
import { Program } from './program.ts';

const root = fileURLToPath(new URL('../..', import.meta.url));
const run = promisify(execFile);

it('quickstart.mjs calls, streams and shows an error', async () => {
  const program = new Program('examples/quickstart.mjs');
  expect(await program.ended, program.err).toBe(0);
  expect(program.out).toContain('tale-of-two-cities: It was the best of times');
  expect(program.out).toContain('1. Now we are engaged in a great civil war');
  expect(program.out).toContain("did you mean 'moby-dick'?");
  expect(program.err).toBe('');
});

it('mounted-ops.mjs serves metrics and health beside its own pages', async () => {
  const program = new Program('examples/mounted-ops.mjs', [], { PORT: '0' });
  const origin = await program.says(/(http:\S+)\/ops\/health\/detailed/);
  const page = async (path: string) => (await fetch(`${origin}${path}`)).text();
  expect(await page('/search?q=liberty')).toContain('gettysburg-address');
  expect(await page('/search?q=the')).toContain('has no word to search for');
  expect(await page('/ops/metrics')).toContain('snakepit_requests_total');
  expect(JSON.parse(await page('/ops/health/detailed'))).toHaveProperty('pools.default.total_workers', 2);
  program.signal('SIGTERM');
  expect(await program.ended, program.err).toBe(0);
});

it('the library works as plain Python, outside of any worker', async () => {
  const code = `
import doctest, app, demo, prose
app.load()
assert doctest.testmod(prose).failed == 0
assert {"moby-dick", "the-raven", "sonnet-18"} <= {row["title"] for row in app.titles()}
assert [row["rank"] for row in app.summarize("the-raven", 2)] == [1, 2]
`;
  const env = {
    ...process.env,
    PYTHONPATH: `${root}/python/src`,
    PYTHONDONTWRITEBYTECODE: '1',
  };
  await run(testPython(), ['-c', code], { cwd: `${root}/examples/library`, env });
});

describe.skipIf(!requireTool('curl'))('serve-and-curl.md', () => {
  const text = readFileSync(`${root}/examples/serve-and-curl.md`, 'utf8');
  const steps = [...text.matchAll(/```sh\n(.*?)\n```\n\n```\w*\n(.*?)\n```/gs)];

  /** What is left out of the answer is `…`; the rest must come in this order. */
  const inOrder = (answer: string): RegExp =>
    new RegExp(
      answer
        .split('…')
        .map((part) => part.trim().replace(/[.*+?^${}()|[\]\\]/g, '\\$&'))
        .join('.*?'),
      's',
    );

  it('says what the server answers', async () => {
    expect(text.match(/```sh/g)).toHaveLength(steps.length);
    const [, command = ''] = /^node (bin\/snakepit\.js serve .*)$/m.exec(text) ?? [];
    const [file = '', ...args] = command.split(' ');
    const program = new Program(file, [...args, '--port', '0', '--ops-port', '0']);
    const { url, ops_url } = JSON.parse(await program.says(/^(\{"event":"snakepit.ready".*\})$/m));
    for (const [, shell = '', answer = ''] of steps) {
      const here = shell
        .replaceAll('http://127.0.0.1:8000', url)
        .replaceAll('http://127.0.0.1:9464', ops_url);
      const { stdout } = await run('sh', ['-c', here], { cwd: root });
      expect(stdout.replaceAll('\r', ''), shell).toMatch(inOrder(answer));
    }
    program.signal('SIGTERM');
    expect(await program.ended, program.err).toBe(0);
  });
});
