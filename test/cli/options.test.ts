import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { commandOptions, explicitPython, type Flags, wholeNumber } from '../../src/cli/options.ts';
import { file, scratch } from '../process/python-fixtures.ts';

const root = scratch();
file(join(root, 'app.py'));
file(join(root, 'other.py'));
const configured = (name: string, options: object) =>
  file(join(root, name, 'snakepit.config.json'), JSON.stringify(options));
const options = async (flags: Flags, env: Record<string, string> = {}, cwd = root) =>
  (await commandOptions(flags, { cwd, env })).resolved;

describe('commandOptions', () => {
  it("fills in a server's defaults: ports, and more logs than a library writes", async () => {
    expect(await options({ app: 'app.py' })).toMatchObject({
      gateway: { host: '127.0.0.1', port: 8000 },
      ops: { host: '127.0.0.1', port: 9464 },
      logs: { level: 'info', format: 'json', dest: 'stderr' },
      pools: { default: { app: join(root, 'app.py') } },
    });
  });

  it('takes flags over the environment over the file over defaults', async () => {
    const config = configured('order', {
      pools: { default: { app: '../app.py', workers: 2 } },
      logs: { level: 'error' },
      gateway: { port: 1 },
    });
    expect(await options({ config })).toMatchObject({
      logs: { level: 'error' },
      gateway: { port: 1 },
      ops: { port: 9464 },
    });
    const env = { SNAKEPIT_LOG_LEVEL: 'debug' };
    expect((await options({ config }, env)).logs).toMatchObject({ level: 'debug' });
    const flags: Flags = {
      config,
      logLevel: 'fatal',
      logFormat: 'pretty',
      logDest: 'stdout',
      port: 3,
      opsPort: 4,
      host: '::1',
      opsHost: 'localhost',
      workers: 5,
      concurrency: 6,
    };
    expect(await options(flags, env)).toMatchObject({
      logs: { level: 'fatal', format: 'pretty', dest: 'stdout' },
      gateway: { host: '::1', port: 3 },
      ops: { host: 'localhost', port: 4 },
      pools: { default: { app: join(root, 'app.py'), workers: 5, concurrency: 6 } },
    });
  });

  it('means, without --pool, the default pool or the only one', async () => {
    configured('one', { pools: { nlp: { app: '../app.py' } } });
    expect(Object.entries((await options({ workers: 7 }, {}, join(root, 'one'))).pools)).toMatchObject([
      ['nlp', { workers: 7 }],
    ]);
    configured('two', { pools: { nlp: { app: '../app.py' }, default: { app: '../app.py' } } });
    const { pools } = await options({ app: '../other.py' }, {}, join(root, 'two'));
    expect(pools).toMatchObject({
      nlp: { app: join(root, 'app.py') },
      default: { app: join(root, 'other.py') },
    });
    configured('three', { pools: { nlp: { app: '../app.py' }, vision: { app: '../app.py' } } });
    const wanting = options({ workers: 7 }, {}, join(root, 'three'));
    await expect(wanting).rejects.toThrow(
      '--pool is missing: the configuration has several pools; allowed: one of nlp, vision.',
    );
  });

  it('means the pool that --pool names, a new one where an app comes with it', async () => {
    const cwd = join(root, 'three');
    expect((await options({ pool: 'vision', workers: 7 }, {}, cwd)).pools).toMatchObject({
      vision: { workers: 7 },
    });
    expect(Object.keys((await options({ pool: 'new', app: '../app.py' }, {}, cwd)).pools)).toEqual([
      'nlp',
      'vision',
      'new',
    ]);
    await expect(options({ pool: 'visoin', workers: 7 }, {}, cwd)).rejects.toThrow(
      "--pool: got 'visoin'; allowed: one of nlp, vision",
    );
    await expect(options({ pool: 'visoin' }, {}, cwd)).rejects.toThrow("--pool: got 'visoin'");
  });

  it('turns logs on again for a flag, not for a variable', async () => {
    const config = configured('quiet', { pools: { default: { app: '../app.py' } }, logs: false });
    expect((await options({ config }, { SNAKEPIT_LOG_LEVEL: 'debug' })).logs).toBe(false);
    expect((await options({ config, logLevel: 'debug' })).logs).toMatchObject({ level: 'debug' });
  });

  it('checks that the apps are there, modules apart', async () => {
    const config = configured('apps', { pools: { a: { app: 'gone.py' }, b: { app: 'pkg.module' } } });
    const missing = join(root, 'apps', 'gone.py');
    await expect(options({ config })).rejects.toThrow(`pools.a.app: got '${missing}', which is no file`);
    expect((await options({ app: 'pkg.module' })).pools.default?.app).toBe('pkg.module');
  });

  it('says whether a file is there that has no pools', async () => {
    await expect(options({})).rejects.toThrow(
      `and no snakepit.config (.ts, .mts, .js, .mjs, .json, .yaml) stands in ${root}`,
    );
    const config = configured('poolless', {});
    await expect(options({ config })).rejects.toThrow(`${config} has no \`pools\``);
  });
});

describe('flags', () => {
  it('take whole numbers, and leave all else to the validation', () => {
    expect(['7', '-1', '07', '', '1.5', '1e3', '0x10', ' 1'].map(wholeNumber)).toEqual([
      7,
      -1,
      7,
      '',
      '1.5',
      '1e3',
      '0x10',
      ' 1',
    ]);
  });

  it('name an interpreter from the working directory, or by its name', () => {
    expect(explicitPython({}, root)).toBeUndefined();
    expect(explicitPython({ python: '.venv/bin/python' }, root)).toEqual({
      value: join(root, '.venv/bin/python'),
      source: '--python',
    });
    for (const python of ['python3.12', 'uv run', 'env ./python', '~/python']) {
      expect(explicitPython({ python }, root)?.value).toBe(python);
    }
  });
});
