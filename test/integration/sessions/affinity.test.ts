import { describe, expect, it } from 'vitest';
import { errorOf, python, startPit } from '../../support/pit.ts';

const stateful = python`
  from snakepit import restore, snapshot
  memory = {}

  @command
  def who():
      return os.getpid()

  @command
  def remember(word: str):
      memory.setdefault(context().session.id, []).append(word)
      return {"pid": os.getpid(), "words": memory[context().session.id]}

  @command
  def hold(gate: str):
      note("holds")
      wait_for(gate)
      return os.getpid()

  @command
  def die():
      os.kill(os.getpid(), signal.SIGKILL)

  @snapshot
  def take(session_id):
      return memory.get(session_id)

  @restore
  def give(session_id, state):
      memory[session_id] = state
      note("restored")
`;

const forgetful = python`
  @command
  def who():
      return os.getpid()

  @command
  def hold(gate: str):
      note("holds")
      wait_for(gate)
      return os.getpid()

  @command
  def die():
      os.kill(os.getpid(), signal.SIGKILL)
`;

describe('affinity hint', () => {
  it('prefers the worker that has the session, and goes elsewhere while that is busy', async () => {
    const test = await startPit({ pool: { app: forgetful, workers: 3 } });
    const mine = () => test.pit.execute<number>('who', {}, { sessionId: 's' });
    const home = await mine();
    for (let i = 0; i < 30; i++) {
      await test.pit.execute('who');
      expect(await mine()).toBe(home);
    }
    const held = test.pit.execute<number>('hold', { gate: 'g' }, { sessionId: 's' });
    await test.noted('holds');
    expect(await mine()).not.toBe(home);
    test.open('g');
    expect(await held).toBe(home);
    expect(await mine()).toBe(home);
  });

  it('goes on with another worker when its own has died, and says so', async () => {
    const test = await startPit({ pool: { app: forgetful, workers: 2 } });
    const home = await test.pit.execute<number>('who', {}, { sessionId: 's' });
    expect(await errorOf(test.pit.execute('die', {}, { sessionId: 's' }))).toMatchObject({
      code: 'worker_crashed',
    });
    const broken = await test.events.first('snakepit.session.affinity_broken');
    expect(broken.metadata).toMatchObject({ session_id: 's', reason: 'died', moved: false });
    expect(await test.pit.execute('who', {}, { sessionId: 's' })).not.toBe(home);
  });
});

