import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it, onTestFinished } from 'vitest';
import { isSnakepitError, type Snakepit, sanitize } from '../../src/index.ts';
import {
  crash,
  createFakeSnakepit,
  type EventRecorder,
  type FakePoolOptions,
  type FakeSnakepitOptions,
  hang,
  recordEvents,
} from '../../src/testing/index.ts';
import { errorOf, newFolder, python, startPit, until } from '../support/pit.ts';

/** What would outlast the test: only a change can make it shorter. */
const FOREVER = 3_600_000;

interface Bench {
  readonly pit: Snakepit;
  readonly events: EventRecorder;
  /** Changes options of the pool. */
  change(pool: Record<string, unknown>): void;
  /** Lets every `hold` go. */
  release(): void;
  /** How often a command was started. */
  started(command: string): number;
}

const bench = async (
  pool: FakePoolOptions = {},
  options: Omit<FakeSnakepitOptions, 'pools'> = {},
): Promise<Bench> => {
  const calls: string[] = [];
  let release = () => {};
  const gate = new Promise<void>((resolve) => {
    release = resolve;
  });
  const pit = await createFakeSnakepit({
    ...options,
    pools: { default: { workers: 1, maxPrefetch: 0, ...pool } },
    commands: {
      hello: () => 'hello',
      hold: () => gate,
      fail: () => {
        throw new Error('wrong');
      },
      crash: () => {
        calls.push('crash');
        return crash();
      },
      once: () => {
        calls.push('once');
        return calls.filter((name) => name === 'once').length === 1 ? crash() : 'survived';
      },
      hang: () => hang(),
      freeze: () => hang({ heartbeats: false }),
      async *silent() {
        yield 1;
        await gate;
      },
      ...options.commands,
    },
  });
  onTestFinished(() => {
    release();
    return pit.close();
  });
  return {
    pit,
    events: recordEvents(pit),
    change: (changes) => void pit.observability.configure({ pools: { default: changes } }),
    release,
    started: (command) => calls.filter((name) => name === command).length,
  };
};

const workersOf = (pit: Snakepit) => pit.snapshot().pools.default?.workers ?? [];
const isServing = (pit: Snakepit) => pit.snapshot().pools.default?.ready === true;
const named = ({ events }: Bench, name: string) => events.named(name);
const happened = (of: Bench, name: string, times = 1) =>
  until(() => named(of, name).length >= times, `${name}, ${times} times`);

