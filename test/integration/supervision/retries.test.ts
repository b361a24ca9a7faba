import { describe, expect, it } from 'vitest';
import { errorOf, python, startPit, until } from '../../support/pit.ts';

const app = () => python`
  @command
  def pid():
      return os.getpid()

  @command
  def fragile(deaths: int, name: str = "fragile"):
      note(name)
      if notes().count(name) <= deaths:
          os._exit(6)
      return os.getpid()

  @command
  def listed(deaths: int):
      return fragile(deaths, "listed")

  @command
  def fail():
      note("fail")
      raise ValueError("wrong")

  @command
  def hold(gate: str):
      note(f"holding {gate}")
      wait_for(gate)
      return os.getpid()

  @command
  def chunks(deaths: int, before: int):
      note("chunks")
      for i in range(before):
          yield i
      # What was yielded is on its way before this worker dies.
      time.sleep(0.1)
      if notes().count("chunks") <= deaths:
          os._exit(6)
      yield "end"
`;

const pool = { app: app(), restartDelayMs: 1, maxRestartDelayMs: 1, retries: { delayMs: 5 }, poisonAfter: 0 };
const idempotent = { idempotent: true };
const range = (n: number) => Array.from({ length: n }, (_, i) => i);

describe('an idempotent request whose worker dies', () => {
  it('is started again, and the caller hears of nothing but the attempts', async () => {
    const test = await startPit({ pool });
    const { result, attempts, requestId, timings } = await test.pit.call<number>(
      'fragile',
      { deaths: 2 },
      idempotent,
    );
    expect([attempts, result]).toEqual([3, test.pids()[0]]);
    expect(test.count('fragile')).toBe(3);
    expect(test.events.storyOf(requestId)).toEqual([
      'request.queued',
      'request.started',
      'request.retried',
      'request.started',
      'request.retried',
      'request.started',
      'request.completed',
    ]);
    const retried = test.events.named('snakepit.request.retried');
    expect(retried.map(({ measurements }) => measurements.attempt)).toEqual([1, 2]);
    for (const [i, { measurements, metadata }] of retried.entries()) {
      expect(measurements.delay_ms).toBeGreaterThanOrEqual(2.5 * 2 ** i);
      expect(measurements.delay_ms).toBeLessThanOrEqual(5 * 2 ** i);
      expect(metadata).toMatchObject({ code: 'worker_crashed', command: 'fragile', request_id: requestId });
      expect(metadata.message).toContain('exit code 6');
    }
    expect(
      test.events.named('snakepit.request.started').map(({ measurements }) => measurements.attempt),
    ).toEqual([1, 2, 3]);
    const [completed] = test.events.named('snakepit.request.completed');
    expect(completed?.metadata).toMatchObject({ success: true, attempts: 3 });
    // The time of the earlier starts is waiting, as the caller sees it.
    expect(timings.queueMs).toBeGreaterThan(5);
    expect(timings.totalMs).toBeGreaterThanOrEqual(timings.queueMs + timings.pythonMs);
  });

  it('may be named by the pool; the call has the last word', async () => {
    const test = await startPit({ pool: { ...pool, idempotent: ['listed'] } });
    expect((await test.pit.call('listed', { deaths: 1 })).attempts).toBe(2);
    const error = await errorOf(test.pit.call('listed', { deaths: 9 }, { idempotent: false }));
    expect(error).toMatchObject({ code: 'worker_crashed', retryable: false });
    expect(error.context.attempts).toBeUndefined();
    expect(test.count('listed')).toBe(3);
  });

  it('fails after max retries with the history of its attempts, and may be repeated', async () => {
    const test = await startPit({ pool });
    const error = await errorOf(test.pit.call('fragile', { deaths: 99 }, idempotent));
    expect(error).toMatchObject({ code: 'worker_crashed', retryable: true });
    const { attempts } = error.context;
    expect(attempts).toMatchObject([1, 2].map((attempt) => ({ attempt, code: 'worker_crashed' })));
    expect(new Set(attempts?.map(({ worker_id }) => worker_id)).size).toBe(2);
    for (const { worker_id, message, duration_ms } of attempts ?? []) {
      expect(message).toContain(worker_id);
      expect(duration_ms).toBeGreaterThan(0);
    }
    expect(attempts?.map(({ worker_id }) => worker_id)).not.toContain(
      error.context.system_context?.worker_id,
    );
    expect(test.count('fragile')).toBe(3);
    const [completed] = test.events.named('snakepit.request.completed');
    expect(completed?.metadata).toMatchObject({ status: 'crashed', attempts: 3 });
  });

  it('is not started beyond its deadline, which is not prolonged', async () => {
    const test = await startPit({ pool: { ...pool, retries: { delayMs: 60_000 } } });
    const error = await errorOf(
      test.pit.call('fragile', { deaths: 99 }, { ...idempotent, timeoutMs: 20_000 }),
    );
    expect(error.code).toBe('worker_crashed');
    expect(test.count('fragile')).toBe(1);
    expect(test.events.named('snakepit.request.retried')).toEqual([]);
  });

  it('is cancelled while it waits for its next start, and is never started again', async () => {
    const test = await startPit({ pool: { ...pool, retries: { delayMs: 400 } } });
    const controller = new AbortController();
    const running = errorOf(
      test.pit.call('fragile', { deaths: 99 }, { ...idempotent, signal: controller.signal }),
    );
    await test.events.first('snakepit.request.retried');
    expect(test.pit.snapshot().pools.default).toMatchObject({ queue_depth: 1, requests_in_flight: 0 });
    controller.abort();
    const error = await running;
    expect(error.code).toBe('cancelled');
    expect(error.context.attempts).toHaveLength(1);
    await test.serving(1);
    await test.pit.execute('pid');
    expect(test.count('fragile')).toBe(1);
  });

  it('a stream too, but not once its reader has something: it would come again', async () => {
    const test = await startPit({ pool });
    const chunks: unknown[] = [];
    const read = async (args: Record<string, unknown>) => {
      for await (const chunk of test.pit.stream('chunks', args, idempotent)) chunks.push(chunk);
    };
    await read({ deaths: 1, before: 0 });
    expect(chunks.splice(0)).toEqual(['end']);
    expect(test.count('chunks')).toBe(2);
    const error = await errorOf(read({ deaths: 99, before: 2 }));
    expect(error).toMatchObject({ code: 'worker_crashed', retryable: true });
    expect(chunks).toEqual([0, 1]);
    expect(test.count('chunks')).toBe(3);
  });
});

