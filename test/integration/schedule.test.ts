import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { isSnakepitError, type SnakepitError } from '../../src/index.ts';
import { python, startPit, type TestPit, until } from '../support/pit.ts';

const app = () => python`
  @command
  def echo(i: int, ms: int):
      note(f"begun {i}")
      return i

  @command
  def nap(i: int, ms: int):
      note(f"begun {i}")
      time.sleep(ms / 1000)
      return i

  @command
  def fail(i: int, ms: int):
      note(f"begun {i}")
      raise ValueError("wanted")

  @command
  def leave(i: int, ms: int):
      note(f"begun {i}")
      time.sleep(ms / 1000)
      os._exit(3)

  @command
  def fault(i: int, ms: int):
      note(f"begun {i}")
      ctypes.string_at(0)

  @command
  def hang(i: int, ms: int):
      note(f"begun {i}")
      while True:
          try:
              time.sleep(0.01)
          except Cancelled:
              pass

  @command
  def freeze(i: int, ms: int):
      note(f"begun {i}")
      os.kill(os.getpid(), signal.SIGSTOP)
      wait_for("never")

  @command
  def count(i: int, ms: int):
      note(f"begun {i}")
      for n in range(5):
          time.sleep(ms / 5000)
          yield n
`;

const COMMANDS = ['echo', 'nap', 'fail', 'leave', 'fault', 'hang', 'freeze', 'count'] as const;
type Command = (typeof COMMANDS)[number];

interface Call {
  readonly command: Command;
  readonly ms: number;
  readonly timeoutMs: number;
  readonly idempotent: boolean;
  /** When its caller gives it up; undefined: never. */
  readonly cancelAfterMs: number | undefined;
  /** Chunks its reader takes. */
  readonly takes: number;
}

type Action =
  | { readonly do: 'call'; readonly call: Call; readonly times: number }
  | { readonly do: 'recycle' | 'kill' | 'roll'; readonly which: number };
type Step = readonly [action: Action, thenMs: number];

const RETRIES = 2;
/** What a machine that does other work may be late by. */
const SLACK_MS = 15_000;

const calls: fc.Arbitrary<Action> = fc.record({
  do: fc.constant('call' as const),
  times: fc.constantFrom(1, 1, 3, 10),
  call: fc.record({
    command: fc.oneof(
      { weight: 12, arbitrary: fc.constantFrom<Command>('echo', 'nap', 'count') },
      { weight: 2, arbitrary: fc.constantFrom<Command>('fail', 'leave', 'fault') },
      { weight: 1, arbitrary: fc.constantFrom<Command>('hang', 'freeze') },
    ),
    ms: fc.constantFrom(0, 2, 20, 150),
    timeoutMs: fc.constantFrom(60, 1500, 6000),
    idempotent: fc.boolean(),
    cancelAfterMs: fc.constantFrom(undefined, undefined, undefined, 0, 5, 60),
    takes: fc.constantFrom(100, 100, 2),
  }),
});

const steps: fc.Arbitrary<Step[]> = fc.array(
  fc.tuple(
    fc.oneof(
      { weight: 20, arbitrary: calls },
      { weight: 2, arbitrary: fc.record({ do: fc.constantFrom('recycle', 'kill'), which: fc.nat(9) }) },
      { weight: 1, arbitrary: fc.record({ do: fc.constant('roll'), which: fc.constant(0) }) },
    ) as fc.Arbitrary<Action>,
    fc.constantFrom(0, 0, 1, 10, 50, 120),
  ),
  { minLength: 60, maxLength: 60 },
);

/** A request and what became of it. */
class Made {
  readonly chunks: unknown[] = [];
  readonly outcomes: ({ value: unknown } | { error: SnakepitError })[] = [];
  readonly #madeAt = performance.now();
  tookMs = 0;

  constructor(
    readonly i: number,
    readonly call: Call,
  ) {}

  async run({ pit }: TestPit): Promise<void> {
    const { command, ms, timeoutMs, idempotent, cancelAfterMs } = this.call;
    const caller = new AbortController();
    if (cancelAfterMs !== undefined) setTimeout(() => caller.abort(), cancelAfterMs);
    const options = { timeoutMs, idempotent, signal: caller.signal, correlationId: `call-${this.i}` };
    const args = { i: this.i, ms };
    try {
      const value =
        command === 'count'
          ? await this.#read(pit.stream(command, args, options))
          : await pit.execute(command, args, options);
      this.outcomes.push({ value });
    } catch (error) {
      if (!isSnakepitError(error)) throw error;
      this.outcomes.push({ error });
    }
    this.tookMs = performance.now() - this.#madeAt;
  }

  async #read(stream: AsyncIterable<unknown>): Promise<string> {
    for await (const chunk of stream) {
      this.chunks.push(chunk);
      if (this.chunks.length === this.call.takes) return 'left';
    }
    return 'read';
  }
}

