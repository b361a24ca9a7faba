import { createHash } from 'node:crypto';
import { existsSync, mkdirSync, readdirSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { join, sep } from 'node:path';
import { buildDashboard } from './dashboard.mjs';
import { bin, must, npm, root, run } from './run.mjs';

const say = (text) => console.log(text);

/** Does `work` when what it is made from has changed since it was last done. */
const once = async (name, inputs, output, work) => {
  const hash = createHash('sha256');
  for (const input of inputs) hash.update(input);
  const digest = hash.digest('hex');
  const stamp = join(root, '.cache', `${name}.stamp`);
  if (existsSync(output) && existsSync(stamp) && readFileSync(stamp, 'utf8') === digest) return;
  // Gone first: a run that is cut short must not pass for done.
  rmSync(stamp, { force: true });
  await work();
  mkdirSync(join(root, '.cache'), { recursive: true });
  writeFileSync(stamp, digest);
};

const contents = (folder) =>
  readdirSync(folder, { recursive: true, withFileTypes: true })
    .filter((entry) => entry.isFile())
    .map((entry) => join(entry.parentPath, entry.name))
    .filter((file) => !file.includes(`${sep}node_modules${sep}`))
    .sort()
    .flatMap((file) => [file.slice(root.length), readFileSync(file)]);

/** Installs the Node dependencies that package-lock.json names. */
export const ensureDependencies = () =>
  once(
    'dependencies',
    [readFileSync(join(root, 'package-lock.json'))],
    join(root, 'node_modules'),
    async () => {
      say('Installing the Node dependencies …');
      await must(npm.command, [...npm.args, 'ci', '--ignore-scripts', '--no-audit', '--no-fund'], {
        quiet: true,
      });
    },
  );

/** Compiles src/ into dist/. */
export const ensureBuild = async () => {
  const inputs = [
    ...contents(join(root, 'src')),
    readFileSync(join(root, 'tsconfig.json')),
    readFileSync(join(root, 'tsconfig.build.json')),
  ];
  await once('build', inputs, join(root, 'dist', 'index.js'), async () => {
    say('Compiling …');
    // All but the page, which is built by itself.
    const there = existsSync(join(root, 'dist')) ? readdirSync(join(root, 'dist')) : [];
    for (const name of there)
      if (name !== 'dashboard') rmSync(join(root, 'dist', name), { recursive: true, force: true });
    await must(bin('tsc'), ['-p', 'tsconfig.build.json'], { quiet: true });
    const { configJsonSchema } = await import('../../dist/config/index.js');
    writeFileSync(
      join(root, 'dist', 'config.schema.json'),
      `${JSON.stringify(configJsonSchema(), null, 2)}\n`,
    );
  });
};

/** Builds dashboard/ into dist/dashboard. */
export const ensureDashboard = async () => {
  const inputs = [
    ...contents(join(root, 'dashboard')),
    readFileSync(join(root, 'tsconfig.json')),
    readFileSync(join(root, 'package-lock.json')),
    readFileSync(join(root, 'scripts', 'lib', 'dashboard.mjs')),
  ];
  await once('dashboard', inputs, join(root, 'dist', 'dashboard', 'index.html'), async () => {
    say('Building the page …');
    await buildDashboard();
  });
};

/** The Python of the environment that {@link ensurePython} makes. */
export const venvPython = join(root, '.venv', 'bin', 'python');

/** Buf, which {@link ensurePython} installs where there is a build of it. */
export const venvBuf = join(root, '.venv', 'bin', 'buf');

/** Makes a virtual environment with what the Python tests need, and those of the optional checks that can be had. */
export const ensurePython = () => {
  const inputs = ['dev', 'optional'].map((kind) =>
    readFileSync(join(root, 'python', `requirements-${kind}.txt`)),
  );
  return once('python', inputs, venvPython, async () => {
    say('Making the Python environment for the tests …');
    const python = process.env.SNAKEPIT_PYTHON ?? 'python3';
    await must(python, ['-m', 'venv', '--clear', '.venv'], { quiet: true });
    const pip = ['-m', 'pip', 'install', '--quiet', '--disable-pip-version-check'];
    await must(venvPython, [...pip, '-r', 'python/requirements-dev.txt'], { quiet: true });
    await run(venvPython, [...pip, '-r', 'python/requirements-optional.txt'], { quiet: true });
  });
};

/** Whether a file is there and can be run. */
export const isExecutable = (file) => {
  const stat = statSync(file, { throwIfNoEntry: false });
  return stat?.isFile() === true && (stat.mode & 0o111) !== 0;
};
