/**
 * Everything that must hold before a change lands: types, lint, rooms, generated files, the Node tests, the Python checks and tests.
 * The last line counts what ran.
 */
import { existsSync, mkdirSync, readFileSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import {
  ensureBuild,
  ensureDashboard,
  ensureDependencies,
  ensurePython,
  venvBuf,
  venvPython,
} from './lib/ensure.mjs';
import { bin, root, run } from './lib/run.mjs';
import { onPath, tools } from './lib/tools.mjs';

const requireAll = process.env.SNAKEPIT_TEST_REQUIRE === 'all';
const reports = join(root, '.cache', 'reports');
const totals = { passed: 0, failed: 0, skipped: 0 };

/** A check without cases of its own: one passed or one failed. */
const check = async (name, command, args, options) => {
  const started = Date.now();
  const code = await run(command, args, { quiet: true, ...options });
  totals[code === 0 ? 'passed' : 'failed']++;
  console.log(`${code === 0 ? 'ok  ' : 'FAIL'} ${name} (${((Date.now() - started) / 1000).toFixed(1)} s)`);
};

/** Tests of a disk or a network of their own. No package can be installed for them: a container is allowed to make those, or it is not. */
const NEEDS_LEAVE = /by leave of the kernel/;
const WITHOUT_LEAVE =
  'that mount a disk or cut a network of their own, since that is not permitted here: run as root, with leave to make namespaces';

const python = (...args) => [venvPython, args];

const vitest = async () => {
  const file = join(reports, 'vitest.json');
  const code = await run(
    bin('vitest'),
    ['run', '--reporter=dot', '--reporter=json', `--outputFile.json=${file}`],
    {
      env: { SNAKEPIT_TEST_PYTHON: venvPython },
    },
  );
  try {
    const report = JSON.parse(readFileSync(file, 'utf8'));
    totals.passed += report.numPassedTests;
    totals.failed += report.numFailedTests;
    const skipped = report.numPendingTests + report.numTodoTests;
    const refused = report.testResults
      .flatMap(({ assertionResults }) => assertionResults)
      .filter(
        ({ status, fullName }) => status !== 'passed' && status !== 'failed' && NEEDS_LEAVE.test(fullName),
      );
    if (refused.length > 0) console.log(`skipped: ${refused.length} tests ${WITHOUT_LEAVE}`);
    totals.skipped += skipped - refused.length;
    // A file that does not load, or an error outside any test, has no test to count.
    if (code !== 0 && report.numFailedTests === 0) totals.failed++;
  } catch {
    totals.failed++;
  }
};

const pytest = async () => {
  const file = join(reports, 'pytest.xml');
  const code = await run(...python('-m', 'pytest', '-q', 'tests', `--junitxml=${file}`), {
    cwd: join(root, 'python'),
  });
  try {
    const [, attributes] = /<testsuite ([^>]*)>/.exec(readFileSync(file, 'utf8'));
    const count = (name) => Number(new RegExp(`${name}="(\\d+)"`).exec(attributes)?.[1] ?? 0);
    const failed = count('failures') + count('errors');
    totals.passed += count('tests') - failed - count('skipped');
    totals.failed += failed === 0 && code !== 0 ? 1 : failed;
    totals.skipped += count('skipped');
  } catch {
    totals.failed++;
  }
};

await ensureDependencies();
await ensureBuild();
await ensureDashboard();
await ensurePython();
rmSync(reports, { recursive: true, force: true });
mkdirSync(reports, { recursive: true });

/** All that runs no test. */
const checks = async () => {
  await check('types', bin('tsc'), ['-p', 'tsconfig.json', '--noEmit']);
  await check('types of the page', bin('tsc'), ['-p', 'dashboard/tsconfig.json', '--noEmit']);
  await check('types of its tests', bin('tsc'), ['-p', 'test/dashboard/tsconfig.json', '--noEmit']);
  await check('lint', bin('biome'), ['check', '--error-on-warnings', '.']);
  await check('rooms and cycles', bin('depcruise'), [
    '--config',
    '.dependency-cruiser.cjs',
    'src',
    'dashboard/src',
  ]);
  await check('generated files are up to date', process.execPath, ['scripts/docs.mjs', '--check']);
  await check('rules and dashboard are up to date', process.execPath, ['scripts/deploy.mjs', '--check']);
  await check('Python lint', ...python('-m', 'ruff', 'check', 'python', 'examples'));
  await check('Python format', ...python('-m', 'ruff', 'format', '--check', 'python', 'examples'));
  await check('Python types', ...python('-m', 'mypy', '--strict', 'src'), { cwd: join(root, 'python') });
  if (existsSync(venvBuf)) {
    const proto = { cwd: join(root, 'proto') };
    await check('proto lint', venvBuf, ['lint'], proto);
    await check('proto format', venvBuf, ['format', '--diff', '--exit-code'], proto);
  }
};

// The Python tests mostly wait, and the checks only compute.
await Promise.all([checks(), pytest()]);
await vitest();

const missing = tools.filter(({ name }) => !onPath(name));
if (!existsSync(venvBuf))
  missing.push({
    name: 'buf',
    what: 'lint of the proto',
    install: '.venv/bin/python -m pip install -r python/requirements-optional.txt',
  });
for (const { name, what, install } of missing)
  console.log(`skipped: ${what}, since ${name} is not installed: ${install}`);
if (requireAll) totals.failed += missing.length + totals.skipped;
const skipped = totals.skipped > 0 ? `, ${totals.skipped} skipped` : '';
console.log(`${totals.passed} passed, ${totals.failed} failed${skipped}`);
process.exitCode = totals.failed > 0 ? 1 : 0;