describe('options of a pool that change while it runs', () => {
  it('timeoutMs, slowAfterMs, maxStacksPerMinute', async () => {
    const of = await bench({ timeoutMs: FOREVER });
    of.change({ slowAfterMs: 1, timeoutMs: 40 });
    expect((await errorOf(of.pit.execute('hold'))).code).toBe('timeout');
    await happened(of, 'snakepit.request.slow');
    expect(named(of, 'snakepit.request.slow')[0]).toMatchObject({
      measurements: { threshold_ms: 1 },
      metadata: { python_stack: expect.stringContaining('hold') },
    });
    of.change({ maxStacksPerMinute: 0 });
    await errorOf(of.pit.execute('hold'));
    await happened(of, 'snakepit.request.slow', 2);
    expect(named(of, 'snakepit.request.slow')[1]?.metadata.python_stack).toBeUndefined();
  });

  it('maxQueue', async () => {
    const of = await bench();
    const held = of.pit.execute('hold');
    of.change({ maxQueue: 1 });
    const waits = of.pit.execute('hello');
    const refused = await errorOf(of.pit.execute('hello'));
    expect(refused.code).toBe('queue_full');
    expect(of.pit.snapshot().pools.default?.queue_capacity).toBe(1);
    // More room is a recovery.
    of.change({ maxQueue: 5 });
    expect(named(of, 'snakepit.pool.recovered')).toHaveLength(1);
    const fits = of.pit.execute('hello');
    of.release();
    await held;
    expect(await Promise.all([waits, fits])).toEqual(['hello', 'hello']);
  });

  it('idleTimeoutMs', async () => {
    const of = await bench({ idleTimeoutMs: FOREVER });
    of.change({ idleTimeoutMs: 20 });
    const stream = of.pit.stream('silent');
    await stream.next();
    expect((await errorOf(stream.next())).code).toBe('timeout');
  });

  it('cancelGraceMs', async () => {
    const of = await bench({ cancelGraceMs: FOREVER });
    of.change({ cancelGraceMs: 1 });
    await errorOf(of.pit.execute('hang', {}, { timeoutMs: 20 }));
    await happened(of, 'snakepit.worker.stuck');
    await until(() => isServing(of.pit), 'it serves again');
  });

  it('idempotent and retries', async () => {
    const of = await bench();
    of.change({ idempotent: ['once', 'crash'] });
    expect(await of.pit.execute('once')).toBe('survived');
    of.change({ retries: { max: 0 } });
    await errorOf(of.pit.execute('crash'));
    expect(of.started('crash')).toBe(1);
  });

  it('recycle', async () => {
    const of = await bench();
    await of.pit.execute('hello');
    // It has had its request already.
    of.change({ recycle: { afterRequests: 1, jitter: 0 } });
    await happened(of, 'snakepit.worker.recycled');
    of.change({ recycle: { afterRequests: null, order: 'stop_first' } });
    await until(() => workersOf(of.pit)[0]?.state === 'ready', 'the new one is ready');
    const starts = named(of, 'snakepit.worker.starting').length;
    const outcome = await of.pit.recycleWorker(String(workersOf(of.pit)[0]?.id));
    expect(outcome.outcome).toBe('replaced');
    const order = of.events.all
      .map(({ event_name }) => event_name)
      .filter((name) => name === 'snakepit.worker.recycled' || name === 'snakepit.worker.starting');
    expect(order.slice(-2)).toEqual(['snakepit.worker.recycled', 'snakepit.worker.starting']);
    expect(named(of, 'snakepit.worker.starting')).toHaveLength(starts + 1);
  });

  it('heartbeatIntervalMs and stuckAfterMs', async () => {
    const of = await bench({ heartbeatIntervalMs: FOREVER, stuckAfterMs: FOREVER });
    const frozen = errorOf(of.pit.execute('freeze'));
    of.change({ heartbeatIntervalMs: 5, stuckAfterMs: 10 });
    expect((await frozen).code).toBe('worker_stuck');
    expect(named(of, 'snakepit.worker.stuck')[0]?.metadata.why).toBe('heartbeat');
  });

  it('restartDelayMs, maxRestartDelayMs', async () => {
    const of = await bench({ restartDelayMs: FOREVER, maxRestartDelayMs: FOREVER });
    of.change({ restartDelayMs: 1 });
    await errorOf(of.pit.execute('crash'));
    await happened(of, 'snakepit.worker.restarted');
    of.change({ restartDelayMs: FOREVER, maxRestartDelayMs: 1 });
    await errorOf(of.pit.execute('crash'));
    await happened(of, 'snakepit.worker.restarted', 2);
  });

  it('crashLoopAfter, crashLoopCoolDownMs, stableAfterMs', async () => {
    const of = await bench({ crashLoopCoolDownMs: FOREVER });
    of.change({ crashLoopAfter: 1, crashLoopCoolDownMs: 1 });
    await errorOf(of.pit.execute('crash'));
    await happened(of, 'snakepit.worker.quarantined');
    await until(() => isServing(of.pit), 'it serves again');
    of.change({ stableAfterMs: 1 });
    await until(() => (workersOf(of.pit)[0]?.uptime_ms ?? 0) > 50, 'it has lived for a while');
    await errorOf(of.pit.execute('crash'));
    await happened(of, 'snakepit.worker.restarted', 2);
    expect(named(of, 'snakepit.worker.quarantined')).toHaveLength(1);
  });

  it('poisonAfter and poisonForMs', async () => {
    const of = await bench();
    of.change({ poisonAfter: 1, poisonForMs: FOREVER });
    expect((await errorOf(of.pit.execute('crash'))).code).toBe('worker_crashed');
    expect((await errorOf(of.pit.execute('crash'))).code).toBe('poison_request');
    of.change({ poisonAfter: 0 });
    of.pit.unquarantine();
    await errorOf(of.pit.execute('crash'));
    expect((await errorOf(of.pit.execute('crash'))).code).toBe('worker_crashed');
  });

  it('startConcurrency, startTimeoutMs, workers', async () => {
    let [starting, most, hanging] = [0, 0, false];
    const of = await bench({
      onStart: async () => {
        if (hanging) hang();
        most = Math.max(most, ++starting);
        await new Promise((resolve) => setImmediate(resolve));
        starting--;
      },
    });
    of.change({ startConcurrency: 1, workers: 5 });
    await until(() => workersOf(of.pit).every(({ state }) => state === 'ready'), 'five are ready');
    expect(workersOf(of.pit)).toHaveLength(5);
    expect(most).toBe(1);
    of.change({ workers: 2 });
    expect(workersOf(of.pit)).toHaveLength(2);
    hanging = true;
    of.change({ startTimeoutMs: 10, workers: 3 });
    await happened(of, 'snakepit.worker.start_failed');
  });

  it('drainTimeoutMs', async () => {
    const of = await bench();
    const held = of.pit.execute('hold');
    expect(await of.pit.drain()).toBe(false);
    of.change({ drainTimeoutMs: FOREVER });
    const drained = of.pit.drain();
    of.release();
    expect(await drained).toBe(true);
    await held;
  });

  it('circuitBreaker, where there is one', async () => {
    const of = await bench({
      circuitBreaker: { failureRatio: 1, minVolume: 1000, windowMs: FOREVER, openMs: FOREVER },
    });
    of.change({ circuitBreaker: { minVolume: 1 } });
    await errorOf(of.pit.execute('crash'));
    await until(() => isServing(of.pit), 'it serves again');
    expect((await errorOf(of.pit.execute('hello'))).code).toBe('circuit_open');
    expect(() => of.change({ circuitBreaker: null })).toThrow(
      /pools\.default\.circuitBreaker needs a restart/,
    );
  });

  it('streamBuffer', async () => {
    let produced = 0;
    const of = await bench(
      { workers: 1 },
      {
        commands: {
          *count() {
            for (;;) yield ++produced;
          },
        },
      },
    );
    const ahead = async () => {
      produced = 0;
      const stream = of.pit.stream('count');
      await stream.next();
      let before = -1;
      const standsStill = () => {
        const still = before === produced;
        before = produced;
        return still;
      };
      await until(standsStill, 'it stands still');
      await stream.return?.(undefined);
      return produced;
    };
    of.change({ streamBuffer: 2 });
    const few = await ahead();
    of.change({ streamBuffer: 200 });
    expect(await ahead()).toBeGreaterThan(few + 100);
  });
});