describe('no retry', () => {
  it('of a request that is not idempotent', async () => {
    const test = await startPit({ pool });
    const error = await errorOf(test.pit.call('fragile', { deaths: 1 }));
    expect(error).toMatchObject({ code: 'worker_crashed', retryable: false });
    expect(test.count('fragile')).toBe(1);
    expect(test.events.named('snakepit.request.retried')).toEqual([]);
  });

  it('of what Python answered, nor of a deadline', async () => {
    const test = await startPit({ pool: { ...pool, cancelGraceMs: 50_000 } });
    expect((await errorOf(test.pit.call('fail', {}, idempotent))).code).toBe('python_exception');
    const late = await errorOf(test.pit.call('hold', { gate: 'never' }, { ...idempotent, timeoutMs: 200 }));
    expect(late).toMatchObject({ code: 'timeout', retryable: true });
    expect([test.count('fail'), test.count('holding never')]).toEqual([1, 1]);
  });

  it('beyond the budget: where everything dies, not everything is tried again', async () => {
    const test = await startPit({
      pool: { ...pool, concurrency: 14, retries: { max: 2, delayMs: 1, budget: 0 } },
    });
    const outcomes = Promise.allSettled(
      range(14).map(() => test.pit.call('hold', { gate: 'go' }, idempotent)),
    );
    await test.noted('holding go', 14);
    process.kill(test.pids()[0] as number, 'SIGKILL');
    await test.events.first('snakepit.worker.restarted');
    test.open('go');
    const settled = await outcomes;
    const lost = settled.filter(({ status }) => status === 'rejected');
    expect(lost).toMatchObject(
      range(4).map(() => ({
        reason: { code: 'worker_crashed', retryable: true },
      })),
    );
    expect(settled.filter(({ status }) => status === 'fulfilled')).toHaveLength(10);
    expect(test.events.named('snakepit.request.retried')).toHaveLength(10);
  });

  it('is counted for what a dead worker had not begun', async () => {
    const test = await startPit({ pool: { ...pool, workers: 2 } });
    await test.serving(2);
    for (let round = 0; round < 3; round++) await Promise.all(range(60).map(() => test.pit.execute('pid')));
    const [victim, other] = test.pids() as [number, number];
    process.kill(victim, 'SIGSTOP');
    const waiting = Promise.all(range(12).map(() => test.pit.call<number>('pid')));
    process.kill(victim, 'SIGKILL');
    for (const { attempts, result } of await waiting) {
      expect(attempts).toBe(1);
      expect(result).not.toBe(victim);
    }
    expect(test.pids()).toContain(other);
    expect(test.events.named('snakepit.request.retried')).toEqual([]);
  });
});

