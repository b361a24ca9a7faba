import { environmentVariables } from './environment.ts';
import type { JsonSchema } from './json-schema.ts';
import { allOptions, type OptionEntry } from './options-tree.ts';
import { serveDefaults } from './serve-defaults.ts';
import { allowed } from './words.ts';

/** The reference of all options as Markdown: a table a group, and one of the environment variables. */
export const configReference = (): string => {
  const sections = new Map<string, { about: string; rows: string[] }>();
  const open = (title: string, about = '') => {
    if (!sections.has(title)) sections.set(title, { about, rows: [] });
  };
  open('');
  for (const entry of allOptions()) {
    const { path, schema } = entry;
    const key = path.join('.');
    if (schema['x-live'] === undefined) {
      // The options below a record are listed under `pools.<name>`.
      open(schema.additionalProperties ? `${key}.<name>` : key, sentence(schema));
      if (schema.anyOf !== undefined) sections.get(key)?.rows.push(row(entry, key));
      continue;
    }
    sections.get(path.slice(0, -1).join('.'))?.rows.push(row(entry, key));
  }
  const parts = [...sections]
    .filter(([, { rows }]) => rows.length > 0)
    .map(([title, { about, rows }]) => section(title, about, rows));
  return `${[...parts, environment()].join('\n\n')}\n`;
};

const HEAD = '| key | type | default | change | meaning |\n|---|---|---|---|---|';

const section = (title: string, about: string, rows: readonly string[]): string =>
  [title === '' ? '## Top level' : `## \`${title}\``, about, `${HEAD}\n${rows.join('\n')}`]
    .filter(Boolean)
    .join('\n\n');

const row = ({ schema, required }: OptionEntry, key: string): string => {
  const isSwitch = schema['x-live'] === undefined;
  const type = isSwitch ? 'false, or the options below' : allowed(schema);
  const change = schema['x-live'] === true ? 'live' : 'restart';
  const fallback = isSwitch
    ? schema.default === false
      ? 'off'
      : 'on'
    : defaultOf(schema, required) + underServe(key);
  return `| ${[`\`${key}\``, type, fallback, change, sentence(schema)].map(cell).join(' | ')} |`;
};

const defaultOf = (schema: JsonSchema, required: boolean): string => {
  if (schema['x-default'] !== undefined) return schema['x-default'];
  if (schema.default !== undefined) return `\`${JSON.stringify(schema.default)}\``;
  return required ? 'required' : 'unset';
};

const underServe = (key: string): string => {
  const found = serveDefaults.find(({ path }) => path.join('.') === key);
  return found === undefined ? '' : `; under \`serve\` \`${JSON.stringify(found.value)}\``;
};

const sentence = ({ description = '' }: JsonSchema): string => description;

/** A bar would end the cell. */
const cell = (text: string): string => text.replaceAll('|', '\\|').replaceAll('\n', ' ');

const environment = (): string => {
  const rows = environmentVariables.map(({ name, path, orFile, about }) => {
    const names =
      orFile === true
        ? `\`${name}\`, or \`${name}_FILE\` with the name of a file that holds it`
        : `\`${name}\``;
    return `| ${names} | ${path === undefined ? '' : `\`${path.join('.')}\``} | ${about} |`;
  });
  return `## Environment\n\nA flag wins over the environment, the environment over the file, the file over the default.\n\n| variable | option | meaning |\n|---|---|---|\n${rows.join('\n')}`;
};
