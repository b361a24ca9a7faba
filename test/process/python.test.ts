import { mkdirSync, rmSync, symlinkSync, utimesSync } from 'node:fs';
import { delimiter, join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { findPython } from '../../src/process/python.ts';
import { fakePython, file, realPython, scratch, script, virtualEnvironment } from './python-fixtures.ts';

const root = scratch();
/** Has no environment in it or above it. */
const bare = join(root, 'bare');
mkdirSync(bare);
const venv = virtualEnvironment(join(root, 'made', 'env'));
const venvPython = join(venv, 'bin', 'python');
/** Programs that shell scripts need, and no Python. */
const basics = join(root, 'basics');
mkdirSync(basics);

const fake = (name: string, version = '3.12.1') =>
  fakePython(join(root, 'fakes', name, 'bin', 'python'), version);
const on = (...folders: string[]) => ({ PATH: folders.join(delimiter) });
const fault = async (promise: Promise<unknown>) => {
  const error = await promise.then(
    () => undefined,
    (reason: Error) => reason,
  );
  expect(error).toMatchObject({ code: 'invalid_configuration' });
  return (error as Error).message;
};

describe('an interpreter somebody named', () => {
  it('is taken with its version, its path as it was named', async () => {
    const found = await findPython({
      explicit: { value: venvPython, source: '--python' },
      cwd: bare,
      env: {},
    });
    expect(found).toMatchObject({
      path: venvPython,
      reason: '--python',
      executable: venvPython,
      skipped: [],
    });
    expect(found.version).toMatch(/^3\.\d+\.\d+$/);
  });

  it('keeps a link as it is, since its end is outside the environment', async () => {
    const link = join(root, 'link-to-python');
    symlinkSync(venvPython, link);
    expect(
      await findPython({ explicit: { value: link, source: '--python' }, cwd: bare, env: {} }),
    ).toMatchObject({
      path: link,
    });
  });

  it('may be relative, start in a folder with a space, or be a name on PATH', async () => {
    const spaced = fakePython(join(root, 'a folder', 'python'), '3.11.4');
    const find = (value: string, env = {}) =>
      findPython({ explicit: { value, source: '--python' }, cwd: root, env });
    expect(await find('a folder/python')).toMatchObject({ path: spaced, version: '3.11.4' });
    const named = fakePython(join(root, 'names', 'python3.13'), '3.13.0');
    expect(await find('python3.13', on(join(root, 'names')))).toMatchObject({ path: named });
  });

  it('wins over everything else', async () => {
    const env = { SNAKEPIT_PYTHON: fake('second'), VIRTUAL_ENV: venv, ...on(basics) };
    const explicit = { value: fake('first'), source: 'pools.nlp.python' };
    expect(await findPython({ explicit, cwd: bare, env })).toMatchObject({
      path: explicit.value,
      reason: 'pools.nlp.python',
    });
    expect(await findPython({ cwd: bare, env })).toMatchObject({ reason: 'SNAKEPIT_PYTHON' });
  });

  it.each([
    ['missing', () => join(root, 'nowhere'), /does not exist.*Allowed: the path of a Python 3\.9 or later/],
    ['not on PATH', () => 'python9', /no such program on PATH/],
    ['a folder', () => venv, /is a folder; the interpreter of an environment is its bin\/python/],
    ['no program', () => file(join(root, 'text.txt'), 'hello'), /this user may not execute it/],
    ['no Python', () => script(join(root, 'other'), 'echo hello'), /it is no Python: it printed 'hello'/],
    ['one that fails', () => script(join(root, 'fails'), 'echo broken >&2; exit 3'), /exit code 3: broken/],
    ['behind ~', () => '~/python', /~ is expanded by shells only/],
  ])('is refused when it is %s, without looking further', async (_, value, message) => {
    const env = { VIRTUAL_ENV: venv };
    const explicit = { value: value(), source: '--python' };
    const said = await fault(findPython({ explicit, cwd: bare, env }));
    expect(said).toMatch(message);
    expect(said).toContain(`--python: got '${explicit.value}'`);
  });

  it('is refused when it does not answer in time, and is ended with its children', async () => {
    const slow = script(join(root, 'slow'), 'sleep 600 & wait');
    const request = {
      explicit: { value: slow, source: '--python' },
      cwd: bare,
      env: process.env,
      probeTimeoutMs: 300,
    };
    expect(await fault(findPython(request))).toContain('did not answer within 300 ms');
  });

  it.each([
    'uv run',
    'uv',
    'poetry run python',
    'pipenv run',
    'conda run -n ml python',
    '/usr/bin/env python3',
    'docker exec box python',
  ])('is refused when it is the wrapper `%s`, with what to name instead', async (value) => {
    const said = await fault(
      findPython({ explicit: { value, source: 'SNAKEPIT_PYTHON' }, cwd: bare, env: {} }),
    );
    expect(said).toMatch(/is a wrapper\. The process that is started must be Python itself/);
    expect(said).toMatch(/prints its path/);
  });

  it('is refused when it is a command line', async () => {
    const explicit = { value: 'python3 -X dev', source: '--python' };
    expect(await fault(findPython({ explicit, cwd: bare, env: process.env }))).toContain(
      'a command line is not taken',
    );
  });

  it('is refused when it is a script that starts Python as a child, and taken when it becomes Python', async () => {
    const child = script(join(root, 'child'), `"${realPython}" "$@"; exit $?`);
    const becomes = script(join(root, 'becomes'), `exec "${realPython}" "$@"`);
    const find = (value: string) =>
      findPython({ explicit: { value, source: '--python' }, cwd: bare, env: process.env });
    expect(await fault(find(child))).toContain('it is a wrapper that starts Python as another process');
    expect(await find(becomes)).toMatchObject({ path: becomes, executable: realPython });
  });

  it.each(['3.8.18', '2.7.18'])('is refused when it is Python %s', async (version) => {
    const value = fake(`old-${version}`, version);
    const said = await fault(findPython({ explicit: { value, source: '--python' }, cwd: bare, env: {} }));
    expect(said).toContain(`--python: got Python ${version} (${value}); allowed: 3.9 or later.`);
    expect(said).toContain('-m venv');
  });

  it('is asked for its version even when it is too old to know `-I`', async () => {
    const value = script(
      join(root, 'python2'),
      'if [ "$1" = -V ]; then echo "Python 2.7.18" >&2; else exit 2; fi',
    );
    expect(
      await fault(findPython({ explicit: { value, source: '--python' }, cwd: bare, env: {} })),
    ).toContain('got Python 2.7.18');
  });

  it('is asked anew when the file has changed', async () => {
    const value = fake('changing', '3.10.1');
    const find = () => findPython({ explicit: { value, source: '--python' }, cwd: bare, env: {} });
    expect((await find()).version).toBe('3.10.1');
    fakePython(value, '3.13.7');
    utimesSync(value, new Date(), new Date(Date.now() + 5000));
    expect((await find()).version).toBe('3.13.7');
  });
});

describe('an interpreter nobody named', () => {
  it('is that of VIRTUAL_ENV', async () => {
    expect(await findPython({ cwd: bare, env: { VIRTUAL_ENV: venv } })).toMatchObject({
      path: venvPython,
      reason: 'VIRTUAL_ENV',
    });
  });

  it('is the nearest .venv or venv from the app upwards, .venv first', async () => {
    const project = join(root, 'project');
    const outer = fakePython(join(project, '.venv', 'bin', 'python'), '3.10.0');
    const inner = fakePython(join(project, 'deep', 'venv', 'bin', 'python3'), '3.11.0');
    const app = file(join(project, 'deep', 'src', 'app.py'));
    const env = { CONDA_PREFIX: venv, ...on(basics) };
    expect(await findPython({ app, cwd: bare, env })).toMatchObject({
      path: inner,
      reason: `venv in ${join(project, 'deep')}`,
    });
    const sibling = file(join(project, 'other', 'app.py'));
    expect(await findPython({ app: '../project/other/app.py', cwd: bare, env })).toMatchObject({
      path: outer,
    });
    const beside = fakePython(join(project, '.venv', 'bin', 'python'), '3.10.0');
    fakePython(join(project, 'venv', 'bin', 'python'), '3.9.0');
    expect(await findPython({ app: sibling, cwd: bare, env })).toMatchObject({ path: beside });
  });

  it('is looked for from the working directory when the app is a module or not known', async () => {
    const project = join(root, 'modules');
    const path = fakePython(join(project, '.venv', 'bin', 'python'), '3.12.0');
    mkdirSync(join(project, 'pkg'));
    expect(await findPython({ app: 'pkg.module', cwd: join(project, 'pkg'), env: {} })).toMatchObject({
      path,
    });
    expect(await findPython({ app: 'pkg.module', cwd: bare, workerCwd: project, env: {} })).toMatchObject({
      path,
    });
    expect(await findPython({ cwd: project, env: {} })).toMatchObject({ path });
  });

  it('is no folder named venv that holds something else', async () => {
    const project = join(root, 'decoy');
    file(join(project, 'venv', '__init__.py'));
    fakePython(join(root, 'conda', 'bin', 'python'), '3.12.0');
    expect(await findPython({ cwd: project, env: { CONDA_PREFIX: join(root, 'conda') } })).toMatchObject({
      reason: 'CONDA_PREFIX',
    });
  });

  describe("is Poetry's environment", () => {
    const project = join(root, 'poetic');
    file(join(project, 'poetry.lock'));
    const app = file(join(project, 'src', 'app.py'));
    const environment = join(root, 'caches', 'poetic-py3.12');
    const python = fakePython(join(environment, 'bin', 'python'), '3.12.2');
    const tools = join(root, 'tools');
    const poetry = (body: string) => script(join(tools, 'poetry'), body);
    const python3 = fakePython(join(root, 'system', 'python3'), '3.11.0');
    const env = on(tools, join(root, 'system'));

    it('where a poetry.lock stands', async () => {
      poetry(`[ "$PWD" = "${project}" ] && [ "$*" = "env info -p" ] && echo "${environment}"`);
      expect(await findPython({ app, cwd: bare, env })).toMatchObject({
        path: python,
        reason: `Poetry's environment of ${project}`,
      });
    });

    it('unless Poetry has none there, or is not there itself', async () => {
      poetry('exit 1');
      expect(await findPython({ app, cwd: bare, env })).toMatchObject({
        path: python3,
        reason: 'python3 on PATH',
      });
      rmSync(join(tools, 'poetry'));
      expect(await findPython({ app, cwd: bare, env })).toMatchObject({ path: python3 });
    });
  });

  it('is python3 on PATH at last, the first that runs', async () => {
    script(join(root, 'stub', 'python3'), 'echo "no version is set" >&2; exit 127');
    const path = fakePython(join(root, 'second', 'python3'), '3.12.9');
    const found = await findPython({ cwd: bare, env: on('.', '', join(root, 'stub'), join(root, 'second')) });
    expect(found).toMatchObject({ path, version: '3.12.9' });
    expect(found.reason).toMatch(/^python3 on PATH \(passed over: .*exit code 127: no version is set\)$/);
  });

  it('passes over an environment whose interpreter is gone, and says so', async () => {
    const project = join(root, 'dangling');
    mkdirSync(join(project, '.venv', 'bin'), { recursive: true });
    symlinkSync(join(root, 'uninstalled', 'python3'), join(project, '.venv', 'bin', 'python'));
    const env = { VIRTUAL_ENV: join(root, 'removed'), CONDA_PREFIX: venv };
    const found = await findPython({ cwd: project, env });
    expect(found.path).toBe(venvPython);
    expect(found.skipped).toEqual([
      `VIRTUAL_ENV: ${join(root, 'removed', 'bin', 'python')} does not exist`,
      expect.stringMatching(/^\.venv in .*is a link to an interpreter that is gone/),
    ]);
    expect(found.reason).toContain('CONDA_PREFIX (passed over: VIRTUAL_ENV');
  });

  it('is an error, no step to the next, when the environment has a Python that is too old', async () => {
    const project = join(root, 'ancient');
    fakePython(join(project, '.venv', 'bin', 'python'), '3.7.16');
    const said = await fault(findPython({ cwd: project, env: { CONDA_PREFIX: venv } }));
    expect(said).toContain(`.venv in ${project}: got Python 3.7.16`);
  });

  it('is an error with everything that was tried, in order, when there is none', async () => {
    const said = await fault(
      findPython({ cwd: bare, env: { CONDA_PREFIX: join(root, 'gone'), ...on(basics) } }),
    );
    const places = [
      '--python',
      'VIRTUAL_ENV: not set',
      '.venv or venv: none in',
      'CONDA_PREFIX: ',
      'Poetry: no poetry.lock',
      'python3 on PATH: not found',
    ];
    const positions = places.map((place) => said.indexOf(place));
    expect(positions).not.toContain(-1);
    expect(positions).toEqual([...positions].sort((a, b) => a - b));
    expect(said).toContain('Install Python 3.9 or later');
  });
});
