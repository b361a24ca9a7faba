import { configJsonSchema, type JsonSchema } from './json-schema.ts';

/** What a key of a record is called where any may stand: `pools.<name>.workers`. */
export const ANY = '<name>';

/** The object form of a schema: of `false` or an object, the object. */
export const objectForm = (schema: JsonSchema): JsonSchema =>
  schema.anyOf?.find(({ properties }) => properties !== undefined) ?? schema;

/** The schema of the option at a path, or undefined where there is none. Who asks often hands in the schema: making it is a copy. */
export const schemaAt = (
  path: readonly PropertyKey[],
  root: JsonSchema = configJsonSchema(),
): JsonSchema | undefined => {
  let schema: JsonSchema | undefined = root;
  for (const key of path) {
    if (schema === undefined) return undefined;
    const { properties, additionalProperties, items } = objectForm(schema);
    const own: JsonSchema | undefined = Object.hasOwn(properties ?? {}, key)
      ? properties?.[String(key)]
      : undefined;
    schema = own ?? (additionalProperties || undefined) ?? (typeof key === 'number' ? items : undefined);
  }
  return schema;
};

/** An option as the reference page lists it. */
export interface OptionEntry {
  /** `['pools', '<name>', 'workers']` */
  readonly path: readonly string[];
  readonly schema: JsonSchema;
  /** Whether it must be given. */
  readonly required: boolean;
}

/** Every option there is, groups before what they hold, in the order of the schema. */
export function* allOptions(
  schema: JsonSchema = configJsonSchema(),
  path: readonly string[] = [],
): Generator<OptionEntry> {
  const { properties = {}, required = [], additionalProperties } = objectForm(schema);
  for (const [key, inner] of Object.entries(properties)) {
    if (key === '$schema') continue;
    yield { path: [...path, key], schema: inner, required: required.includes(key) };
    yield* allOptions(inner, [...path, key]);
  }
  if (typeof additionalProperties === 'object' && additionalProperties.properties !== undefined) {
    yield* allOptions(additionalProperties, [...path, ANY]);
  }
}
