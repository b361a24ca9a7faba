import { describe, expect, it } from 'vitest';
import { python, sharedPit, startPit } from '../support/pit.ts';

const app = () => python`
  @command
  def plain(text: str, times: int = 1):
      return {"said": text * times}

  @command
  async def later(text: str):
      await asyncio.sleep(0)
      return {"said": text}

  @command
  def count(n: int):
      for i in range(n):
          yield {"i": i}

  @command
  async def count_later(n: int):
      for i in range(n):
          await asyncio.sleep(0)
          yield {"i": i}

  @command(name="with.another-name")
  def renamed():
      return "renamed"

  @command
  def nothing():
      pass
`;

const collect = async <T>(stream: AsyncIterable<T>): Promise<T[]> => {
  const chunks: T[] = [];
  for await (const chunk of stream) chunks.push(chunk);
  return chunks;
};

describe.each([
  { codec: 'msgpack', concurrency: 1 },
  { codec: 'json', concurrency: 1 },
  { codec: 'msgpack', concurrency: 3 },
  { codec: 'json', concurrency: 3 },
] as const)('over $codec, $concurrency at a time', ({ codec, concurrency }) => {
  const shared = sharedPit({ pool: { app: app(), codec, concurrency } });

  it('says which codec and Python a worker speaks', () => {
    const [started] = shared.events.named('snakepit.worker.started');
    expect(started?.metadata).toMatchObject({ codec, python_version: expect.stringMatching(/^3\.\d+\.\d+/) });
  });

  it('runs a plain and an async command and gives their results', async () => {
    const { pit } = shared;
    expect(await pit.execute('plain', { text: 'hi', times: 2 })).toEqual({ said: 'hihi' });
    expect(await pit.execute('later', { text: 'hi' })).toEqual({ said: 'hi' });
    expect(await pit.execute('with.another-name')).toBe('renamed');
    expect(await pit.execute('nothing')).toBeNull();
  });

  it.each(['count', 'count_later'])('gives the chunks of %s as a list when it is called', async (command) => {
    expect(await shared.pit.execute(command, { n: 3 })).toEqual([{ i: 0 }, { i: 1 }, { i: 2 }]);
    expect(await shared.pit.execute(command, { n: 0 })).toEqual([]);
  });

  it.each(['count', 'count_later'])(
    'streams the chunks of %s, more than the buffer holds',
    async (command) => {
      const chunks = await collect(shared.pit.stream<{ i: number }>(command, { n: 100 }));
      expect(chunks.map(({ i }) => i)).toEqual(Array.from({ length: 100 }, (_, i) => i));
      expect(await collect(shared.pit.stream(command, { n: 0 }))).toEqual([]);
    },
  );

  it.each(['plain', 'later'])('streams the one result of %s', async (command) => {
    expect(await collect(shared.pit.stream(command, { text: 'once' }))).toEqual([{ said: 'once' }]);
  });

  it('tells the facts around a result', async () => {
    const { result, requestId, correlationId, timings, attempts } = await shared.pit.call('plain', {
      text: 'hi',
    });
    expect(result).toEqual({ said: 'hi' });
    expect(requestId).toMatch(/^req_/);
    expect(correlationId).toMatch(/^[0-9a-f]{32}$/);
    expect(attempts).toBe(1);
    expect(timings.bytesIn).toBeGreaterThan(0);
    expect(timings.bytesOut).toBeGreaterThan(0);
    expect(timings.queueMs).toBeGreaterThanOrEqual(0);
    expect(timings.pythonCpuMs).toBeGreaterThanOrEqual(0);
    expect(timings.totalMs).toBeGreaterThanOrEqual(timings.queueMs);
    expect(timings.totalMs).toBeGreaterThanOrEqual(timings.pythonMs);
  });

  it('tells the timings of a stream once it has ended', async () => {
    const stream = shared.pit.stream('count', { n: 2 });
    expect(stream.requestId).toMatch(/^req_/);
    expect(stream.timings).toBeUndefined();
    await collect(stream);
    expect(stream.timings?.bytesOut).toBeGreaterThan(0);
    expect(await stream.next()).toEqual({ done: true, value: undefined });
  });

  it('gives each of many calls at once its own result', async () => {
    const texts = Array.from({ length: 300 }, (_, i) => `text ${i}`);
    const results = await Promise.all(
      texts.map((text, i) => shared.pit.execute(i % 2 ? 'plain' : 'later', { text })),
    );
    expect(results).toEqual(texts.map((said) => ({ said })));
  });

  it('keeps streams and calls that run at once apart', async () => {
    const streams = [5, 50, 20].map((n) => collect(shared.pit.stream<{ i: number }>('count', { n })));
    const call = shared.pit.execute('plain', { text: 'between' });
    expect((await Promise.all(streams)).map((chunks) => chunks.length)).toEqual([5, 50, 20]);
    expect(await call).toEqual({ said: 'between' });
  });
});

describe('choosing the app', () => {
  it('takes MessagePack where the worker has it', async () => {
    const { events } = await startPit({ pool: { app: app() } });
    expect(events.named('snakepit.worker.started')[0]?.metadata.codec).toBe('msgpack');
  });

  it('takes a module name, found from cwd, and a URL', async () => {
    const path = app();
    const folder = path.slice(0, path.lastIndexOf('/'));
    const { pit } = await startPit({
      pool: { app: 'app', cwd: folder },
      morePools: { url: { app: new URL(`file://${path}`) } },
    });
    expect(await pit.execute('nothing')).toBeNull();
    expect(await pit.execute('nothing', {}, { pool: 'url' })).toBeNull();
  });

  it('lists the commands with their parameters', async () => {
    const { pit } = await startPit({ pool: { app: app() } });
    const commands = pit.snapshot().pools.default?.commands ?? [];
    expect(commands.map(({ name, kind }) => `${name} ${kind}`)).toEqual([
      'plain plain',
      'later async',
      'count generator',
      'count_later async_generator',
      'with.another-name plain',
      'nothing plain',
    ]);
    expect(commands[0]?.parameters).toMatchObject([
      { name: 'text', annotation: 'str', required: true, default: null },
      { name: 'times', annotation: 'int', required: false, default: '1' },
    ]);
  });
});
