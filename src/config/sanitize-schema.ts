import { z } from 'zod';
import { type CustomDetector, isPath } from '../sanitize/index.ts';
import { flag } from './fields.ts';

/** The options under `sanitize`. Patterns and functions can be given in code only; a file has texts. */

const paths = (about: string) =>
  z
    .array(z.string().refine(isPath, 'a place such as user.ssn, items[*].pin, **.iban or headers["x-key"]'))
    .default([])
    .describe(about);

const names = (about: string) => z.array(z.string().min(1).max(128)).default([]).describe(about);

const allowedValue = z.union([z.string().min(1), z.instanceof(RegExp)]);

const detector = z.custom<CustomDetector>(
  (value) =>
    typeof value === 'object' &&
    value !== null &&
    typeof (value as CustomDetector).name === 'string' &&
    ((value as CustomDetector).pattern instanceof RegExp ||
      typeof (value as CustomDetector).find === 'function'),
  'an object with a name, and a pattern (a RegExp) or a function find',
);

const texts = { type: 'array', items: { type: 'string' } };

export const sanitizeSchema = z
  .strictObject({
    paths: paths(
      'Places masked whatever stands there: `user.ssn`, `items[*].pin`, `**.iban`. Beyond what names and values give away.',
    ),
    keys: names('Names that are secret beyond the built-in ones. Case and separators do not matter.'),
    allow: z
      .strictObject({
        paths: paths('Places shown whatever stands there.'),
        keys: names('Names that are no secret: `session_token`.'),
        values: z
          .array(allowedValue)
          .default([])
          .describe('Whole values, or what was found in a text, that may be shown. In code also patterns.')
          .meta({ jsonSchema: texts }),
      })
      .prefault({})
      .describe('What is shown although a rule would mask it.'),
    detectors: z
      .array(detector)
      .default([])
      .describe('Detectors of your own, `{ name, pattern }` or `{ name, find }`. In code only.')
      .meta({ jsonSchema: { type: 'array', items: {} } }),
    emails: flag(false, 'Whether e-mail addresses are masked.'),
    replacement: z
      .string()
      .min(1)
      .max(64)
      .default('[SANITIZED]')
      .describe('What stands in place of a secret.'),
    hashKey: z
      .string()
      .min(16)
      .optional()
      .describe(
        'With it eight digits of a keyed hash of each secret are shown, `[SANITIZED:1a2b3c4d]`: equal secrets can be told. At least 16 characters.',
      )
      .meta({ secret: true }),
    canary: flag(
      false,
      'Put fake secrets into what is logged and kept of errors, and look for them in all that leaves: `snakepit_redaction_canary_leaks_total`.',
    ),
  })
  .prefault({})
  .describe('What is masked in all that leaves the process; see sanitizing.md.');
