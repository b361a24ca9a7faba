import { describe, expect, it } from 'vitest';
import { configJsonSchema, resolveOptions } from '../../src/config/index.ts';

const pools = { default: { app: './app.py' } };
const resolve = (sanitize: unknown) =>
  resolveOptions({ pools, sanitize } as Record<string, unknown>).sanitize;
const fault = (sanitize: unknown): string => {
  try {
    resolve(sanitize);
  } catch (error) {
    return (error as Error).message;
  }
  throw new Error('These options are valid.');
};

describe('the options under sanitize', () => {
  it('mask nothing but what the rules say by default', () => {
    expect(resolve(undefined)).toEqual({
      paths: [],
      keys: [],
      allow: { paths: [], keys: [], values: [] },
      detectors: [],
      emails: false,
      replacement: '[SANITIZED]',
      canary: false,
    });
  });

  it('take patterns and functions in code', () => {
    const find = () => [];
    const options = resolve({
      allow: { values: ['public', /^test-/] },
      detectors: [
        { name: 'a', pattern: /x/ },
        { name: 'b', find },
      ],
    });
    expect(options.allow.values).toEqual(['public', /^test-/]);
    expect(options.detectors[1]?.find).toBe(find);
  });

  it.each([
    [{ paths: ['a..b'] }, 'sanitize.paths.0: got "a..b"; allowed: a place such as user.ssn'],
    [{ allow: { paths: ['['] } }, 'sanitize.allow.paths.0: got "["; allowed: a place such as user.ssn'],
    [{ keys: [''] }, 'sanitize.keys.0: got "'],
    [{ replacement: '' }, 'sanitize.replacement: got ""; allowed: text that is not empty.'],
    [
      { hashKey: 'hunter2' },
      'sanitize.hashKey: got a value not shown; allowed: text of at least 16 characters.',
    ],
    [{ detectors: [{ name: 'x' }] }, 'a pattern (a RegExp) or a function find'],
    [{ path: [] }, "sanitize.path is not an option. Did you mean 'paths'?"],
  ])('say what is wrong: %j', (sanitize, message) => {
    expect(fault(sanitize)).toContain(message);
  });

  it('are described for editors, the key as a secret, and only as what a file can say', () => {
    const schema = configJsonSchema().properties?.sanitize?.properties;
    expect(schema?.hashKey?.writeOnly).toBe(true);
    expect(schema?.allow?.properties?.values).toMatchObject({ type: 'array', items: { type: 'string' } });
    expect(JSON.stringify(schema)).not.toContain('RegExp"');
  });
});
