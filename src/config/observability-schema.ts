import { z } from 'zod';
import { compilePattern, nameFault } from '../events/index.ts';
import { duration, durationOrZero, positive } from './fields.ts';

const pattern = z.string().refine((text) => {
  try {
    compilePattern(text);
    return true;
  } catch {
    return false;
  }
}, "an event name; a part may be '*', and a final '**' matches the rest");

const rateLimit = z.strictObject({
  perSecond: z.number().positive().describe('Events a second in the long run.'),
  burst: z
    .number()
    .int()
    .positive()
    .optional()
    .describe('Events that may pass at once after a pause. Default: `perSecond` rounded down, at least 1.'),
  key: z
    .string()
    .optional()
    .describe('Field of the metadata, e.g. `command`: each of its values has a limit of its own.'),
});

/** How events reach the consumers. */
export const observabilitySchema = z
  .union([
    z.literal(false),
    z.strictObject({
      sampling: z
        .record(pattern, z.number().min(0).max(1))
        .default({})
        .describe(
          'Share of the events that logs, the live page, traces and your own consumers get, 0 to 1, by event name or pattern; the most specific counts. Metrics, health and errors see every event all the same.',
        )
        .meta({ live: true }),
      rateLimits: z
        .record(pattern, rateLimit)
        .default({})
        .describe('How many events of a name reach those same consumers, by event name or pattern.')
        .meta({ live: true }),
      keep: z
        .strictObject({
          perSecond: positive(100, 'In the long run, a second.'),
          burst: positive(1000, 'At once after a pause.'),
        })
        .prefault({})
        .describe(
          'How many failures, slow requests and lifecycle events are kept whatever the sampling rate.',
        )
        .meta({ live: true }),
      hold: z
        .strictObject({
          maxEvents: z
            .number()
            .int()
            .nonnegative()
            .default(4096)
            .describe('Events held at most, of all requests together. 0 holds none.'),
          maxAgeMs: duration(300_000, 'How long.'),
        })
        .prefault({})
        .describe(
          'Events that sampling lets go are held until their request is over: those of one that fails or is slow are delivered after all.',
        )
        .meta({ live: true }),
      consumers: z
        .record(
          z.string().refine((text) => nameFault(text) === undefined, 'the name of a consumer'),
          z.boolean(),
        )
        .default({})
        .describe('Consumers by name; `false` switches one off.')
        .meta({ live: true }),
      flushMs: durationOrZero(2000, 'What consumers get at the end to take what waits for them.'),
    }),
  ])
  .prefault({})
  .describe('The event bus. `false` switches all observability off.');
