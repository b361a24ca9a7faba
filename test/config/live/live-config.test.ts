import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import {
  type ConfigChange,
  LiveConfig,
  mergePatch,
  RestartOnlyError,
  resolveOptions,
  VersionConflictError,
} from '../../../src/config/index.ts';
import { differences } from '../../../src/config/live/trees.ts';
import { isSnakepitError } from '../../../src/errors/index.ts';

const base = {
  pools: { default: { app: './app.py', workers: 2 }, gpu: { app: './gpu.py', workers: 1, timeoutMs: 5000 } },
  logs: { level: 'info' },
  ops: { token: 'a-token-that-is-secret' },
};
const live = (options: Record<string, unknown> = base, onFault?: (error: unknown) => void) =>
  new LiveConfig({ options, file: '/etc/snakepit.config.json' }, onFault);

const thrown = (act: () => unknown): unknown => {
  try {
    act();
  } catch (error) {
    return error;
  }
  throw new Error('nothing was thrown');
};

/** A value of the first kind, and now and then one that does not do. */
const mostly = (fine: fc.Arbitrary<unknown>, ...wrong: unknown[]) =>
  fc.oneof({ weight: 12, arbitrary: fine }, { weight: 1, arbitrary: fc.constantFrom(...wrong) });
const some = (members: Record<string, fc.Arbitrary<unknown>>) => fc.record(members, { requiredKeys: [] });
const count = fc.oneof(fc.integer({ min: 1, max: 9 }), fc.constant(null));
const liveOfPool = {
  workers: mostly(count, 0, 'two'),
  timeoutMs: count,
  retries: some({ max: mostly(count, -1) }),
};

/** Patches of which most are fine, some wrong, and some need a restart. */
const patches = some({
  pools: some({
    default: some({ ...liveOfPool, app: mostly(fc.constant('./app.py'), './other.py', null) }),
    gpu: mostly(some(liveOfPool), null),
  }),
  logs: mostly(some({ level: mostly(fc.constantFrom('debug', 'warn', null), 'loud') }), false),
  observability: some({
    sampling: fc.dictionary(
      mostly(fc.constantFrom('snakepit.**', 'a.b'), 'bad pattern') as fc.Arbitrary<string>,
      mostly(fc.constantFrom(0.5, 1, null), 2),
    ),
  }),
  ops: some({ token: mostly(fc.constant(base.ops.token), 'another-token-altogether') }),
});

