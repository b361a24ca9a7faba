import { EventEmitter } from 'node:events';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { Readable } from 'node:stream';
import { pino } from 'pino';
import { describe, expect, it } from 'vitest';
import { type Snakepit, signLogHeader, withContext } from '../../src/index.ts';
import { newFolder, python, startPit, until } from '../support/pit.ts';

const app = () => python`
  import logging

  @command
  def echo(value=None, password=None):
      logging.getLogger("app.db").info("before")
      logging.getLogger("app.db").warning("after")
      return value

  @command
  def fail():
      raise ValueError("wrong")

  @command
  def hold(gate: str):
      note("holding")
      wait_for(gate)
`;

interface Line {
  readonly event: string;
  readonly level: string;
  readonly message: string;
  readonly [field: string]: unknown;
}

const token = 'a-token-of-the-gateway';

/** A pit with a log file of its own. */
const logged = async (logs: object, more: object = {}) => {
  const dest = join(newFolder(), 'pit.log');
  const shared = await startPit({ pool: { app: app() }, logs: { dest, ...logs }, ...more });
  const lines = (): Line[] =>
    readFileSync(dest, 'utf8')
      .split('\n')
      .slice(0, -1)
      .map((line) => JSON.parse(line));
  const about = (id: string) => lines().filter((line) => line.correlation_id === id);
  /** Once the line of the completed request is there. */
  const completed = async (id: string): Promise<Line[]> => {
    await until(
      () => about(id).some((line) => line.event === 'snakepit.request.completed'),
      `the line of ${id}`,
    );
    return about(id);
  };
  return { ...shared, pit: shared.pit, shared, lines, about, completed };
};

const completedLine = (lines: readonly Line[]): Line | undefined =>
  lines.find((line) => line.event === 'snakepit.request.completed');

describe('the lines of a request', () => {
  it('tell its start with its arguments, what Python logged in order, and its end with where the time went', async () => {
    const { pit, completed } = await logged({ level: 'debug' });
    const traceparent = '00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01';
    const value = { text: 'hello', big: 'x'.repeat(5000) };
    await pit.execute('echo', { value, password: 'hunter22hunter' }, { correlationId: 'c1', traceparent });
    const lines = await completed('c1');
    expect(lines.map((line) => [line.event, line.level, line.logger])).toEqual([
      ['snakepit.request.started', 'debug', 'snakepit'],
      ['python.log', 'info', 'app.db'],
      ['python.log', 'warn', 'app.db'],
      ['snakepit.request.completed', 'info', 'snakepit'],
    ]);
    for (const line of lines)
      expect(line).toMatchObject({
        trace_id: '0af7651916cd43dd8448eb211c80319c',
        span_id: 'b7ad6b7169203331',
        pool_name: 'default',
        command: 'echo',
        request_id: lines[0]?.request_id,
        worker_slot: 0,
      });
    const args = lines[0]?.args as string;
    expect(args).toContain('"text":"hello"');
    expect(args).toMatch(/characters cut/);
    expect(args).not.toContain('hunter22');
    expect(Buffer.byteLength(args)).toBeLessThanOrEqual(2048);
    expect(lines[3]).toMatchObject({ status: 'success', attempts: 1 });
    for (const phase of [
      'duration_ms',
      'queue_time_ms',
      'python_ms',
      'python_cpu_ms',
      'serialise_ms',
      'transport_ms',
    ])
      expect(lines[3]).toHaveProperty(phase, expect.any(Number));
    expect(lines[3]).not.toHaveProperty('args');
  });

  it('have the arguments at the end too where that is asked for, by their shapes where that is', async () => {
    const { pit, completed } = await logged({ level: 'info', args: { completed: true, show: 'shapes' } });
    await pit.execute('echo', { value: 'secret text', password: 'x' }, { correlationId: 'c1' });
    const args = JSON.parse(completedLine(await completed('c1'))?.args as string);
    expect(args).toEqual({ value: '[SANITIZED]', password: '[SANITIZED]' });
    pit.observability.configure({ logs: { args: { show: 'values' } } });
    await pit.execute('echo', { value: 'some text', password: 'x' }, { correlationId: 'c2' });
    expect(completedLine(await completed('c2'))?.args).toBe('{"value":"some text","password":"[SANITIZED]"}');
  });

  it('of a failure have the traceback as text and as frames', async () => {
    const { pit, completed } = await logged({ level: 'warn', levels: { commands: { fail: 'info' } } });
    await expect(pit.execute('fail', {}, { correlationId: 'c1' })).rejects.toThrow('wrong');
    const line = (await completed('c1')).find(({ event }) => event === 'snakepit.request.failed');
    expect(line?.error).toMatchObject({
      python_traceback: expect.stringMatching(/^Traceback[\s\S]*ValueError: wrong/),
      exception: {
        type: 'ValueError',
        frames: expect.arrayContaining([expect.objectContaining({ function: 'fail' })]),
      },
      request_context: { command: 'fail' },
      system_context: { pool_name: 'default' },
    });
  });

  it('change with the levels of the configuration, live', async () => {
    const { pit, completed, about } = await logged({ level: 'warn' });
    await pit.execute('echo', {}, { correlationId: 'before' });
    pit.observability.configure({
      logs: { levels: { pools: { default: 'info' }, components: { 'python.app': 'silent' } } },
    });
    await pit.execute('echo', {}, { correlationId: 'during' });
    const lines = await completed('during');
    expect(about('before').map((line) => line.event)).toEqual(['python.log']);
    // A pool goes before a component.
    expect(lines.map((line) => line.event)).toEqual([
      'python.log',
      'python.log',
      'snakepit.request.completed',
    ]);
  });
});