const play = async (test: TestPit, schedule: readonly Step[]): Promise<Made[]> => {
  const made: Made[] = [];
  const work: Promise<unknown>[] = [];
  for (const [action, thenMs] of schedule) {
    const workers = test.pit.snapshot().pools.default?.workers.filter(({ pid }) => pid !== null) ?? [];
    if (action.do === 'call') {
      for (let n = 0; n < action.times; n++) {
        const call = new Made(made.length, action.call);
        made.push(call);
        work.push(call.run(test));
      }
    } else if (action.do === 'roll') work.push(test.pit.recyclePool());
    else {
      const worker = workers[action.which % Math.max(1, workers.length)];
      // It may be gone by the time it is asked for.
      if (action.do === 'recycle') work.push(test.pit.recycleWorker(worker?.id ?? '').catch(() => {}));
      else if (worker?.pid != null) kill(worker.pid);
    }
    await new Promise((resolve) => setTimeout(resolve, thenMs));
  }
  await Promise.all(work);
  return made;
};

const kill = (pid: number): void => {
  try {
    process.kill(pid, 'SIGKILL');
  } catch {
    // It ended by itself meanwhile.
  }
};

/** What may go wrong with any request here, whatever its command does. */
const anyTime = ['cancelled', 'timeout', 'queue_timeout', 'queue_full', 'worker_crashed', 'worker_stuck'];
const story =
  /^request.queued( stream.opened)?( request.(started|retried|slow)| stream.chunk)*( request.(failed|timed_out|cancelled|rejected))?( stream.closed)? request.completed$/;

const check = (test: TestPit, made: Made, begun: number): void => {
  const { call, i, outcomes, chunks, tookMs } = made;
  const events = test.events.all.filter(({ metadata }) => metadata.correlation_id === `call-${i}`);
  const names = events.map(({ event_name }) => event_name.replace('snakepit.', '')).join(' ');
  const [outcome] = outcomes;
  const told = `call ${i} ${JSON.stringify(call)}: ${names}; begun ${begun} times; ${JSON.stringify(outcome)}`;
  expect(outcomes.length, told).toBe(1);
  expect(names, told).toMatch(story);
  expect(names.match(/completed/g)?.length, told).toBe(1);
  expect(tookMs, told).toBeLessThan(call.timeoutMs + SLACK_MS);
  expect(begun, told).toBeLessThanOrEqual(call.idempotent ? 1 + RETRIES : 1);
  expect(chunks, told).toEqual([0, 1, 2, 3, 4].slice(0, chunks.length));
  if (outcome !== undefined && 'value' in outcome) {
    expect(['echo', 'nap', 'count'], told).toContain(call.command);
    const read = call.takes === 2 ? 'left' : 'read';
    expect(outcome.value, told).toBe(call.command === 'count' ? read : i);
    expect(begun, told).toBeGreaterThanOrEqual(1);
  } else if (outcome !== undefined) {
    const { code, retryable } = outcome.error;
    expect([...anyTime, call.command === 'fail' ? 'python_exception' : 'none'], told).toContain(code);
    if (retryable && !call.idempotent) expect(begun, told).toBe(0);
    if (code === 'cancelled') expect(call.cancelAfterMs, told).toBeDefined();
  }
};

describe('a random schedule on real workers', () => {
  it.each([1, 2])('settles every request once and is got over (concurrency %i)', async (concurrency) => {
    const seed = Number(process.env.SNAKEPIT_TEST_SEED ?? Date.now() % 2 ** 31);
    const [schedule = []] = fc.sample(steps, { seed, numRuns: 1 });
    const test = await startPit({
      pool: {
        app: app(),
        workers: 3,
        concurrency,
        maxQueue: 100,
        heartbeatIntervalMs: 150,
        stuckAfterMs: 900,
        cancelGraceMs: 150,
        restartDelayMs: 10,
        maxRestartDelayMs: 50,
        crashLoopAfter: 1000,
        poisonAfter: 0,
        retries: { max: RETRIES, delayMs: 10, budget: 1 },
        recycle: { afterRequests: 30 },
      },
    });
    try {
      const made = await play(test, schedule);
      await until(() => {
        const pool = test.pit.snapshot().pools.default;
        return pool?.workers_by_state.ready === 3 && pool.extra_workers.length === 0;
      }, 'every slot has a free worker again');
      const begun = new Map<string, number>();
      for (const line of test.notes()) begun.set(line, (begun.get(line) ?? 0) + 1);
      for (const call of made) check(test, call, begun.get(`begun ${call.i}`) ?? 0);
      const { queue_depth, requests_in_flight } = test.pit.snapshot().pools.default ?? {};
      expect([queue_depth, requests_in_flight]).toEqual([0, 0]);
      expect(await test.pit.execute('echo', { i: made.length, ms: 0 })).toBe(made.length);
    } catch (error) {
      console.error(`To repeat this schedule: SNAKEPIT_TEST_SEED=${seed}`);
      throw error;
    }
  });
});
