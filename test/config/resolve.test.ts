import { describe, expect, expectTypeOf, it } from 'vitest';
import { defineConfig, type ResolvedOptions, resolveOptions } from '../../src/config/index.ts';

const app = './app.py';
const fault = (options: unknown, ...rest: [string?, Map<string, string>?]): string => {
  try {
    resolveOptions(options as Record<string, unknown>, ...rest);
  } catch (error) {
    expect(error).toMatchObject({ code: 'invalid_configuration', category: 'configuration' });
    return (error as Error).message;
  }
  throw new Error('These options are valid.');
};
const pool = (more: object) => ({ pools: { default: { app, ...more } } });

describe('resolveOptions', () => {
  it('fills in every default', () => {
    const options = resolveOptions({ pools: { default: { app } } });
    expect(options).toMatchObject({
      waitFor: 'ready',
      logs: { level: 'warn' },
      ops: { host: '127.0.0.1' },
      shutdown: { drainMs: 20_000 },
    });
    expect(options.pools.default?.workers).toBeGreaterThanOrEqual(1);
    expectTypeOf(options).toEqualTypeOf<ResolvedOptions>();
  });

  it.each([
    [pool({ workers: 0 }), 'pools.default.workers: got 0; allowed: a whole number from 1 to 1024.'],
    [pool({ workers: 1.5 }), 'pools.default.workers: got 1.5; allowed: a whole number from 1 to 1024.'],
    [pool({ workers: '4' }), 'pools.default.workers: got "4"; allowed: a whole number from 1 to 1024.'],
    [pool({ maxQueue: -1 }), 'pools.default.maxQueue: got -1; allowed: a whole number, 1 or more.'],
    [pool({ codec: 'pickle' }), 'pools.default.codec: got "pickle"; allowed: one of auto, msgpack, json.'],
    [pool({ critical: 'yes' }), 'pools.default.critical: got "yes"; allowed: true or false.'],
    [pool({ app: 7 }), 'pools.default.app: got 7; allowed: text that is not empty.'],
    [
      { pools: { default: {} } },
      'pools.default.app is missing; needed: a file (`./app.py`) or a module (`pkg.module`)',
    ],
    [{}, 'pools is missing; needed: an object whose values are an object with app, cwd, '],
    [{ pools: {} }, 'pools: got an object with nothing in it; allowed: at least one pool is needed.'],
    [
      { pools: { 'a b': { app } } },
      'pools.a b: the name is not usable; allowed: letters, digits, and _ . - after the first',
    ],
    [
      { ...pool({}), logs: true },
      'logs: got true; allowed: false, or an object with level, format, dest, levels, fields, args, pino, stream.',
    ],
    [
      { ...pool({}), logs: { level: 'loud' } },
      'logs.level: got "loud"; allowed: one of trace, debug, info, warn, error, fatal, silent.',
    ],
    [
      { ...pool({}), metrics: { buckets: { x: [2, 1] } } },
      'metrics.buckets.x: got a list of 2; allowed: must rise strictly.',
    ],
    [
      { ...pool({}), ops: { open: ['metrics'] } },
      'ops.open.0: got "metrics"; allowed: text that begins with /.',
    ],
    [{ ...pool({}), ops: { port: 70_000 } }, 'ops.port: got 70000; allowed: a whole number from 0 to 65535.'],
    [null, 'configuration: got null; allowed: an object with'],
  ])('says the key, what was got and what is allowed: %j', (options, message) => {
    expect(fault(options)).toContain(message);
  });

  it.each([
    [
      pool({ worker: 3 }),
      "pools.default.worker is not an option. Did you mean 'workers'? Allowed here: app, cwd, python",
    ],
    [pool({ max_queue: 3 }), "pools.default.max_queue is not an option. Did you mean 'maxQueue'?"],
    [{ ...pool({}), loggs: {} }, "loggs is not an option. Did you mean 'logs'?"],
    [{ ...pool({}), workers: 3 }, "workers is not an option. Did you mean 'pools.<name>.workers'?"],
    [
      { ...pool({}), health: { readyness: {} } },
      "health.readyness is not an option. Did you mean 'readiness'?",
    ],
    [{ ...pool({}), gateway: { quux: 1 } }, 'gateway.quux is not an option. Allowed here: port, host'],
  ])('suggests what a misspelt key may have meant: %j', (options, message) => {
    expect(fault(options)).toContain(message);
  });

  it('names every fault, on a line each', () => {
    const said = fault({ ...pool({ workers: 0, codec: 1 }), waitFor: 'x' }, '/srv/snakepit.config.json');
    expect(said.split('\n')).toEqual([
      'The configuration in /srv/snakepit.config.json is not valid:',
      expect.stringContaining('pools.default.workers: got 0'),
      expect.stringContaining('pools.default.codec: got 1'),
      expect.stringContaining('waitFor: got "x"'),
    ]);
  });

  it('shows no secret', () => {
    const options = {
      ...pool({ env: { API: 12345 } }),
      ops: { token: 'hunter2' },
      gateway: { tokens: 'hunter2' },
      errors: ['hunter2'],
    };
    const said = fault(options);
    expect(said).not.toContain('hunter2');
    expect(said).not.toContain('12345');
    expect(said).toContain('ops.token: got a value not shown; allowed: text of at least 16 characters.');
  });

  it('calls a value by the flag or the variable it came from, and the file is not to blame for it', () => {
    const origins = new Map([['gateway.port', '--port']]);
    const said = fault({ ...pool({}), gateway: { port: 'x' } }, '/srv/snakepit.config.json', origins);
    expect(said).toBe(
      'The configuration is not valid. --port (gateway.port): got "x"; allowed: a whole number from 0 to 65535.',
    );
  });
});

describe('defineConfig', () => {
  it('returns what it is given', async () => {
    const config = { pools: { default: { app } } };
    expect(defineConfig(config)).toBe(config);
    const made = defineConfig(async ({ env }) => ({ pools: { default: { app: env.APP ?? app } } }));
    expect(await made({ env: {} })).toEqual(config);
  });

  it('checks types', () => {
    // @ts-expect-error no such option
    defineConfig({ pools: { default: { app, wrokers: 3 } } });
  });
});
