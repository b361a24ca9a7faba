import { existsSync, mkdirSync } from 'node:fs';
import { createServer } from 'node:net';
import { delimiter, join } from 'node:path';
import { describe, expect, it, onTestFinished } from 'vitest';
import { checkSharedMemory, checkSocketDirectory, checkTemporary } from '../../src/cli/doctor/files.ts';
import type { Finding } from '../../src/cli/doctor/finding.ts';
import { checkCpus, checkNode, checkOpenFiles, checkPlatform } from '../../src/cli/doctor/machine.ts';
import { checkPort } from '../../src/cli/doctor/ports.ts';
import { renderFindings } from '../../src/cli/doctor/render.ts';
import { pythonRuntimePath } from '../../src/process/python-runtime-path.ts';
import { fakePython, file, scratch, script, virtualEnvironment } from '../process/python-fixtures.ts';
import { type Ended, runCli } from './run-cli.ts';

const root = scratch();
const venv = virtualEnvironment(join(root, '.venv'));
const python = join(venv, 'bin', 'python');
/** Takes no ports of the machine, so that tests can run beside a server. */
const FREE = ['--port', '0', '--ops-port', '0'];

const findings = ({ stdout }: Ended): Record<string, Finding> => {
  const { checks } = JSON.parse(stdout) as { checks: Finding[] };
  return Object.fromEntries(checks.map((finding) => [finding.check, finding]));
};
const doctor = (args: readonly string[], env: Record<string, string> = {}) =>
  runCli(['doctor', '--json', ...FREE, ...args], root, env);

const app = file(
  join(root, 'app.py'),
  'from snakepit import command\n@command\ndef predict(n: int): return n\n@command(name="say")\ndef hello(): yield 1\nprint("noise")\n',
);

