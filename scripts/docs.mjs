/**
 * Writes the reference pages that come from the catalogues; with `--check` it only says whether they are up to date.
 */
import { mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { ensureBuild, ensureDependencies } from './lib/ensure.mjs';
import { root } from './lib/run.mjs';

await ensureDependencies();
await ensureBuild();
const { referencePages } = await import('./lib/reference.mjs');

const checkOnly = process.argv.includes('--check');
const stale = [];
for (const [file, text] of Object.entries(await referencePages())) {
  const path = join(root, 'docs', file);
  let before = '';
  try {
    before = readFileSync(path, 'utf8');
  } catch {
    // Not there yet.
  }
  if (before === text) continue;
  stale.push(file);
  if (checkOnly) continue;
  mkdirSync(join(root, 'docs'), { recursive: true });
  writeFileSync(path, text);
}
if (checkOnly && stale.length > 0) {
  console.error(`Out of date: ${stale.map((file) => `docs/${file}`).join(', ')}. Run: npm run docs`);
  process.exitCode = 1;
}
