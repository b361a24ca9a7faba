import { z } from 'zod';
import { durationOrZero, flag, MAX_TIMER_MS, positive, share } from './fields.ts';
import { alertsSchema, canariesHavePools, healthSchema } from './health-schema.ts';
import { logsSchema } from './logs-schema.ts';
import { metricsSchema } from './metrics-schema.ts';
import { observabilitySchema } from './observability-schema.ts';
import { type PoolOptions, poolSchema, type ResolvedPool, usesGrpc } from './pool-schema.ts';
import { sanitizeSchema } from './sanitize-schema.ts';
import { sessionsSchema } from './sessions-schema.ts';

export { type PoolOptions, poolSchema, type ResolvedPool, usesGrpc };

/**
 * The one place where options are described: types, validation, the JSON Schema and the reference page come from it.
 *
 * `.meta({ live: true })` marks what can change while running; everything else needs a restart. `defaultText` stands for a default
 * that depends on the machine.
 */

const port = z.number().int().min(0).max(65535);
const name = z
  .string()
  .regex(
    /^[A-Za-z0-9_][A-Za-z0-9_.-]{0,63}$/,
    'letters, digits, and _ . - after the first, at most 64 characters',
  );

const listener = (what: string, fallback: string) => ({
  port: port.optional().describe(`Port of ${what}; 0 picks a free one. Unset: not served.`),
  host: z
    .string()
    .min(1)
    .default(fallback)
    .describe('Address to bind. Any other than loopback needs `token` or `insecure`.'),
  token: z
    .string()
    .min(16)
    .optional()
    .describe('Bearer token, at least 16 characters.')
    .meta({ secret: true }),
  insecure: flag(
    false,
    'Serve beyond loopback without a token. Only where something in front authenticates.',
  ),
  allowedHosts: z
    .array(z.string())
    .default([])
    .describe('Host header values accepted beside loopback names and IP literals.'),
});

export const optionsSchema = z
  .strictObject({
    pools: z
      .record(name, poolSchema)
      .refine((pools) => Object.keys(pools).length > 0, 'at least one pool is needed')
      .describe('The pools by name. `default` is used where a call names none.'),
    waitFor: z
      .enum(['ready', 'none'])
      .default('ready')
      .describe('`ready`: `createSnakepit` resolves when each pool has a ready worker; `none`: at once.'),
    runtimeDir: z
      .string()
      .optional()
      .describe('Where the private socket directory is made. Default: the temporary directory.'),
    memoryGuard: z
      .union([
        z.literal(false),
        z.strictObject({
          warnRatio: share(0.8, 'Share of the limit from which it warns.').meta({ live: true }),
          recycleRatio: share(0.9, 'Share from which the largest worker is replaced, one at a time.').meta({
            live: true,
          }),
        }),
      ])
      .prefault({})
      .describe(
        'What happens when the memory limit of the control group comes near: there one out-of-memory kill can take the whole container. Without such a limit, nothing.',
      ),
    observability: observabilitySchema,
    metrics: metricsSchema,
    health: healthSchema,
    alerts: alertsSchema,
    logs: logsSchema,
    dashboard: flag(
      true,
      'Live page at `/dashboard` of the ops server, and what it reads: `/api/live`, `/api/history`, `/api/workers/{id}`, `/api/incident`. `false` switches all of it off (404); nothing is kept for it then.',
    ),
    errors: z
      .strictObject({
        showArgs: z
          .array(z.string())
          .default(['model', 'version', 'top', 'n', 'limit', 'mode'])
          .describe('Arguments whose scalar values error contexts may show; all others read `[SANITIZED]`.')
          .meta({ live: true }),
      })
      .prefault({})
      .describe('Error context.'),
    sanitize: sanitizeSchema,
    sessions: sessionsSchema,
    ops: z
      .strictObject({
        ...listener('the ops server (metrics, health)', '127.0.0.1'),
        open: z
          .array(z.string().startsWith('/'))
          .default([])
          .describe('Read-only paths that need no token from afar, e.g. `/metrics`.'),
        prefix: z
          .string()
          .regex(/^(\/[^/]+)*$/, 'empty, or /a/path without a final slash')
          .default('')
          .describe('Path before every endpoint.'),
        livenessPort: port
          .optional()
          .describe(
            'Port that answers the probes alone, without details and so without a token, on `ops.host`: for handlers mounted in a server of yours. 0 picks a free one. Unset: not served.',
          ),
        grpcPort: port
          .optional()
          .describe(
            'Port that answers `grpc.health.v1` on `ops.host`, without TLS; like the probes without details, and so without a token. Needs the npm package `@grpc/grpc-js`. 0 picks a free one. Unset: not served.',
          ),
        stuckAfterMs: z
          .number()
          .int()
          .min(1000)
          .max(MAX_TIMER_MS)
          .default(10_000)
          .describe(
            'Liveness fails once the main thread has not run for so long: blocked by synchronous work, not by a pause of garbage collection. Milliseconds, at least 1000.',
          ),
      })
      .prefault({})
      .describe('Ops server.'),
    gateway: z
      .strictObject({
        ...listener('the gateway (commands over HTTP)', '127.0.0.1'),
        allowedOrigins: z.array(z.string()).default([]).describe('Origins that browsers may call from.'),
        maxBodyBytes: positive(16 * 2 ** 20, 'Largest request body. Bytes.'),
        sessionKey: z
          .custom<(request: Request) => string | undefined>(
            (value) => typeof value === 'function',
            'a function',
          )
          .optional()
          .describe(
            'Gives the session id of a request (undefined: none), e.g. to put the sessions of each caller into a namespace of his own. Default: the header `x-session-id`. In code only.',
          ),
      })
      .prefault({})
      .describe('Gateway.'),
    shutdown: z
      .strictObject({
        delayMs: z
          .number()
          .int()
          .nonnegative()
          .max(MAX_TIMER_MS)
          .optional()
          .describe(
            'How long `serve` still takes requests after SIGTERM, not ready. Default: 5000 in Kubernetes, else 0. Milliseconds.',
          ),
        drainMs: durationOrZero(20_000, 'What running requests get after that.'),
      })
      .prefault({})
      .describe('What `serve` does on SIGTERM.'),
  })
  .superRefine(canariesHavePools)
  .describe('Configuration of Snakepit.');

/** Options as a user writes them: everything with a default may be left out. */
export type SnakepitOptions = z.input<typeof optionsSchema>;
/** Options once validated, with every default filled in. */
export type ResolvedOptions = z.output<typeof optionsSchema>;
