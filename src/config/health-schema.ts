import { z } from 'zod';
import type { CataloguedEvent } from '../events/index.ts';
import { duration, durationOrZero, flag, positive } from './fields.ts';

/** Options of health: what is judged, by which thresholds, and what readiness and liveness make of it. */

/** What is judged; the keys of `health.criteria` and the names of the checks. */
export const criterionNames = [
  'worker_availability',
  'error_rate',
  'queue_depth',
  'response_time',
  'memory',
  'event_loop_lag',
  'worker_restarts',
  'observability',
] as const;
/** Name of a check that is always there. */
export type CriterionName = (typeof criterionNames)[number];

interface CriterionDefaults {
  readonly about: string;
  readonly warning: number;
  readonly error: number;
  /** Default 60000. */
  readonly windowMs?: number;
  /** Default 20. */
  readonly minVolume?: number;
}

const criterion = ({ about, warning, error, windowMs = 60_000, minVolume = 20 }: CriterionDefaults) =>
  z
    .strictObject({
      warning: z.number().nonnegative().default(warning).describe('Value from which the check warns.'),
      error: z.number().nonnegative().default(error).describe('Value from which the check is an error.'),
      windowMs: duration(windowMs, 'Time looked back on; what is a level of the moment does not use it.'),
      minVolume: positive(
        minVolume,
        'Fewer observations than this in the window say nothing; what is a level of the moment does not use it.',
      ),
      hysteresis: z
        .number()
        .min(0)
        .max(0.9)
        .default(0.1)
        .describe('A threshold that was passed is left only so far below it, as a share of it.'),
      dwellMs: durationOrZero(
        10_000,
        'A status gets worse at once, but better only when it has not been that bad for so long.',
      ),
    })
    .superRefine(({ warning: low, error: high }, context) => {
      if (high >= low) return;
      context.addIssue({
        code: 'custom',
        message: `an error threshold not below the warning threshold, but error is ${high} and warning ${low} (what is not given has its default): raise error or lower warning`,
      });
    })
    .prefault({})
    .describe(about)
    .meta({ live: true });

const criteria = z
  .strictObject({
    worker_availability: criterion({
      about:
        'Share of the places for workers that are left empty since their workers failed, 0 to 1. Fewer than `minWorkers` is an error besides.',
      warning: 0,
      error: 1,
    }),
    error_rate: criterion({ about: 'Share of requests that failed, 0 to 1.', warning: 0.05, error: 0.25 }),
    queue_depth: criterion({ about: 'Fill of the queue, 0 to 1.', warning: 0.5, error: 0.9 }),
    response_time: criterion({
      about: 'The 95th percentile of the time requests took. Milliseconds.',
      warning: 10_000,
      error: 50_000,
    }),
    memory: criterion({
      about: 'Share of the memory limit of the control group in use, 0 to 1. Without such a limit it is ok.',
      warning: 0.8,
      error: 0.95,
    }),
    event_loop_lag: criterion({
      about: 'How late the event loop of this process runs its timers, 99th percentile. Milliseconds.',
      warning: 500,
      error: 5000,
      minVolume: 50,
    }),
    worker_restarts: criterion({
      about: 'Workers of a pool that died or did not start, without being asked to.',
      warning: 3,
      error: 10,
      windowMs: 300_000,
      minVolume: 1,
    }),
    observability: criterion({
      about:
        'Largest share of its events that a consumer lost (queue full, failed, circuit open), 0 to 1. An open circuit warns besides. The default of `error` is out of reach: what only observes makes nothing an error.',
      warning: 0.01,
      error: 2,
      windowMs: 60_000,
      minVolume: 100,
    }),
  })
  .prefault({});

const canary = z.strictObject({
  command: z.string().min(1).describe('The command that is called.'),
  args: z.record(z.string(), z.unknown()).default({}).describe('Its arguments.'),
  intervalMs: duration(30_000, 'How often.'),
  timeoutMs: duration(5000, 'What it may take, the wait in the queue included.'),
  critical: flag(false, 'Whether readiness needs it.'),
});

/** The option `health`. */
export const healthSchema = z
  .union([
    z.literal(false),
    z.strictObject({
      readiness: z
        .strictObject({
          policy: z
            .enum(['any', 'all', 'critical'])
            .default('all')
            .describe('Which pools must have a ready worker.'),
          whenSaturated: z
            .enum(['ready', 'not_ready'])
            .default('ready')
            .describe('What a full queue means for readiness.'),
          checks: z
            .array(z.enum(criterionNames))
            .default([])
            .describe('Criteria that also make it not ready while they are an error.'),
        })
        .prefault({})
        .describe('When traffic should come here.')
        .meta({ live: true }),
      liveness: z
        .strictObject({
          failWhile: z
            .array(z.enum(['starting', 'draining']))
            .default([])
            .describe(
              'Liveness says no in these phases. With a probe that restarts on it, that kills what starts slowly or finishes its work.',
            ),
        })
        .prefault({})
        .describe('When the process should be restarted.')
        .meta({ live: true }),
      criteria,
      checks: z
        .strictObject({
          timeoutMs: duration(2000, 'Deadline of one run.'),
          intervalMs: duration(15_000, 'Pause between two runs.'),
          maxAgeMs: duration(60_000, 'A result older than this is an error.'),
        })
        .prefault({})
        .describe('Defaults of the checks that `registerCheck` adds, and the age limit of all.')
        .meta({ live: true }),
      canary: z
        .record(z.string(), canary)
        .default({})
        .describe(
          'Requests, by pool, that are made now and then to see whether one gets through. They count like any other.',
        )
        .meta({ live: true }),
    }),
  ])
  .prefault({})
  .describe('Health checks.');

/** A threshold that was passed, or left again. */
export type ThresholdEvent = CataloguedEvent<'snakepit.threshold.exceeded' | 'snakepit.threshold.recovered'>;

/** A canary needs the pool it is named for. For the whole of the options. */
export const canariesHavePools = (
  { health, pools }: { readonly health: z.output<typeof healthSchema>; readonly pools: object },
  context: { addIssue(issue: { code: 'custom'; path: string[]; message: string }): void },
): void => {
  if (health === false) return;
  for (const pool of Object.keys(health.canary)) {
    if (Object.hasOwn(pools, pool)) continue;
    const message = `the name of a pool as key: ${Object.keys(pools).join(', ')}`;
    context.addIssue({ code: 'custom', path: ['health', 'canary', pool], message });
  }
};

/** Told of every threshold that is passed or left. */
export const alertsSchema = z
  .strictObject({
    onThreshold: z
      .custom<(event: ThresholdEvent) => unknown>((value) => typeof value === 'function', 'a function')
      .optional()
      .describe(
        'Called with each event `snakepit.threshold.exceeded` and `snakepit.threshold.recovered`. May be async; what it throws is counted and logged, no more. In code only.',
      ),
  })
  .prefault({})
  .describe('Alerts to code of yours.');
