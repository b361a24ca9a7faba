import { fileURLToPath } from 'node:url';
import { defineConfig, type UserConfig } from 'vite';

const out = (folder: string) => fileURLToPath(new URL(`../dist/${folder}`, import.meta.url));

const common: UserConfig = {
  root: fileURLToPath(new URL('.', import.meta.url)),
  // No address of its own: the page is served below any prefix and behind any proxy.
  base: './',
  publicDir: false,
  logLevel: 'warn',
  oxc: { jsx: { runtime: 'automatic', importSource: 'preact' } },
};

/** The page: one script and one style sheet for the first paint, the rest when it is needed. */
const page: UserConfig = {
  ...common,
  build: {
    target: 'es2022',
    outDir: out('dashboard'),
    emptyOutDir: true,
    cssCodeSplit: false,
    // Data URLs of fonts and images would need more of the Content-Security-Policy than is given.
    assetsInlineLimit: 0,
    // The polyfill is for browsers that do not have what `es2022` has either.
    modulePreload: { polyfill: false },
    reportCompressedSize: false,
    license: { fileName: 'licenses.md' },
    // What every view needs comes in one piece, not in one for each set of views that share it.
    rolldownOptions: {
      output: {
        codeSplitting: {
          groups: [{ name: 'shared', test: /dashboard\/src\/(data|ui|charts)\/|node_modules/ }],
        },
      },
    },
  },
  experimental: {
    // The HTML is served at `…/dashboard`, without a slash at its end, so its folder is the one above.
    renderBuiltUrl: (file, { hostType }) =>
      hostType === 'html' ? `./dashboard/${file}` : { relative: true },
  },
};

/** The same page as one classic script, which is written into the file of an incident. Nothing of it is served. */
const recorded: UserConfig = {
  ...common,
  build: {
    target: 'es2022',
    outDir: out('dashboard-recorded'),
    emptyOutDir: true,
    cssCodeSplit: false,
    assetsInlineLimit: Number.POSITIVE_INFINITY,
    modulePreload: false,
    reportCompressedSize: false,
    rolldownOptions: {
      input: fileURLToPath(new URL('src/main.tsx', import.meta.url)),
      output: {
        format: 'iife',
        codeSplitting: false,
        entryFileNames: 'page.js',
        assetFileNames: 'page[extname]',
      },
    },
  },
};

export default defineConfig(({ mode }) => (mode === 'recorded' ? recorded : page));
