import { readFile, stat } from 'node:fs/promises';
import { dirname, extname, join, resolve } from 'node:path';
import { pathToFileURL } from 'node:url';
import { SnakepitError } from '../errors/index.ts';
import { parseJson } from './json-text.ts';

/** Endings a configuration file may have; where several stand side by side the first wins. */
export const configExtensions = ['.ts', '.mts', '.js', '.mjs', '.json', '.yaml'] as const;

/** What a configuration file that exports a function is called with. */
export interface ConfigContext {
  readonly env: Readonly<Record<string, string | undefined>>;
}

/** Looks for `snakepit.config.*` in a folder and those above it. */
export const findConfigFile = async (from: string): Promise<string | undefined> => {
  for (let folder = resolve(from); ; folder = dirname(folder)) {
    for (const extension of configExtensions) {
      const file = join(folder, `snakepit.config${extension}`);
      if (await isFile(file)) return file;
    }
    if (dirname(folder) === folder) return undefined;
  }
};

const isFile = async (path: string): Promise<boolean> => {
  try {
    return (await stat(path)).isFile();
  } catch {
    return false;
  }
};

/**
 * Reads a configuration file as it is now: no validation, no defaults.
 *
 * @throws SnakepitError `invalid_configuration` when it cannot be read, run or parsed, or holds no object
 */
export const readConfigFile = async (
  file: string,
  context: ConfigContext,
): Promise<Record<string, unknown>> => {
  const value = await (readers[extname(file)] ?? unknownKind)(file, context);
  if (typeof value !== 'object' || value === null || Array.isArray(value)) {
    const got = Array.isArray(value) ? 'an array' : value === null ? 'null' : typeof value;
    throw fault(file, `it holds ${got}; allowed: an object with the options`);
  }
  // For editors; no option of ours.
  const { $schema: _, ...options } = value as Record<string, unknown>;
  return options;
};

type Reader = (file: string, context: ConfigContext) => Promise<unknown>;

const unknownKind: Reader = async (file) => {
  throw fault(
    file,
    `its ending is '${extname(file)}'; allowed: ${[...configExtensions, '.yml', '.cjs', '.cts'].join(', ')}`,
  );
};

const readText = async (file: string): Promise<string> => {
  try {
    return await readFile(file, 'utf8');
  } catch (cause) {
    throw fault(file, (cause as Error).message, cause);
  }
};

const readJson: Reader = async (file) => {
  const text = await readText(file);
  try {
    return parseJson(text);
  } catch (cause) {
    throw fault(file, (cause as Error).message, cause);
  }
};

const readYaml: Reader = async (file) => {
  // Loaded only here: most programs that use the library have no YAML file.
  const { parseDocument } = await import('yaml');
  const document = parseDocument(await readText(file));
  const [error] = document.errors;
  if (error !== undefined) throw fault(file, error.message.trimEnd(), error);
  return document.toJS();
};

const readModule: Reader = async (file, context) => {
  const url = pathToFileURL(file);
  // Modules are kept by their URL: without this a changed file would be read as it was before.
  url.searchParams.set('read', String((await statOrFault(file)).mtimeMs));
  let exported: unknown;
  try {
    exported = await import(url.href);
  } catch (cause) {
    throw fault(file, moduleFault(cause as NodeJS.ErrnoException), cause);
  }
  const value = defaultOf(exported);
  if (typeof value !== 'function') return value;
  try {
    return await value(context);
  } catch (cause) {
    throw fault(file, `the function it exports failed: ${(cause as Error)?.stack ?? cause}`, cause);
  }
};

const statOrFault = async (file: string) => {
  try {
    return await stat(file);
  } catch (cause) {
    throw fault(file, (cause as Error).message, cause);
  }
};

/** The default export, also of CommonJS that was compiled from a module. */
const defaultOf = (exported: unknown): unknown => {
  const value = (exported as { default?: unknown }).default;
  const inner = value as { __esModule?: boolean; default?: unknown } | null | undefined;
  return inner?.__esModule === true ? inner.default : value;
};

const moduleFault = (error: NodeJS.ErrnoException): string => {
  if (error?.code === 'ERR_UNKNOWN_FILE_EXTENSION') {
    return (
      `this Node (${process.version}) does not run TypeScript. Use Node 22.18 or later, or write the configuration ` +
      'as snakepit.config.mjs, .json or .yaml'
    );
  }
  if (error?.code === 'ERR_UNSUPPORTED_TYPESCRIPT_SYNTAX') {
    return `${error.message}. Node takes only types away: no enum, no namespace, no parameter properties`;
  }
  return error instanceof Error ? (error.stack ?? error.message) : String(error);
};

const fault = (file: string, why: string, cause?: unknown): SnakepitError =>
  new SnakepitError('invalid_configuration', `The configuration in ${file} cannot be used: ${why}.`, {
    cause,
  });

const readers: Readonly<Record<string, Reader>> = {
  '.json': readJson,
  '.yaml': readYaml,
  '.yml': readYaml,
  ...Object.fromEntries(
    ['.js', '.mjs', '.cjs', '.ts', '.mts', '.cts'].map((extension) => [extension, readModule]),
  ),
};
