import { describe, expect, it } from 'vitest';
import { errorOf, python, startPit, until } from '../../support/pit.ts';

const app = () => python`
  @command
  def pid(n: int = 0):
      return os.getpid()

  @command
  def kill(n: int):
      note(f"kill {n}")
      if not is_open("harmless"):
          os._exit(9)
      return "harmless"

  @command
  def beside(gate: str):
      note("beside")
      wait_for(gate)
      return "here"
`;

const pool = { app: app(), restartDelayMs: 1, maxRestartDelayMs: 1 };
const range = (n: number) => Array.from({ length: n }, (_, i) => i);
const refused = {
  code: 'poison_request',
  category: 'request',
  status: 'rejected',
  httpStatus: 422,
  retryable: false,
};

describe('a request that has killed poisonAfter workers', () => {
  it('is refused; the same command with other arguments is not, until it does the same', async () => {
    const test = await startPit({ pool });
    for (let i = 0; i < 3; i++) {
      expect((await errorOf(test.pit.execute('kill', { n: 1 }))).code).toBe('worker_crashed');
    }
    const error = await errorOf(test.pit.execute('kill', { n: 1 }));
    expect(error).toMatchObject(refused);
    expect(error.message).toMatch(/'kill'.*3 workers/);
    expect(test.events.storyOf(error.requestId)).toEqual([
      'request.queued',
      'request.rejected',
      'request.completed',
    ]);
    const stream = test.pit.stream('kill', { n: 1 });
    expect(await errorOf(stream.next())).toMatchObject(refused);
    expect(test.count('kill 1')).toBe(3);

    expect((await errorOf(test.pit.execute('kill', { n: 2 }))).code).toBe('worker_crashed');
    expect(await test.pit.execute('pid', { n: 1 })).toBeGreaterThan(0);

    const [quarantined, ...others] = test.pit.snapshot().pools.default?.quarantined_requests ?? [];
    expect(others).toEqual([]);
    expect(quarantined).toMatchObject({
      command: 'kill',
      args_hash: expect.stringMatching(/^[0-9a-f]{16}$/),
      deaths: 3,
    });
    expect(quarantined?.until).toBeGreaterThan(Date.now() + 500_000);

    // An operator has mended it.
    test.open('harmless');
    expect(test.pit.unquarantine()).toEqual({ slots: [], requests: 1 });
    expect(await test.pit.execute('kill', { n: 1 })).toBe('harmless');
    expect(test.pit.snapshot().pools.default?.quarantined_requests).toEqual([]);
  });

  it('is refused too where it waits already: it kills no more workers than that', async () => {
    const test = await startPit({ pool });
    const outcomes = await Promise.all(range(12).map(() => errorOf(test.pit.execute('kill', { n: 1 }))));
    const codes = outcomes.map(({ code }) => code);
    expect(codes.filter((code) => code === 'worker_crashed')).toHaveLength(3);
    expect(codes.filter((code) => code === 'poison_request')).toHaveLength(9);
    expect(test.count('kill 1')).toBe(3);
    expect(await test.pit.execute('pid')).toBeGreaterThan(0);
  });

  it('is refused too where it is idempotent and would be started again; it tells of every start', async () => {
    const test = await startPit({ pool: { ...pool, poisonAfter: 2, retries: { max: 10, delayMs: 1 } } });
    const error = await errorOf(test.pit.execute('kill', { n: 1 }, { idempotent: true }));
    expect(error).toMatchObject(refused);
    expect(error.context.attempts?.map(({ attempt, code }) => [attempt, code])).toEqual([
      [1, 'worker_crashed'],
      [2, 'worker_crashed'],
    ]);
    expect(test.count('kill 1')).toBe(2);
  });

  it('is let through again after poisonForMs', async () => {
    const test = await startPit({ pool: { ...pool, poisonAfter: 1, poisonForMs: 300 } });
    await errorOf(test.pit.execute('kill', { n: 1 }));
    expect(await errorOf(test.pit.execute('kill', { n: 1 }))).toMatchObject(refused);
    test.open('harmless');
    await until(
      () => test.pit.snapshot().pools.default?.quarantined_requests.length === 0,
      'it is let through',
    );
    expect(await test.pit.execute('kill', { n: 1 })).toBe('harmless');
  });

  it('is never refused with poisonAfter 0', async () => {
    const test = await startPit({ pool: { ...pool, poisonAfter: 0, crashLoopAfter: 100 } });
    for (let i = 0; i < 5; i++) {
      expect((await errorOf(test.pit.execute('kill', { n: 1 }))).code).toBe('worker_crashed');
    }
  });
});

describe('a request that ran beside it', () => {
  it('is cleared by one success, while the culprit is refused', async () => {
    const test = await startPit({ pool: { ...pool, concurrency: 2, poisonAfter: 2 } });
    const dieTogether = async (round: number) => {
      const beside = errorOf(test.pit.execute('beside', { gate: 'go' }));
      await test.noted('beside', test.count('beside') + 1);
      const culprit = errorOf(test.pit.execute('kill', { n: 1 }));
      expect([(await beside).code, (await culprit).code], `round ${round}`).toEqual([
        'worker_crashed',
        'worker_crashed',
      ]);
    };
    await dieTogether(1);
    test.open('go');
    expect(await test.pit.execute('beside', { gate: 'go' })).toBe('here');
    test.shut('go');
    await dieTogether(2);
    expect(await errorOf(test.pit.execute('kill', { n: 1 }))).toMatchObject(refused);
    test.open('go');
    expect(await test.pit.execute('beside', { gate: 'go' })).toBe('here');
  });
});
