import { describe, expect, it, onTestFinished } from 'vitest';
import { isSnakepitError, type Snakepit, SnakepitError } from '../../src/index.ts';
import {
  crash,
  createFakeSnakepit,
  type FakeCommands,
  type FakeSnakepitOptions,
  hang,
  manualClock,
  recordEvents,
} from '../../src/testing/index.ts';

const fake = async (commands: FakeCommands, options: FakeSnakepitOptions = {}): Promise<Snakepit> => {
  const pit = await createFakeSnakepit({ ...options, commands });
  onTestFinished(() => pit.close());
  return pit;
};

const chunksOf = async (stream: AsyncIterable<unknown>): Promise<unknown[]> => {
  const chunks: unknown[] = [];
  for await (const chunk of stream) chunks.push(chunk);
  return chunks;
};

const errorOf = async (promise: Promise<unknown>): Promise<SnakepitError> => {
  const error = await promise.then(
    (value) => expect.unreachable(`it gave ${JSON.stringify(value)}`),
    (thrown: unknown) => thrown,
  );
  if (!isSnakepitError(error)) throw error;
  return error;
};

describe('commands of a fake instance', () => {
  it('may be plain, async, generators and async generators', async () => {
    const pit = await fake({
      plain: ({ a, b }) => a + b,
      async later({ text }) {
        await new Promise((resolve) => setImmediate(resolve));
        return text.toUpperCase();
      },
      *count({ to }) {
        for (let i = 0; i < to; i++) yield i;
      },
      async *words({ text }) {
        for (const word of text.split(' ')) yield word;
      },
    });
    expect(await pit.execute('plain', { a: 1, b: 2 })).toBe(3);
    expect(await pit.execute('later', { text: 'hi' })).toBe('HI');
    expect(await pit.execute('count', { to: 3 })).toEqual([0, 1, 2]);
    expect(await chunksOf(pit.stream('count', { to: 100 }))).toHaveLength(100);
    expect(await chunksOf(pit.stream('words', { text: 'a b c' }))).toEqual(['a', 'b', 'c']);
    expect(await chunksOf(pit.stream('plain', { a: 1, b: 2 }))).toEqual([3]);
    const kinds = pit.snapshot().pools.default?.commands.map(({ name, kind }) => [name, kind]);
    expect(kinds).toEqual([
      ['plain', 'plain'],
      ['later', 'async'],
      ['count', 'generator'],
      ['words', 'async_generator'],
    ]);
  });

  it('get copies, and are looked up at each call', async () => {
    const list = [1];
    const commands: FakeCommands = {
      add: ({ list }) => {
        list.push(2);
        return list;
      },
    };
    const pit = await fake(commands);
    const result = await pit.execute<number[]>('add', { list });
    expect(result).toEqual([1, 2]);
    expect(list).toEqual([1]);
    commands.add = () => 'another';
    expect(await pit.execute('add', { list })).toBe('another');
  });

  it('know their request and speak for it', async () => {
    const pit = await fake({
      speak: (_, { emit, log, requestId, correlationId, command, workerSlot }) => {
        emit('cache.hit', { size: 3n, skipped: undefined }, { tier: 'hot' });
        log('warning', 'careful', { n: 1 });
        return { requestId, correlationId, command, workerSlot };
      },
    });
    const events = recordEvents(pit);
    const { result, requestId } = await pit.call('speak', {}, { correlationId: 'order-7' });
    expect(result).toEqual({ requestId, correlationId: 'order-7', command: 'speak', workerSlot: 0 });
    const [hit] = events.named('python.cache.hit');
    expect(hit?.measurements).toEqual({ size: 3 });
    expect(hit?.metadata).toMatchObject({ tier: 'hot', request_id: requestId, command: 'speak' });
    const [record] = events.named('python.log');
    expect(record?.metadata).toMatchObject({ level: 'warning', message: 'careful', fields: { n: 1 } });
    expect(events.of(requestId).map((event) => event.event_name)).toEqual([
      'snakepit.request.queued',
      'snakepit.request.started',
      'python.cache.hit',
      'python.log',
      'snakepit.request.completed',
    ]);
  });

  it.each([
    ['a function', () => ({ items: [() => 1] }), '$.items[0]'],
    ['a Map', () => new Map(), '$'],
    ['a class instance', () => ({ at: new URL('http://localhost') }), '$.at'],
    ['a lone surrogate', () => '\ud800', '$'],
  ])('may return only what Python could: not %s', async (_, command, path) => {
    const pit = await fake({ command });
    const error = await errorOf(pit.execute('command'));
    expect(error).toMatchObject({ code: 'unserializable', httpStatus: 500 });
    expect(error.context).toMatchObject({ path, path_in: 'result' });
  });

  it.each(['msgpack', 'json'] as const)('keep the table of values (%s)', async (codec) => {
    const pit = await fake({ same: ({ value }) => value }, { pools: { default: { codec } } });
    const value = {
      big: 2n ** 60n,
      nan: Number.NaN,
      bytes: new Uint8Array([1, 2]),
      date: new Date(1_700_000_000_123),
      $odd: { $int: 'x' },
      none: null,
    };
    expect(await pit.execute('same', { value: { ...value, gone: undefined } })).toStrictEqual(value);
    expect(await pit.execute('same', { value: 5n })).toBe(5);
    expect(await pit.execute('same', {})).toBe(null);
  });
});