describe('the context of the caller', () => {
  /** Calls from within, by way of all that a program puts between. */
  const ways: Record<string, (call: () => Promise<unknown>) => Promise<unknown>> = {
    await: async (call) => {
      await Promise.resolve();
      return call();
    },
    'a timer': (call) => new Promise((resolve, reject) => setTimeout(() => call().then(resolve, reject), 1)),
    'setImmediate and nextTick': (call) =>
      new Promise((resolve, reject) =>
        setImmediate(() => process.nextTick(() => call().then(resolve, reject))),
      ),
    'a stream': async (call) => {
      for await (const _ of Readable.from(['chunk'])) return call();
      throw new Error('the stream gave nothing');
    },
    'an event emitter': (call) =>
      new Promise((resolve, reject) => {
        const emitter = new EventEmitter();
        emitter.once('go', () => call().then(resolve, reject));
        setTimeout(() => emitter.emit('go'), 1);
      }),
  };

  it('follows it through what a program puts between, also into the line of its end', async () => {
    const { pit, completed } = await logged({ level: 'info' });
    await Promise.all(
      Object.entries(ways).map(([way, go]) =>
        withContext({ correlation_id: `by-${way.replaceAll(' ', '-')}`, way }, () =>
          go(() => {
            pit.logger.info('calling');
            return pit.execute('echo');
          }),
        ),
      ),
    );
    for (const way of Object.keys(ways)) {
      const lines = await completed(`by-${way.replaceAll(' ', '-')}`);
      expect(lines.map((line) => [line.event, line.way])).toEqual([
        ['snakepit.log', way],
        ['python.log', way],
        ['python.log', way],
        ['snakepit.request.completed', way],
      ]);
    }
  });

  it('is that of each caller, also for those that waited in the queue; consumers run without any', async () => {
    const { pit, shared, completed } = await logged({ level: 'info' });
    const inConsumer: unknown[] = [];
    pit.bus.registerConsumer('snakepit.request.completed', {
      name: 'mine',
      handle: () => {
        pit.logger.info('in a consumer');
        inConsumer.push(0);
      },
    });
    const as = (user: string, call: (pit: Snakepit) => Promise<unknown>) =>
      withContext({ user }, () => call(pit));
    const first = as('ann', () => pit.execute('hold', { gate: 'g' }, { correlationId: 'first' }));
    await shared.noted('holding');
    const second = as('bob', () => pit.execute('echo', {}, { correlationId: 'second' }));
    const third = pit.execute('echo', {}, { correlationId: 'third' });
    shared.open('g');
    await Promise.all([first, second, third]);
    expect(completedLine(await completed('first'))?.user).toBe('ann');
    expect((await completed('second')).map((line) => line.user)).toEqual(['bob', 'bob', 'bob']);
    expect((await completed('third')).map((line) => line.user)).toEqual([undefined, undefined, undefined]);
    await until(() => inConsumer.length === 3, 'the consumer has seen all');
  });
});

