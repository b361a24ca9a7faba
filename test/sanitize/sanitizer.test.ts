import { createHmac } from 'node:crypto';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { createSanitizer, sanitize, sanitizeText } from '../../src/sanitize/index.ts';
import { leaks } from './corpus.mjs';
import { cook, hostileValues, recipes } from './hostile.ts';

const secret = 'ghp_0123456789abcdefghijABCDEFGHIJ456789';

describe('paths', () => {
  it('mask a named place and nothing else', () => {
    const { value } = createSanitizer({
      paths: ['user.born', 'rows[*].pin', 'rows.0.note', '**.iq', 'headers["x.y"]', 'all.**'],
    });
    expect(
      value({
        user: { born: 1970, name: 'ann', iq: 1 },
        rows: [
          { pin: 'a', note: 'n' },
          { pin: { deep: 1 }, note: 'n' },
        ],
        born: 1,
        headers: { 'x.y': 'v', x: { y: 'w' } },
        a: { b: [{ iq: 2 }] },
        all: { x: 1 },
      }),
    ).toEqual({
      user: { born: '[SANITIZED]', name: 'ann', iq: '[SANITIZED]' },
      rows: [
        { pin: '[SANITIZED]', note: '[SANITIZED]' },
        { pin: '[SANITIZED]', note: 'n' },
      ],
      born: 1,
      headers: { 'x.y': '[SANITIZED]', x: { y: 'w' } },
      a: { b: [{ iq: '[SANITIZED]' }] },
      all: '[SANITIZED]',
    });
  });

  it('name a Map and an item of a list too', () => {
    const { value } = createSanitizer({ paths: ['m.a', 'list[1]'] });
    expect(value({ m: new Map([['a', 1]]), list: [1, 2, 3] })).toEqual({
      m: { a: '[SANITIZED]' },
      list: [1, '[SANITIZED]', 3],
    });
  });

  it.each(['a[', 'a..b', 'a[x]', '"a"'])('that cannot be read are refused at once: %s', (path) => {
    expect(() => createSanitizer({ paths: [path] })).toThrow(/is no path: write user\.ssn/);
  });
});

describe('the allow list', () => {
  it('shows names, values and places that the rules would mask', () => {
    const { value } = createSanitizer({
      allow: { keys: ['session-token'], values: ['public1', /^test-/g], paths: ['open.**', 'one.password'] },
    });
    expect(
      value({
        sessionToken: 'a',
        password: 'public1',
        secret: 'test-1',
        token: 'test-2',
        open: { password: 'x', text: `token=${secret}`, list: ['--password', 'x'] },
        one: { password: 'x', secret: 'y' },
        text: 'password=public1 password=private1',
      }),
    ).toEqual({
      sessionToken: 'a',
      password: 'public1',
      secret: 'test-1',
      token: 'test-2',
      open: { password: 'x', text: `token=${secret}`, list: ['--password', 'x'] },
      one: { password: 'x', secret: '[SANITIZED]' },
      text: 'password=public1 password=[SANITIZED]',
    });
  });
});

describe('options', () => {
  it('more names', () => {
    const { value } = createSanitizer({ keys: ['patient_mrn'] });
    expect(value({ patientMrn: 1, 'PATIENT-MRN': 'x', mrn: 2 })).toEqual({
      patientMrn: '[SANITIZED]',
      'PATIENT-MRN': '[SANITIZED]',
      mrn: 2,
    });
    expect(createSanitizer({ keys: ['mrn'] }).text('mrn=12345 and more')).toBe('mrn=[SANITIZED] and more');
  });

  it('e-mail addresses', () => {
    expect(createSanitizer({ emails: true }).text('to ann.b+c@mail.example.org now')).toBe(
      'to [SANITIZED] now',
    );
    expect(sanitizeText('to ann@example.org now')).toBe('to ann@example.org now');
  });

  it('detectors of your own; one that throws masks what it was shown', () => {
    const { text } = createSanitizer({
      detectors: [
        { name: 'ticket', pattern: /TICKET-\d+/ },
        { name: 'x', find: () => [[0, 1]] },
      ],
    });
    expect(text('a TICKET-12 and TICKET-13')).toBe('[SANITIZED] [SANITIZED] and [SANITIZED]');
    const broken = createSanitizer({
      detectors: [
        {
          name: 'broken',
          find: () => {
            throw new Error('no');
          },
        },
      ],
    });
    expect(JSON.stringify(broken.value({ n: 1, text: 'anything' }))).toMatch(/^(?!.*anything).*SANITIZED/);
  });

  it('another replacement', () => {
    expect(createSanitizer({ replacement: '***' }).value({ password: 'x', text: `a ${secret}` })).toEqual({
      password: '***',
      text: 'a ***',
    });
  });

  it('limits', () => {
    const { value } = createSanitizer({ limits: { depth: 1, entries: 2, text: 10 } });
    expect(value({ a: { b: 1 }, list: [1], c: 1 })).toEqual({
      a: '[object(1 key)]',
      list: '[array(1)]',
      '…': '1 more',
    });
    expect(value('x'.repeat(50))).toContain('[40 characters cut]');
  });

  it('a time after which the rest is only counted', () => {
    const { value } = createSanitizer({ limits: { milliseconds: -1 } });
    const list = value(Array.from({ length: 90 }, (_, i) => [i, [i], [i]])) as unknown[];
    expect(list.at(-1)).toMatch(/^\[\d+ more\]$/);
    expect(list.length).toBeLessThan(40);
  });
});

