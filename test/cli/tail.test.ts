import { mkdirSync } from 'node:fs';
import type { ServerResponse } from 'node:http';
import { type AddressInfo, connect, createServer, type Socket } from 'node:net';
import { join } from 'node:path';
import { describe, expect, it, onTestFinished } from 'vitest';
import { scratch } from '../process/python-fixtures.ts';
import { fakeOps, problem, type Route } from './fake-ops.ts';
import { startCli, until } from './run-cli.ts';
import { served } from './served.ts';
import { inProcess } from './terminal.ts';

const root = scratch();
mkdirSync(join(root, 'run'));
const serve = (name: string) => served(root, name);
const frame = (id: number, event: string, data: object) =>
  `id: aaaaaaaa-${id}\nevent: ${event}\ndata: ${JSON.stringify(data)}\n\n`;
const event = (
  id: number,
  name: string,
  metadata: object = {},
  measurements: object = {},
  more: object = {},
) =>
  frame(id, name, {
    event_name: name,
    measurements,
    metadata: { timestamp: '2025-01-15T10:30:00.123Z', ...metadata },
    ...more,
  });
const begin = (res: ServerResponse) => res.writeHead(200, { 'content-type': 'text/event-stream' });

/** Serves these texts, one for each connection; then nothing but a 404, which ends `tail`. */
const streams = (...texts: readonly string[]): { route: Route; lastIds: (string | undefined)[] } => {
  const lastIds: (string | undefined)[] = [];
  const left = [...texts];
  const route: Route = (res, req) => {
    lastIds.push(req.headers['last-event-id'] as string | undefined);
    const text = left.shift();
    if (text === undefined) problem(404, { title: 'That is all.' })(res);
    else begin(res).end(text);
  };
  return { route, lastIds };
};

const tail = async (argv: readonly string[], route: Route, query = 'immediate=1') => {
  const ops = await fakeOps({ [`GET /api/events?${query}`]: route });
  return inProcess(root)(['tail', ...argv, '--ops-url', ops.url]);
};

