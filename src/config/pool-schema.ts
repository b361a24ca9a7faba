import { z } from 'zod';
import { availableCpus } from './cpus.ts';
import { duration, durationOrZero, flag, maybeDuration, maybePositive, positive, share } from './fields.ts';
import { remoteSchema } from './remote-schema.ts';

/** The options of one pool; see schema.ts. */
export const poolSchema = z
  .strictObject({
    app: z
      .union([z.string().min(1), z.instanceof(URL)])
      .optional()
      .describe(
        'The Python app: a file (`./app.py`) or a module (`pkg.module`). Needed unless `remote` is set.',
      )
      .meta({ jsonSchema: { type: 'string', minLength: 1 } }),
    cwd: z.string().optional().describe('Working directory of the workers. Default: that of the host.'),
    python: z
      .string()
      .optional()
      .describe('The Python interpreter. Default: found as described under Python discovery.'),
    env: z
      .record(z.string(), z.string())
      .default({})
      .describe(
        "More environment variables for the workers. `{slot}` in a value becomes the number of the slot: `CUDA_VISIBLE_DEVICES: '{slot}'`.",
      ),
    inheritEnv: flag(
      true,
      "Whether the workers get the host's environment too. Where not, only what programs cannot do without, such as PATH and HOME.",
    ),
    workers: z
      .number()
      .int()
      .min(1)
      .max(1024)
      .default(() => Math.min(4, availableCpus()))
      .describe('Worker processes.')
      .meta({ live: true, defaultText: 'the CPUs this process may use, at most 4' }),
    minWorkers: positive(1, 'Fewer ready workers than this is an error in health.').meta({ live: true }),
    concurrency: positive(
      1,
      'Requests one worker runs at a time. Above 1 handlers run in threads of one process.',
    ),
    affinity: z
      .enum(['hint', 'strict_queue', 'strict_fail_fast'])
      .default('hint')
      .describe(
        'How firmly a session stays with the worker that has served it. `hint`: that one if it is free, else any; `strict_queue`: requests wait for it; `strict_fail_fast`: they are refused with `worker_busy` while it is busy. Where a strict one loses its worker, the next request is told with `session_worker_unavailable`.',
      )
      .meta({ live: true }),
    transport: z
      .enum(['socket', 'grpc'])
      .default('socket')
      .describe(
        'How host and worker talk. `grpc`: the service in `proto/`, over a Unix socket; needs the npm packages `@grpc/grpc-js` and `@grpc/proto-loader`, and `grpcio` in the workers. It is many times slower than `socket`.',
      ),
    remote: remoteSchema,
    exchange: flag(
      true,
      'gRPC: whether requests travel in batches over one stream where the worker can; off: a call for each, which is slower, but which what stands in between (proxies, interceptors) can see.',
    ),
    codec: z
      .enum(['auto', 'msgpack', 'json'])
      .default('auto')
      .describe('`auto`: MessagePack where the worker has it, JSON where not.'),
    maxQueue: positive(1000, 'Requests that may wait; one more is refused with `queue_full`.').meta({
      live: true,
    }),
    maxPrefetch: z
      .number()
      .int()
      .min(0)
      .max(32)
      .default(32)
      .describe('Unstarted requests a worker may hold while its requests take less than about 1 ms.'),
    timeoutMs: duration(60_000, 'Deadline of a request that names none, waiting included.').meta({
      live: true,
    }),
    maxTimeoutMs: duration(3_600_000, 'Longest deadline a caller of the gateway may ask for.').meta({
      live: true,
    }),
    slowAfterMs: maybeDuration(
      'When a request counts as slow and its Python stack is captured. Default: half its deadline.',
    ).meta({ live: true }),
    stackSignal: flag(
      true,
      'Whether a stack is taken by a signal (SIGURG) where the worker cannot answer, as while C code holds the GIL. The signal makes some C calls return early.',
    ).meta({ live: true }),
    maxStacksPerMinute: z
      .number()
      .int()
      .min(0)
      .default(60)
      .describe('Stacks that slow and late requests may cost in a minute; 0: none.')
      .meta({ live: true }),
    idleTimeoutMs: duration(60_000, 'Longest silence between two chunks of a stream.').meta({ live: true }),
    startTimeoutMs: duration(300_000, 'Time from spawn to ready, model loading included.').meta({
      live: true,
    }),
    startConcurrency: positive(8, 'Workers that load side by side.').meta({ live: true }),
    restartDelayMs: duration(
      100,
      'Wait before a dead worker is replaced; doubles with every worker in a row that came to nothing. Half of it is left to chance.',
    ).meta({ live: true }),
    maxRestartDelayMs: duration(30_000, 'Limit of that doubling.').meta({ live: true }),
    stableAfterMs: duration(
      10_000,
      'A worker that lived this long, or answered a request, was no failure: counting begins anew.',
    ).meta({ live: true }),
    crashLoopAfter: positive(
      5,
      'Workers of one slot in a row that came to nothing, before the slot is left empty for a while. With all slots empty the pool refuses with `crash_loop`.',
    ).meta({ live: true }),
    crashLoopCoolDownMs: duration(60_000, 'How long such a slot is left empty.').meta({ live: true }),
    poisonAfter: z
      .number()
      .int()
      .min(0)
      .default(3)
      .describe(
        'Workers that the same command with the same arguments may kill before it is refused with `poison_request`; 0: never.',
      )
      .meta({ live: true }),
    poisonForMs: duration(600_000, 'How long it is refused then.').meta({ live: true }),
    heartbeatIntervalMs: duration(2000, 'How often a worker is asked whether it lives.').meta({ live: true }),
    stuckAfterMs: duration(
      60_000,
      'Silence after which a worker is killed and replaced. C code that holds the GIL is silent too: allow the longest such computation.',
    ).meta({ live: true }),
    cancelGraceMs: duration(
      2000,
      'What a handler gets to end after cancel or deadline, before its process is killed.',
    ).meta({ live: true }),
    drainTimeoutMs: durationOrZero(20_000, 'What running requests get at close.').meta({ live: true }),
    termTimeoutMs: durationOrZero(5000, 'What `on_stop` gets at close, before SIGKILL.').meta({ live: true }),
    killTimeoutMs: durationOrZero(2000, 'How long close waits for a killed process to be gone.').meta({
      live: true,
    }),
    idempotent: z
      .array(z.string())
      .default([])
      .describe('Commands that may be started again when a worker dies with them.')
      .meta({ live: true }),
    retries: z
      .strictObject({
        max: z.number().int().min(0).default(2).describe('Starts of an idempotent request after its first.'),
        delayMs: duration(
          50,
          'Wait before the first of them; doubles with each. Half of it is left to chance.',
        ),
        budget: share(0.2, 'Retries as a share of the requests of the last 10 seconds, 10 of them free.'),
      })
      .prefault({})
      .describe('Starting idempotent requests again after their worker died.')
      .meta({ live: true }),
    circuitBreaker: z
      .strictObject({
        failureRatio: share(
          0.5,
          'Share of requests that fail with a worker or by timeout, from which it opens.',
        ).meta({ live: true }),
        minVolume: positive(20, 'Fewer requests than this in the window say nothing.').meta({ live: true }),
        windowMs: duration(10_000, 'Time looked back on.').meta({ live: true }),
        openMs: duration(5000, 'How long requests are refused before one is let through to try.').meta({
          live: true,
        }),
      })
      .optional()
      .describe(
        'Refuse with `circuit_open` while requests mostly fail for want of the workers. Default: none.',
      ),
    recycle: z
      .strictObject({
        afterRequests: maybePositive('Requests after which a worker is replaced.'),
        afterAgeMs: maybeDuration('Age at which a worker is replaced.'),
        aboveRssBytes: maybePositive('Resident memory above which a worker is replaced. Bytes.'),
        jitter: share(
          0.1,
          'Each worker draws its limits from this share below them, so that they do not all go at once.',
        ),
        order: z
          .enum(['start_first', 'stop_first'])
          .optional()
          .describe(
            '`start_first`: the new worker is ready before the old one ends; `stop_first`: for what does not fit twice. Default: `start_first`, but `stop_first` where `env` uses `{slot}`.',
          ),
      })
      .prefault({})
      .describe('Planned replacement of workers.')
      .meta({ live: true }),
    logRate: z
      .strictObject({
        perSecond: positive(500, 'Records a worker may log and print in a second, in the long run.'),
        burst: positive(2000, 'And at once.'),
      })
      .prefault({})
      .describe('What is over it is dropped and counted.'),
    streamBuffer: positive(16, 'Chunks of a stream that may be under way before its reader takes one.').meta({
      live: true,
    }),
    maxFrameBytes: z
      .number()
      .int()
      .min(4096)
      .max(2 ** 31 - 1)
      .default(64 * 2 ** 20)
      .describe('Largest encoded request, answer or chunk. Bytes.'),
    statsIntervalMs: duration(1000, 'How often workers report memory and CPU.'),
    critical: flag(true, 'Whether readiness needs this pool under the policy `critical`.').meta({
      live: true,
    }),
  })
  .superRefine(({ app, remote, recycle }, context) => {
    if (app === undefined && remote === undefined)
      context.addIssue({
        code: 'custom',
        path: ['app'],
        message: 'a file (`./app.py`) or a module (`pkg.module`); only pools with `remote` need none',
      });
    // There is one process at an address: it must end before the next one starts.
    if (remote !== undefined && recycle.order === 'start_first')
      context.addIssue({
        code: 'custom',
        path: ['recycle', 'order'],
        message: 'stop_first, since `remote` is set',
      });
  })
  .describe('A pool of workers that run one app.');

/** Options of one pool as a user writes them. */
export type PoolOptions = z.input<typeof poolSchema>;
/** Whether the workers of a pool are reached over gRPC. */
export const usesGrpc = ({ transport, remote }: Pick<ResolvedPool, 'transport' | 'remote'>): boolean =>
  remote !== undefined || transport === 'grpc';

/** Options of one pool once validated. */
export type ResolvedPool = z.output<typeof poolSchema>;