describe('what else changes while it runs', () => {
  it('criteria and readiness of health', async () => {
    const of = await bench();
    const { health, observability } = of.pit;
    await errorOf(of.pit.execute('fail'));
    expect(health.getDetailedHealth().status).toBe('ok');
    observability.configure({
      health: { criteria: { error_rate: { minVolume: 1, warning: 0.1, error: 0.2 } } },
    });
    expect(health.getDetailedHealth().status).toBe('error');
    // A longer look back keeps what was seen.
    observability.configure({ health: { criteria: { error_rate: { windowMs: 600_000 } } } });
    expect(health.getDetailedHealth().status).toBe('error');
    await happened(of, 'snakepit.health.status_changed');

    of.change({ minWorkers: 2 });
    expect(health.checkReadiness().status).toBe('error');
    of.change({ critical: false });
    expect(health.checkReadiness().status).toBe('error');
    observability.configure({ health: { readiness: { policy: 'critical' } } });
    expect(health.checkReadiness().status).toBe('warning');

    of.change({ minWorkers: 1, maxQueue: 1 });
    const work = [of.pit.execute('hold'), of.pit.execute('hello')];
    await errorOf(of.pit.execute('hello'));
    expect(health.checkReadiness().status).toBe('warning');
    observability.configure({ health: { readiness: { whenSaturated: 'not_ready', policy: 'all' } } });
    expect(health.checkReadiness().status).toBe('error');
    of.release();
    await Promise.all(work);
  });

  it('the level of the logs, which tells of it too', async () => {
    const dest = join(newFolder(), 'log');
    const { pit } = await bench({}, { logs: { level: 'warn', dest } });
    pit.logger.info('not seen');
    pit.observability.configure({ logs: { level: 'info' } });
    pit.logger.info('seen');
    pit.observability.configure({ logs: { level: null } });
    pit.logger.info('not seen either');
    await pit.close();
    const lines = readFileSync(dest, 'utf8')
      .trimEnd()
      .split('\n')
      .map((line) => JSON.parse(line));
    expect(lines.map(({ message }) => message)).toEqual([
      'Configuration changed (code, version 2): logs.level: "warn" → "info"',
      'seen',
    ]);
    expect(lines[0]).toMatchObject({
      level: 'info',
      event: 'snakepit.observability.config_changed',
      who: 'code',
      version: 2,
      applied: ['logs.level'],
      changes: [{ path: 'logs.level', from: 'warn', to: 'info' }],
    });
  });

  it('what error contexts show of arguments', async () => {
    const { pit } = await bench();
    const shown = async () =>
      (await errorOf(pit.execute('fail', { city: 'Bern' }))).context.request_context?.args;
    expect(JSON.stringify(await shown())).not.toContain('Bern');
    pit.observability.configure({ errors: { showArgs: ['city'] } });
    expect(await shown()).toEqual({ city: 'Bern' });
  });

  it('sampling, and consumers on and off', async () => {
    const { pit } = await bench();
    const seen: string[] = [];
    pit.bus.registerConsumer(
      'my.*',
      { name: 'mine', handle: ({ event_name }) => void seen.push(event_name) },
      {
        delivery: 'inline',
      },
    );
    const emit = () => {
      seen.length = 0;
      pit.bus.emit('my.event');
      pit.bus.emit('my.other');
      return seen;
    };
    expect(emit()).toEqual(['my.event', 'my.other']);
    pit.observability.configure({ observability: { sampling: { 'my.event': 0 } } });
    expect(emit()).toEqual(['my.other']);
    pit.observability.configure({
      observability: { sampling: { 'my.event': null }, consumers: { mine: false } },
    });
    expect(emit()).toEqual([]);
    pit.observability.configure({ observability: { consumers: { mine: true } } });
    expect(emit()).toEqual(['my.event', 'my.other']);
  });
});