describe('failures of a fake instance', () => {
  it('an error that is thrown is a Python exception, with its causes', async () => {
    class ValueError extends Error {
      override name = 'ValueError';
    }
    const pit = await fake({
      bad: () => {
        throw new ValueError('bad shape', { cause: new TypeError('no tensor') });
      },
      odd: () => Promise.reject('a string'),
    });
    const error = await errorOf(pit.execute('bad'));
    expect(error).toMatchObject({
      code: 'python_exception',
      message: 'ValueError: bad shape',
      retryable: false,
    });
    expect(error.context.exception).toMatchObject({
      type: 'ValueError',
      message: 'bad shape',
      chain: [{ type: 'TypeError', message: 'no tensor', relation: 'cause' }],
    });
    expect(error.context.python_traceback).toContain('fake-snakepit.test.ts');
    expect((await errorOf(pit.execute('odd'))).message).toBe('string: a string');
  });

  it('any code can be played, and a command that is not there is unknown', async () => {
    const pit = await fake({
      refuse: () => {
        throw new SnakepitError('queue_full', 'no room');
      },
    });
    expect(await errorOf(pit.execute('refuse'))).toMatchObject({ code: 'queue_full', retryable: true });
    const error = await errorOf(pit.execute('toString'));
    expect(error).toMatchObject({ code: 'unknown_command', httpStatus: 404 });
    expect(error.message).toContain("It defines: 'refuse'.");
  });

  it('a payload beyond the limit is refused both ways', async () => {
    const pit = await fake(
      { big: ({ n }) => 'x'.repeat(n) },
      { pools: { default: { maxFrameBytes: 4096 } } },
    );
    expect((await errorOf(pit.execute('big', { n: 1, pad: 'x'.repeat(5000) }))).code).toBe(
      'payload_too_large',
    );
    expect((await errorOf(pit.execute('big', { n: 5000 }))).code).toBe('payload_too_large');
    expect(await pit.execute('big', { n: 1 })).toBe('x');
  });

  it('a crash takes the worker with it; another one comes, and what is idempotent is tried again', async () => {
    let left = 2;
    const pit = await fake(
      { fragile: () => (left-- > 0 ? crash({ signal: 'SIGSEGV', stderr: 'ouch' }) : 'made it') },
      { pools: { default: { workers: 1, retries: { delayMs: 1 } } } },
    );
    const events = recordEvents(pit);
    const error = await errorOf(pit.execute('fragile'));
    expect(error).toMatchObject({ code: 'worker_crashed', context: { exit: { signal: 'SIGSEGV' } } });
    expect(error.message).toContain('Its last words: ouch');
    const { result, attempts } = await pit.call('fragile', {}, { idempotent: true });
    expect([result, attempts]).toEqual(['made it', 2]);
    await events.waitFor('snakepit.worker.restarted');
    expect(events.named('snakepit.worker.crashed')).toHaveLength(2);
    expect(events.named('snakepit.request.retried')).toHaveLength(1);
  });

  it('a start that fails is told as one', async () => {
    const onStart = () => {
      throw new Error('no weights');
    };
    const error = await errorOf(createFakeSnakepit({ commands: {}, pools: { default: { onStart } } }));
    expect(error).toMatchObject({ code: 'worker_start_failed', message: 'Error: no weights' });
  });

  it('a start that hangs is given up after its time', async () => {
    const time = manualClock();
    onTestFinished(time.install());
    const pit = await fake(
      {},
      { waitFor: 'none', pools: { default: { workers: 1, startTimeoutMs: 5000, onStart: () => hang() } } },
    );
    const ready = errorOf(pit.ready());
    await time.advance(5000);
    expect((await ready).message).toContain('was not ready after 5000 ms');
  });

  it('options that cannot be used are refused by name', async () => {
    const odd = { predict: 'text' } as unknown as FakeCommands;
    const error = await errorOf(createFakeSnakepit({ commands: odd }));
    expect(error.message).toBe('commands.predict: got string, a function (args, context) is wanted.');
    const own = await errorOf(createFakeSnakepit({ pools: { other: { commands: odd } } }));
    expect(own.message).toContain('pools.other.commands.predict');
    const workers = await errorOf(createFakeSnakepit({ pools: { default: { workers: 0 } } }));
    expect(workers).toMatchObject({ code: 'invalid_configuration' });
  });
});