describe('a line', () => {
  const shown = async (...texts: string[]) => {
    const { out } = await tail([], streams(texts.join('')).route);
    return out;
  };

  it('has time, name, duration, pool and command, worker and ids, and how it went', async () => {
    const ids = {
      worker_id: 'default-1a2-0',
      request_id: 'req_9f8e7d6c_1k',
      correlation_id: '0123456789abcdef0123456789abcdef',
    };
    const done = {
      pool_name: 'default',
      command: 'predict',
      ...ids,
      success: true,
      status: 'success',
      attempts: 1,
    };
    expect(
      await shown(
        event(1, 'snakepit.request.completed', done, {
          duration_ms: 12.345,
          queue_time_ms: 0.25,
          python_cpu_ms: 0,
        }),
        event(
          2,
          'snakepit.request.failed',
          { ...done, pool_name: 'gpu', status: undefined, code: 'timeout', message: 'too\nlate' },
          { duration_ms: 60_000 },
        ),
        event(3, 'python.log', { level: 'warning', logger: 'app', message: 'hot', pool_name: 'default' }),
        event(4, 'orders.priced', { tenant: 'acme' }, { count: 3 }, { sample_weight: 100 }),
      ),
    ).toBe(
      `10:30:00.123  request.completed       12.3 ms  predict             default-1a2-0 #1k ~01234567  queue_time_ms=0.3 attempts=1
10:30:00.123  request.failed       60000.0 ms  gpu/predict         default-1a2-0 #1k ~01234567  timeout too late attempts=1
10:30:00.123  python.log                       default             warning app: hot
10:30:00.123  orders.priced                                        count=3 tenant=acme (×100)
`,
    );
  });

  it('does no harm to a terminal, whatever it holds', async () => {
    const out = await shown(
      event(1, 'my.event', { command: 'x\u001b[2J', text: '\u0007\u202eevil', deep: { a: '\u001b[31m' } }),
      event(2, 'snakepit.odd', { timestamp: 'never', message: { an: 'object' } }),
    );
    // biome-ignore lint/suspicious/noControlCharactersInRegex: none may be there
    expect(out).not.toMatch(/[\u0000-\u0009\u000b-\u001f\u202e]/);
    expect(out.split('\n')).toHaveLength(3);
  });

  it('has colours, and is cut to the width, on a terminal only', async () => {
    const ops = await fakeOps({
      'GET /api/events?immediate=1': streams(
        event(1, 'snakepit.worker.crashed', { message: 'm'.repeat(200) }),
      ).route,
    });
    const { out } = await inProcess(root, { colours: true, columns: 60 })(['tail', '--ops-url', ops.url]);
    expect(out).toContain('\u001b[31mworker.crashed');
    // biome-ignore lint/suspicious/noControlCharactersInRegex: colours go
    expect(out.trimEnd().replace(/\u001b\[\d+m/g, '').length).toBeLessThanOrEqual(60);
  });

  it('is the JSON of the server with --json', async () => {
    const { out } = await tail(
      ['--json'],
      streams(event(1, 'a.b') + frame(2, 'dropped', { count: 3 }) + event(3, 'c.d')).route,
    );
    const events = out
      .trimEnd()
      .split('\n')
      .map((line) => JSON.parse(line).event_name);
    expect(events).toEqual(['a.b', 'c.d']);
  });
});

describe('snakepit tail', () => {
  it('asks for what is meant, and for the past only once', async () => {
    const argv = [
      '--pattern',
      'a.*',
      '--pattern',
      'b',
      '--pool',
      'p',
      '--command',
      'c',
      '--correlation-id',
      'x',
      '--request-id',
      'r',
      '--level',
      'error',
    ];
    const query =
      'pattern=a.*&pattern=b&pool=p&command=c&level=error&immediate=1&correlation_id=x&request_id=r';
    const ops = await fakeOps({
      [`GET /api/events?${query}&since=5m`]: streams(frame(7, 'hello', {})).route,
      [`GET /api/events?${query}`]: streams().route,
    });
    const { code } = await inProcess(root)(['tail', ...argv, '--since', '5m', '--ops-url', ops.url]);
    expect(code).toBe(1);
    expect(ops.seen.map(({ url }) => url)).toEqual([`/api/events?${query}&since=5m`, `/api/events?${query}`]);
  });

  it('connects again with the last id, from events or comments, and says what is missing', async () => {
    const { route, lastIds } = streams(
      frame(4, 'hello', {}) + event(5, 'a.one') + frame(9, 'dropped', { count: 4 }),
      `: at aaaaaaaa-12\nid: aaaaaaaa-12\n\n`,
      frame(20, 'reset', { reason: 'too_old' }),
      frame(0, 'reset', { reason: 'other_instance' }) + event(1, 'a.two'),
    );
    const { code, out, err } = await tail([], route);
    expect(code).toBe(1);
    expect(lastIds).toEqual([undefined, 'aaaaaaaa-9', 'aaaaaaaa-12', 'aaaaaaaa-20', 'aaaaaaaa-1']);
    expect(out.match(/a\.\w+/g)).toEqual(['a.one', 'a.two']);
    expect(err).toContain('-- 4 events left out');
    expect(err).toContain(
      '-- the connection is lost (the instance has ended the stream); trying again\n-- connected again',
    );
    expect(err).toContain('happened too long ago');
    expect(err).toContain('the instance is another one');
    expect(err).toContain('That is all.');
  });

  it('tries again while the instance is away or full, but not where it says no for good', async () => {
    let asked = 0;
    const { code, err } = await tail([], (res) => {
      asked++;
      if (asked === 1) begin(res).end(frame(1, 'hello', {}));
      else if (asked === 2) res.destroy();
      else if (asked === 3) problem(503, { title: 'full', code: 'too_many_viewers' })(res);
      else problem(401, { title: 'The token is missing or wrong.' })(res);
    });
    expect({ code, asked }).toEqual({ code: 1, asked: 4 });
    expect(err).toContain('The token is missing or wrong.');
  });

  it('fails at once where it cannot begin', async () => {
    expect(await inProcess(root)(['tail'])).toMatchObject({
      code: 1,
      err: expect.stringContaining('no instance'),
    });
    const full = await tail([], problem(503, { title: 'As many look as may.' }));
    expect(full).toMatchObject({ code: 1, err: expect.stringContaining('As many look') });
    const bad = await tail([], problem(400, { title: 'Bad.', parameter: 'pattern' }));
    expect(bad.code).toBe(2);
    const page: Route = (res) => res.writeHead(200, { 'content-type': 'text/html' }).end('<html>');
    expect(await tail([], page)).toMatchObject({ code: 1, err: expect.stringContaining('no ops server') });
  });
});

/** Stands between two ends, and can cut the line. */
const between = async (target: string) => {
  const sockets = new Set<Socket>();
  const server = createServer((near) => {
    const far = connect(Number(new URL(target).port), '127.0.0.1');
    for (const [from, to] of [
      [near, far],
      [far, near],
    ] as const) {
      sockets.add(from);
      from.on('error', () => {});
      from.on('close', () => to.destroy());
      from.pipe(to);
    }
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const cut = () => {
    for (const socket of sockets) socket.destroy();
    sockets.clear();
  };
  onTestFinished(() => {
    cut();
    server.close();
  });
  return { url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`, cut };
};

const completions = (text: string): number => text.match(/request\.completed/g)?.length ?? 0;

describe('with a real instance', () => {
  it('shows what happens, and nothing is lost or doubled when the line is cut', async () => {
    const served = await serve('cut');
    const line = await between(served.ops_url);
    const argv = ['tail', '--json', '--pattern', 'snakepit.request.completed', '--ops-url', line.url];
    const tailing = startCli(argv, served.folder, served.env);
    // Until it is there, what happens is of no interest.
    await until(async () => {
      await served.call('echo');
      return completions(tailing.output.stdout) > 0;
    });
    const rounds = 5;
    for (let i = 0; i < rounds; i++) {
      const before = completions(tailing.output.stdout);
      line.cut();
      for (let n = 0; n < 10; n++) await served.call('echo', { n });
      await until(() => completions(tailing.output.stdout) >= before + 10);
    }
    tailing.child.kill('SIGINT');
    const { code, stdout, stderr } = await tailing.ended;
    expect(code).toBe(0);
    expect(stderr.match(/connected again/g)).toHaveLength(rounds);
    expect(stderr).not.toMatch(/missing|left out/);
    const requests = stdout
      .trimEnd()
      .split('\n')
      .map((text) => JSON.parse(text).metadata.request_id as string);
    expect(new Set(requests).size).toBe(requests.length);
    const numbers = requests.map((id) => Number.parseInt(id.split('_').at(-1) as string, 36));
    const [first = 0] = numbers;
    expect(numbers).toEqual(numbers.map((_, i) => first + i));
  }, 60_000);

  it('goes on with the next instance, and says so', async () => {
    const first = await serve('again');
    const tailing = startCli(['tail'], first.folder, first.env);
    await until(async () => {
      await first.call('echo');
      return completions(tailing.output.stdout) > 0;
    });
    first.running.child.kill('SIGTERM');
    await until(() => tailing.output.stderr.includes('the connection is lost'));
    expect(tailing.output.stdout).toContain('pool.stopped');
    expect((await first.running.ended).code).toBe(0);
    const second = await serve('again');
    await until(() => tailing.output.stderr.includes(`connected again, to ${second.ops_url}`));
    await second.call('fail');
    await until(() => tailing.output.stdout.includes('ValueError: no luck'));
    expect(tailing.output.stderr).toContain('was started anew');
    tailing.child.kill('SIGINT');
    expect(await tailing.ended).toMatchObject({ code: 0, signal: null });
  }, 60_000);

  it('ends quietly when nobody reads on', async () => {
    const served = await serve('pipe');
    const tailing = startCli(['tail'], served.folder, served.env);
    await until(async () => {
      await served.call('echo');
      return completions(tailing.output.stdout) > 0;
    });
    tailing.child.stdout.destroy();
    let ended = false;
    void tailing.ended.then(() => {
      ended = true;
    });
    await until(async () => {
      await served.call('echo');
      return ended;
    });
    expect(await tailing.ended).toMatchObject({ code: 0, signal: null, stderr: '' });
  }, 60_000);
});
