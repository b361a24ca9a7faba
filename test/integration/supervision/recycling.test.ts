import { describe, expect, it } from 'vitest';
import type { SnakepitEvent } from '../../../src/index.ts';
import { errorOf, python, sharedPit, startPit, type TestPit, until } from '../../support/pit.ts';

const app = () => python`
  if is_open("broken"):
      raise OSError("the new release is broken")

  kept = []

  @command
  def pid():
      return os.getpid()

  @command
  def keep(mb: int):
      kept.append(bytearray(os.urandom(1 << 20) * mb))
      return os.getpid()

  @command
  def hold(gate: str):
      note(f"holding {gate}")
      wait_for(gate)
      return os.getpid()

  @command
  def tell(gate: str):
      yield os.getpid()
      wait_for(gate)
      yield os.getpid()

  @on_stop
  def stopping():
      note(f"stopping {os.getpid()}")
`;

const range = (n: number) => Array.from({ length: n }, (_, i) => i);
const levels = (test: TestPit) => {
  const pool = test.pit.snapshot().pools.default;
  if (pool === undefined) throw new Error('There is no pool.');
  return pool;
};
const ids = (test: TestPit) => levels(test).workers.map(({ id }) => String(id));

/**
 * The fewest workers that could take requests at any moment since the pool was whole, told from its events: one is there from `started` until it is told
 * to go, which happens only after the next has started.
 */
const fewest = (events: readonly SnakepitEvent[], workers: number): number => {
  let there = 0;
  let least = Number.POSITIVE_INFINITY;
  for (const { event_name } of events) {
    if (event_name === 'snakepit.worker.started') there++;
    if (/^snakepit\.worker\.(recycled|crashed|stopped)$/.test(event_name)) there--;
    if (there >= workers || least < Number.POSITIVE_INFINITY) least = Math.min(least, there);
  }
  return least;
};

describe('by its limits', () => {
  it('afterRequests: under load, without a request lost and never with a worker too few', async () => {
    const test = await startPit({
      pool: { app: app(), workers: 2, recycle: { afterRequests: 50, jitter: 0.2 } },
    });
    await test.serving(2);
    let low = Number.POSITIVE_INFINITY;
    test.pit.bus.registerConsumer(
      'snakepit.**',
      {
        name: 'serving',
        handle: () => {
          const { ready, busy } = levels(test).workers_by_state;
          low = Math.min(low, ready + busy);
        },
      },
      { delivery: 'inline', sampled: false },
    );
    const seen = new Set<number>();
    const recycled = () => test.events.named('snakepit.worker.recycled');
    await until(async () => {
      for (const pid of await Promise.all(range(25).map(() => test.pit.execute<number>('pid'))))
        seen.add(pid);
      return recycled().length >= 4;
    }, 'four were replaced');
    expect(low).toBeGreaterThanOrEqual(2);
    expect(fewest(test.events.all, 2)).toBe(2);
    expect(seen.size).toBeGreaterThanOrEqual(5);
    for (const { measurements, metadata } of recycled()) {
      expect(metadata).toMatchObject({
        reason: 'recycled_requests',
        exit: { code: 0, signal: null, in_flight: [], oom: false },
      });
      expect(measurements.requests).toBeGreaterThanOrEqual(40);
      expect(metadata.exit.requests).toBe(measurements.requests);
      expect(measurements.uptime_ms).toBeGreaterThanOrEqual(measurements.drain_ms);
    }
    expect(test.events.named('snakepit.request.failed')).toEqual([]);
    expect(test.events.named('snakepit.worker.crashed')).toEqual([]);
    // A planned replacement is no restart.
    expect(levels(test).workers.map(({ slot_restarts }) => slot_restarts)).toEqual([0, 0]);
    // on_stop ran in each of them.
    expect(test.notes().filter((line) => line.startsWith('stopping '))).toHaveLength(recycled().length);
  });

  it('afterAgeMs: also one that nobody asks anything', async () => {
    const test = await startPit({
      pool: { app: app(), statsIntervalMs: 50, recycle: { afterAgeMs: 600, jitter: 0 } },
    });
    const [first] = ids(test);
    const { metadata, measurements } = await test.events.first('snakepit.worker.recycled');
    expect(metadata).toMatchObject({ worker_id: first, reason: 'recycled_age', exit: { requests: 0 } });
    expect(measurements.uptime_ms).toBeGreaterThanOrEqual(600);
    expect(ids(test)).not.toEqual([first]);
    expect(fewest(test.events.all, 1)).toBe(1);
  });

  it('aboveRssBytes: the worker that has grown, not its neighbour', async () => {
    const test = await startPit({
      pool: {
        app: app(),
        workers: 2,
        statsIntervalMs: 30,
        recycle: { aboveRssBytes: 130 * 2 ** 20, jitter: 0 },
      },
    });
    await test.serving(2);
    const before = ids(test);
    const grown = await test.pit.execute<number>('keep', { mb: 150 });
    const index = test.pids().indexOf(grown);
    const { metadata } = await test.events.first('snakepit.worker.recycled');
    expect(metadata).toMatchObject({ worker_id: before[index], reason: 'recycled_memory' });
    expect(Math.max(...metadata.exit.memory_mb)).toBeGreaterThan(150);
    expect(ids(test)[1 - index]).toBe(before[1 - index]);
    expect(test.events.named('snakepit.worker.recycled')).toHaveLength(1);
  });
});

