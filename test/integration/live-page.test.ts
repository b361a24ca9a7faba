import { createServer, get, type IncomingMessage } from 'node:http';
import type { AddressInfo } from 'node:net';
import { createParser } from 'eventsource-parser';
import { describe, expect, it, onTestFinished } from 'vitest';
import type { ErrorDetail, ErrorList } from '../../src/consumers/errors/index.ts';
import type {
  HistoryAnswer,
  IncidentData,
  NowFrame,
  SliceFrame,
  WorkerAnswer,
  WorkersFrame,
} from '../../src/http/page/frames.ts';
import { incidentData } from '../../src/http/page/incident.ts';
import { createOpsHandler } from '../../src/index.ts';
import { errorOf, python, startPit, type TestPit, until } from '../support/pit.ts';

const app = () => python`
  @command
  def hello():
      return "hello"

  @command
  def hold(gate: str):
      note(f"holding {gate}")
      wait_for(gate)

  @command
  def fail():
      raise ValueError("wrong")
`;

const ops = { port: 0 };

interface Frames {
  readonly now: NowFrame;
  readonly workers: WorkersFrame;
  readonly slice: SliceFrame;
  readonly bye: { readonly reason: string };
}

/** Looks, over a socket. */
const look = async (url: string, topics: string) => {
  const frames: { readonly name: string; readonly data: unknown; readonly raw: string }[] = [];
  const parser = createParser({
    onEvent: ({ event, data, id }) =>
      frames.push({ name: event ?? '', data: JSON.parse(data), raw: `${id} ${data}` }),
  });
  const req = get(`${url}/api/live?topics=${topics}`, { agent: false });
  const res = await new Promise<IncomingMessage>((resolve, reject) => {
    req.once('response', resolve).once('error', reject);
  });
  const state = { ended: false, broken: false };
  res.setEncoding('utf8').on('data', (text: string) => parser.feed(text));
  res.once('end', () => {
    state.ended = true;
  });
  req.on('error', () => {});
  res.on('error', () => {
    state.broken = true;
  });
  onTestFinished(() => void req.destroy());
  const of = <N extends keyof Frames>(name: N): Frames[N][] =>
    frames.filter((frame) => frame.name === name).map(({ data }) => data as Frames[N]);
  return {
    ...{ frames, res, state, of },
    raw: (name: string) => frames.filter((frame) => frame.name === name).map(({ raw }) => raw),
    first: <N extends keyof Frames>(name: N, test: (frame: Frames[N]) => unknown = () => true) =>
      until(() => of(name).find(test) as Frames[N], `a frame '${name}'`),
    leave: () => req.destroy(),
  };
};

