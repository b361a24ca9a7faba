import { z } from 'zod';
import { optionsSchema } from './schema.ts';

/** The parts of JSON Schema that {@link configJsonSchema} uses. */
export interface JsonSchema {
  $schema?: string;
  title?: string;
  type?: string;
  description?: string;
  default?: unknown;
  const?: unknown;
  enum?: unknown[];
  properties?: Record<string, JsonSchema>;
  required?: string[];
  additionalProperties?: false | JsonSchema;
  propertyNames?: JsonSchema;
  items?: JsonSchema;
  anyOf?: JsonSchema[];
  minimum?: number;
  maximum?: number;
  exclusiveMinimum?: number;
  minLength?: number;
  minItems?: number;
  pattern?: string;
  writeOnly?: boolean;
  /** Whether the option can change while running; else it needs a restart. On every option that is no group of others. */
  'x-live'?: boolean;
  /** The default in words, where it depends on the machine. */
  'x-default'?: string;
}

let cached: JsonSchema | undefined;

/** The JSON Schema (2020-12) of a configuration file, for editors; the same document that messages and the reference page come from. */
export const configJsonSchema = (): JsonSchema => {
  cached ??= build();
  return structuredClone(cached);
};

const build = (): JsonSchema => {
  // `any`: a URL object has no JSON form; files write a string.
  const schema = tidy(
    z.toJSONSchema(optionsSchema, { io: 'input', unrepresentable: 'any' }) as RawSchema,
    false,
  );
  const properties = {
    $schema: { type: 'string', description: 'This schema, for editors.' },
    ...schema.properties,
  };
  return { ...schema, title: 'Snakepit configuration', properties };
};

/** What zod writes: our `meta` stands among JSON Schema's own keys. */
type RawSchema = JsonSchema & {
  live?: boolean;
  secret?: boolean;
  jsonSchema?: JsonSchema;
  defaultText?: string;
};

const isGroup = (schema: JsonSchema): boolean =>
  [schema, ...(schema.anyOf ?? [])].some(
    ({ properties, additionalProperties }) =>
      properties !== undefined ||
      (typeof additionalProperties === 'object' && additionalProperties.properties !== undefined),
  );

/** Turns our marks into `x-` keys, hands `live` down to what lies inside, and drops what holds for the building machine alone. */
const tidy = (raw: RawSchema, inherited: boolean): JsonSchema => {
  const { live, secret, jsonSchema, defaultText, ...rest } = raw;
  const isLive = live ?? inherited;
  const schema: JsonSchema = { ...rest, ...jsonSchema };
  if (jsonSchema !== undefined) delete schema.anyOf;
  if (secret === true) schema.writeOnly = true;
  if (defaultText !== undefined) {
    delete schema.default;
    schema['x-default'] = defaultText;
  }
  if (schema.maximum === Number.MAX_SAFE_INTEGER) delete schema.maximum;
  const group = isGroup(schema);
  if (!group) schema['x-live'] = isLive;
  if (schema.properties !== undefined) {
    schema.properties = Object.fromEntries(
      Object.entries(schema.properties).map(([key, value]) => [key, tidy(value, isLive)]),
    );
  }
  if (group && typeof schema.additionalProperties === 'object')
    schema.additionalProperties = tidy(schema.additionalProperties, isLive);
  if (group && schema.anyOf !== undefined) schema.anyOf = schema.anyOf.map((option) => tidy(option, isLive));
  return schema;
};