describe('affinity strict_queue', () => {
  const strict = { workers: 2, affinity: 'strict_queue' as const };

  it('waits for the worker that has the session, in order, while others are free', async () => {
    const test = await startPit({ pool: { app: stateful, ...strict } });
    const { pid: home } = await test.pit.execute<{ pid: number }>(
      'remember',
      { word: '0' },
      { sessionId: 's' },
    );
    const held = test.pit.execute('hold', { gate: 'g' }, { sessionId: 's' });
    await test.noted('holds');
    const later = ['1', '2', '3', '4', '5'].map((word) =>
      test.pit.execute<{ pid: number; words: string[] }>('remember', { word }, { sessionId: 's' }),
    );
    expect(await test.pit.execute('who')).not.toBe(home);
    expect(test.pit.snapshot().pools.default?.queue_depth).toBe(5);
    test.open('g');
    await held;
    const outcomes = await Promise.all(later);
    expect(outcomes.map(({ pid }) => pid)).toEqual(Array(5).fill(home));
    expect(outcomes.map(({ words }) => words.at(-1))).toEqual(['1', '2', '3', '4', '5']);
    expect(test.pit.snapshot().pools.default?.queue_depth).toBe(0);
  });

  it('sends requests of one new session to one worker, however many come at once', async () => {
    const test = await startPit({ pool: { app: forgetful, workers: 4, affinity: 'strict_queue' } });
    const pids = await Promise.all(
      Array.from({ length: 200 }, (_, i) => test.pit.execute('who', {}, { sessionId: `s${i % 5}` })),
    );
    for (let s = 0; s < 5; s++) expect(new Set(pids.filter((_, i) => i % 5 === s)).size).toBe(1);
  });

  it('lets a request go that is cancelled or late while it waits', async () => {
    const test = await startPit({ pool: { app: forgetful, ...strict } });
    await test.pit.execute('who', {}, { sessionId: 's' });
    const held = test.pit.execute('hold', { gate: 'g' }, { sessionId: 's' });
    await test.noted('holds');
    const giveUp = new AbortController();
    const cancelled = errorOf(test.pit.execute('who', {}, { sessionId: 's', signal: giveUp.signal }));
    const late = errorOf(test.pit.execute('who', {}, { sessionId: 's', timeoutMs: 50 }));
    giveUp.abort();
    expect((await cancelled).code).toBe('cancelled');
    expect((await late).code).toBe('queue_timeout');
    expect(test.pit.snapshot().pools.default?.queue_depth).toBe(0);
    test.open('g');
    await held;
  });

  it('tells one request of the loss when the worker has died, then begins anew', async () => {
    const test = await startPit({ pool: { app: forgetful, ...strict } });
    const home = await test.pit.execute('who', {}, { sessionId: 's' });
    await errorOf(test.pit.execute('die', {}, { sessionId: 's' }));
    const lost = await errorOf(test.pit.execute('who', {}, { sessionId: 's' }));
    expect(lost).toMatchObject({ code: 'session_worker_unavailable', retryable: true });
    expect(await test.pit.execute('who', {}, { sessionId: 's' })).not.toBe(home);
  });

  it('moves what the old worker has left when it is recycled, with requests waiting', async () => {
    const test = await startPit({ pool: { app: stateful, ...strict } });
    const ids = ['a', 'b', 'c', 'd'];
    for (const id of ids) await test.pit.execute('remember', { word: id }, { sessionId: id });
    const busy = new AbortController();
    let asked = 0;
    const goesOn = (async () => {
      while (!busy.signal.aborted) {
        const id = ids[asked++ % 4] as string;
        await test.pit.execute('remember', { word: `${id}+` }, { sessionId: id });
      }
    })();
    for (const worker of test.pit.snapshot().pools.default?.workers ?? [])
      await test.pit.recycleWorker(worker.id as string);
    busy.abort();
    await goesOn;
    for (const id of ids) {
      const { words } = await test.pit.execute<{ words: string[] }>(
        'remember',
        { word: 'end' },
        { sessionId: id },
      );
      expect(words[0]).toBe(id);
      expect(words.at(-1)).toBe('end');
    }
    const broken = test.events.named('snakepit.session.affinity_broken');
    expect(broken.length).toBeGreaterThan(0);
    for (const { metadata } of broken) expect(metadata).toMatchObject({ reason: 'recycled', moved: true });
    expect(test.count('restored')).toBe(broken.length);
  });

  it('loses no word of a session over ten rolling recycles under load', async () => {
    const test = await startPit({ pool: { app: stateful, ...strict } });
    const stop = new AbortController();
    const said = new Map<string, number>();
    const talk = async (id: string) => {
      while (!stop.signal.aborted) {
        const n = said.get(id) ?? 0;
        const { words } = await test.pit.execute<{ words: string[] }>(
          'remember',
          { word: String(n) },
          { sessionId: id },
        );
        said.set(id, n + 1);
        expect(words.length).toBe(n + 1);
      }
    };
    const talks = ['p', 'q', 'r', 's', 't'].map(talk);
    for (let round = 0; round < 5; round++) {
      for (const worker of test.pit.snapshot().pools.default?.workers ?? [])
        await test.pit.recycleWorker(worker.id as string);
    }
    stop.abort();
    await Promise.all(talks);
    expect(Math.min(...said.values())).toBeGreaterThan(0);
  });
});

describe('affinity strict_fail_fast', () => {
  it('refuses at once while the worker is busy', async () => {
    const test = await startPit({ pool: { app: forgetful, workers: 2, affinity: 'strict_fail_fast' } });
    await test.pit.execute('who', {}, { sessionId: 's' });
    const held = test.pit.execute('hold', { gate: 'g' }, { sessionId: 's' });
    await test.noted('holds');
    expect(await errorOf(test.pit.execute('who', {}, { sessionId: 's' }))).toMatchObject({
      code: 'worker_busy',
      retryable: true,
      httpStatus: 503,
    });
    test.open('g');
    await held;
    await test.pit.execute('who', {}, { sessionId: 's' });
  });
});

describe('snapshot and restore', () => {
  it('belong together: an app with one of them does not start, and says which is missing', async () => {
    const app = python`
      from snakepit import snapshot

      @command
      def who():
          return 1

      @snapshot
      def take(session_id):
          return 1
    `;
    const error = await errorOf(startPit({ pool: { app } }));
    expect(error).toMatchObject({ code: 'worker_start_failed' });
    expect(error.message).toContain('@restore');
  });

  it('loses a session whose snapshot fails, and the worker ends all the same', async () => {
    const app = python`
      from snakepit import restore, snapshot

      @command
      def who():
          return os.getpid()

      @snapshot
      def take(session_id):
          raise ValueError("cannot")

      @restore
      def give(session_id, state):
          pass
    `;
    const test = await startPit({ pool: { app } });
    const home = await test.pit.execute('who', {}, { sessionId: 's' });
    const [worker] = test.pit.snapshot().pools.default?.workers ?? [];
    await test.pit.recycleWorker(worker?.id as string);
    const broken = await test.events.first('snakepit.session.affinity_broken');
    expect(broken.metadata).toMatchObject({ reason: 'recycled', moved: false });
    expect(await test.pit.execute('who', {}, { sessionId: 's' })).not.toBe(home);
  });
});
