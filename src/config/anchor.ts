import { existsSync } from 'node:fs';
import { resolve } from 'node:path';
import { locateApp } from './app.ts';
import { isPlain } from './origins.ts';

/**
 * Makes the relative paths of a configuration file absolute, from the folder it lies in: what a file says must not depend on
 * where a command is run. Returns a copy; values of the wrong kind stay, for the validation to name them.
 */
export const anchorPaths = (options: Record<string, unknown>, folder: string): Record<string, unknown> => {
  const anchored = { ...options };
  if (isPlain(options.pools)) {
    anchored.pools = Object.fromEntries(
      Object.entries(options.pools).map(([name, pool]) => [
        name,
        isPlain(pool) ? anchorPool(pool, folder) : pool,
      ]),
    );
  }
  if (isPlain(options.logs) && !['stderr', 'stdout'].includes(options.logs.dest as string)) {
    anchored.logs = change(options.logs, 'dest', (dest) => resolve(folder, dest));
  }
  return change(anchored, 'runtimeDir', (directory) => resolve(folder, directory));
};

const anchorPool = (pool: Record<string, unknown>, folder: string): Record<string, unknown> => {
  const withApp = change(pool, 'app', (app) => (isFile(app) ? resolve(folder, app) : app));
  const withCwd = change(withApp, 'cwd', (cwd) => resolve(folder, cwd));
  return change(withCwd, 'python', (python) => anchorPython(python, folder));
};

/** The same for an interpreter: a bare name is looked for on PATH, and a wrapper such as `uv run` is to be refused as it was written. */
export const anchorPython = (python: string, folder: string): string => {
  if (!python.includes('/') || python.startsWith('~')) return python;
  const path = resolve(folder, python);
  const isCommandLine = !/^\S*\//.test(python) && !existsSync(path);
  return isCommandLine ? python : path;
};

const isFile = (app: string): boolean => {
  try {
    return !app.startsWith('file:') && locateApp(app, '/').kind === 'file';
  } catch {
    return false;
  }
};

const change = (
  object: Record<string, unknown>,
  key: string,
  how: (value: string) => string,
): Record<string, unknown> => {
  const value = object[key];
  return typeof value === 'string' && value !== '' ? { ...object, [key]: how(value) } : object;
};