describe('by hand', () => {
  const shared = sharedPit({ pool: { app: app(), workers: 2, termTimeoutMs: 20_000 } });

  it('what runs on it is finished there, streams too; what comes runs on the new one', async () => {
    await shared.serving(2);
    const [slot0, slot1] = ids(shared) as [string, string];
    const [pid0, pid1] = shared.pids() as [number, number];
    const stream = shared.pit.stream<number>('tell', { gate: 'tell' });
    const streaming = (await stream.next()).value as number;
    const running = shared.pit.execute<number>('hold', { gate: 'hold' });
    await shared.noted('holding hold');
    const recycled = Promise.all([shared.pit.recycleWorker(slot0), shared.pit.recycleWorker(slot1)]);
    // Both successors serve while the old ones still work.
    const fresh = new Set<number>();
    await until(async () => {
      const pid = await shared.pit.execute<number>('pid');
      fresh.add(pid);
      return fresh.size === 2;
    }, 'both new ones serve');
    expect([...fresh].some((pid) => pid === pid0 || pid === pid1)).toBe(false);
    expect(levels(shared).extra_workers.map(({ role, state }) => [role, state])).toEqual([
      ['leaving', 'draining'],
      ['leaving', 'draining'],
    ]);
    expect(levels(shared).workers_by_state).toMatchObject({ ready: 2, draining: 2 });
    shared.open('tell');
    shared.open('hold');
    expect((await stream.next()).value).toBe(streaming);
    expect((await stream.next()).done).toBe(true);
    const held = await running;
    expect(new Set([held, streaming])).toEqual(new Set([pid0, pid1]));
    for (const [i, outcome] of (await recycled).entries()) {
      expect(outcome).toMatchObject({
        slot: i,
        old_worker_id: [slot0, slot1][i],
        new_worker_id: ids(shared)[i],
        outcome: 'replaced',
      });
      expect(outcome.duration_ms).toBeGreaterThan(0);
    }
    expect(shared.count(`stopping ${pid0}`)).toBe(1);
    expect(shared.count(`stopping ${pid1}`)).toBe(1);
    expect(levels(shared).extra_workers).toEqual([]);
    expect(shared.events.named('snakepit.worker.recycled').map(({ metadata }) => metadata.reason)).toEqual([
      'reload',
      'reload',
    ]);
    expect(shared.events.named('snakepit.request.failed')).toEqual([]);
  });

  it('a whole pool, one at a time', async () => {
    const before = ids(shared);
    const from = shared.events.all.length;
    const outcomes = await shared.pit.recyclePool();
    expect(outcomes.map(({ slot, old_worker_id, outcome }) => [slot, old_worker_id, outcome])).toEqual(
      before.map((id, slot) => [slot, id, 'replaced']),
    );
    expect(ids(shared)).toEqual(outcomes.map(({ new_worker_id }) => new_worker_id));
    const story = shared.events.all
      .slice(from)
      .map(({ event_name }) => event_name)
      .filter((name) => /^snakepit\.worker\.(starting|started|recycled)$/.test(name));
    const each = ['snakepit.worker.starting', 'snakepit.worker.started', 'snakepit.worker.recycled'];
    expect(story).toEqual([...each, ...each]);
  });

  it('a start that fails ends the roll and keeps the old ones at work', async () => {
    const before = ids(shared);
    shared.open('broken');
    const outcomes = await shared.pit.recyclePool('default');
    expect(outcomes).toMatchObject([
      { slot: 0, old_worker_id: before[0], new_worker_id: null, outcome: 'start_failed' },
    ]);
    expect(outcomes[0]?.error).toContain('the new release is broken');
    expect(ids(shared)).toEqual(before);
    expect(levels(shared)).toMatchObject({ start_error: null, extra_workers: [] });
    await Promise.all(range(20).map(() => shared.pit.execute('pid')));
    shared.shut('broken');
    expect((await shared.pit.recyclePool()).map(({ outcome }) => outcome)).toEqual(['replaced', 'replaced']);
  });

  it('of nobody', async () => {
    const error = await errorOf(shared.pit.recycleWorker('nobody'));
    expect(error).toMatchObject({ code: 'no_workers', httpStatus: 503 });
    expect(error.message).toContain(ids(shared)[0]);
    expect((await errorOf(shared.pit.recyclePool('nowhere'))).code).toBe('unknown_pool');
    expect(() => shared.pit.unquarantine('nowhere')).toThrow("no pool 'nowhere'");
  });
});

describe('stop_first', () => {
  it.each([
    ['by the option', { recycle: { order: 'stop_first' as const } }],
    ['where env names the slot', { env: { DEVICE: '{slot}' } }],
  ])('%s: the new one starts when the old one is gone', async (_, more) => {
    const test = await startPit({ pool: { app: app(), ...more } });
    const [old] = ids(test);
    const running = test.pit.execute('hold', { gate: 'go' });
    await test.noted('holding go');
    const recycled = test.pit.recycleWorker(String(old));
    await until(() => levels(test).workers_by_state.draining === 1, 'it drains');
    const waiting = test.pit.execute('pid');
    expect(test.events.named('snakepit.worker.starting')).toHaveLength(1);
    test.open('go');
    await running;
    expect((await recycled).outcome).toBe('replaced');
    expect(await waiting).toBe(test.pids()[0]);
    const story = test.events.all
      .map(({ event_name }) => event_name)
      .filter((name) => /^snakepit\.worker\.(started|recycled)$/.test(name));
    expect(story).toEqual(['snakepit.worker.started', 'snakepit.worker.recycled', 'snakepit.worker.started']);
  });

  it('start_first by the option, though env names the slot', async () => {
    const test = await startPit({
      pool: { app: app(), env: { DEVICE: '{slot}' }, recycle: { order: 'start_first' } },
    });
    await test.pit.recycleWorker(String(ids(test)[0]));
    expect(fewest(test.events.all, 1)).toBe(1);
  });
});
