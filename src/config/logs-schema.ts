import type { Writable } from 'node:stream';
import { z } from 'zod';
import { flag } from './fields.ts';

/** The options under `logs`. */

const level = z.enum(['trace', 'debug', 'info', 'warn', 'error', 'fatal', 'silent']);
const byName = (about: string) =>
  z.record(z.string().min(1), level).default({}).describe(about).meta({ live: true });

const has = (value: unknown, method: string): boolean =>
  typeof (value as Record<string, unknown> | null | undefined)?.[method] === 'function';
const isStream = (value: unknown): boolean => has(value, 'write') && has(value, 'on');
const isPino = (value: unknown): boolean =>
  ['trace', 'debug', 'info', 'warn', 'error', 'fatal', 'isLevelEnabled', 'on'].every((name) =>
    has(value, name),
  );

export const logsSchema = z
  .union([
    z.literal(false),
    z.strictObject({
      level: level.default('warn').describe('Least level written.').meta({ live: true }),
      format: z.enum(['json', 'pretty']).default('json').describe('`pretty` is for people.'),
      dest: z.string().min(1).default('stderr').describe('`stderr`, `stdout` or a file.'),
      levels: z
        .strictObject({
          components: byName(
            'By part of the program: `snakepit.worker`, `snakepit.request`, `python` for all that Python logs, `python.<logger>` for one of its loggers, or the `logger` of your own lines. The longest name that matches counts.',
          ),
          pools: byName('By pool; goes before components.'),
          commands: byName('By command; goes before pools.'),
        })
        .prefault({})
        .describe('Levels of parts; the most specific counts.'),
      fields: z
        .enum(['default', 'ecs', 'otel', 'datadog', 'gcp'])
        .default('default')
        .describe(
          'Names of the fields: our own, or those of Elastic Common Schema, OpenTelemetry, Datadog or Google Cloud. For `json` only; see logging.md.',
        ),
      args: z
        .strictObject({
          show: z
            .enum(['values', 'shapes'])
            .default('values')
            .describe(
              'How the arguments of a request are shown at `debug`: sanitized, or by their shapes as in error contexts, with the values of `errors.showArgs` alone.',
            )
            .meta({ live: true }),
          completed: flag(
            false,
            'Whether the line of a completed request has them too. It is of the level `info`.',
          ).meta({ live: true }),
        })
        .prefault({})
        .describe('Arguments of requests.'),
      pino: z
        .custom<object>(isPino, 'a pino logger with its standard levels, which can only be given in code')
        .optional()
        .describe('A pino logger of yours, used in place of `dest`, `format` and `fields`. In code only.'),
      stream: z
        .custom<Writable>(isStream, 'a Writable stream, which can only be given in code')
        .optional()
        .describe('A stream of yours, used in place of `dest`. In code only.'),
    }),
  ])
  .prefault({})
  .describe('Structured logs.');
