import { describe, expect, it } from 'vitest';
import { type CallOptions, withContext } from '../../src/index.ts';
import { errorOf, python, sharedPit, startPit } from '../support/pit.ts';

const app = () => python`
  class ModelError(Exception):
      pass

  def inner(shape):
      raise ValueError(f"Invalid input shape {shape}")

  @command
  def fail(shape: str = "(1, 2)"):
      inner(shape)

  @command
  async def fail_later():
      await asyncio.sleep(0)
      raise KeyError("weights")

  @command
  def fail_in_stream(n: int):
      yield from range(n)
      raise ModelError("out of chunks")

  @command
  def chained():
      try:
          try:
              {}["weights"]
          except KeyError as missing:
              raise ModelError("no model") from missing
      except ModelError:
          raise RuntimeError("while recovering")

  @command
  def leave(how: str):
      if how == "exit":
          sys.exit(3)
      if how == "interrupt":
          raise KeyboardInterrupt
      if how == "stop":
          raise StopIteration("stop")
      raise type("Hostile", (Exception,), {"__str__": lambda self: 1 / 0})("hidden")

  @command
  def predict(text: str, top: int = 3, *, scale: float = 1.0, mode: "str | None" = None):
      return [text, top, scale, mode]

  @command
  def large(size: int):
      return "x" * size

  @command
  def large_chunk(size: int):
      yield "small"
      yield "x" * size

  @command
  def describe_call(**values):
      current = context()
      return {
          "request_id": current.request_id,
          "correlation_id": current.correlation_id,
          "traceparent": current.traceparent,
          "cancelled": current.cancelled,
          "session": current.session,
      }
`;

describe('an exception in Python', () => {
  const shared = sharedPit({ pool: { app: app() } });

  it('rejects with its class first, its message, its frames and its traceback', async () => {
    const error = await errorOf(shared.pit.execute('fail'));
    expect(error).toMatchObject({
      name: 'SnakepitError',
      code: 'python_exception',
      category: 'request',
      status: 'failure',
      httpStatus: 500,
      retryable: false,
    });
    expect(error.message).toContain('Invalid input shape (1, 2)');
    const { context } = error;
    expect(context.error_type).toBe('PythonException');
    expect(context.error_message).toBe('ValueError: Invalid input shape (1, 2)');
    expect(context.python_traceback).toMatch(/^Traceback \(most recent call last\):\n/);
    expect(context.python_traceback).toMatch(/ValueError: Invalid input shape \(1, 2\)\n$/);
    // Only the app's own frames: those of the runtime say nothing to its author.
    expect(context.python_traceback).not.toContain('_runtime');
    expect(context.exception).toMatchObject({
      type: 'ValueError',
      module: 'builtins',
      message: 'Invalid input shape (1, 2)',
      chain: [],
    });
    expect(context.exception?.frames.map((frame) => [frame.function, frame.code])).toEqual([
      ['fail', 'inner(shape)'],
      ['inner', 'raise ValueError(f"Invalid input shape {shape}")'],
    ]);
    expect(context.exception?.frames[0]?.file).toMatch(/app\.py$/);
    expect(context.system_context).toMatchObject({ pool_name: 'default', worker_slot: 0 });
    expect(context.system_context?.uptime_seconds).toBeGreaterThan(0);
    expect(context.timestamp).toMatch(/^\d{4}-\d\d-\d\dT[\d:.]+Z$/);
    expect(context.correlation_id).toBe(error.correlationId);
  });

  it('shows the exceptions behind it, nearest first', async () => {
    const { context } = await errorOf(shared.pit.execute('chained'));
    expect(context.exception?.type).toBe('RuntimeError');
    expect(context.exception?.chain).toEqual([
      { type: 'ModelError', module: 'app', message: 'no model', relation: 'context' },
      { type: 'KeyError', module: 'builtins', message: "'weights'", relation: 'cause' },
    ]);
    expect(context.python_traceback).toContain('direct cause of the following exception');
    expect(context.python_traceback).toContain('During handling of the above exception');
  });

  it('comes from async commands and from the midst of a stream too', async () => {
    const later = await errorOf(shared.pit.execute('fail_later'));
    expect(later.context.error_message).toBe("KeyError: 'weights'");
    expect(later.context.exception?.frames.at(-1)?.function).toBe('fail_later');

    const chunks: unknown[] = [];
    const inStream = await errorOf(
      (async () => {
        for await (const chunk of shared.pit.stream('fail_in_stream', { n: 3 })) chunks.push(chunk);
      })(),
    );
    expect(chunks).toEqual([0, 1, 2]);
    expect(inStream.context.error_message).toBe('ModelError: out of chunks');
  });

  it.each([
    ['exit', 'SystemExit'],
    ['interrupt', 'KeyboardInterrupt'],
    ['stop', 'StopIteration'],
    ['hostile', 'Hostile'],
  ])('%s fails the request and not the worker', async (how, type) => {
    const error = await errorOf(shared.pit.execute('leave', { how }));
    expect(error).toMatchObject({ code: 'python_exception', context: { exception: { type } } });
    expect(await shared.pit.execute('predict', { text: 'still here' })).toEqual(['still here', 3, 1, null]);
    expect(shared.events.named('snakepit.worker.starting')).toHaveLength(1);
  });

  it('shows the shapes of arguments and the values of harmless ones, nothing else', async () => {
    const args = {
      model: 'bert',
      top: 5,
      text: 'very private',
      ids: [1, 2, 3],
      password: 'hunter2',
      blob: new Uint8Array(4),
    };
    const error = await errorOf(shared.pit.execute('fail', args));
    expect(error.context.request_context).toMatchObject({
      request_id: error.requestId,
      command: 'fail',
      args: {
        model: 'bert',
        top: 5,
        text: '[SANITIZED]',
        ids: '[SANITIZED] array(3)',
        password: '[SANITIZED]',
      },
    });
    const shown = JSON.stringify([error.context, shared.events.of(error.requestId)]);
    for (const secret of ['very private', 'hunter2']) expect(shown).not.toContain(secret);
  });

  it('shows what errors.showArgs names instead', async () => {
    const { pit } = await startPit({ pool: { app: app() }, errors: { showArgs: ['shape'] } });
    const error = await errorOf(pit.execute('fail', { shape: '(3,)' }));
    expect(error.context.request_context?.args).toEqual({ shape: '(3,)' });
  });
});

