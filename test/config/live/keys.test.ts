import { describe, expect, it } from 'vitest';
import { formatPath, isLive, parsePath } from '../../../src/config/index.ts';
import { isSecret } from '../../../src/config/live/keys.ts';
import { allOptions } from '../../../src/config/options-tree.ts';

describe('liveness of keys', () => {
  it.each([
    'logs.level',
    'pools.default.workers',
    'pools.a.b.workers',
    'pools.default.retries.max',
    'health.criteria.error_rate.warning',
    'health.readiness.policy',
    'memoryGuard.warnRatio',
    'errors.showArgs',
    'observability.sampling["snakepit.request.*"]',
    'observability.rateLimits["snakepit.request.*"]',
    'observability.rateLimits["snakepit.request.*"].perSecond',
    'observability.consumers.logging',
    'pools.default.circuitBreaker.openMs',
  ])('%s is live', (key) => {
    expect(isLive(parsePath(key) as string[])).toBe(true);
  });

  it.each([
    'logs',
    'logs.format',
    'logs.dest',
    'health',
    'memoryGuard',
    'observability',
    'pools.default',
    'pools.default.app',
    'pools.default.env.FOO',
    'pools.default.circuitBreaker',
    'ops.token',
    'gateway.port',
    'nothing.of.the.kind',
  ])('%s needs a restart', (key) => {
    expect(isLive(parsePath(key) as string[])).toBe(false);
  });

  it('is as the reference page marks it, for every option', () => {
    for (const { path, schema } of allOptions()) {
      if (schema['x-live'] === undefined) continue;
      const real = path.map((name) => (name === '<name>' ? 'default' : name));
      expect([formatPath(real), isLive(real)]).toEqual([formatPath(real), schema['x-live']]);
    }
  });
});

describe('secret keys', () => {
  it('are those that the schema marks, whatever their names are, with all below', () => {
    expect(isSecret(['ops', 'token'])).toBe(true);
    expect(isSecret(['gateway', 'token'])).toBe(true);
    expect(isSecret(['sanitize', 'hashKey'])).toBe(true);
    expect(isSecret(['sanitize', 'hashKey', 'below'])).toBe(true);
    expect(isSecret(['sanitize', 'keys'])).toBe(false);
    expect(isSecret(['ops'])).toBe(false);
  });
});

describe('keys as text', () => {
  it.each<[string, string[]]>([
    ['logs.level', ['logs', 'level']],
    ['pools.a.b.retries.max', ['pools', 'a.b', 'retries', 'max']],
    ['pools["workers"].workers', ['pools', 'workers', 'workers']],
    ['observability.sampling.snakepit.request.*', ['observability', 'sampling', 'snakepit.request.*']],
    ['observability.sampling["snakepit.**"]', ['observability', 'sampling', 'snakepit.**']],
    [
      'observability.rateLimits.snakepit.request.slow.burst',
      ['observability', 'rateLimits', 'snakepit.request.slow', 'burst'],
    ],
    ['pools.default.env.FOO', ['pools', 'default', 'env', 'FOO']],
  ])('reads %s', (text, path) => {
    expect(parsePath(text)).toEqual(path);
    expect(parsePath(formatPath(path))).toEqual(path);
  });

  it.each(['', '["', 'a]b', '"x"', 'a..b'])('refuses %j', (text) => {
    expect(parsePath(text)).toBeUndefined();
  });
});