describe('the hash', () => {
  const hashKey = 'a key of the operator';
  const digits = createHmac('sha256', hashKey).update('hunter2hunter2').digest('hex').slice(0, 8);
  const { value, text } = createSanitizer({ hashKey });

  it('is the same wherever a secret stands, and eight digits long', () => {
    const mask = `[SANITIZED:${digits}]`;
    expect(value({ password: 'hunter2hunter2' })).toEqual({ password: mask });
    expect(text('password=hunter2hunter2 x')).toBe(`password=${mask} x`);
    expect(text('GET /?api_key=hunter2hunter2&x=1')).toBe(`GET /?api_key=${mask}&x=1`);
    expect(text('sent Bearer hunter2hunter2')).toBe(`sent ${mask}`);
    expect(value(['--password', 'hunter2hunter2'])).toEqual(['--password', mask]);
  });

  it('differs with the secret and with the key', () => {
    expect(value({ password: 'hunter3hunter3' })).not.toEqual({ password: `[SANITIZED:${digits}]` });
    expect(createSanitizer({ hashKey: 'other' }).value({ password: 'hunter2hunter2' })).not.toEqual({
      password: `[SANITIZED:${digits}]`,
    });
  });

  it('is left out where there is no text to hash, and is not hashed again', () => {
    expect(value({ credentials: { a: 1 } })).toEqual({ credentials: '[SANITIZED]' });
    expect(text(`password=[SANITIZED:${digits}] x`)).toBe(`password=[SANITIZED:${digits}] x`);
  });
});

describe('a cut', () => {
  it.each([-45, -39, -20, -1, 0, 1, 20, 39, 45])(
    'shows no half of a secret, %i characters off the edge',
    (offset) => {
      const max = 16_384;
      const head = Math.ceil((max * 2) / 3);
      for (const edge of [head, 60_000 - (max - head)]) {
        const whole = `${'a '.repeat(30_000)}`;
        const at = edge + offset;
        const long = `${whole.slice(0, at)} ${secret} ${whole.slice(at + secret.length + 2)}`;
        expect(leaks(sanitizeText(long), secret)).toBe(false);
        expect(leaks(JSON.stringify(sanitize({ long, list: [long] })), secret)).toBe(false);
      }
    },
  );

  it('shows nothing of a secret whose beginning is far before it', () => {
    const body = 'QUJDREVG'.repeat(10_000);
    expect(sanitizeText(`${'x '.repeat(9000)}-----BEGIN PRIVATE KEY-----\n${body}`)).not.toContain(
      'QUJDREVG',
    );
    const lines = body.replace(/(.{64})/g, '$1\n');
    const key = `${'x '.repeat(9000)}-----BEGIN PRIVATE KEY-----\n${lines}\n-----END PRIVATE KEY-----\nthe end`;
    expect(sanitizeText(key)).not.toContain('QUJDREVG');
    expect(sanitizeText(key)).toContain('the end');
    expect(sanitizeText(`{"a":"${'x '.repeat(9000)}","password":"${body}"}`)).not.toContain('QUJDREVG');
  });

  it('holds for what little a copy has left to show', () => {
    const copy = JSON.stringify(
      sanitize(Array.from({ length: 20 }, (_, i) => `${'b '.repeat(i * 700)}${secret}`)),
    );
    expect(leaks(copy, secret)).toBe(false);
  });

  it('holds for keys', () => {
    const copy = Object.keys(sanitize({ [`${'k '.repeat(30)}${secret}${' k'.repeat(100)}`]: 1 }) as object);
    expect(leaks(copy.join(), secret)).toBe(false);
  });
});

describe('whatever the options are', () => {
  const every = createSanitizer({
    paths: ['**.a', 'b[*].c'],
    emails: true,
    hashKey: 'k',
    allow: { values: [/^x/], paths: ['z.**'] },
  });

  it.each(hostileValues.map((value, i) => [i, value] as const))('survives hostile value %i', (_, value) => {
    const text = JSON.stringify([every.value(value), every.fields(value), every.value([value, { value }])]);
    expect(JSON.parse(text)).toHaveLength(3);
    expect(text.isWellFormed()).toBe(true);
  });

  it('survives anything and changes nothing', () => {
    fc.assert(
      fc.property(recipes, (recipe) => {
        const copy = every.value(cook(recipe));
        const text = JSON.stringify(copy);
        expect(JSON.stringify(JSON.parse(text))).toBe(text);
      }),
      { numRuns: 200 },
    );
    const frozen = Object.freeze({ password: 'x', list: Object.freeze(['--token', 'abc1234567']) });
    every.value(frozen);
    expect(frozen).toEqual({ password: 'x', list: ['--token', 'abc1234567'] });
  });
});