describe('snakepit doctor', () => {
  it('finds nothing to fail over where all is well, and says what is there', async () => {
    const ended = await doctor([app]);
    expect(ended).toMatchObject({ code: 0, stderr: '' });
    const checks = findings(ended);
    expect(JSON.parse(ended.stdout).ok).toBe(true);
    expect(Object.keys(checks)).toEqual([
      'node',
      'platform',
      'configuration',
      'cpus',
      'open files',
      'temporary files',
      'socket directory',
      'shared memory',
      'python',
      'runtime',
      'msgpack',
      'app',
      'port (gateway)',
      'port (ops)',
    ]);
    expect(checks.node?.detail).toBe(process.versions.node);
    expect(checks.python?.detail).toMatch(
      new RegExp(`^3\\.\\d+\\.\\d+ at ${python}, by \\.venv in ${root}$`),
    );
    expect(checks.runtime?.detail).toContain(pythonRuntimePath());
    expect(checks.app).toMatchObject({ status: 'ok', detail: `${app} imports; commands: predict, say` });
  });

  it('warns of missing msgpack and says how to install it there, and nothing else', async () => {
    const { msgpack } = findings(await doctor([app]));
    expect(msgpack).toMatchObject({
      status: 'warn',
      remedy: `Install it into that environment: \`${python} -m pip install msgpack\`.`,
    });
    file(join(root, 'extra', 'msgpack.py'), 'version = (1, 2, 3)');
    const there = findings(await doctor([app], { PYTHONPATH: join(root, 'extra') }));
    expect(there.msgpack).toMatchObject({ status: 'ok', detail: '1.2.3' });
  });

  it('fails where the app does not import, with the traceback and the way out', async () => {
    const broken = file(join(root, 'broken.py'), 'def inner():\n    import no_such_model\ninner()\n');
    const ended = await doctor([broken]);
    expect(ended.code).toBe(1);
    const found = findings(ended).app;
    expect(found?.status).toBe('fail');
    expect(found?.detail).toContain(`File "${broken}", line 2, in inner`);
    expect(found?.detail).toContain("ModuleNotFoundError: No module named 'no_such_model'");
    expect(found?.remedy).toContain('Install no_such_model into the environment above');
  });

  it('fails where the app defines no command', async () => {
    const empty = file(join(root, 'empty_app.py'), 'x = 1\n');
    const found = findings(await doctor([empty])).app;
    expect(found).toMatchObject({ status: 'fail', detail: expect.stringContaining('defines no command') });
  });

  it('fails where the interpreter that is named cannot be used, and looks at the rest', async () => {
    const old = fakePython(join(root, 'old', 'python'), '3.8.18');
    const ended = await doctor(['--python', old]);
    expect(ended.code).toBe(1);
    expect(findings(ended).python).toMatchObject({
      status: 'fail',
      detail: expect.stringContaining('--python: got Python 3.8.18'),
    });
    expect(findings(ended)['port (ops)']?.status).toBe('ok');
  });

  it('warns where an environment was passed over', async () => {
    const tools = join(root, 'tools');
    script(join(tools, 'python3'), `exec "${python}" "$@"`);
    mkdirSync(join(root, 'bare'));
    const env = { VIRTUAL_ENV: join(root, 'removed'), PATH: [tools, process.env.PATH].join(delimiter) };
    const ended = await runCli(['doctor', '--json', ...FREE], join(root, 'bare'), env);
    // The search goes on from VIRTUAL_ENV to the .venv above.
    expect(findings(ended).python).toMatchObject({
      status: 'warn',
      detail: expect.stringContaining(`passed over: VIRTUAL_ENV: ${env.VIRTUAL_ENV}`),
    });
  });

  it('looks at the machine alone without app and configuration', async () => {
    const ended = await doctor([]);
    expect(ended.code).toBe(0);
    expect(findings(ended)).not.toHaveProperty('app');
    expect(findings(ended).configuration?.detail).toContain('no file and no app');
  });

  it('looks at every pool of a configuration, as the pool would run', async () => {
    const config = file(
      join(root, 'set', 'my.yaml'),
      `runtimeDir: ${root}
pools:
  nlp: { app: ../app.py, codec: msgpack, env: { PYTHONPATH: ${join(root, 'extra')} } }
  vision: { app: pkg.module, cwd: ./lib, python: ../.venv/bin/python }
`,
    );
    file(
      join(root, 'set', 'lib', 'pkg', 'module.py'),
      'from snakepit import command\n@command\ndef see(): pass\n',
    );
    file(join(root, 'extra', 'msgpack.py'), 'version = (1, 2, 3)');
    const ended = await doctor(['--config', config]);
    const checks = findings(ended);
    expect(ended.code).toBe(0);
    expect(checks.configuration?.detail).toBe(`${config}; pools: nlp, vision`);
    expect(checks['python (vision)']?.detail).toContain('by pools.vision.python');
    expect(checks['app (vision)']?.detail).toBe('pkg.module imports; commands: see');
    expect(checks['msgpack (nlp)']).toMatchObject({ status: 'ok' });
    expect(checks['socket directory']?.detail).toContain(root);
  });

  it('fails where the configuration is wrong, and looks at the rest', async () => {
    const config = file(join(root, 'wrong.json'), '{"pools": {"default": {"app": "app.py", "wrokers": 3}}}');
    const ended = await doctor(['--config', config]);
    expect(ended.code).toBe(1);
    expect(findings(ended).configuration).toMatchObject({
      status: 'fail',
      detail: expect.stringContaining("Did you mean 'workers'?"),
    });
    expect(findings(ended).python?.status).toBe('ok');
  });

  it('prints lines for people, without colours where nobody sees them', async () => {
    const { stdout } = await runCli(['doctor', ...FREE], root, { FORCE_COLOR: '1' });
    expect(stdout).toMatch(/^ok {4}node {14}\d+\.\d+\.\d+\n/);
    expect(stdout).toMatch(/\nReady to serve(; 1 worth a look)?\.\n$/);
    expect(stdout).not.toContain('\u001B');
  });
});

describe('TypeScript configuration', () => {
  const config = file(
    join(root, 'typed', 'snakepit.config.ts'),
    "type Wait = 'none' | 'ready';\nconst waitFor: Wait = 'none';\nexport default { waitFor, pools: { typed: { app: '../app.py' } } };\n",
  );
  // Node strips types from 22.18 on.
  const strips = Boolean((process.features as { typescript?: unknown }).typescript);

  it('is taken where Node runs it, and refused with what to do where not', async () => {
    if (strips) {
      const checks = findings(await doctor(['--config', config]));
      expect(checks.configuration).toMatchObject({ status: 'ok', detail: `${config}; pools: typed` });
      return;
    }
    const { code, stdout, stderr } = await runCli(['serve'], join(root, 'typed'));
    expect({ code, stdout }).toEqual({ code: 2, stdout: '' });
    expect(stderr).toContain(
      `this Node (${process.version}) does not run TypeScript. Use Node 22.18 or later`,
    );
  });
});