describe('LiveConfig', () => {
  it('after any patches is what the good ones make of it; a failing one changes nothing', () => {
    let [good, bad] = [0, 0];
    fc.assert(
      fc.property(fc.array(patches, { maxLength: 8 }), (list) => {
        const config = live();
        const heard: ConfigChange[] = [];
        config.subscribe((change) => heard.push(change));
        let raw: unknown = base;
        for (const patch of list) {
          const [before, version] = [config.current, config.version];
          const calls = heard.length;
          try {
            const { applied, changes, version: answered } = config.apply(patch, 'code');
            raw = mergePatch(raw, patch);
            good++;
            expect(config.current).toEqual(resolveOptions(raw as Record<string, unknown>));
            expect(config.version).toBe(version + (applied.length > 0 ? 1 : 0));
            expect(answered).toBe(config.version);
            expect(changes.map(({ path }) => path)).toEqual(applied);
            expect(heard.length).toBe(calls + (applied.length > 0 ? 1 : 0));
          } catch (error) {
            if (!isSnakepitError(error)) throw error;
            bad++;
            expect(config.current).toBe(before);
            expect(config.version).toBe(version);
            expect(heard.length).toBe(calls);
          }
        }
        for (const { next, previous } of heard) expect(next).not.toEqual(previous);
        // What cannot change live never did.
        expect(config.current.pools.default?.app).toBe('./app.py');
        expect(config.current.ops.token).toBe(base.ops.token);
        expect(config.drift().every((each) => each.live)).toBe(true);
      }),
    );
    // The property says something only where both happen.
    expect(Math.min(good, bad)).toBeGreaterThan(20);
  });

  it('says what changed, and drift tells it from what was configured', () => {
    const config = live();
    const outcome = config.apply({ logs: { level: 'debug' }, pools: { default: { workers: 4 } } }, 'http');
    expect(outcome).toEqual({
      applied: ['pools.default.workers', 'logs.level'],
      restart_required: [],
      version: 2,
      changes: [
        { path: 'pools.default.workers', from: 2, to: 4 },
        { path: 'logs.level', from: 'info', to: 'debug' },
      ],
    });
    expect(config.drift()).toEqual(outcome.changes.map((change) => ({ ...change, live: true })));
    config.apply({ logs: { level: 'info' }, pools: { default: { workers: 2 } } }, 'http');
    expect(config.drift()).toEqual([]);
  });

  it('refuses a key that needs a restart, and the others with it', () => {
    const config = live();
    const error = thrown(() =>
      config.apply({ logs: { level: 'debug', format: 'pretty' }, pools: { new: { app: 'x.py' } } }, 'code'),
    );
    expect(error).toBeInstanceOf(RestartOnlyError);
    expect((error as RestartOnlyError).keys).toEqual(['pools.new', 'logs.format']);
    expect(config.current.logs).toMatchObject({ level: 'info' });
    // To say again what is so already is no change.
    expect(config.apply({ logs: { format: 'json' } }, 'code')).toMatchObject({ applied: [], version: 1 });
  });

  it.each<[string, unknown, RegExp]>([
    ['a wrong value', { logs: { level: 'loud' } }, /logs\.level: got "loud"; allowed: one of/],
    ['an unknown key', { logs: { levle: 'debug' } }, /logs\.levle is not an option.*level, format/],
    ['a list', [], /got a list/],
    ['null', null, /got null/],
    ['a prototype', JSON.parse('{"pools":{"__proto__":{"app":"x"}}}'), /__proto__/],
    ['a deep one', JSON.parse(`${'{"a":'.repeat(5000)}1${'}'.repeat(5000)}`), /deeper than/],
  ])('explains %s', (_, patch, message) => {
    const config = live();
    const error = thrown(() => config.apply(patch, 'code'));
    expect(isSnakepitError(error) && error.code).toBe('invalid_configuration');
    expect((error as Error).message).toMatch(message);
  });

  it('says what a dry run would come to, and changes nothing', () => {
    const config = live();
    const would = config.apply({ logs: { level: 'debug' } }, 'code', { dryRun: true });
    expect(would).toMatchObject({ applied: ['logs.level'], version: 1 });
    expect(config.current.logs).toMatchObject({ level: 'info' });
    expect(thrown(() => config.apply({ logs: { dest: 'x' } }, 'code', { dryRun: true }))).toBeInstanceOf(
      RestartOnlyError,
    );
  });

  it('changes only the version that is meant', () => {
    const config = live();
    config.apply({ logs: { level: 'debug' } }, 'code', { ifVersion: 1 });
    const error = thrown(() => config.apply({ logs: { level: 'warn' } }, 'code', { ifVersion: 1 }));
    expect(error).toBeInstanceOf(VersionConflictError);
    expect((error as VersionConflictError).version).toBe(2);
    expect(config.current.logs).toMatchObject({ level: 'debug' });
  });

  it('goes on when a subscriber throws', () => {
    const faults: unknown[] = [];
    const config = live(base, (error) => faults.push(error));
    const heard: number[] = [];
    config.subscribe(() => {
      throw new Error('broken');
    });
    const end = config.subscribe(({ version }) => heard.push(version));
    config.apply({ logs: { level: 'debug' } }, 'code');
    end();
    config.apply({ logs: { level: 'warn' } }, 'code');
    expect(heard).toEqual([2]);
    expect(faults).toHaveLength(2);
  });

  it('is not changed by who handed the options in, nor by who hands in a patch', () => {
    const options = structuredClone(base);
    const config = live(options);
    options.logs.level = 'trace';
    const patch = { errors: { showArgs: ['a'] } };
    config.apply(patch, 'code');
    patch.errors.showArgs.push('b');
    config.apply({ pools: { gpu: { workers: 2 } } }, 'code');
    expect(config.current.logs).toMatchObject({ level: 'info' });
    expect(config.current.errors.showArgs).toEqual(['a']);
  });

  it('shows no secrets', () => {
    const config = live({
      ...base,
      pools: { default: { app: 'x.py', env: { PATH_OF_MODEL: 'very-secret-path', EMPTY: '' } } },
      sanitize: { hashKey: 'sixteen-or-more-characters' },
    });
    const shown = JSON.stringify([config.shown(), config.origins()]);
    expect(shown).not.toContain(base.ops.token);
    expect(shown).not.toContain('very-secret-path');
    expect(shown).not.toContain('sixteen-or-more-characters');
    expect(config.shown()).toMatchObject({
      ops: { token: '[SANITIZED]' },
      pools: { default: { env: { PATH_OF_MODEL: '[SANITIZED]' } } },
    });
  });

  it('puts back the default of the command, where it has one of its own', () => {
    const config = new LiveConfig({
      options: { pools: base.pools, logs: { level: 'info' }, gateway: { port: 8000 } },
      origins: new Map([
        ['logs.level', 'default'],
        ['gateway.port', 'default'],
      ]),
    });
    config.apply({ logs: { level: 'debug' } }, 'code');
    expect(config.apply({ logs: { level: null } }, 'code').changes).toEqual([
      { path: 'logs.level', from: 'debug', to: 'info' },
    ]);
    config.apply({ logs: { level: 'trace' } }, 'code');
    expect(config.apply({ logs: null, gateway: null }, 'code').applied).toEqual(['logs.level']);
    expect(config.current.gateway.port).toBe(8000);
    expect(config.drift()).toEqual([]);
    expect(() => config.apply({ logs: false }, 'code')).toThrow(/logs needs a restart/);
  });

  it('says where values come from', () => {
    const config = new LiveConfig({
      options: { ...base, logs: { level: 'debug' }, gateway: { port: 8000 } },
      origins: new Map([
        ['logs.level', '--log-level'],
        ['gateway.port', 'default'],
      ]),
    });
    config.apply({ pools: { gpu: { workers: 3 } } }, 'code');
    expect(config.origins()).toEqual({
      'logs.level': '--log-level',
      'ops.token': 'code',
      'pools.default.app': 'code',
      'pools.default.workers': 'code',
      'pools.gpu.app': 'code',
      'pools.gpu.timeoutMs': 'code',
      'pools.gpu.workers': 'live',
    });
    expect(config.liveKeys()).toContain('logs.level');
    expect(config.liveKeys()).not.toContain('ops.token');
  });
});