/** The same endpoints, mounted in a server of the main thread. */
const mounted = async ({ pit }: TestPit): Promise<string> => {
  const server = createServer(createOpsHandler(pit, { access: 'open' }).node);
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  onTestFinished(() => {
    server.closeAllConnections();
    server.close();
  });
  return `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
};

const read = async <T>(url: string): Promise<T> => {
  const response = await fetch(url);
  expect(response.status, url).toBe(200);
  return (await response.json()) as T;
};

const requestsIn = ({ slices }: HistoryAnswer): number =>
  slices.reduce((sum, slice) => sum + (slice?.requests ?? 0), 0);

describe.each([
  ['from the thread of the ops server', ({ pit }: TestPit) => Promise.resolve(pit.opsUrl as string)],
  ['mounted in another server', mounted],
])('%s', (_, urlOf) => {
  it('shows a worker that is killed, and the one after it', async () => {
    const test = await startPit({ pool: { app: app(), workers: 2, restartDelayMs: 2000 }, ops });
    await test.serving(2);
    const client = await look(await urlOf(test), 'now,workers');
    const before = await client.first('now', ({ total }) => total.workers.ready === 2);
    expect(before).toMatchObject({
      state: 'running',
      ready: true,
      pools: [{ name: 'default', status: 'ok' }],
    });
    const [victim] = (await client.first('workers')).pools.default ?? [];
    process.kill(victim?.pid as number, 'SIGKILL');
    const struck = await client.first('now', ({ total }) => total.workers.backoff === 1);
    expect(struck.pools[0]).toMatchObject({ status: 'warning', available_workers: 1 });
    await client.first('now', ({ total, counts }) => total.workers.ready === 2 && counts.restarts === 1);
    const rows = await client.first('workers', ({ pools }) =>
      pools.default?.every(({ worker_id, state }) => state === 'ready' && worker_id !== victim?.worker_id),
    );
    const heir = rows.pools.default?.find(({ worker_slot }) => worker_slot === victim?.worker_slot);
    expect(heir).toMatchObject({ restarts: 1, last_exit: { signal: 'SIGKILL', oom: false } });
    expect(heir?.last_exit).not.toHaveProperty('stderr_tail');
  });

  it('gives two who look the same bytes, and one goodbye each', async () => {
    const test = await startPit({ pool: { app: app() }, ops });
    const url = await urlOf(test);
    const clients = [await look(url, 'now'), await look(url, 'now')] as const;
    await Promise.all(clients.map((client) => until(() => client.of('now').length >= 4, 'frames')));
    const [first, second] = clients.map((client) => client.raw('now'));
    const shared = (first as string[]).filter((raw) => (second as string[]).includes(raw));
    expect(shared.length).toBeGreaterThanOrEqual(3);
    await test.pit.close();
    await until(() => clients.every(({ state }) => state.ended), 'the streams end');
    for (const client of clients) expect(client.of('bye')).toEqual([{ reason: 'shutdown' }]);
  });

  it('counts to the last request, in the rates and in the history', async () => {
    const test = await startPit({
      pool: { app: app(), workers: 2 },
      morePools: { other: { app: app() } },
      ops,
    });
    const { pit } = test;
    const url = await urlOf(test);
    const client = await look(url, 'now,slice');
    await Promise.all(Array.from({ length: 200 }, () => pit.execute('hello')));
    for (let i = 0; i < 7; i++) await errorOf(pit.execute('fail'));
    await Promise.all(Array.from({ length: 20 }, () => pit.execute('hello', {}, { pool: 'other' })));
    const frame = await client.first('now', ({ total }) => total.requests_1m === 227);
    expect(frame.pools.map(({ requests_1m }) => requests_1m)).toEqual([207, 20]);
    expect(frame.pools[0]?.error_rate).toBeCloseTo(7 / 207, 3);
    expect(frame.pools[0]?.commands.map(({ name }) => name)).toEqual(['hello', 'fail', 'hold']);
    expect(requestsIn(await read(`${url}/api/history`))).toBe(227);
    expect(requestsIn(await read(`${url}/api/history?pool=default`))).toBe(207);
    expect(requestsIn(await read(`${url}/api/history?pool=default&command=fail`))).toBe(7);
    // Once complete, the slices on the stream say the same.
    const sum = () => client.of('slice').reduce((all, { total }) => all + (total.requests ?? 0), 0);
    await until(() => sum() >= 227, 'the slices are complete');
    expect(sum()).toBe(227);
  });

  it('says of each error which kind it is of, however alike two kinds are', async () => {
    const missing = python`
      @command
      def miss(where: str):
          raise LookupError(f"no cake\nin the {where}")
    `;
    const test = await startPit({ pool: { app: missing }, ops });
    const url = await urlOf(test);
    const requests: Record<string, string[]> = { kitchen: [], cellar: [] };
    for (const where of ['kitchen', 'cellar', 'cellar']) {
      const error = await errorOf(test.pit.execute('miss', { where }));
      requests[where]?.push(error.context.request_context?.request_id as string);
    }
    const { errors, groups } = await read<ErrorList>(`${url}/api/errors`);
    expect(new Set(errors.map(({ message }) => message))).toEqual(new Set(['LookupError: no cake']));
    for (const [where, ids] of Object.entries(requests)) {
      const group = groups.find(({ message }) => message === `LookupError: no cake in the ${where}`);
      const those = errors.filter(({ group_id }) => group_id === group?.id);
      expect(those.map(({ request_id }) => request_id).toReversed()).toEqual(ids);
      expect(group).toMatchObject({ count: ids.length, last_error_id: those[0]?.id });
      const one = await read<ErrorDetail>(`${url}/api/errors/${those[0]?.id}`);
      expect(one).toMatchObject({ group_id: group?.id, group: { id: group?.id } });
    }
  });

  it('tells about one worker, also when it is gone', async () => {
    const test = await startPit({ pool: { app: app(), workers: 1, restartDelayMs: 10 }, ops });
    const { pit } = test;
    const url = await urlOf(test);
    const [first] = pit.snapshot().pools.default?.workers ?? [];
    const { id, pid } = first as { id: string; pid: number };
    await pit.execute('hello');
    expect(await read<WorkerAnswer>(`${url}/api/workers/${id}`)).toMatchObject({
      worker: { worker_id: id, state: 'ready' },
      lives: [{ worker_id: id, ended_at: null, requests: 1, exit: null }],
    });
    process.kill(pid, 'SIGKILL');
    await test.events.first('snakepit.worker.restarted');
    const gone = await read<WorkerAnswer>(`${url}/api/workers/${id}`);
    expect(gone).toMatchObject({ worker: null, pool: 'default', worker_slot: 0 });
    expect(gone.lives).toMatchObject([
      { ended_at: null },
      { worker_id: id, reason: 'crashed', requests: 1, exit: { signal: 'SIGKILL' } },
    ]);
    expect(gone.readings.requests).toHaveLength(180);
    expect(gone.events[0]).toMatchObject({ event_name: 'snakepit.worker.crashed' });
    const unknown = await fetch(`${url}/api/workers/nobody`);
    expect(unknown.status).toBe(404);
    expect(((await unknown.json()) as { detail: string }).detail).toContain("no worker 'nobody'");
  });

  it('refuses what it cannot read, saying what there is', async () => {
    const test = await startPit({ pool: { app: app() }, ops });
    const url = await urlOf(test);
    for (const [path, allowed] of [
      ['/api/live?topics=now,later', 'now, workers, slice'],
      ['/api/live?topic=now', 'topics'],
      ['/api/history?pool=nowhere', 'default'],
      ['/api/history?command=nothing', 'hello, hold, fail'],
    ] as const) {
      const response = await fetch(url + path);
      expect(response.status, path).toBe(400);
      expect(((await response.json()) as { allowed: string }).allowed).toContain(allowed);
    }
    const head = await fetch(`${url}/api/live`, { method: 'HEAD' });
    expect([head.status, await head.text()]).toEqual([200, '']);
    expect(test.pit.served.page?.broadcast.viewers).toBe(0);
  });

  it('makes nothing while nobody looks, and forgets who has left', async () => {
    const test = await startPit({ pool: { app: app() }, ops });
    const { page } = test.pit.served;
    const client = await look(await urlOf(test), 'now');
    await client.first('now');
    expect(page?.broadcast.viewers).toBe(1);
    client.leave();
    await until(() => page?.broadcast.viewers === 0, 'the viewer is forgotten');
  });
});

it('has its limit of viewers', async () => {
  const test = await startPit({ pool: { app: app() }, ops });
  const url = test.pit.opsUrl as string;
  const clients = [];
  for (let i = 0; i < 100; i++) clients.push(await look(url, 'slice'));
  const refused = await fetch(`${url}/api/live`);
  expect(refused.status).toBe(503);
  expect(refused.headers.get('retry-after')).toBe('5');
  expect(await refused.json()).toMatchObject({ code: 'too_many_viewers', max_viewers: 100 });
  clients[0]?.leave();
  await until(async () => {
    const { status, body } = await fetch(`${url}/api/live`);
    await body?.cancel();
    return status === 200;
  }, 'there is room again');
});

it('says of each pool how it is judged by itself', async () => {
  const test = await startPit({ pool: { app: app() }, morePools: { other: { app: app() } }, ops });
  for (let i = 0; i < 25; i++) await errorOf(test.pit.execute('fail'));
  const client = await look(test.pit.opsUrl as string, 'now');
  const { status, reasons, pools } = await client.first('now', (frame) => frame.status === 'error');
  expect(status).toBe('error');
  expect(reasons[0]).toMatchObject({ name: 'error_rate', status: 'error', why: expect.any(String) });
  expect(pools.map((pool) => [pool.name, pool.status])).toEqual([
    ['default', 'error'],
    ['other', 'ok'],
  ]);
});

it('breaks off when the main thread hangs, so that who looks sees that it is stale', async () => {
  const test = await startPit({ pool: { app: app() }, ops: { port: 0, stuckAfterMs: 1000 } });
  const client = await look(test.pit.opsUrl as string, 'now');
  await client.first('now');
  Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, 2500);
  await until(() => client.state.broken, 'the stream breaks off');
  await until(() => test.pit.served.page?.broadcast.viewers === 0, 'the viewer is forgotten');
});

it('answers nobody who may not read', async () => {
  const test = await startPit({ pool: { app: app() } });
  const { fetch: answer } = createOpsHandler(test.pit, { token: 'a-token-for-tests-only' });
  for (const path of ['/api/live', '/api/history', '/api/workers/x'])
    expect((await answer(new Request(`http://localhost${path}`))).status, path).toBe(401);
});

