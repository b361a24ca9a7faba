import fc from 'fast-check';
import { pino } from 'pino';
import { describe, expect, it } from 'vitest';
import type { Line } from '../../../src/consumers/logging/line.ts';
import { beginFields } from '../../../src/consumers/logging/line.ts';
import { lineText } from '../../../src/consumers/logging/line-text.ts';
import { ownNames, presetOf } from '../../../src/consumers/logging/preset.ts';

/** The same line as pino writes it: what reads pino's lines must read ours. */
const byPino = (line: Line): string => {
  let text = '';
  const logger = pino(
    {
      level: 'trace',
      base: null,
      messageKey: 'message',
      timestamp: () => `,"timestamp":"${ownNames.timestamp(line.timestamp)}"`,
      formatters: { level: (level) => ({ level }) },
    },
    {
      write: (written: string) => {
        text = written;
      },
    },
  );
  logger[line.level](line.fields, line.message);
  return text;
};

const text = fc.oneof(
  fc.string({ unit: 'binary', maxLength: 100 }),
  fc.string({ maxLength: 200 }),
  fc.constantFrom('', '"', '\\', '\u007f', '\u2028', '\ud800', '\udc00x', '\n', '</script>', 'ü', '😀'),
);
const number = fc.oneof(
  fc.double(),
  fc.integer(),
  fc.constantFrom(-0, Number.NaN, Number.POSITIVE_INFINITY, 1e21, 5e-324, 2 ** 53),
);
const value = fc.oneof(text, number, fc.boolean(), fc.constant(null), fc.jsonValue() as fc.Arbitrary<never>);
// Names that pino treats as something else are left out: what a line is made of has none.
const name = text.filter(
  (each) => !['__proto__', 'err', 'level', 'time', 'timestamp', 'message'].includes(each),
);
const line = fc.record({
  level: fc.constantFrom('trace', 'debug', 'info', 'warn', 'error', 'fatal'),
  timestamp: fc.integer({ min: 0, max: 4e12 }),
  message: text,
  fields: fc
    .dictionary(name, value as fc.Arbitrary<never>)
    .map((more) => ({ ...beginFields('snakepit', 'an.event'), ...more })),
}) as unknown as fc.Arbitrary<Line>;

describe('the text of a line', () => {
  it('is what pino writes, byte for byte, and valid Unicode besides', () => {
    const write = lineText(ownNames);
    fc.assert(
      fc.property(line, (each) => {
        const ours = write(each);
        const theirs = byPino(each);
        // Half a surrogate pair is no text: pino hands it on in places, we escape it everywhere.
        expect(ours.isWellFormed()).toBe(true);
        if (theirs.isWellFormed()) expect(ours).toBe(theirs);
        else expect(JSON.parse(ours)).toEqual(JSON.parse(theirs));
      }),
      { numRuns: 2000 },
    );
  });

  it.each(['ecs', 'otel', 'datadog', 'gcp'] as const)(
    'is one line of JSON in the names of %s',
    (convention) => {
      const write = lineText(presetOf(convention));
      fc.assert(
        fc.property(line, (each) => {
          const written = write(each);
          expect(written.indexOf('\n')).toBe(written.length - 1);
          expect(Object.values(JSON.parse(written))).not.toContain(undefined);
        }),
        { numRuns: 300 },
      );
    },
  );
});