describe('giving up on a fake instance', () => {
  it('a caller that cancels is told at once, and so is the function', async () => {
    const caller = new AbortController();
    let signal: AbortSignal | undefined;
    const pit = await fake({
      wait: (_, context) => {
        signal = context.signal;
        caller.abort();
        return new Promise(() => {});
      },
    });
    const error = await errorOf(pit.execute('wait', {}, { signal: caller.signal }));
    expect(error.code).toBe('cancelled');
    await expect.poll(() => signal?.aborted).toBe(true);
    await expect.poll(() => pit.snapshot().pools.default?.available_workers).toBe(4);
  });

  it('leaving a stream runs the finally of the generator', async () => {
    let left = false;
    const pit = await fake({
      *forever() {
        try {
          for (let i = 0; ; i++) yield i;
        } finally {
          left = true;
        }
      },
    });
    for await (const chunk of pit.stream<number>('forever')) if (chunk === 40) break;
    await expect.poll(() => left).toBe(true);
  });

  it('a deadline, a handler that does not end and one that answers nothing, all without waiting', async () => {
    const time = manualClock();
    const restore = time.install();
    onTestFinished(restore);
    const pit = await fake(
      { slow: () => new Promise(() => {}), stubborn: () => hang(), dead: () => hang({ heartbeats: false }) },
      { pools: { default: { workers: 1, cancelGraceMs: 500, stuckAfterMs: 10_000 } } },
    );
    const events = recordEvents(pit);
    const slow = errorOf(pit.execute('slow', {}, { timeoutMs: 60_000 }));
    await time.advance(60_000);
    const error = await slow;
    expect(error.code).toBe('timeout');
    expect(error.context.python_stack).toContain('slow');
    expect(events.named('snakepit.worker.stuck')).toHaveLength(0);
    const stubborn = errorOf(pit.execute('stubborn', {}, { timeoutMs: 1000 }));
    await time.advance(1000);
    expect((await stubborn).code).toBe('timeout');
    await time.advance(500);
    expect(events.named('snakepit.worker.stuck')[0]?.metadata.why).toBe('cancel');
    await time.advance(100);
    const dead = errorOf(pit.execute('dead'));
    await time.advance(20_000);
    expect((await dead).code).toBe('worker_stuck');
  });

  it('closing is at once, whatever runs, and leaves no timer', async () => {
    const time = manualClock();
    onTestFinished(time.install());
    const pit = await createFakeSnakepit({ commands: { wait: () => new Promise(() => {}) } });
    const running = errorOf(pit.execute('wait'));
    await pit.close();
    expect((await running).code).toBe('cancelled');
    expect(time.pending).toBe(0);
  });
});

