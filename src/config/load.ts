import { stat } from 'node:fs/promises';
import { dirname, resolve } from 'node:path';
import { SnakepitError } from '../errors/index.ts';
import { anchorPaths } from './anchor.ts';
import { applyEnvironment } from './environment.ts';
import { configExtensions, findConfigFile, readConfigFile } from './file.ts';
import type { Origins } from './origins.ts';

/** Where to look for the configuration. */
export interface LoadSettings {
  /** The file that `--config` names; relative to `cwd`. */
  readonly file?: string | undefined;
  /** The search for a file starts here and goes upwards. */
  readonly cwd: string;
  readonly env: Readonly<Record<string, string | undefined>>;
}

/** Options as the file and the environment give them: not validated, without defaults. */
export interface LoadedConfig {
  readonly options: Record<string, unknown>;
  /** The file they came from, absolute; undefined where there is none. */
  readonly file: string | undefined;
  /** Which values the environment gave. */
  readonly origins: Origins;
}

/**
 * Loads the configuration: the file that `file` or `SNAKEPIT_CONFIG` names, else the nearest `snakepit.config.*`, else none; over
 * it the environment. Relative paths in a file start from its folder. `resolveOptions` validates the result.
 *
 * @throws SnakepitError `invalid_configuration` when a file cannot be used, or one that was named does not exist
 */
export const loadConfig = async ({ file, cwd, env }: LoadSettings): Promise<LoadedConfig> => {
  const path = await configFile({ file, cwd, env });
  const read = path === undefined ? {} : await readConfigFile(path, { env });
  const options = path === undefined ? read : anchorPaths(read, dirname(path));
  const origins: Origins = new Map();
  await applyEnvironment(options, origins, { cwd, env });
  return { options, file: path, origins };
};

const configFile = async ({ file, cwd, env }: LoadSettings): Promise<string | undefined> => {
  if (file !== undefined) return named('--config', file, cwd);
  if (env.SNAKEPIT_CONFIG) return named('SNAKEPIT_CONFIG', env.SNAKEPIT_CONFIG, cwd);
  return findConfigFile(cwd);
};

const named = async (source: string, value: string, cwd: string): Promise<string> => {
  const path = resolve(cwd, value);
  const found = await stat(path).catch((error: NodeJS.ErrnoException) => error);
  if (!(found instanceof Error) && found.isFile()) return path;
  const why =
    found instanceof Error ? (found.code === 'ENOENT' ? 'no such file' : found.message) : 'that is no file';
  throw new SnakepitError(
    'invalid_configuration',
    `${source}: got '${value}': ${why}; allowed: a file that ends in ${configExtensions.join(', ')}.`,
  );
};
