import { describe, expect, it } from 'vitest';
import { configJsonSchema, configReference, type JsonSchema, optionsSchema } from '../../src/config/index.ts';
import { allOptions } from '../../src/config/options-tree.ts';

const schema = configJsonSchema();
const within = (root: JsonSchema, ...path: string[]): JsonSchema =>
  path.reduce((at, key) => {
    const form = at.anyOf?.find(({ properties }) => properties !== undefined) ?? at;
    return (form.properties?.[key] ?? form.additionalProperties) as JsonSchema;
  }, root);

describe('configJsonSchema', () => {
  it('is JSON, the same every time and on every machine', () => {
    expect(JSON.parse(JSON.stringify(schema))).toEqual(schema);
    expect(configJsonSchema()).toEqual(schema);
    expect(within(schema, 'pools', 'x', 'workers')).not.toHaveProperty('default');
  });

  it('describes every option', () => {
    const options = [...allOptions()];
    expect(options.length).toBeGreaterThan(60);
    const silent = options.filter(
      ({ schema: option, path }) =>
        !option.description && !['readiness', 'criteria'].includes(path.at(-1) as string),
    );
    expect(silent.map(({ path }) => path.join('.'))).toEqual([]);
    expect(Object.keys(schema.properties ?? {})).toEqual(['$schema', ...Object.keys(optionsSchema.shape)]);
  });

  it('marks what can change while running, handed down to what lies inside', () => {
    expect(within(schema, 'pools', 'x', 'workers')['x-live']).toBe(true);
    expect(within(schema, 'pools', 'x', 'concurrency')['x-live']).toBe(false);
    expect(within(schema, 'logs', 'level')['x-live']).toBe(true);
    expect(within(schema, 'health', 'readiness', 'policy')['x-live']).toBe(true);
    expect(within(schema, 'health', 'criteria', 'error_rate', 'warning')['x-live']).toBe(true);
  });

  it('asks only for what has no default, and marks secrets', () => {
    expect(schema.required).toEqual(['pools']);
    // Pools of remote workers need no app.
    expect(within(schema, 'pools', 'x').required).toBeUndefined();
    expect(within(schema, 'pools', 'x', 'remote', 'token').writeOnly).toBe(true);
    expect(within(schema, 'ops', 'token').writeOnly).toBe(true);
    expect(within(schema, 'pools', 'x', 'app')).toMatchObject({ type: 'string' });
  });
});

describe('configReference', () => {
  const page = configReference();

  it('has one row for every option, with type, default and whether it is live', () => {
    for (const { path, schema: option } of allOptions()) {
      if (option['x-live'] === undefined) continue;
      expect(page.split(`\n| \`${path.join('.')}\` |`), path.join('.')).toHaveLength(2);
    }
    expect(page).toContain(
      '| `pools.<name>.workers` | a whole number from 1 to 1024 | the CPUs this process may use, at most 4 | live |',
    );
    expect(page).toContain('| `pools.<name>.app` | text that is not empty | unset | restart |');
    expect(page).toContain(
      '| `gateway.port` | a whole number from 0 to 65535 | unset; under `serve` `8000` | restart |',
    );
    expect(page).toContain('| `logs` | false, or the options below | on | restart |');
  });

  it('is tables that hold: the same number of cells in every row', () => {
    for (const line of page.split('\n').filter((row) => row.startsWith('|'))) {
      expect([4, 6]).toContain(line.replaceAll('\\|', '').split('|').length - 1);
    }
  });

  it('lists the environment variables', () => {
    for (const name of [
      'CONFIG',
      'PYTHON',
      'LOG_LEVEL',
      'OPS_TOKEN',
      'OPS_TOKEN_FILE',
      'GATEWAY_TOKEN',
      'GATEWAY_TOKEN_FILE',
    ]) {
      expect(page).toContain(`\`SNAKEPIT_${name}\``);
    }
  });
});
