import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, expect, it, onTestFinished, vi } from 'vitest';
import { createLogging } from '../../src/consumers/logging/index.ts';
import { EventBus } from '../../src/events/index.ts';
import { Canary } from '../../src/sanitize/canary.ts';
import { createInstanceSanitizer } from '../../src/sanitize/index.ts';

/** Every kind of fake secret once. */
const seedsOf = (canary: Canary): { note: string; password: string }[] => {
  const seen = new Map<string, { note: string; password: string }>();
  for (let seed = canary.seed().canary; !seen.has(seed.note); seed = canary.seed().canary) {
    seen.set(seed.note, seed);
  }
  return [...seen.values()];
};

describe('the sanitizer of an instance', () => {
  it('has one set of rules for fields, arguments, documents and configurations', () => {
    const safe = createInstanceSanitizer({
      keys: ['mrn'],
      replacement: '<hidden>',
      allow: { keys: ['token'] },
    });
    const value = { mrn: 7, token: 'abc' };
    expect(safe.value(value)).toEqual({ mrn: '<hidden>', token: 'abc' });
    expect(safe.document({ a: value })).toEqual({ a: { mrn: '<hidden>', token: 'abc' } });
    expect(safe.args({ ...value, input: [1] }, ['mrn', 'token'])).toEqual({
      mrn: '<hidden>',
      token: 'abc',
      input: '<hidden> array(1)',
    });
    expect(safe.config({ ...value, env: { HOME: '/root' } })).toEqual({
      mrn: '<hidden>',
      token: 'abc',
      env: { HOME: '<hidden>' },
    });
  });

  it.each([undefined, 'a key of sixteen letters'])(
    'leaves what another sink has masked (hash key %s)',
    (hashKey) => {
      const safe = createInstanceSanitizer(hashKey === undefined ? {} : { hashKey });
      const once = safe.document({
        args: safe.args({ token: 'x', password: [1, 2], body: new Map() }, []),
        password: 'hunter22',
        text: 'password=hunter22',
      });
      expect(safe.document(once)).toEqual(once);
      expect(once).toMatchObject({ args: { password: '[SANITIZED] array(2)' } });
    },
  );

  it('takes nothing for masked that only begins so', () => {
    const { value } = createInstanceSanitizer();
    for (const password of ['[SANITIZED] hunter2', '[SANITIZED]hunter2', 'x [SANITIZED]'])
      expect(value({ password })).toEqual({ password: '[SANITIZED]' });
  });
});

describe('the canary', () => {
  it('is masked, every kind of it, wherever it is put', () => {
    const safe = createInstanceSanitizer({ canary: true });
    const canary = safe.canary as Canary;
    const seeds = seedsOf(canary);
    expect(seeds.length).toBeGreaterThan(8);
    for (const seed of seeds) {
      canary.inspect('fields', JSON.stringify(safe.fields({ canary: seed })));
      canary.inspect('text', safe.text(seed.note));
      canary.inspect('args', JSON.stringify(safe.args({ n: 1 }, [])));
    }
    expect(canary.leaks).toBe(0);
    expect(safe.args({ n: 1 }, [])).toHaveProperty('canary');
  });

  it('is seen, every kind of it, where nothing masks it, and told once a kind and sink', () => {
    const canary = new Canary();
    const told: string[] = [];
    canary.onLeak = ({ kind, sink }) => told.push(`${sink}: ${kind}`);
    const seeds = seedsOf(canary);
    for (const { note } of [...seeds, ...seeds]) canary.inspect('log', `x ${note} y`);
    canary.inspect('log', JSON.stringify({ password: seeds[0]?.password }));
    expect(canary.leaks).toBe(2 * seeds.length + 1);
    expect(new Set(told).size).toBe(told.length);
    expect(told).toHaveLength(seeds.length + 1);
    canary.inspect('log', 'nothing of it');
    expect(canary.leaks).toBe(2 * seeds.length + 1);
  });

  it('differs from process to process, and does not change what it is put beside', () => {
    expect(new Canary().seed()).not.toEqual(new Canary().seed());
    const args = Object.freeze({ n: 1 });
    createInstanceSanitizer({ canary: true }).args(args, []);
    expect(args).toEqual({ n: 1 });
  });
});

describe('a log that does not mask', () => {
  const logged = async (broken: boolean) => {
    const folder = mkdtempSync(join(tmpdir(), 'snakepit-canary-'));
    onTestFinished(() => rmSync(folder, { recursive: true }));
    const dest = join(folder, 'log');
    const safe = createInstanceSanitizer({ canary: true });
    const canary = safe.canary as Canary;
    const asItIs = {
      ...safe,
      value: vi.fn((value) => value),
      text: (text: string) => text,
      fields: (all: never) => all,
    };
    const logging = createLogging({
      options: { level: 'info', format: 'json', dest },
      bus: new EventBus(),
      sanitizer: broken ? asItIs : safe,
    });
    canary.onLeak = ({ kind }) => logging.logger.error(`The canary '${kind}' came through`);
    logging.logger.info('hello', { n: 1 });
    await logging.close();
    return { canary, lines: readFileSync(dest, 'utf8').trim().split('\n') };
  };

  it('is found out', async () => {
    const { canary, lines } = await logged(true);
    expect(canary.leaks).toBeGreaterThan(0);
    const told = lines.filter((line) => line.includes('came through'));
    expect(told.length).toBeGreaterThan(0);
    expect(JSON.parse(told[0] as string).message).toMatch(/^The canary '[a-z ]+' came through$/);
  });

  it('and one that does is not accused', async () => {
    const { canary, lines } = await logged(false);
    expect(canary.leaks).toBe(0);
    expect(JSON.parse(lines[0] as string)).toMatchObject({
      message: 'hello',
      n: 1,
      canary: { password: '[SANITIZED]' },
    });
  });
});
