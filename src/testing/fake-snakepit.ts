import { type PoolOptions, Snakepit, type SnakepitOptions } from '../index.ts';
import { codecs, type Launcher, type ResolvedPool, resolveOptions, startGuest } from '../runtime.ts';
import { checkCommands, commandTable, type FakeCommands } from './commands.ts';
import { FakeProcess } from './fake-process.ts';

/** What only a Python process has. */
type PythonOnly =
  | 'app'
  | 'cwd'
  | 'python'
  | 'env'
  | 'inheritEnv'
  | 'transport'
  | 'statsIntervalMs'
  | 'stackSignal'
  | 'logRate';

/** Options of one fake pool: those of a real one, without what only Python needs. */
export interface FakePoolOptions extends Omit<PoolOptions, PythonOnly> {
  /** Commands of this pool alone; they win over those of the same name that all pools have. */
  readonly commands?: FakeCommands;
  /** As `@on_start` in Python: a worker is ready when it has returned or resolved, and fails to start when it throws. `crash()` and `hang()` work here too. */
  readonly onStart?: () => unknown;
}

/** Options of a fake instance: those of a real one, without what only Python needs. */
export interface FakeSnakepitOptions extends Omit<SnakepitOptions, 'pools' | 'runtimeDir' | 'memoryGuard'> {
  /** Commands of every pool. */
  readonly commands?: FakeCommands;
  /** Default: one pool, `default`. */
  readonly pools?: Readonly<Record<string, FakePoolOptions>>;
}

/** A test should not wait for what production must: the defaults that differ from a real pool's. */
const QUICK = {
  workers: 4,
  restartDelayMs: 1,
  drainTimeoutMs: 0,
} as const satisfies Partial<PoolOptions>;

/**
 * Makes an instance without Python: the true core, with its queue, deadlines, retries, restarts, events, metrics and health, over workers that run JavaScript functions. For
 * unit tests of what uses Snakepit.
 *
 * Arguments, results and chunks are held to the same rules as between Node and Python, and copied. A function that throws fails its request with `python_exception`; one that
 * throws a `SnakepitError` fails it with that code; {@link crash} ends its worker. Time comes from the system, or from {@link manualClock}.
 *
 * Different from a real instance by default: `workers` is 4 on any machine, a crashed worker is replaced after 1 ms, `close()` cancels what runs (`drainTimeoutMs: 0`), and
 * there are no logs and no metrics of Node itself.
 *
 * @returns resolves when each pool has a ready worker, or at once with `waitFor: 'none'`
 * @throws SnakepitError `invalid_configuration` naming the key; `worker_start_failed` when `onStart` throws in every worker
 * @example
 * ```ts
 * const pit = await createFakeSnakepit({
 *   commands: {
 *     predict: ({ text }) => ({ label: text.includes('!') ? 'loud' : 'calm' }),
 *     async *generate({ prompt }, { signal }) {
 *       for (const word of prompt.split(' ')) yield word;
 *     },
 *     broken: () => crash(),
 *   },
 * });
 * try {
 *   expect(await new MyService(pit).classify('hi!')).toBe('loud');
 * } finally {
 *   await pit.close();
 * }
 * ```
 */
export const createFakeSnakepit = async (options: FakeSnakepitOptions): Promise<Snakepit> => {
  const { commands: shared = {}, pools = { default: {} }, ...rest } = options;
  checkCommands(shared, 'commands');
  for (const [name, { commands = {} }] of Object.entries(pools))
    checkCommands(commands, `pools.${name}.commands`);
  const written = {
    logs: false as const,
    metrics: { defaultMetrics: false },
    ...rest,
    memoryGuard: false as const,
    pools: Object.fromEntries(Object.entries(pools).map(([name, pool]) => [name, realOptions(pool)])),
  };
  const launcherOf = (name: string, pool: ResolvedPool) => fakeLauncher(pool, shared, pools[name] ?? {});
  return new Snakepit(
    await startGuest(resolveOptions(written), { source: { options: written }, launcherOf }),
  );
};

const realOptions = ({ commands: _, onStart: __, ...pool }: FakePoolOptions): PoolOptions => ({
  ...QUICK,
  ...pool,
  app: 'fake',
});

const fakeLauncher = (
  pool: ResolvedPool,
  shared: FakeCommands,
  { commands, onStart }: FakePoolOptions,
): Launcher => {
  const settings = {
    commands: commandTable(commands ?? {}, shared),
    onStart,
    concurrency: pool.concurrency,
    maxFrameBytes: pool.maxFrameBytes,
    codec: pool.codec === 'json' ? codecs.json : codecs.msgpack,
  };
  return (worker) => new FakeProcess(worker, settings).start();
};
