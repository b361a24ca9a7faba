/**
 * Writes the rules, alerts, their cases, scrape configurations and the dashboard in deploy/, from scripts/lib/deploy and the
 * catalogue of metrics; with `--check` it only says whether they are up to date.
 */
import { mkdirSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { ensureBuild, ensureDependencies } from './lib/ensure.mjs';
import { root } from './lib/run.mjs';

await ensureDependencies();
await ensureBuild();
const { deployFiles } = await import('./lib/deploy/index.mjs');

const folder = join(root, 'deploy');
/** Written by hand. */
const OWN = ['README.md'];
const checkOnly = process.argv.includes('--check');

const readOrNothing = (path) => {
  try {
    return readFileSync(path, 'utf8');
  } catch {
    return undefined;
  }
};

const files = deployFiles();
mkdirSync(folder, { recursive: true });
const there = readdirSync(folder, { recursive: true, withFileTypes: true })
  .filter((entry) => entry.isFile())
  .map((entry) => join(entry.parentPath, entry.name).slice(folder.length + 1));
const left = there.filter((file) => !OWN.includes(file) && !(file in files));
const stale = Object.keys(files).filter((file) => readOrNothing(join(folder, file)) !== files[file]);

if (checkOnly) {
  const wrong = [...stale, ...left].map((file) => `deploy/${file}`);
  if (wrong.length > 0) {
    console.error(`Out of date: ${wrong.join(', ')}. Run: npm run deploy`);
    process.exitCode = 1;
  }
} else {
  for (const file of left) rmSync(join(folder, file));
  for (const file of stale) {
    mkdirSync(dirname(join(folder, file)), { recursive: true });
    writeFileSync(join(folder, file), files[file]);
  }
}
