import { SnakepitError } from '../errors/index.ts';
import { explain } from './explain.ts';
import type { ConfigContext } from './file.ts';
import { type Origins, originKey } from './origins.ts';
import { optionsSchema, type ResolvedOptions, type SnakepitOptions } from './schema.ts';

/**
 * Validates options and fills in defaults, once, at the edge.
 *
 * @param options - as the user wrote them
 * @param source - where they came from, for the message: a file name, or nothing for options given in code
 * @param origins - which values came from flags or the environment, for the message
 * @throws SnakepitError `invalid_configuration`, naming every key at fault, what was got and what is allowed
 */
export const resolveOptions = (
  options: SnakepitOptions | Readonly<Record<string, unknown>>,
  source?: string,
  origins: Origins = new Map(),
): ResolvedOptions => {
  const parsed = optionsSchema.safeParse(options);
  if (parsed.success) return parsed.data;
  const faults = parsed.error.issues.flatMap((issue) => explain(issue, options, origins));
  const inFile = parsed.error.issues.some(({ path }) => !origins.has(originKey(path)));
  const where = source === undefined || !inFile ? 'The configuration' : `The configuration in ${source}`;
  throw new SnakepitError('invalid_configuration', `${where} is not valid${listed(faults)}`);
};

const listed = (faults: readonly string[]): string =>
  faults.length === 1 ? `. ${faults[0]}` : `:${faults.map((fault) => `\n  - ${fault}`).join('')}`;

/** Makes the options when the configuration is read. */
export type ConfigFunction = (context: ConfigContext) => SnakepitOptions | Promise<SnakepitOptions>;

/** Types a configuration file's default export, an object or a function that makes one; returns it unchanged. */
export function defineConfig(config: SnakepitOptions): SnakepitOptions;
export function defineConfig(config: ConfigFunction): ConfigFunction;
export function defineConfig(config: SnakepitOptions | ConfigFunction): SnakepitOptions | ConfigFunction {
  return config;
}