describe('arguments that do not fit', () => {
  const shared = sharedPit({ pool: { app: app() } });

  it.each<[string, Record<string, unknown>, string, RegExp]>([
    ['a missing one', {}, '$.text', /text/],
    ['one too many', { text: 'a', temperature: 1 }, '$.temperature', /unexpected argument 'temperature'/],
    ['a misspelt one', { text: 'a', scle: 1 }, '$.scle', /did you mean 'scale'/],
    ['a wrong type', { text: 5 }, '$.text', /str/],
    ['a float for an int', { text: 'a', top: 1.5 }, '$.top', /int/],
    ['a bool for an int', { text: 'a', top: true }, '$.top', /int/],
    ['null for a str', { text: null }, '$.text', /str/],
  ])('%s: invalid_arguments, with the path', async (_, args, path, message) => {
    const error = await errorOf(shared.pit.execute('predict', args));
    expect(error).toMatchObject({
      code: 'invalid_arguments',
      category: 'request',
      status: 'failure',
      httpStatus: 422,
      retryable: false,
      context: { path, path_in: 'arguments' },
    });
    expect(error.message).toMatch(message);
  });

  it('an int passes for a float, null for what is optional', async () => {
    expect(await shared.pit.execute('predict', { text: 'a', scale: 2, mode: null })).toEqual([
      'a',
      3,
      2,
      null,
    ]);
  });

  it.each([
    ['an array', [1]],
    ['null', null],
    ['a text', 'text'],
  ])('%s is no set of arguments', async (_, args) => {
    const error = await errorOf(shared.pit.execute('predict', args as unknown as Record<string, unknown>));
    expect(error).toMatchObject({ code: 'invalid_arguments', httpStatus: 422 });
  });

  it.each([0, -1, Number.NaN, 2 ** 31, 'soon'])('timeoutMs %s is refused', async (timeoutMs) => {
    const error = await errorOf(shared.pit.execute('predict', { text: 'a' }, { timeoutMs } as CallOptions));
    expect(error.code).toBe('invalid_arguments');
    expect(error.message).toContain('timeoutMs');
  });

  it('errors of a stream surface from its iteration, once', async () => {
    const stream = shared.pit.stream('predict', { text: 5 });
    expect(await errorOf(stream.next())).toMatchObject({ code: 'invalid_arguments' });
    expect(await stream.next()).toEqual({ done: true, value: undefined });
  });
});

describe('what does not exist', () => {
  const shared = sharedPit({ pool: { app: app() } });

  it('an unknown command is rejected, with the ones that come near', async () => {
    const error = await errorOf(shared.pit.execute('predct', { text: 'a' }));
    expect(error).toMatchObject({
      code: 'unknown_command',
      category: 'request',
      status: 'rejected',
      httpStatus: 404,
    });
    expect(error.message).toContain("'predict'");
    expect(shared.events.storyOf(error.requestId)).toContain('request.rejected');
  });

  it.each(['__init__', 'inner', 'os', 'constructor', 'a b/c'])('%s is no command', async (command) => {
    expect(await errorOf(shared.pit.execute(command))).toMatchObject({ code: 'unknown_command' });
  });

  it('an unknown pool is rejected, with the ones there are', async () => {
    const error = await errorOf(shared.pit.execute('predict', { text: 'a' }, { pool: 'gpu' }));
    expect(error).toMatchObject({
      code: 'unknown_pool',
      category: 'request',
      status: 'rejected',
      httpStatus: 404,
    });
    expect(error.message).toContain("'default'");
    expect(shared.events.storyOf(error.requestId)).toEqual([
      'request.queued',
      'request.rejected',
      'request.completed',
    ]);
  });

  it('constructor is no pool', async () => {
    const error = await errorOf(shared.pit.execute('predict', { text: 'a' }, { pool: 'constructor' }));
    expect(error.code).toBe('unknown_pool');
  });
});