describe('a request that is logged fully', () => {
  it('is by a call', async () => {
    const { pit, completed, lines } = await logged(
      { level: 'error' },
      { observability: { sampling: { '**': 0 } } },
    );
    pit.logRequest('c1');
    await pit.execute('echo', { value: 1 }, { correlationId: 'c0' });
    await pit.execute('echo', { value: 1, password: 'x' }, { correlationId: 'c1' });
    expect((await completed('c1')).map((line) => line.event)).toEqual([
      'snakepit.request.queued',
      'snakepit.request.started',
      'python.log',
      'python.log',
      'snakepit.request.completed',
    ]);
    expect(completedLine(lines())?.args).toBe('{"value":1,"password":"[SANITIZED]"}');
    expect(lines().every((line) => line.correlation_id === 'c1' || line.correlation_id === undefined)).toBe(
      true,
    );
  });

  it('is by a signed header, and a header that is of no use is ignored and counted', async () => {
    const { pit, completed, about } = await logged({ level: 'error' }, { gateway: { port: 0, token } });
    const post = (correlationId: string, header: string) =>
      fetch(`${pit.gatewayUrl}/v1/commands/echo`, {
        method: 'POST',
        headers: {
          'content-type': 'application/json',
          authorization: `Bearer ${token}`,
          'x-correlation-id': correlationId,
          'x-snakepit-log': header,
        },
        body: '{}',
      });
    const at = Date.now();
    const bad = [
      signLogHeader(token, 'c-other'),
      signLogHeader('another-token-altogether', 'c-bad'),
      signLogHeader(token, 'c-bad', at - 1000),
      signLogHeader(token, 'c-bad', at + 25 * 3_600_000),
      signLogHeader(token, 'c-bad').replace(/^\d+/, String(at + 1000)),
      'nonsense',
    ];
    for (const header of bad) expect((await post('c-bad', header)).status).toBe(200);
    expect((await post('c-good', signLogHeader(token, 'c-good', at + 60_000))).status).toBe(200);
    expect((await completed('c-good')).length).toBe(5);
    expect(about('c-bad')).toEqual([]);
    const text = Buffer.from((await pit.metrics.render()).body).toString();
    expect(text).toContain(`snakepit_log_headers_refused_total ${bad.length}`);
    expect(text).toContain('snakepit_log_records_dropped_total{reason="overflow"} 0');
    expect(text).toContain('snakepit_log_write_errors_total 0');
  });
});

describe("a logger of the user's", () => {
  it('is used where it is given', async () => {
    const lines: Line[] = [];
    const own = pino({ level: 'info' }, { write: (text) => lines.push(JSON.parse(text)) });
    const { pit } = await startPit({ pool: { app: app() }, logs: { level: 'info', pino: own } });
    await pit.execute('echo', {}, { correlationId: 'c1' });
    expect(lines.filter((line) => line.correlation_id === 'c1').map((line) => line.event)).toEqual([
      'python.log',
      'python.log',
      'snakepit.request.completed',
    ]);
  });
});