describe('the circuit breaker', () => {
  const circuitBreaker = { failureRatio: 0.5, minVolume: 4, windowMs: 60_000, openMs: 500 };

  it('opens when requests mostly fail with their workers, tries one, and closes when that works', async () => {
    const test = await startPit({ pool: { ...pool, concurrency: 4, crashLoopAfter: 1000, circuitBreaker } });
    const circuit = () => test.pit.snapshot().pools.default?.circuit;
    expect(circuit()).toBe('closed');
    for (let i = 0; i < 4; i++) {
      expect((await errorOf(test.pit.execute('fragile', { deaths: 99 }))).code).toBe('worker_crashed');
    }
    expect(circuit()).toBe('open');
    const error = await errorOf(test.pit.execute('pid'));
    expect(error).toMatchObject({
      code: 'circuit_open',
      category: 'system',
      status: 'rejected',
      httpStatus: 503,
      retryable: true,
    });
    expect(error.retryAfterMs).toBeGreaterThan(0);
    expect(error.retryAfterMs).toBeLessThanOrEqual(500);
    await test.serving(1);

    // The first that passes is the trial; while it runs the others are refused still.
    const trial = await until(async () => {
      const attempt = test.pit.execute<number>('hold', { gate: 'trial' });
      const noted = test.noted('holding trial').then(() => ({ attempt }));
      return Promise.race([
        noted,
        attempt.then(
          () => undefined,
          () => undefined,
        ),
      ]);
    }, 'one may pass');
    expect(circuit()).toBe('half_open');
    for (let i = 0; i < 3; i++) {
      expect(await errorOf(test.pit.execute('pid'))).toMatchObject({
        code: 'circuit_open',
        retryAfterMs: 500,
      });
    }
    test.open('trial');
    expect(await trial?.attempt).toBeGreaterThan(0);
    expect(circuit()).toBe('closed');
    expect(await test.pit.execute('pid')).toBeGreaterThan(0);
  });

  it('opens again when the trial fails, and never for what Python raises', async () => {
    const test = await startPit({
      pool: { ...pool, crashLoopAfter: 1000, circuitBreaker: { ...circuitBreaker, openMs: 100 } },
    });
    for (let i = 0; i < 4; i++) await errorOf(test.pit.execute('fail'));
    expect(test.pit.snapshot().pools.default?.circuit).toBe('closed');
    for (let i = 0; i < 4; i++) await errorOf(test.pit.execute('fragile', { deaths: 99 }));
    expect(test.pit.snapshot().pools.default?.circuit).toBe('open');
    const deaths = test.count('fragile');
    const code = await until(async () => {
      const error = await errorOf(test.pit.execute('fragile', { deaths: 99 }));
      return error.code === 'circuit_open' ? undefined : error.code;
    }, 'one may pass');
    expect(code).toBe('worker_crashed');
    expect(test.pit.snapshot().pools.default?.circuit).toBe('open');
    expect(test.count('fragile')).toBe(deaths + 1);
  });
});
