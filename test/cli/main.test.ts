import { execFileSync, spawnSync } from 'node:child_process';
import { copyFileSync, mkdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { main } from '../../src/cli/main.ts';
import type { Terminal } from '../../src/cli/terminal.ts';
import { pythonRuntimePath } from '../../src/process/python-runtime-path.ts';
import { file, realPython, scratch } from '../process/python-fixtures.ts';
import { bin, runCli, startCli } from './run-cli.ts';

const root = scratch();
const inside = async (argv: readonly string[], more: Partial<Terminal> = {}) => {
  const written = { out: '', err: '' };
  const code = await main(['node', 'snakepit', ...argv], {
    cwd: root,
    env: {},
    platform: 'linux',
    colours: false,
    out: (text) => {
      written.out += text;
    },
    err: (text) => {
      written.err += text;
    },
    ...more,
  });
  return { code, ...written };
};

describe('snakepit', () => {
  it('prints its version', async () => {
    const { version } = JSON.parse(readFileSync(new URL('../../package.json', import.meta.url), 'utf8'));
    expect(await runCli(['--version'], root)).toMatchObject({ code: 0, stdout: `${version}\n`, stderr: '' });
  });

  it('prints its help, with examples, for itself and for each command', async () => {
    const commands = 'serve dev doctor status top errors slow stack recycle drain'.split(' ');
    for (const argv of [['--help'], ['help', 'doctor'], ...commands.map((name) => [name, '--help'])]) {
      const { code, stdout, stderr } = await runCli(argv, root);
      expect({ code, stderr }).toEqual({ code: 0, stderr: '' });
      expect(stdout).toContain('Examples:\n  snakepit');
    }
  });

  it('tells every flag of serve, and what it does by default', async () => {
    const { out } = await inside(['serve', '--help']);
    const flags =
      'pool workers concurrency config host port ops-host ops-port transport python log-level log-format log-dest';
    for (const flag of flags.split(' ')) expect(out).toContain(`--${flag} <`);
    for (const value of ['8000', '9464', '127.0.0.1', 'info', 'stderr']) expect(out).toContain(value);
  });

  it.each([
    [[], 'Usage: snakepit'],
    [['sreve'], 'Did you mean serve?'],
    [['serve', '--wrokers', '3'], 'Did you mean --workers?'],
    [['serve', '--port'], "option '--port <n>' argument missing"],
    [['serve', 'a.py', 'b.py'], 'too many arguments'],
    [['serve', '--transport', 'pigeon'], "argument 'pigeon' is invalid. Allowed choices are socket, grpc"],
    [['serve'], 'no app is named'],
    [
      ['serve', 'nope.py'],
      `pools.default.app: got '${join(root, 'nope.py')}', which is no file; allowed: a Python file`,
    ],
    [['serve', 'my-app'], "app: got 'my-app'; allowed: a file"],
    [
      ['serve', 'app.py', '--port', 'x'],
      '--port (gateway.port): got "x"; allowed: a whole number from 0 to 65535.',
    ],
    [
      ['serve', 'app.py', '--workers', '0'],
      '--workers (pools.default.workers): got 0; allowed: a whole number from 1 to 1024.',
    ],
    [
      ['serve', 'app.py', '--log-format', 'xml'],
      '--log-format (logs.format): got "xml"; allowed: one of json, pretty.',
    ],
    [['serve', '--config', 'nope.yaml'], "--config: got 'nope.yaml': no such file"],
    [['python-path', 'extra'], 'too many arguments'],
  ])('ends with 2 on wrong usage, and says what is allowed: %j', async (argv, message) => {
    const { code, out, err } = await inside(argv);
    expect({ code, out }).toEqual({ code: 2, out: '' });
    expect(err).toContain(message);
  });

  it('ends with 2 on native Windows', async () => {
    expect(await inside(['serve', 'app.py'], { platform: 'win32' })).toEqual({
      code: 2,
      out: '',
      err: expect.stringContaining(
        'platform: got Windows; allowed: Linux, macOS, or Linux inside Windows (WSL 2',
      ),
    });
  });

  it('says what to run in a checkout that is not built', () => {
    const copy = join(root, 'checkout', 'bin', 'snakepit.js');
    file(join(root, 'checkout', 'package.json'), '{"type": "module"}');
    mkdirSync(join(root, 'checkout', 'bin'));
    copyFileSync(bin, copy);
    const { status, stdout, stderr } = spawnSync(process.execPath, [copy, 'doctor'], { encoding: 'utf8' });
    expect({ status, stdout }).toEqual({ status: 2, stdout: '' });
    expect(stderr).toContain('npm run build');
  });

  it('does not mind when nobody reads on', async () => {
    const { child, ended } = startCli(['--help'], root);
    child.stdout.destroy();
    expect((await ended).stderr).toBe('');
  });
});

describe('snakepit python-path', () => {
  it('prints the folder that makes the runtime importable anywhere', async () => {
    const { code, stdout, stderr } = await runCli(['python-path'], root);
    expect({ code, stdout, stderr }).toEqual({ code: 0, stdout: `${pythonRuntimePath()}\n`, stderr: '' });
    const test = 'from snakepit import command\n@command\ndef double(n): return 2 * n\nprint(double(21))';
    const said = execFileSync(realPython, ['-c', test], {
      env: { PYTHONPATH: stdout.trim() },
      encoding: 'utf8',
    });
    expect(said).toBe('42\n');
  });
});