describe.each(['msgpack', 'json'] as const)('more than maxFrameBytes, over %s', (codec) => {
  const shared = sharedPit({ pool: { app: app(), codec, maxFrameBytes: 100_000 } });
  const tooLarge = { code: 'payload_too_large', category: 'request', status: 'rejected', httpStatus: 413 };

  it('is refused as arguments, before anything is sent', async () => {
    const error = await errorOf(shared.pit.execute('predict', { text: 'x'.repeat(100_000) }));
    expect(error).toMatchObject(tooLarge);
    expect(error.message).toContain('maxFrameBytes');
  });

  it('is refused as a result', async () => {
    expect(await errorOf(shared.pit.execute('large', { size: 100_000 }))).toMatchObject(tooLarge);
    expect(await shared.pit.execute<string>('large', { size: 99_000 })).toHaveLength(99_000);
  });

  it('is refused as a chunk, after those before it', async () => {
    const stream = shared.pit.stream('large_chunk', { size: 100_000 });
    expect(await stream.next()).toEqual({ done: false, value: 'small' });
    expect(await errorOf(stream.next())).toMatchObject(tooLarge);
  });

  it('leaves the worker as it was', async () => {
    expect(await shared.pit.execute('predict', { text: 'fine' })).toEqual(['fine', 3, 1, null]);
    expect(shared.events.named('snakepit.worker.starting')).toHaveLength(1);
  });
});

describe('ids', () => {
  const shared = sharedPit({ pool: { app: app() } });
  const trace = '0af7651916cd43dd8448eb211c80319c';
  const traceparent = `00-${trace}-b7ad6b7169203331-01`;

  interface Seen {
    request_id: string;
    correlation_id: string;
    traceparent: string | null;
  }
  const call = (options: CallOptions = {}) => shared.pit.call<Seen>('describe_call', {}, options);

  it('are the same for the caller, in Python and in the events', async () => {
    const { result, requestId, correlationId } = await call();
    expect(result).toEqual({
      request_id: requestId,
      correlation_id: correlationId,
      traceparent: null,
      cancelled: false,
      session: null,
    });
    const events = shared.events.of(requestId);
    expect(new Set(events.map((event) => event.metadata.correlation_id))).toEqual(new Set([correlationId]));
    expect(events.length).toBeGreaterThanOrEqual(3);
  });

  it('are never given twice', async () => {
    const calls = await Promise.all(Array.from({ length: 100 }, () => call()));
    expect(new Set(calls.map(({ requestId }) => requestId)).size).toBe(100);
    expect(new Set(calls.map(({ correlationId }) => correlationId)).size).toBe(100);
  });

  it('the correlation id can be given', async () => {
    const { result, correlationId } = await call({ correlationId: 'order-4711' });
    expect([correlationId, result.correlation_id]).toEqual(['order-4711', 'order-4711']);
  });

  it('the correlation id comes from withContext, through await', async () => {
    const seen = await withContext({ correlation_id: 'job-1' }, async () => {
      await new Promise(setImmediate);
      return Promise.all([call(), withContext({ correlation_id: 'job-1.a' }, () => call())]);
    });
    expect(seen.map(({ result }) => result.correlation_id)).toEqual(['job-1', 'job-1.a']);
    expect((await call()).correlationId).toMatch(/^[0-9a-f]{32}$/);
  });

  it('traceparent reaches Python unchanged, and its trace id becomes the correlation id', async () => {
    const { result, correlationId } = await call({ traceparent });
    expect(result).toMatchObject({ traceparent, correlation_id: trace });
    expect(correlationId).toBe(trace);
    const inherited = await withContext({ traceparent }, () => call());
    expect(inherited.result).toMatchObject({ traceparent, correlation_id: trace });
  });

  it('a correlation id beats the trace id; one that would break headers is replaced', async () => {
    expect((await call({ traceparent, correlationId: 'mine' })).correlationId).toBe('mine');
    expect((await call({ correlationId: 'bad\nid' })).correlationId).toMatch(/^[0-9a-f]{32}$/);
    expect((await call({ correlationId: 'x'.repeat(129) })).correlationId).toMatch(/^[0-9a-f]{32}$/);
  });

  it('are on errors too', async () => {
    const error = await errorOf(shared.pit.execute('fail', {}, { correlationId: 'order-5' }));
    expect(error.correlationId).toBe('order-5');
    expect(error.requestId).toMatch(/^req_/);
    expect(shared.events.of(error.requestId).map((event) => event.metadata.correlation_id)).toEqual(
      shared.events.of(error.requestId).map(() => 'order-5'),
    );
  });
});
