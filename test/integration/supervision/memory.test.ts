import { tmpdir } from 'node:os';
import { describe, expect, it, onTestFinished } from 'vitest';
import { poolSchema } from '../../../src/config/pool-schema.ts';
import { KeepAlive, MemoryGuard, Pool, processLauncher } from '../../../src/core/index.ts';
import { EventBus } from '../../../src/events/index.ts';
import type { MemoryUse } from '../../../src/process/index.ts';
import { createSocketTransport } from '../../../src/transport/index.ts';
import { noSessions } from '../../core/fakes.ts';
import { newFolder, optionsFor, python, Recorder, until } from '../../support/pit.ts';

const app = () => python`
  kept = []

  @command
  def keep(mb: int):
      kept.append(bytearray(os.urandom(1 << 20) * mb))
      return os.getpid()
`;

/** A real pool, composed by hand so that the guard can be given a reading of ours. */
const realPool = async () => {
  const folder = newFolder();
  const path = app();
  const [options] = Object.values(
    optionsFor({ pool: { app: path, workers: 2, statsIntervalMs: 20 } }, folder).pools,
  );
  const resolved = poolSchema.parse(options);
  const transport = await createSocketTransport({
    runtimeDir: tmpdir(),
    codec: 'auto',
    poolName: 'default',
    app: path,
    cwd: folder,
    concurrency: 1,
    maxFrameBytes: resolved.maxFrameBytes,
    statsIntervalMs: resolved.statsIntervalMs,
    logRate: resolved.logRate,
  });
  const bus = new EventBus();
  const events = new Recorder();
  bus.registerConsumer(
    '**',
    { name: 'recorder', handle: events.handle },
    { delivery: 'inline', sampled: false },
  );
  const pool = new Pool({
    name: 'default',
    options: resolved,
    launcher: processLauncher({
      python: String(resolved.python),
      cwd: folder,
      envOf: () => ({ ...(process.env as Record<string, string>), ...resolved.env, PYTHONPATH: pythonPath }),
      outputRate: resolved.logRate,
      stackSignal: () => true,
      transport,
      guardian: { watch: () => {}, forget: () => {} } as never,
    }),
    oomEvidence: { born: () => {}, evidence: () => undefined },
    recycleOrder: 'start_first',
    bus,
    keepAlive: new KeepAlive(),
    sessions: noSessions(bus),
    maxSessions: () => 100,
    showArgs: [],
    shownConfig: {},
    facts: { transport: 'socket', pythonPath: '', pythonReason: '' },
  });
  onTestFinished(async () => {
    await pool.close(1000);
    await transport.close();
  });
  pool.start();
  await until(
    () => [...pool.supervisor.workers].filter(({ serving }) => serving).length === 2,
    'both workers serve',
  );
  return { pool, bus, events };
};

const pythonPath = new URL('../../../python/src', import.meta.url).pathname;

describe('the memory guard', () => {
  it('has the worker that has grown replaced, the old one first, and nobody else', async () => {
    const { pool, bus, events } = await realPool();
    const workers = [...pool.supervisor.workers];
    const grown = await new Promise<number>((resolve, reject) =>
      pool.submit({
        requestId: 'r1',
        correlationId: 'c1',
        traceparent: undefined,
        command: 'keep',
        rawArgs: { mb: 80 },
        timeoutMs: 30_000,
        slowAfterMs: 30_000,
        idempotent: false,
        priority: 0,
        fairnessKey: undefined,
        acceptedAt: performance.now(),
        waiter: { resolve: (result) => resolve(Number(result)), reject },
      }),
    );
    const largest = workers.find(({ pid }) => pid === grown);
    await until(() => (largest?.lastStats?.rssBytes ?? 0) > 80 * 2 ** 20, 'its growth is read');
    const limitBytes = 1000;
    let usedBytes = 850;
    const read = (): MemoryUse => ({ usedBytes, limitBytes, source: 'cgroup2' });
    const guard = new MemoryGuard({
      options: { warnRatio: 0.8, recycleRatio: 0.9 },
      pools: () => new Set([pool]),
      read,
      bus,
    });
    guard.look();
    expect(events.named('snakepit.worker.recycled')).toEqual([]);
    usedBytes = 950;
    guard.look();
    guard.look();
    const { metadata } = await events.first('snakepit.worker.recycled');
    expect(metadata).toMatchObject({ worker_id: largest?.id, reason: 'recycled_memory' });
    await until(
      () => [...pool.supervisor.workers].filter(({ serving }) => serving).length === 2,
      'both slots are filled',
    );
    usedBytes = 100;
    guard.look();
    const other = workers.find(({ pid }) => pid !== grown);
    expect(other?.serving).toBe(true);
    expect(events.named('snakepit.worker.recycled')).toHaveLength(1);
    const story = events.all
      .filter(({ event_name, metadata: of }) =>
        event_name === 'snakepit.worker.started'
          ? of.worker_slot === largest?.slot
          : /threshold|recycled/.test(event_name),
      )
      .map(({ event_name }) => event_name);
    expect(story.slice(1)).toEqual([
      'snakepit.threshold.exceeded',
      'snakepit.threshold.exceeded',
      'snakepit.worker.recycled',
      'snakepit.worker.started',
      'snakepit.threshold.recovered',
    ]);
  });
});
