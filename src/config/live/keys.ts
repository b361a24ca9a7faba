import { configJsonSchema, type JsonSchema } from '../json-schema.ts';
import { objectForm, schemaAt } from '../options-tree.ts';
import type { Path } from './trees.ts';

let cached: JsonSchema | undefined;
const root = (): JsonSchema => {
  cached ??= configJsonSchema();
  return cached;
};

const isRecord = (schema: JsonSchema | undefined): boolean =>
  schema !== undefined && typeof objectForm(schema).additionalProperties === 'object';

const liveBelow = (schema: JsonSchema): boolean => {
  if (schema['x-live'] !== undefined) return schema['x-live'];
  const { properties = {}, additionalProperties, anyOf } = schema;
  const inner = [...Object.values(properties), ...(additionalProperties ? [additionalProperties] : [])];
  return anyOf === undefined && inner.length > 0 && inner.every(liveBelow);
};

/**
 * Whether a change at a path takes effect without a restart, as the schema marks it. A group that comes or goes as a whole (the object
 * form of a switch, a circuit breaker) needs one; an entry of a record whose options are all live, such as a rate limit, does not.
 */
export const isLive = (path: Path): boolean => {
  // The mark of an option holds for all that stands in it: a record of rates is one option.
  const mark = prefixes(path).find((schema) => schema?.['x-live'] !== undefined);
  if (mark !== undefined) return mark['x-live'] === true;
  const schema = schemaAt(path, root());
  return schema !== undefined && isRecord(schemaAt(path.slice(0, -1), root())) && liveBelow(schema);
};

const prefixes = (path: Path): (JsonSchema | undefined)[] =>
  path.map((_, i) => schemaAt(path.slice(0, i + 1), root()));

/** Whether the schema marks what stands at a path, or around it, as secret. */
export const isSecret = (path: Path): boolean => prefixes(path).some((schema) => schema?.writeOnly === true);

const PLAIN = /^[A-Za-z0-9_-]+$/;

/** `['logs', 'level']` → `logs.level`; a name with other characters is quoted: `observability.sampling["snakepit.request.*"]`. */
export const formatPath = (path: Path): string =>
  path
    .map((name, i) => (PLAIN.test(name) ? (i === 0 ? name : `.${name}`) : `[${JSON.stringify(name)}]`))
    .join('');

const STEP = /\.?([^.[\]"]+)|\[("(?:[^"\\]|\\.)*")\]/y;

/**
 * The path that a text names; undefined where it names none. A name with dots may also stand unquoted where the schema leaves no
 * doubt: `observability.sampling.snakepit.request.completed`.
 */
export const parsePath = (text: string): Path | undefined => {
  const steps: { name: string; quoted: boolean }[] = [];
  STEP.lastIndex = 0;
  while (STEP.lastIndex < text.length) {
    const match = STEP.exec(text);
    if (match === null) return undefined;
    const quoted = match[2] !== undefined;
    steps.push({ name: quoted ? unquote(match[2] as string) : (match[1] as string), quoted });
  }
  return steps.length === 0 ? undefined : joinNames(steps);
};

const unquote = (text: string): string => {
  try {
    return JSON.parse(text);
  } catch {
    return text;
  }
};

/** Puts together the dotted names of records: up to the next name that is an option of the record's entries. */
const joinNames = (steps: readonly { name: string; quoted: boolean }[]): string[] => {
  const path: string[] = [];
  for (let i = 0; i < steps.length; ) {
    const { name, quoted } = steps[i] as { name: string; quoted: boolean };
    const parent = schemaAt(path, root());
    const entry = parent === undefined ? undefined : objectForm(parent).additionalProperties;
    let until = i + 1;
    if (typeof entry === 'object' && !quoted) {
      const options = objectForm(entry).properties ?? {};
      const ends = (step: { name: string; quoted: boolean }) =>
        step.quoted || Object.hasOwn(options, step.name);
      while (until < steps.length && !ends(steps[until] as { name: string; quoted: boolean })) until++;
    }
    path.push([name, ...steps.slice(i + 1, until).map((step) => step.name)].join('.'));
    i = until;
  }
  return path;
};