it('is not there where it is switched off', async () => {
  const test = await startPit({ pool: { app: app() }, ops, dashboard: false });
  for (const path of ['/api/live', '/api/history', '/api/workers/default-1-1', '/api/incident'])
    expect((await fetch(`${test.pit.opsUrl}${path}`)).status, path).toBe(404);
  expect(test.pit.served.page).toBeNull();
});

it('shows what it can where other parts are switched off', async () => {
  const test = await startPit({ pool: { app: app() }, ops, health: false, metrics: false });
  const url = test.pit.opsUrl as string;
  await test.pit.execute('hello');
  const client = await look(url, 'now');
  expect(await client.first('now')).toMatchObject({
    ...{ status: 'ok', ready: true, reasons: [] },
    total: { requests_per_second: null, p95_ms: null, in_flight: 0, workers: { ready: 1 } },
    pools: [{ thresholds: {}, commands: [{ requests_per_second: null }, {}, {}] }],
    system: { event_loop_lag_ms: null },
    counts: { errors: 0, status_changes: null },
  });
  const { slices } = await read<HistoryAnswer>(`${url}/api/history`);
  expect(slices.at(-1)).toMatchObject({ requests: null, workers_available: 1 });
});

it('works with observability off, as far as levels go', async () => {
  const test = await startPit({ pool: { app: app() }, ops, observability: false });
  const url = test.pit.opsUrl as string;
  expect(await (await look(url, 'now')).first('now')).toMatchObject({
    total: { requests_1m: null, workers: { ready: 1 } },
    counts: { errors: null, slow: null },
  });
  const [worker] = test.pit.snapshot().pools.default?.workers ?? [];
  expect(await read<WorkerAnswer>(`${url}/api/workers/${worker?.id}`)).toMatchObject({
    lives: [{ worker_id: worker?.id, ended_at: null }],
    events: [],
  });
});

