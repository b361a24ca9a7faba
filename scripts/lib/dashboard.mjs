/** Builds the live page into dist/dashboard: what is served, compressed once here, and what the file of an incident is made from. */
import {
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  renameSync,
  rmSync,
  writeFileSync,
} from 'node:fs';
import { extname, join } from 'node:path';
import { brotliCompressSync, constants, gzipSync } from 'node:zlib';
import { bin, must, root } from './run.mjs';

const COMPRESSED = ['.html', '.js', '.css'];

const brotli = (bytes) =>
  brotliCompressSync(bytes, {
    params: { [constants.BROTLI_PARAM_QUALITY]: 11, [constants.BROTLI_PARAM_SIZE_HINT]: bytes.length },
  });

const filesBelow = (folder) =>
  readdirSync(folder, { recursive: true, withFileTypes: true })
    .filter((entry) => entry.isFile())
    .map((entry) => join(entry.parentPath, entry.name));

const vite = (mode, outDir) =>
  must(
    bin('vite'),
    ['build', 'dashboard', '--config', 'dashboard/vite.config.ts', '--mode', mode, '--outDir', outDir],
    // `--mode` names the kind of build here; the libraries are to be those for production in both.
    { quiet: true, env: { NODE_ENV: 'production' } },
  );

/** Beside each file its `.br` and `.gz`. */
const compress = (folder) => {
  for (const file of filesBelow(folder)) {
    if (!COMPRESSED.includes(extname(file))) continue;
    const bytes = readFileSync(file);
    writeFileSync(`${file}.br`, brotli(bytes));
    writeFileSync(`${file}.gz`, gzipSync(bytes, { level: 9 }));
  }
};

/** The page in one script is needed seldom, so it is kept compressed alone. */
const keepRecorded = (from, to) => {
  for (const extension of ['js', 'css']) {
    const file = join(from, `page.${extension}`);
    const text = existsSync(file) ? readFileSync(file) : '';
    if (/<\/style/i.test(text) && extension === 'css') throw new Error('The style sheet holds </style.');
    writeFileSync(join(to, `recorded.${extension}.br`), brotli(text));
  }
};

/** Whoever reads dist/dashboard meanwhile sees the one before or this one, but for a moment between. */
export const buildDashboard = async () => {
  const dist = join(root, 'dist');
  const cache = join(root, '.cache');
  for (const folder of [dist, cache]) mkdirSync(folder, { recursive: true });
  const work = mkdtempSync(join(cache, 'dashboard-'));
  try {
    const page = join(work, 'page');
    const recorded = join(work, 'recorded');
    await vite('production', page);
    await vite('recorded', recorded);
    compress(page);
    keepRecorded(recorded, page);
    const target = join(dist, 'dashboard');
    rmSync(target, { recursive: true, force: true });
    renameSync(page, target);
  } finally {
    rmSync(work, { recursive: true, force: true });
  }
};
