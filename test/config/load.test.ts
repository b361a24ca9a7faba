import { mkdirSync, mkdtempSync, realpathSync, rmSync, utimesSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { afterAll, describe, expect, it } from 'vitest';
import { loadConfig, readConfigFile } from '../../src/config/index.ts';

const root = realpathSync(mkdtempSync(join(tmpdir(), 'snakepit-test-')));
afterAll(() => rmSync(root, { recursive: true, force: true }));
const file = (path: string, text: string): string => {
  const full = join(root, path);
  mkdirSync(dirname(full), { recursive: true });
  writeFileSync(full, text);
  return full;
};
const load = (cwd: string, more: { file?: string; env?: Record<string, string> } = {}) =>
  loadConfig({ cwd: join(root, cwd), env: {}, ...more });
const fault = async (promise: Promise<unknown>): Promise<string> => {
  const error = await promise.then(
    () => undefined,
    (reason: Error) => reason,
  );
  expect(error).toMatchObject({ code: 'invalid_configuration' });
  return (error as Error).message;
};

describe('which file', () => {
  it('is none where none stands', async () => {
    mkdirSync(join(root, 'empty'));
    expect(await load('empty')).toEqual({ options: {}, file: undefined, origins: new Map() });
  });

  it('is the nearest from the working directory upwards', async () => {
    const outer = file('project/snakepit.config.json', '{"waitFor": "none"}');
    mkdirSync(join(root, 'project', 'a', 'b'), { recursive: true });
    expect(await load('project/a/b')).toMatchObject({ file: outer, options: { waitFor: 'none' } });
    const inner = file('project/a/snakepit.config.yaml', 'waitFor: ready');
    expect(await load('project/a/b')).toMatchObject({ file: inner, options: { waitFor: 'ready' } });
  });

  it('is, of several side by side, the one that can do most', async () => {
    file('many/snakepit.config.yaml', 'waitFor: none');
    file('many/snakepit.config.json', '{}');
    const best = file('many/snakepit.config.mjs', 'export default {}');
    expect((await load('many')).file).toBe(best);
  });

  it('is that of --config, else that of SNAKEPIT_CONFIG, else the nearest', async () => {
    const near = file('order/snakepit.config.json', '{}');
    const other = file('order/other.json', '{}');
    const third = file('order/third.yml', '{}');
    expect((await load('order')).file).toBe(near);
    expect((await load('order', { env: { SNAKEPIT_CONFIG: '' } })).file).toBe(near);
    expect((await load('order', { env: { SNAKEPIT_CONFIG: 'other.json' } })).file).toBe(other);
    expect((await load('order', { file: third, env: { SNAKEPIT_CONFIG: 'other.json' } })).file).toBe(third);
  });

  it('is an error where one was named that is not there', async () => {
    expect(await fault(load('.', { file: 'nope.json' }))).toMatch(
      /^--config: got 'nope\.json': no such file; allowed: a file that ends in \.ts/,
    );
    expect(await fault(load('.', { env: { SNAKEPIT_CONFIG: '.' } }))).toContain(
      "SNAKEPIT_CONFIG: got '.': that is no file",
    );
  });
});

describe('what a file holds', () => {
  const read = (path: string, text: string, env = {}) => readConfigFile(file(path, text), { env });

  it('is the default export of a module: an object, or a function that makes one', async () => {
    expect(await read('kinds/a.mjs', 'export default { waitFor: "none" }')).toEqual({ waitFor: 'none' });
    const made = 'export default async ({ env }) => ({ waitFor: env.WAIT })';
    expect(await read('kinds/b.mjs', made, { WAIT: 'ready' })).toEqual({ waitFor: 'ready' });
    expect(await read('kinds/c.cjs', 'module.exports = { waitFor: "none" }')).toEqual({ waitFor: 'none' });
    const compiled = 'exports.__esModule = true; exports.default = { waitFor: "none" }';
    expect(await read('kinds/d.cjs', compiled)).toEqual({ waitFor: 'none' });
  });

  it('is read anew when the file has changed', async () => {
    expect(await read('again/a.mjs', 'export default { waitFor: "none" }')).toEqual({ waitFor: 'none' });
    const path = file('again/a.mjs', 'export default { waitFor: "ready" }');
    utimesSync(path, new Date(), new Date(Date.now() + 5000));
    expect(await readConfigFile(path, { env: {} })).toEqual({ waitFor: 'ready' });
  });

  it("may name the schema for editors, in whatever way an editor's user writes", async () => {
    expect(await read('kinds/e.json', '\uFEFF{"$schema": "./x.json", "waitFor": "none"}')).toEqual({
      waitFor: 'none',
    });
    expect(
      await read('kinds/f.yaml', '# yaml-language-server: $schema=x\nops:\n  open: [/metrics]\n'),
    ).toEqual({ ops: { open: ['/metrics'] } });
  });

  it.each([
    ['array.json', '[]', 'it holds an array; allowed: an object with the options'],
    ['empty.yaml', '', 'it holds null; allowed: an object'],
    ['none.mjs', 'export const a = 1', 'it holds undefined; allowed: an object'],
    ['throws.mjs', 'throw new TypeError("no luck")', 'TypeError: no luck'],
    [
      'rejects.mjs',
      'export default async () => { throw new TypeError("no luck") }',
      'the function it exports failed: TypeError: no luck',
    ],
    ['missing.mjs', 'import "not-a-package-anyone-has"', 'not-a-package-anyone-has'],
    ['options.toml', '', "its ending is '.toml'; allowed: .ts"],
    ['tab.yaml', 'ops:\n\tport: 1', 'at line 2'],
    ['twice.yaml', 'ops: {}\nops: {}', 'Map keys must be unique at line 2, column 1'],
  ])('is refused where it cannot be used: %s', async (name, text, message) => {
    const said = await fault(read(`bad/${name}`, text));
    expect(said).toContain(message);
    expect(said).toContain(join(root, 'bad', name));
  });

  it.each([
    ['{\n  "pools": {\n    "default": { "app": "./app.py" "workers": 3 }\n  }\n}', 3, 36],
    ['{"a": 1,}', 1, 9],
    ["{\n  'a': 1\n}", 2, 3],
    ['{"true": true,\n "b": tru }', 2, 10],
    ['{"a":\n "x", "b": \'y\'}', 2, 12],
    ['// nothing\n{}', 1, 1],
    ['{"a": 1', 1, 8],
    ['{"a": }', 1, 7],
    ['', 1, 1],
  ])('is refused with the place of a syntax error in JSON: %j', async (text, line, column) => {
    expect(await fault(read('bad/syntax.json', text))).toContain(
      `syntax.json cannot be used: line ${line}, column ${column}: `,
    );
  });
});

describe('paths in a file', () => {
  it('start from its folder, whatever the working directory', async () => {
    const home = join(root, 'paths');
    const text = JSON.stringify({
      runtimeDir: 'run',
      logs: { dest: 'log/snakepit.log' },
      pools: {
        a: { app: './app.py', cwd: '..', python: '.venv/bin/python' },
        b: { app: 'pkg.module', python: 'python3.12' },
        c: { app: '/srv/app.py', python: 'uv run ./x' },
        d: { app: 'file:///srv/app.py', python: '~/python' },
      },
    });
    const { options } = await load('.', { file: file('paths/my.json', text) });
    expect(options).toEqual({
      runtimeDir: join(home, 'run'),
      logs: { dest: join(home, 'log', 'snakepit.log') },
      pools: {
        a: { app: join(home, 'app.py'), cwd: root, python: join(home, '.venv', 'bin', 'python') },
        b: { app: 'pkg.module', python: 'python3.12' },
        c: { app: '/srv/app.py', python: 'uv run ./x' },
        d: { app: 'file:///srv/app.py', python: '~/python' },
      },
    });
  });

  it('stay as they are where they are none', async () => {
    const text = 'logs: {dest: stdout}\npools: {a: 7, b: {app: 3, cwd: null}}\n';
    const { options } = await load('.', { file: file('paths/odd.yaml', text) });
    expect(options).toEqual({ logs: { dest: 'stdout' }, pools: { a: 7, b: { app: 3, cwd: null } } });
  });
});

describe('the environment', () => {
  const token = '0123456789abcdef';

  it('wins over the file, key by key, and says so', async () => {
    const path = file(
      'env/a.mjs',
      'export default Object.freeze({ ops: Object.freeze({ port: 1, token: "from the file at least" }), logs: { format: "pretty" } })',
    );
    const { options, origins } = await load('.', {
      file: path,
      env: { SNAKEPIT_OPS_TOKEN: token, SNAKEPIT_LOG_LEVEL: 'debug' },
    });
    expect(options).toEqual({ ops: { port: 1, token }, logs: { level: 'debug', format: 'pretty' } });
    expect(origins.get('ops.token')).toBe('SNAKEPIT_OPS_TOKEN');
    expect(origins.get('logs.level')).toBe('SNAKEPIT_LOG_LEVEL');
  });

  it('may name a file that holds a token', async () => {
    file('env/secret', `${token}\n`);
    const { options } = await load('env', { env: { SNAKEPIT_GATEWAY_TOKEN_FILE: 'secret' } });
    expect(options.gateway).toEqual({ token });
  });

  it('is refused where that file cannot be read, or both are given', async () => {
    expect(await fault(load('env', { env: { SNAKEPIT_OPS_TOKEN_FILE: 'nope' } }))).toContain(
      "SNAKEPIT_OPS_TOKEN_FILE: got 'nope', which cannot be read",
    );
    const both = { SNAKEPIT_OPS_TOKEN: token, SNAKEPIT_OPS_TOKEN_FILE: 'secret' };
    const said = await fault(load('env', { env: both }));
    expect(said).toContain('SNAKEPIT_OPS_TOKEN and SNAKEPIT_OPS_TOKEN_FILE are both set');
    expect(said).not.toContain(token);
  });

  it('does not turn on what the file has turned off, nor hide what is wrong there', async () => {
    const { options } = await load('.', {
      file: file('env/off.json', '{"logs": false, "ops": 3}'),
      env: { SNAKEPIT_LOG_LEVEL: 'info', SNAKEPIT_OPS_TOKEN: token },
    });
    expect(options).toEqual({ logs: false, ops: 3 });
  });

  it('says nothing where a variable is empty', async () => {
    expect(
      (
        await load('empty', {
          env: { SNAKEPIT_LOG_LEVEL: '', SNAKEPIT_OPS_TOKEN: '', SNAKEPIT_OPS_TOKEN_FILE: '' },
        })
      ).options,
    ).toEqual({});
  });
});