describe('pools of a fake instance', () => {
  it('have options and commands of their own; those of the instance are for all', async () => {
    const pit = await fake(
      { who: () => 'all', shared: () => 'shared' },
      {
        pools: {
          default: {},
          gpu: { workers: 1, concurrency: 2, commands: { who: () => 'gpu' } },
        },
      },
    );
    expect(await pit.execute('who')).toBe('all');
    expect(await pit.execute('who', {}, { pool: 'gpu' })).toBe('gpu');
    expect(await pit.execute('shared', {}, { pool: 'gpu' })).toBe('shared');
    const { gpu } = pit.snapshot().pools;
    expect(gpu).toMatchObject({ slots: 2, workers_desired: 1, python_version: 'none' });
  });

  it('are seen by health and metrics, and can be recycled', async () => {
    const pit = await fake({ echo: ({ x }) => x });
    expect(await pit.execute('echo', { x: 1 })).toBe(1);
    expect(pit.health.checkReadiness().status).toBe('ok');
    const outcomes = await pit.recyclePool();
    expect(outcomes.map(({ outcome }) => outcome)).toEqual(['replaced', 'replaced', 'replaced', 'replaced']);
    const stacks = await pit.stackOf(outcomes[0]?.new_worker_id ?? '');
    expect(stacks.requests).toEqual([]);
  });
});

describe('sessions of a fake instance', () => {
  it('are kept from call to call, each for itself, and not by a command that fails', async () => {
    const pit = await fake({
      add: ({ n }: { n: number }, { session }) => {
        if (session === undefined) return 'none';
        session.data = Number(session.data ?? 0) + n;
        return session.data;
      },
      fail: (_, { session }) => {
        if (session !== undefined) session.data = 'lost';
        throw new Error('no');
      },
    });
    expect(await pit.execute('add', { n: 1 })).toBe('none');
    expect(await pit.execute('add', { n: 1 }, { sessionId: 'a' })).toBe(1);
    expect(await pit.execute('add', { n: 2 }, { sessionId: 'a' })).toBe(3);
    expect(await pit.execute('add', { n: 5 }, { sessionId: 'b' })).toBe(5);
    expect((await errorOf(pit.execute('fail', {}, { sessionId: 'a' }))).code).toBe('python_exception');
    expect(await pit.sessions.get('a')).toEqual({ id: 'a', data: 3, version: 2 });
  });

  it('are told apart from what the function was given: a change it throws away changes nothing', async () => {
    const pit = await fake({
      make: (_, { session }) => {
        if (session !== undefined) session.data = { list: [1] };
      },
      look: (_, { session }) => {
        if (session === undefined) return 0;
        const { list } = session.data as { list: number[] };
        list.push(2);
        session.data = { list: [1] };
        return list.length;
      },
    });
    await pit.execute('make', {}, { sessionId: 'a' });
    expect(await pit.execute('look', {}, { sessionId: 'a' })).toBe(2);
    expect(await pit.execute('look', {}, { sessionId: 'a' })).toBe(2);
    expect(await pit.sessions.get('a')).toMatchObject({ version: 1 });
  });
});