describe('checks of the machine', () => {
  it('take supported versions and platforms', () => {
    expect(
      [checkNode('20.19.0'), checkNode('26.0.0'), checkPlatform('linux'), checkPlatform('darwin')].map(
        ({ status }) => status,
      ),
    ).toEqual(['ok', 'ok', 'ok', 'ok']);
    expect(
      [checkNode('20.18.3'), checkNode('18.20.0'), checkPlatform('win32')].map(({ status }) => status),
    ).toEqual(['fail', 'fail', 'fail']);
    expect(checkPlatform('freebsd').status).toBe('warn');
    expect(checkPlatform('win32').remedy).toContain('wsl --install');
  });

  it('warn of more workers than CPUs, and of too few open files for them', () => {
    expect(checkCpus(1).status).toBe('ok');
    expect(checkCpus(1024).status).toBe('warn');
    expect(checkOpenFiles(4).detail).toMatch(/allowed/);
    expect(checkOpenFiles(4, 256)).toMatchObject({
      status: 'warn',
      remedy: expect.stringContaining('ulimit -n 4096'),
    });
    expect(checkOpenFiles(4, Number.POSITIVE_INFINITY).detail).toBe('unlimited allowed');
  });

  it('try the socket directory, and leave nothing in it', async () => {
    const base = join(root, 'run');
    mkdirSync(base);
    expect(await checkSocketDirectory(base)).toMatchObject({ status: 'ok' });
    expect(existsSync(join(base, 'doctor.sock'))).toBe(false);
    expect(await checkSocketDirectory(join(root, 'nowhere'))).toMatchObject({
      status: 'fail',
      detail: expect.stringContaining('ENOENT'),
    });
    const long = join(root, 'x'.repeat(100));
    mkdirSync(long);
    expect(await checkSocketDirectory(long)).toMatchObject({
      status: 'fail',
      detail: expect.stringMatching(/makes socket paths of \d+ bytes/),
    });
  });

  it('look at temporary files and shared memory', async () => {
    expect(await checkTemporary(root)).toMatchObject({ status: 'ok' });
    expect(await checkTemporary(join(root, 'nowhere'))).toMatchObject({ status: 'fail' });
    expect(await checkSharedMemory(join(root, 'nowhere'), 'linux')).toMatchObject({
      status: 'warn',
      remedy: expect.stringContaining('--shm-size'),
    });
    expect(await checkSharedMemory(join(root, 'nowhere'), 'darwin')).toMatchObject({ status: 'ok' });
  });

  it('tell a port that is taken, and an address that is not here', async () => {
    const server = createServer();
    const port = await new Promise<number>((resolve) => {
      server.listen(0, '127.0.0.1', () => resolve((server.address() as { port: number }).port));
    });
    onTestFinished(() => void server.close());
    expect(await checkPort('gateway', '127.0.0.1', port)).toMatchObject({
      status: 'fail',
      detail: `127.0.0.1:${port} is in use by another program`,
      remedy: expect.stringContaining('--port'),
    });
    expect((await checkPort('ops', '127.0.0.1', port)).remedy).toContain('--ops-port');
    expect(await checkPort('ops', '192.0.2.1', 9464)).toMatchObject({
      status: 'fail',
      remedy: expect.stringContaining('--ops-host'),
    });
    expect(await checkPort('gateway', '127.0.0.1', 0)).toMatchObject({ status: 'ok' });
  });
});

describe('renderFindings', () => {
  const list: Finding[] = [
    { check: 'node', status: 'ok', detail: '24.0.0' },
    { check: 'app', status: 'fail', detail: 'app.py does not import\nTraceback', remedy: 'Mend it.' },
    { check: 'msgpack', status: 'warn', detail: 'not installed', remedy: 'Install it.' },
  ];

  it('aligns names, and indents what follows', () => {
    expect(renderFindings(list, false)).toBe(
      `ok    node     24.0.0
fail  app      app.py does not import
               Traceback
               → Mend it.
warn  msgpack  not installed
               → Install it.

1 to mend before serving, 1 worth a look.
`,
    );
  });

  it('colours the words where it may', () => {
    expect(renderFindings(list, true)).toContain('\u001B[31mfail\u001B[39m');
    expect(renderFindings(list.slice(0, 1), true)).toContain('\u001B[32mok  \u001B[39m');
  });
});
