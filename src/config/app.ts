import { resolve } from 'node:path';
import { fileURLToPath } from 'node:url';
import { SnakepitError } from '../errors/index.ts';

/** Where an app is: a file, or a module that Python finds by itself. */
export type AppLocation =
  | { readonly kind: 'file'; readonly path: string }
  | { readonly kind: 'module'; readonly name: string };

const MODULE = /^[\p{L}_][\p{L}\p{N}_]*(\.[\p{L}_][\p{L}\p{N}_]*)*$/u;

/**
 * Reads an app as it is written in the options: `./app.py`, `/srv/app.py` or a `file:` URL is a file, `pkg.module` a module.
 *
 * @param base - folder that relative paths start from
 * @throws SnakepitError `invalid_configuration` when it is neither
 */
export const locateApp = (app: string | URL, base: string): AppLocation => {
  const text = String(app);
  if (/^file:/i.test(text)) return { kind: 'file', path: fileURLToPath(text) };
  if (isPath(text)) return { kind: 'file', path: resolve(base, text) };
  if (MODULE.test(text)) return { kind: 'module', name: text };
  throw new SnakepitError(
    'invalid_configuration',
    `app: got '${text}'; allowed: a file (\`./app.py\`), a \`file:\` URL or a module (\`pkg.module\`).`,
  );
};

const isPath = (text: string) => /[/\\]|\.py$/.test(text) && !/^[a-z][a-z0-9+.-]+:/i.test(text);
