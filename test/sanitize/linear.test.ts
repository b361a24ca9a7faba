import { describe, expect, it } from 'vitest';
import { detectors, emails } from '../../src/sanitize/detectors/index.ts';
import { sanitizeText } from '../../src/sanitize/index.ts';
import { KeyRules } from '../../src/sanitize/keys.ts';
import { survey } from '../../src/sanitize/survey.ts';

/** No detector is spared a text since it lacks something. */
const ALL_TRAITS = -1;

/** Texts that make a careless pattern start over at every character. */
const hostile: readonly string[] = [
  ...[
    'a',
    ' ',
    '0',
    '-',
    '=',
    ':',
    '"',
    "'",
    '\\',
    '\\"',
    '%3D',
    '.',
    '@',
    '/',
    'é',
    '\n',
    '<',
    '>',
    '{',
    '[',
    '(',
  ],
  ...[
    '4111',
    '4111 ',
    'eyJ',
    'eyJaaaaaaaaa.',
    'eyJaaaaaaaaa ',
    'ghp_',
    'sk-',
    'sk-aaaaaaaaaaaaaaaa',
    'AKIA',
    'SG.aaaaaaaaaaaaaaaa',
  ],
  ...[
    'SG.',
    'M-',
    'npm_',
    '12345678:AA',
    '-----BEGIN PRIVATE KEY-----',
    '-----END PRIVATE KEY-----',
    'PRIVATE KEY ',
  ],
  ...[
    '://',
    'a://',
    'a://b:c',
    'postgres://a:/@',
    'jdbc:oracle:thin:',
    'jdbc:oracle:thin:a/',
    'Bearer ',
    'Basic a',
    'basic aaaaaaaa ',
  ],
  ...[
    'token:',
    'token: ',
    'token=',
    'password',
    'password=',
    'password:',
    'password: "',
    'password=[',
    '"token":[1 1 ',
    '"password",[',
  ],
  ...[
    'token: "',
    "token: '",
    'token: \\"',
    'token: """',
    'cookie:',
    'cookie: a',
    'authorization:',
    'authorization: Basic ',
  ],
  ...[
    '--password ',
    '--password (',
    '--token 1 ',
    'mysql ',
    'curl -u ',
    'sshpass -p',
    'password is ',
    "password '",
    '<password>',
    '<a>b',
  ],
  ...[
    '"name":"password",',
    '"value":"a",',
    'DE89 ',
    'DE89AAAA',
    'a@',
    'a@b.',
    'a@b.c',
    'key=,',
    'key=a,b',
    'x=a;',
    '?sig=',
    '&code=a',
    'machine a login b password ',
    'machine ',
    'name="password"\n\n',
    '"name":"password"\r\n',
    'password：',
    'ｔｏｋｅｎ＝',
    '<a:password x="1">',
    '<password ',
    'cache key: ',
    'token: str = ',
    'password[',
  ],
];

const SMALL = 3000;
const FACTOR = 8;
/** A square would grow by the factor's square, 64; what is linear grows by 8, and more than this only by bad luck. */
const LIMIT = 24;
const ATTEMPTS = 10;
const keys = new KeyRules();

const filled = (unit: string, length: number): string => unit.repeat(Math.ceil(length / unit.length));

/** Milliseconds of the fastest of some runs: what the machine did besides is in none of them all. */
const fastest = (work: () => void, runs: number): number => {
  let least = Number.POSITIVE_INFINITY;
  for (let run = 0; run < runs; run++) {
    const began = performance.now();
    work();
    least = Math.min(least, performance.now() - began);
  }
  return least;
};

/** Anything below this is noise. */
const FLOOR = 0.02;

/** How often longer the long text takes; the least of a few attempts, since a busy machine only ever adds. */
const growth = (work: (text: string) => void, unit: string, attempts: number): number => {
  const [small, large] = [filled(unit, SMALL), filled(unit, FACTOR * SMALL)];
  let least = Number.POSITIVE_INFINITY;
  for (let attempt = 0; attempt < attempts && least >= LIMIT; attempt++) {
    const one = Math.max(
      FLOOR,
      fastest(() => work(small), attempt === 0 ? 2 : 5),
    );
    least = Math.min(least, fastest(() => work(large), attempt === 0 ? 1 : 3) / one);
  }
  return least;
};

const growing = (
  work: (text: string) => void,
  units: readonly string[] = hostile,
  attempts = ATTEMPTS,
): string[] =>
  units.flatMap((unit) => {
    const found = growth(work, unit, attempts);
    return found < LIMIT ? [] : [`${JSON.stringify(unit)}: ${found.toFixed(0)} times`];
  });

describe('on hostile texts eight times as long', () => {
  it.each([...detectors, emails].map((one) => [one.name, one] as const))(
    '%s takes about eight times as long',
    (_, detector) => {
      expect(growing((text) => detector.find(text, () => undefined, keys, ALL_TRAITS))).toEqual([]);
    },
  );

  it('so does the look that decides what is searched', () => {
    expect(growing(survey)).toEqual([]);
  });

  it('so does the whole, masks and cuts included', () => {
    expect(growing((text) => sanitizeText(text))).toEqual([]);
  });

  it('the judgement of names does too', () => {
    const units = ['a', 'aA', 'A', '_', 'é', '\u0301', 'ﷺ', 'pass', 'а'];
    expect(growing((text) => new KeyRules().verdict(text.slice(0, 256)), units)).toEqual([]);
  });

  it('and what is quadratic is found out', () => {
    let seen = 0;
    const slow = (text: string) => {
      for (let from = 0; from < text.length; from++)
        for (let at = from; at < text.length; at += 8) seen += text.charCodeAt(at);
    };
    const isFound = () => growing(slow, ['a'], 1).length === 1;
    expect(isFound() || isFound() || isFound()).toBe(true);
    expect(seen).toBeGreaterThan(0);
  });
});