describe('pit.observability', () => {
  it('applies all of a patch or nothing, and says what it did', async () => {
    const of = await bench({ workers: 2 });
    const { observability } = of.pit;
    const patch = { pools: { default: { workers: 3, timeoutMs: 1234, app: 'other.py' } } };
    expect(() => observability.configure(patch)).toThrow(/pools\.default\.app needs a restart/);
    expect(() => observability.configure({ pools: { default: { workers: 3, timeoutMs: -1 } } })).toThrow(
      /pools\.default\.timeoutMs: got -1/,
    );
    expect(workersOf(of.pit)).toHaveLength(2);
    expect(named(of, 'snakepit.observability.config_changed')).toEqual([]);

    const outcome = observability.configure({ pools: { default: { workers: 3, timeoutMs: 1234 } } });
    expect(outcome).toMatchObject({
      applied: ['pools.default.workers', 'pools.default.timeoutMs'],
      restart_required: [],
      version: 2,
    });
    expect(named(of, 'snakepit.observability.config_changed')).toMatchObject([
      {
        measurements: { version: 2 },
        metadata: { who: 'code', applied: outcome.applied, restart_required: [], changes: outcome.changes },
      },
    ]);
    expect(observability.config()).toMatchObject({
      version: 2,
      file: null,
      config: { pools: { default: { workers: 3 } } },
      origins: { 'pools.default.workers': 'live' },
    });
    expect(observability.drift().map(({ path }) => path)).toEqual(outcome.applied);
    // It is JSON, and safe to show.
    expect(sanitize(observability.config())).toMatchObject({ version: 2 });
    expect(JSON.parse(JSON.stringify(observability.config()))).toMatchObject({ version: 2 });
  });

  it('knows of resize, which is the same change', async () => {
    const of = await bench();
    await of.pit.resize('default', 2);
    expect(of.pit.observability.drift()).toMatchObject([{ path: 'pools.default.workers', from: 1, to: 2 }]);
    expect((await errorOf(of.pit.resize('nowhere', 2))).code).toBe('unknown_pool');
    expect((await errorOf(of.pit.resize('default', 0))).code).toBe('invalid_configuration');
    expect(workersOf(of.pit)).toHaveLength(2);
  });

  it('changes nothing any more once it is closed, and does not fail', async () => {
    const of = await bench();
    await of.pit.close();
    of.change({ workers: 4, heartbeatIntervalMs: 5 });
    expect(named(of, 'snakepit.worker.starting')).toHaveLength(0);
  });

  it('refuses what is no patch', async () => {
    const { pit } = await bench();
    for (const bad of [undefined, null, 5, [], 'logs.level=debug']) {
      let error: unknown;
      try {
        pit.observability.configure(bad as never);
      } catch (thrown) {
        error = thrown;
      }
      expect(isSnakepitError(error) && error.code).toBe('invalid_configuration');
    }
  });
});

describe('with Python', () => {
  it('resizes a pool under load, and new workers follow changed options', async () => {
    const test = await startPit({
      pool: {
        app: python`
          @command
          def has_stack_signal():
              import faulthandler
              return faulthandler.unregister(signal.SIGURG)

          @command
          def hold(gate: str):
              note(f"holding {gate}")
              wait_for(gate)
        `,
      },
    });
    const { pit } = test;
    const held = pit.execute('hold', { gate: 'a' });
    await test.noted('holding a');
    pit.observability.configure({ pools: { default: { workers: 3, stackSignal: false } } });
    await test.serving(3);
    expect(await pit.execute('has_stack_signal')).toBe(false);
    test.open('a');
    await held;
    pit.observability.configure({ pools: { default: { workers: 1, stackSignal: true } } });
    await test.serving(1);
    await pit.recyclePool();
    expect(await pit.execute('has_stack_signal')).toBe(true);
  });
});
