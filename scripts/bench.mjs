/** Runs the benchmarks: all of them, or the ones named (`npm run bench -- calls`). */
import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { ensureBuild, ensureDashboard, ensureDependencies, ensurePython, venvPython } from './lib/ensure.mjs';
import { must, npm, root } from './lib/run.mjs';

/** Those that need to be told something are run when they are named; `page` needs a browser. */
const benches = [
  'calls',
  'grpc',
  'memory',
  'start',
  'bus',
  'isolation',
  'sanitize',
  'metrics',
  'logging',
  'probes',
  'sessions',
  'viewers',
  'page',
  'paired',
];
const [named, ...rest] = process.argv.slice(2);
const wanted = named === 'paired' ? [named] : process.argv.slice(2);
const unknown = wanted.filter((name) => !benches.includes(name));
if (unknown.length > 0) {
  console.error(`There is no benchmark '${unknown[0]}'. There are: ${benches.join(', ')}.`);
  process.exit(2);
}

await ensureDependencies();
await ensureBuild();
if (wanted.length === 0 || wanted.includes('page')) await ensureDashboard();
await ensurePython();
if (!existsSync(join(root, 'bench', 'node_modules'))) {
  await must(npm.command, [...npm.args, 'ci', '--ignore-scripts', '--no-audit', '--no-fund'], {
    cwd: join(root, 'bench'),
    quiet: true,
  });
}
for (const name of wanted.length > 0 ? wanted : benches.filter((name) => name !== 'paired')) {
  const args = name === 'paired' ? rest : [];
  await must(process.execPath, ['--expose-gc', join('bench', `${name}.mjs`), ...args], {
    env: { SNAKEPIT_PYTHON: venvPython },
  });
}
