import { stat } from 'node:fs/promises';
import {
  anchorPython,
  type ConfigSource,
  configExtensions,
  isPlain,
  type LoadedConfig,
  loadConfig,
  locateApp,
  put,
  type ResolvedOptions,
  resolveOptions,
  serveDefaults,
} from '../config/index.ts';
import { UsageError } from './exit.ts';
import type { Terminal } from './terminal.ts';

/** Flags as the command line gives them; a number stays text where it is none, for the validation to say what is allowed. */
export interface Flags {
  readonly app?: string | undefined;
  readonly pool?: string | undefined;
  readonly workers?: number | string | undefined;
  readonly concurrency?: number | string | undefined;
  readonly transport?: string | undefined;
  readonly python?: string | undefined;
  readonly config?: string | undefined;
  readonly host?: string | undefined;
  readonly port?: number | string | undefined;
  readonly opsHost?: string | undefined;
  readonly opsPort?: number | string | undefined;
  readonly logLevel?: string | undefined;
  readonly logFormat?: string | undefined;
  readonly logDest?: string | undefined;
}

/** Options ready to start with. */
export interface CommandOptions {
  readonly resolved: ResolvedOptions;
  /** The same as it was written: what the file, the environment and the flags give together. */
  readonly source: ConfigSource;
  /** The configuration file, or undefined where there is none. */
  readonly file: string | undefined;
}

/** A whole number, or the text as it came. `Number` alone would take '' for 0. */
export const wholeNumber = (text: string): number | string => (/^[+-]?\d+$/.test(text) ? Number(text) : text);

/**
 * Puts together flags over environment over file over defaults, and validates the whole.
 *
 * @param adjust - changes what came together, before it is validated
 * @throws SnakepitError `invalid_configuration`
 * @throws UsageError where no app is named, or a named one does not exist
 */
export const commandOptions = async (
  flags: Flags,
  { cwd, env }: Pick<Terminal, 'cwd' | 'env'>,
  adjust: (loaded: LoadedConfig) => void = () => {},
): Promise<CommandOptions> => {
  const loaded = await loadConfig({ file: flags.config, cwd, env });
  const { options, file, origins } = loaded;
  applyPoolFlags(flags, loaded, cwd);
  if (options.logs === false && (flags.logLevel ?? flags.logFormat ?? flags.logDest) !== undefined)
    options.logs = {};
  const set = (path: readonly string[], value: unknown, origin: string) => {
    if (value !== undefined) put(options, origins, path, value, origin);
  };
  set(['gateway', 'host'], flags.host, '--host');
  set(['gateway', 'port'], flags.port, '--port');
  set(['ops', 'host'], flags.opsHost, '--ops-host');
  set(['ops', 'port'], flags.opsPort, '--ops-port');
  set(['logs', 'level'], flags.logLevel, '--log-level');
  set(['logs', 'format'], flags.logFormat, '--log-format');
  set(['logs', 'dest'], flags.logDest, '--log-dest');
  for (const { path, value } of serveDefaults) {
    const [group, key] = path;
    const there = options[group];
    if (there === undefined || (isPlain(there) && there[key] === undefined))
      put(options, origins, path, value, 'default');
  }
  adjust(loaded);
  const resolved = resolveOptions(options, file, origins);
  await checkApps(resolved, cwd);
  return { resolved, source: loaded, file };
};

/** The interpreter that `--python` names, for every pool. */
export const explicitPython = (
  { python }: Flags,
  cwd: string,
): { value: string; source: string } | undefined =>
  python === undefined ? undefined : { value: anchorPython(python, cwd), source: '--python' };

const applyPoolFlags = (flags: Flags, { options, file, origins }: LoadedConfig, cwd: string): void => {
  const given = Object.entries({
    app: flags.app === undefined ? undefined : absoluteApp(flags.app, cwd),
    workers: flags.workers,
    concurrency: flags.concurrency,
    transport: flags.transport,
  }).filter(([, value]) => value !== undefined);
  const pools = isPlain(options.pools) ? Object.keys(options.pools) : [];
  if (pools.length === 0 && flags.app === undefined && options.pools === undefined) throw noApp(file, cwd);
  if (given.length === 0) return checkPool(flags.pool, pools);
  const pool = poolOf(flags, pools);
  for (const [key, value] of given)
    put(options, origins, ['pools', pool, key], value, key === 'app' ? '<app.py>' : `--${key}`);
};

/** Wherever the pool's own working directory is, an app on the command line is named from here. */
const absoluteApp = (app: string, cwd: string): string => {
  const location = locateApp(app, cwd);
  return location.kind === 'file' ? location.path : location.name;
};

/** Neither the command line nor a configuration names an app. */
export class NoAppError extends UsageError {}

const noApp = (file: string | undefined, cwd: string): NoAppError => {
  const found =
    file === undefined
      ? `and no snakepit.config (${configExtensions.join(', ')}) stands in ${cwd} or above`
      : `and ${file} has no \`pools\``;
  return new NoAppError(
    `no app is named, ${found}. Name one: \`snakepit serve app.py\`, or write \`pools\` into a configuration file.`,
  );
};

/** The pool that flags are meant for: the one named, else `default`, else the only one there is. */
const poolOf = ({ pool, app }: Flags, pools: readonly string[]): string => {
  if (pool !== undefined) {
    // Without an app a pool cannot be new: its name is a slip.
    if (app === undefined) checkPool(pool, pools);
    return pool;
  }
  if (pools.length === 0 || pools.includes('default')) return 'default';
  if (pools.length === 1) return pools[0] as string;
  throw new UsageError(
    `--pool is missing: the configuration has several pools; allowed: one of ${pools.join(', ')}.`,
  );
};

const checkPool = (pool: string | undefined, pools: readonly string[]): void => {
  if (pool === undefined || pools.includes(pool)) return;
  throw new UsageError(
    `--pool: got '${pool}'; allowed: one of ${pools.join(', ')}, or a new name together with an app.`,
  );
};

const checkApps = async ({ pools }: ResolvedOptions, cwd: string): Promise<void> => {
  for (const [name, { app }] of Object.entries(pools)) {
    if (app === undefined) continue;
    const location = locateApp(app, cwd);
    if (location.kind === 'module') continue;
    const found = await stat(location.path).catch((error: Error) => error);
    if (!(found instanceof Error) && found.isFile()) continue;
    throw new UsageError(
      `pools.${name}.app: got '${location.path}', which is no file; allowed: a Python file, or a module (\`pkg.module\`).`,
    );
  }
};
