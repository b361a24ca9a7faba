import type { z } from 'zod';
import { SnakepitError } from '../errors/index.ts';
import { optionsSchema, type ResolvedOptions, type SnakepitOptions } from './schema.ts';

const show = (value: unknown): string => {
  const text = typeof value === 'bigint' ? `${value}n` : JSON.stringify(value);
  if (text === undefined) return String(value);
  return text.length > 80 ? `${text.slice(0, 77)}…` : text;
};

const at = (root: unknown, path: readonly PropertyKey[]): unknown =>
  path.reduce<unknown>((value, key) => (value as Record<PropertyKey, unknown> | undefined)?.[key], root);

const isSecret = (path: readonly PropertyKey[]) =>
  /token|secret|password|key$/i.test(String(path.at(-1) ?? ''));

const explain = (issue: z.core.$ZodIssue, root: unknown): string => {
  const key = issue.path.map(String).join('.') || 'configuration';
  if (issue.code === 'unrecognized_keys') {
    const unknown = issue.keys.map((k) => `'${[...issue.path, k].map(String).join('.')}'`).join(', ');
    return `${unknown} is not an option. Options here: ${knownKeys(issue.path).join(', ')}.`;
  }
  const got = isSecret(issue.path) ? 'a value not shown' : show(at(root, issue.path));
  return `${key}: got ${got}; ${issue.message}.`;
};

/** The keys the schema knows below a path, for the message about a misspelt one. */
const knownKeys = (path: readonly PropertyKey[]): string[] => {
  let schema: unknown = optionsSchema;
  for (const key of path) schema = step(strip(schema), key);
  const found = strip(schema) as { shape?: Record<string, unknown> } | undefined;
  return Object.keys(found?.shape ?? {});
};

type Def = { def: { type: string; innerType?: unknown; options?: unknown[]; valueType?: unknown } };
const strip = (schema: unknown): unknown => {
  const def = (schema as Def | undefined)?.def;
  if (def?.innerType !== undefined) return strip(def.innerType);
  if (def?.type === 'union')
    return strip(def.options?.find((option) => 'shape' in (option as object)) ?? def.options?.[0]);
  return schema;
};
const step = (schema: unknown, key: PropertyKey): unknown => {
  const { shape, def } = schema as { shape?: Record<PropertyKey, unknown> } & Def;
  return shape?.[key] ?? def?.valueType;
};

/**
 * Validates options and fills in defaults, once, at the edge.
 *
 * @param options - as the user wrote them
 * @param source - where they came from, for the message: a file name, or nothing for options given in code
 * @throws SnakepitError `invalid_configuration`, naming every key at fault, what was got and what is allowed
 */
export const resolveOptions = (options: SnakepitOptions, source?: string): ResolvedOptions => {
  const parsed = optionsSchema.safeParse(options);
  if (parsed.success) return parsed.data;
  const faults = parsed.error.issues.map((issue) => explain(issue, options));
  const where = source === undefined ? 'The configuration' : `The configuration in ${source}`;
  throw new SnakepitError('invalid_configuration', `${where} is not valid. ${faults.join(' ')}`);
};

/** Types a configuration file's default export; returns it unchanged. */
export const defineConfig = (options: SnakepitOptions): SnakepitOptions => options;
