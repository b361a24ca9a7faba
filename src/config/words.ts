import type { JsonSchema } from './json-schema.ts';

/** What a schema allows, in words for messages: `a whole number from 1 to 1024`, `one of json, pretty`. */
export const allowed = (schema: JsonSchema): string => {
  if (schema.anyOf !== undefined) return schema.anyOf.map(allowed).join(', or ');
  if (schema.const !== undefined) return JSON.stringify(schema.const);
  if (schema.enum !== undefined)
    return schema.enum.length === 1 ? String(schema.enum[0]) : `one of ${schema.enum.join(', ')}`;
  switch (schema.type) {
    case 'integer':
      return `a whole number${range(schema, true)}`;
    case 'number':
      return `a number${range(schema, false)}`;
    case 'boolean':
      return 'true or false';
    case 'string':
      return text(schema);
    case 'array':
      return `a list, each ${allowed(schema.items ?? {})}`;
    case 'object':
      return object(schema);
    default:
      return 'any value';
  }
};

const range = ({ minimum, maximum, exclusiveMinimum }: JsonSchema, whole: boolean): string => {
  if (exclusiveMinimum !== undefined && !whole) return ` above ${exclusiveMinimum}`;
  const low = exclusiveMinimum === undefined ? minimum : exclusiveMinimum + 1;
  if (low !== undefined && maximum !== undefined) return ` from ${low} to ${maximum}`;
  if (low !== undefined) return `, ${low} or more`;
  return maximum === undefined ? '' : `, ${maximum} or less`;
};

const text = ({ minLength, pattern }: JsonSchema): string => {
  const prefix = /^\^\\?\/\.\*$/.test(pattern ?? '') ? ' that begins with /' : '';
  if (minLength === undefined || minLength === 0) return `text${prefix}`;
  return minLength === 1 ? 'text that is not empty' : `text of at least ${minLength} characters`;
};

const object = ({ properties, additionalProperties }: JsonSchema): string => {
  if (properties !== undefined) return `an object with ${Object.keys(properties).join(', ')}`;
  return typeof additionalProperties === 'object'
    ? `an object whose values are ${allowed(additionalProperties)}`
    : 'an object';
};