it('records everything at one moment', async () => {
  const test = await startPit({
    pool: { app: app(), workers: 2, slowAfterMs: 10, restartDelayMs: 10 },
    ops,
    sanitize: { canary: true },
  });
  const { pit } = test;
  await errorOf(pit.execute('fail'));
  const held = pit.execute('hold', { gate: 'slow' });
  await test.events.first('snakepit.request.slow');
  test.open('slow');
  await held;
  const page = pit.served.page as NonNullable<typeof pit.served.page>;
  const data = JSON.parse(JSON.stringify(incidentData(page))) as IncidentData;
  expect(data).toMatchObject({
    now: { state: 'running' },
    workers: { pools: { default: [{}, {}] } },
    history: { pools: { default: { step_ms: 5000 } } },
    errors: { errors: [{ code: 'python_exception' }], quarantined: [] },
    // On a busy machine another may have been slow too.
    slow: {
      requests: expect.arrayContaining([expect.objectContaining({ command: 'hold', status: 'success' })]),
    },
    health: { status: expect.any(String) },
    telemetry: { consumers: expect.any(Array) },
    config: { version: 1 },
  });
  const [id] = Object.keys(data.error_details);
  expect(data.error_details[id as string]).toMatchObject({ id, error: { error_type: 'PythonException' } });
  const names = (data.events as { event_name: string }[]).map(({ event_name }) => event_name);
  expect(names.indexOf('snakepit.pool.started')).toBeLessThan(names.indexOf('snakepit.request.failed'));
  // What was measured of the slow one adds up.
  const { requests } = data.slow as { requests: { command: string; anatomy: Record<string, number> }[] };
  const anatomy = requests.find(({ command }) => command === 'hold')?.anatomy;
  const { total_ms = 0, queue_ms = 0, serialise_ms = 0, transport_ms = 0, python_ms = 0 } = anatomy ?? {};
  expect(queue_ms + serialise_ms + transport_ms + python_ms).toBeCloseTo(total_ms, 3);
});