describe('reading the configuration again', () => {
  const file = '/etc/snakepit.config.json';

  it('takes over what is live, tells what is not, and forgets live changes', () => {
    const config = live();
    config.apply({ logs: { level: 'trace' }, pools: { gpu: { timeoutMs: 1 } } }, 'http');
    const options = {
      pools: { default: { app: './app.py', workers: 5, concurrency: 2 }, extra: { app: './more.py' } },
      logs: { level: 'warn', dest: 'x.log' },
      ops: base.ops,
      memoryGuard: false,
    };
    const outcome = config.reload({ options, file }, 'sighup');
    expect(outcome.applied).toEqual(['pools.default.workers', 'logs.level']);
    const waiting = ['logs.dest', 'memoryGuard', 'pools.default.concurrency', 'pools.extra', 'pools.gpu'];
    expect([...outcome.restart_required].sort()).toEqual(waiting);
    expect(config.current).toEqual(
      resolveOptions({
        ...base,
        logs: { level: 'warn' },
        // A pool that is to go stays as it is until the restart.
        pools: { default: { app: './app.py', workers: 5 }, gpu: { ...base.pools.gpu, timeoutMs: 1 } },
      }),
    );
    expect(config.drift().map(({ path, live: isLive }) => [path, isLive])).toEqual(
      outcome.restart_required.map((path) => [path, false]),
    );
    // And goes on from there.
    const next = config.apply({ logs: { level: 'error' } }, 'http');
    expect(next).toMatchObject({ applied: ['logs.level'], version: 4 });
    expect([...next.restart_required].sort()).toEqual(waiting);
  });

  it('gives a restart-only key back its default where the file never set it', () => {
    const config = live();
    config.reload({ options: { ...base, shutdown: { drainMs: 1 } }, file }, 'sighup');
    expect(config.current.shutdown.drainMs).toBe(20_000);
    expect(config.apply({ logs: { level: 'debug' } }, 'code').applied).toEqual(['logs.level']);
    expect(config.current.shutdown.drainMs).toBe(20_000);
  });

  it('knows functions and objects again that a configuration makes anew', () => {
    class Registry {
      readonly made = Symbol('each is another');
    }
    const made = (pattern: RegExp, find: (text: string) => Iterable<never>) => ({
      ...base,
      sanitize: {
        detectors: [
          { name: 'a', pattern },
          { name: 'b', find },
        ],
      },
    });
    const find = () => (_: string) => [];
    const config = live(made(/x/, find()));
    expect(config.reload({ options: made(/x/, find()), file }, 'sighup').restart_required).toEqual([]);
    for (const changed of [made(/y/, find()), made(/x/, (text) => [...text] as never[])])
      expect(config.reload({ options: changed, file }, 'sighup').restart_required).toEqual([
        'sanitize.detectors',
      ]);
    const differs = (from: unknown, to: unknown) => [...differences(from, to)].length > 0;
    expect(differs({ a: new Registry() }, { a: new Registry() })).toBe(false);
    expect(differs({ a: new Registry() }, { a: new Map() })).toBe(true);
    expect(differs({ a: new URL('http://a') }, { a: new URL('http://b') })).toBe(true);
    expect(differs({ a: new Uint8Array([1]) }, { a: new Uint8Array([2]) })).toBe(true);
    expect(differs({ a: [{ b: 1 }] }, { a: [{ b: 1 }] })).toBe(false);
    expect(differs({ a: [{ b: 1 }] }, { a: [{ b: 2 }] })).toBe(true);
    expect(differs({ a: null }, { a: {} })).toBe(true);
  });

  it('changes nothing when it cannot be used', () => {
    const config = live();
    config.apply({ logs: { level: 'trace' } }, 'http');
    const before = config.current;
    expect(() => config.reload({ options: { ...base, logs: { level: 'loud' } }, file }, 'sighup')).toThrow(
      /The configuration in \/etc\/snakepit.config.json is not valid.*logs\.level/s,
    );
    expect(config.current).toBe(before);
    expect(config.version).toBe(2);
    expect(config.drift()).toHaveLength(1);
  });

  it('makes any configuration what the file says, but for what needs a restart', () => {
    fc.assert(
      fc.property(fc.array(patches, { maxLength: 3 }), patches, (list, change) => {
        const config = live();
        for (const patch of list) {
          try {
            config.apply(patch, 'http');
          } catch (error) {
            if (!isSnakepitError(error)) throw error;
          }
        }
        const options = mergePatch(base, change) as Record<string, unknown>;
        const before = config.current;
        try {
          config.reload({ options, file }, 'sighup');
        } catch (error) {
          if (!isSnakepitError(error)) throw error;
          expect(config.current).toBe(before);
          return;
        }
        expect(config.drift().every((each) => !each.live)).toBe(true);
        expect(config.current.pools.default?.app).toBe('./app.py');
        expect(config.current.ops.token).toBe(base.ops.token);
      }),
    );
  });
});
