import { execFile } from 'node:child_process';
import { mkdtemp, readFile, rm, symlink, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { testPython } from '../support/tools.ts';

const run = promisify(execFile);
const root = fileURLToPath(new URL('../..', import.meta.url));
const npmFile = process.env.npm_execpath;
/** npm by the file it was called with, where that is known: PATH may have another. */
const npm = (args: string[], cwd: string) =>
  npmFile === undefined ? run('npm', args, { cwd }) : run(process.execPath, [npmFile, ...args], { cwd });

const APP = `
from snakepit import command

@command
def greet(name: str):
    return f"hello {name}"
`;

const USE = `
const run = async ({ createSnakepit }) => {
  const pit = await createSnakepit({ pools: { default: { app: './app.py', workers: 1, python: process.argv[2] } } });
  try {
    console.log(await pit.execute('greet', { name: 'you' }));
  } finally {
    await pit.close();
  }
};
`;

const TEST = `
const run = async ({ createFakeSnakepit, recordEvents }, { Snakepit }) => {
  const pit = await createFakeSnakepit({ commands: { greet: ({ name }) => 'hello ' + name } });
  try {
    const events = recordEvents(pit);
    console.log(await pit.execute('greet', { name: 'you' }), pit instanceof Snakepit);
    await events.waitFor('snakepit.request.completed');
  } finally {
    await pit.close();
  }
};
`;

const TYPED = `
import { createSnakepit, isSnakepitError, type Snapshot } from 'snakepit';
import { createFakeSnakepit, manualClock, recordEvents } from 'snakepit/testing';
export const test = async (): Promise<number> => {
  using time = manualClock({ startAt: 0 });
  await using pit = await createFakeSnakepit({
    commands: { greet: ({ name }, { signal }) => (signal.aborted ? '' : \`hello \${name}\`) },
    pools: { default: { workers: 2 } },
  });
  // @ts-expect-error a fake has no Python
  await createFakeSnakepit({ commands: {}, pools: { default: { python: 'python3' } } });
  await time.advance(1);
  return (await recordEvents(pit).waitFor('snakepit.request.completed')).measurements.duration_ms;
};
export const use = async (): Promise<Snapshot> => {
  await using pit = await createSnakepit({ pools: { default: { app: './app.py' } } });
  const text: string = await pit.execute<string>('greet', { name: 'you' });
  // @ts-expect-error workers is a number
  await createSnakepit({ pools: { default: { app: './app.py', workers: 'four' } } });
  try { await pit.stream(text).next(); } catch (error) { if (isSnakepitError(error)) console.log(error.code); }
  return pit.snapshot();
};
`;

describe('the package', () => {
  let folder: string;
  let tarball: string;

  beforeAll(async () => {
    folder = await mkdtemp(join(tmpdir(), 'snakepit-package-'));
    const { stdout } = await npm(['pack', '--json', '--ignore-scripts', '--pack-destination', folder], root);
    const packed = JSON.parse(stdout) as { filename: string; files: { path: string }[] }[];
    const [{ filename, files } = expect.unreachable()] = packed;
    tarball = join(folder, filename);
    const paths = files.map((file) => file.path);
    expect(paths).toContain('python/src/snakepit/__init__.py');
    expect(paths).toContain('dist/config.schema.json');
    expect(paths.filter((path) => /\.pyc$|^(src|test|bench|node_modules)\//.test(path))).toEqual([]);
    await writeFile(join(folder, 'package.json'), '{ "name": "user", "private": true }');
    await writeFile(join(folder, 'app.py'), APP);
    await npm(
      ['install', '--ignore-scripts', '--no-audit', '--no-fund', '--prefer-offline', tarball],
      folder,
    );
  }, 180_000);

  afterAll(() => rm(folder, { recursive: true, force: true }));

  it('runs in an empty project, imported or required', async () => {
    await writeFile(
      join(folder, 'use.mjs'),
      `${USE}\nimport * as snakepit from 'snakepit';\nawait run(snakepit);`,
    );
    await writeFile(join(folder, 'use.cjs'), `${USE}\nrun(require('snakepit'));`);
    for (const file of ['use.mjs', 'use.cjs']) {
      const { stdout } = await run(process.execPath, [file, testPython()], { cwd: folder });
      expect(stdout).toBe('hello you\n');
    }
  });

  it('has a fake instance for tests, imported or required', async () => {
    const use = `${TEST}\nimport * as testing from 'snakepit/testing';\nimport * as snakepit from 'snakepit';\nawait run(testing, snakepit);`;
    await writeFile(join(folder, 'test.mjs'), use);
    await writeFile(
      join(folder, 'test.cjs'),
      `${TEST}\nrun(require('snakepit/testing'), require('snakepit'));`,
    );
    for (const file of ['test.mjs', 'test.cjs']) {
      const { stdout } = await run(process.execPath, [file], { cwd: folder });
      expect(stdout).toBe('hello you true\n');
    }
  });

  it('has a command that finds the Python runtime inside it', async () => {
    const bin = join(folder, 'node_modules', '.bin', 'snakepit');
    const { stdout } = await run(bin, ['python-path'], { cwd: folder });
    const { stdout: answer } = await run(
      testPython(),
      ['-c', 'import snakepit; print(snakepit.context().request_id)'],
      {
        env: { ...process.env, PYTHONPATH: stdout.trim() },
      },
    );
    expect(answer).toBe('None\n');
  });

  it('has types that resolve and check', async () => {
    await writeFile(join(folder, 'typed.ts'), TYPED);
    await symlink(join(root, 'node_modules', '@types'), join(folder, 'types'));
    const flags = [
      '--noEmit',
      '--strict',
      '--exactOptionalPropertyTypes',
      '--module',
      'nodenext',
      '--target',
      'es2023',
    ];
    const lib = [
      '--lib',
      'es2023,esnext.disposable',
      '--types',
      'node',
      '--typeRoots',
      'types',
      '--skipLibCheck',
      'false',
    ];
    const tsc = join(root, 'node_modules', 'typescript', 'bin', 'tsc');
    await writeFile(join(folder, 'package.json'), '{ "name": "user", "private": true, "type": "module" }');
    const { stdout } = await run(process.execPath, [tsc, ...flags, ...lib, 'typed.ts'], {
      cwd: folder,
    }).catch((error: { stdout: string }) => error);
    expect(stdout).toBe('');
  });

  it('is clean for publint and are-the-types-wrong', async () => {
    const bin = (name: string) => join(root, 'node_modules', '.bin', name);
    await run(bin('publint'), ['run', '--strict', tarball], { cwd: folder });
    await run(
      bin('attw'),
      [tarball, '--profile', 'esm-only', '--exclude-entrypoints', 'config.schema.json'],
      { cwd: folder },
    );
  });

  it('needs no install script', async () => {
    const manifest = JSON.parse(await readFile(join(root, 'package.json'), 'utf8')) as { scripts: object };
    expect(
      Object.keys(manifest.scripts).filter((name) => /^(pre|post)?install$|^prepare$/.test(name)),
    ).toEqual([]);
  });
});
