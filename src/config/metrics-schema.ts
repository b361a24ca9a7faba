import { z } from 'zod';
import { flag, positive } from './fields.ts';

/** The options under `metrics`. Names are checked again, with more knowledge, where the metrics are made. */

const rising = (list: readonly number[]): boolean =>
  list.every((value, i) => i === 0 || value > (list[i - 1] as number));

const buckets = z.array(z.number().positive()).min(1).refine(rising, 'must rise strictly');
const anyBuckets = z.array(z.number()).min(1).refine(rising, 'must rise strictly');

const metricName = z
  .string()
  .regex(/^[a-zA-Z_][a-zA-Z0-9_]*$/, "letters, digits and '_', not beginning with a digit")
  .refine(
    (name) => !name.startsWith('snakepit_'),
    "must not begin with 'snakepit_', which is for Snakepit's own",
  );

const labelName = z
  .string()
  .regex(/^[a-zA-Z_][a-zA-Z0-9_]*$/, "letters, digits and '_', not beginning with a digit")
  .refine(
    (name) => !name.startsWith('__') && name !== 'le' && name !== 'quantile',
    "'le', 'quantile' and names beginning with '__' are reserved",
  );

const path = z
  .string()
  .regex(
    /^(measurements|metadata)(\.[^.]+)+$/,
    'a path into the event: measurements.<name> or metadata.<name>, deeper with more dots',
  );

const custom = z.strictObject({
  type: z
    .enum(['counter', 'gauge', 'histogram', 'summary'])
    .describe(
      'What is made of the values: a sum, the last one, a distribution, or quantiles of the last minutes.',
    ),
  event: z
    .string()
    .regex(
      /^(\*|[A-Za-z0-9_-]+)(\.(\*|[A-Za-z0-9_-]+))*(\.\*\*)?$|^\*\*$/,
      "an event name; a part may be '*', and a final '**' matches the rest",
    )
    .describe('Which events: a name; a part may be `*`, and a final `**` matches the rest.'),
  value: path.optional().describe('Where the value is. Default: 1 for each event, for counters only.'),
  scale: z
    .number()
    .default(1)
    .describe('The value is multiplied by this: 0.001 makes seconds of milliseconds.'),
  labels: z
    .record(labelName, path)
    .default({})
    .describe('Labels, and where the value of each is. An event that lacks one is counted as rejected.'),
  help: z.string().min(1).describe('What it counts, in a sentence.'),
  unit: z.string().optional().describe('Base unit, which the name must end in.'),
  buckets: anyBuckets
    .optional()
    .describe('Upper bounds of a histogram. Default: those of durations in seconds.'),
  quantiles: z
    .array(z.number().min(0).max(1))
    .refine(rising, 'must rise strictly')
    .optional()
    .describe('Quantiles of a summary. Default: 0.5, 0.9, 0.95, 0.99.'),
});

const native = z.union([
  z.literal(false),
  z.strictObject({
    schema: z
      .number()
      .int()
      .min(-4)
      .max(8)
      .default(3)
      .describe(
        'Resolution to begin with: 2^schema buckets for each power of two. 3: each is 9 % wider than the one before.',
      ),
    zeroThreshold: z
      .number()
      .min(0)
      .default(2 ** -128)
      .describe('What is no further from zero has a bucket of its own.'),
    maxBuckets: positive(160, 'Buckets a series may use; one more halves its resolution.'),
  }),
]);

export const metricsSchema = z
  .union([
    z.literal(false),
    z.strictObject({
      buckets: z
        .record(z.string(), buckets)
        .default({})
        .describe('Histogram buckets by metric name, in its unit.'),
      maxSeries: positive(1000, 'Series one metric may have; further ones share `(other)`.'),
      limits: z
        .record(z.string(), z.number().int().min(1).max(1_000_000))
        .default({})
        .describe('The same for single metrics, by name.'),
      labels: z
        .record(z.string(), z.record(z.string(), z.array(z.string())))
        .default({})
        .describe('Values a label may have, by metric and label; all others count under `(other)`.'),
      defaultMetrics: flag(true, "Node's own metrics: event loop, GC, heap, handles."),
      native: native
        .default(false)
        .describe(
          'Native histograms beside the classic buckets, over protobuf. See docs/metrics-guide.md first.',
        ),
      custom: z
        .record(metricName, custom)
        .default({})
        .describe('Metrics made of events, by name: also of those that Python emits.'),
      group: z
        .string()
        .min(1)
        .max(200)
        .optional()
        .describe(
          'Name of a group: its processes and worker threads, of one user on one machine, answer a scrape for all of them. See docs/metrics-guide.md. Default: each for itself.',
        ),
      registry: z
        .custom<PromRegistry>(isRegistry, 'a prom-client Registry, which can only be given in code')
        .optional()
        .describe('A prom-client registry whose metrics are exposed too. In code only.'),
    }),
  ])
  .prefault({})
  .describe('Prometheus metrics.');

/** What is needed of a prom-client registry: any version that has these will do. */
export interface PromRegistry {
  getMetricsAsJSON(): Promise<readonly unknown[]>;
  getMetricsAsArray(): readonly unknown[];
}

function isRegistry(value: unknown): value is PromRegistry {
  const registry = value as Partial<PromRegistry> | null | undefined;
  return typeof registry?.getMetricsAsJSON === 'function' && typeof registry.getMetricsAsArray === 'function';
}
