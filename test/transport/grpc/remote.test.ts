import { once } from 'node:events';
import { createServer } from 'node:http';
import { type AddressInfo, createServer as createTcpServer } from 'node:net';
import { Server, ServerCredentials } from '@grpc/grpc-js';
import { describe, expect, it, onTestFinished } from 'vitest';
import type { PoolOptions } from '../../../src/index.ts';
import { resolveOptions } from '../../../src/runtime.ts';
import { errorOf, python, startPit, until } from '../../support/pit.ts';
import { requirePythonModule } from '../../support/tools.ts';
import { standForeign, standPython } from './support.ts';

const withPython = requirePythonModule('grpc') && requirePythonModule('grpc_health');

const app = python`
  @command
  def pid():
      return os.getpid()

  @command
  def echo(value):
      return value

  @command
  def hold(gate: str):
      note("holds")
      wait_for(gate)
      return os.getpid()

  @command
  def say(text: str):
      print(text)
      return context().correlation_id

  @command
  def die():
      os.kill(os.getpid(), signal.SIGKILL)
`;

const remote = (addresses: string | string[], more: Partial<PoolOptions> = {}): PoolOptions =>
  ({ remote: { addresses }, restartDelayMs: 50, ...more }) as PoolOptions;

describe.skipIf(!withPython)('remote workers in Python', () => {
  it('serve a pool: each address a slot, requests where least is running, and what they say is stamped here', async () => {
    const [one, two] = await Promise.all([standPython(app), standPython(app)]);
    const test = await startPit({ pool: remote([one.address, two.address]) });
    await test.serving(2);
    const pool = test.pit.snapshot().pools.default;
    expect(pool).toMatchObject({ transport: 'grpc', workers_desired: 2, python_path: '' });
    expect(pool?.workers.map(({ address, pid }) => [address, pid])).toEqual([
      [one.address, null],
      [two.address, null],
    ]);
    const metrics = String((await test.pit.metrics.render()).body);
    for (const [slot, { address }] of [one, two].entries())
      expect(metrics).toContain(
        `snakepit_worker_info{pool_name="default",worker_slot="${slot}",address="${address}"} 1`,
      );
    const pids = await Promise.all([test.pit.execute('pid'), test.pit.execute('pid')]);
    expect(new Set(pids).size).toBe(2);
    const { requestId, correlationId, result } = await test.pit.call('say', { text: 'hello' });
    expect(result).toBe(correlationId);
    const log = await test.events.first('python.log', ({ metadata }) => metadata.message === 'hello');
    expect(log.metadata).toMatchObject({ request_id: requestId, pool_name: 'default' });
    expect(pool?.workers.map(({ id }) => id)).toContain(log.metadata.worker_id);
  });

  it('go on when a host leaves, and serve the next one with the same process', async () => {
    const { address } = await standPython(app);
    const first = await startPit({ pool: remote([address]) });
    const before = await first.pit.execute('pid');
    await first.pit.close();
    const second = await startPit({ pool: remote([address]) });
    expect(await second.pit.execute('pid')).toBe(before);
  });

  it('are as many as their addresses: no other number can be asked for', async () => {
    const { address } = await standPython(app);
    const { pit } = await startPit({ pool: remote([address]) });
    expect(() => pit.observability.configure({ pools: { default: { workers: 3 } } })).toThrow('workers');
    expect(pit.snapshot().pools.default?.workers).toHaveLength(1);
  });

  it('tell of a process that died, and come back', async () => {
    const { address } = await standPython(app);
    const test = await startPit({ pool: remote([address]) });
    const before = await test.pit.execute('pid');
    const error = await errorOf(test.pit.execute('die'));
    expect(error.code).toBe('worker_crashed');
    expect(error.message).toContain(address);
    expect(error.context.exit).toMatchObject({ signal: 'SIGKILL' });
    expect(await test.pit.execute('pid')).not.toBe(before);
  });

  it('are replaced in their place when they are recycled', async () => {
    const { address } = await standPython(app);
    const test = await startPit({ pool: remote([address]) });
    const before = await test.pit.execute('pid');
    const [worker] = test.pit.snapshot().pools.default?.workers ?? [];
    expect(await test.pit.recycleWorker(worker?.id as string)).toMatchObject({ outcome: 'replaced' });
    expect(await test.pit.execute('pid')).not.toBe(before);
  });

  it('that fall silent are left alone: the call fails, others serve, and it is taken back', async () => {
    const [one, two] = await Promise.all([standPython(app), standPython(app)]);
    const test = await startPit({ pool: remote([one.address, two.address]) });
    await test.serving(2);
    const held = errorOf(test.pit.execute('hold', { gate: 'never' }));
    await until(() => one.folder && test.pit.snapshot().pools.default?.busy_workers === 1, 'it is held');
    const busy = test.pit.snapshot().pools.default?.workers.find(({ in_flight }) => in_flight === 1);
    const stopped = busy?.address === one.address ? one : two;
    stopped.child.kill('SIGSTOP');
    const error = await held;
    expect(error.code).toBe('transport_error');
    expect(error.message).toContain(stopped.address);
    expect(error.context.grpc?.status).toBe('UNAVAILABLE');
    for (let i = 0; i < 5; i++) expect(await test.pit.execute('echo', { value: i })).toBe(i);
    stopped.child.kill('SIGCONT');
    await test.serving(2);
  });
});

describe('a remote worker in another language', () => {
  it('serves the same pool', async () => {
    const { address, child } = await standForeign();
    const test = await startPit({ pool: remote([address], { concurrency: 8 }) });
    expect(await test.pit.execute('echo', { value: { a: [1, 2n ** 60n, new Uint8Array([1])] } })).toEqual({
      a: [1, 2n ** 60n, new Uint8Array([1])],
    });
    expect(await test.pit.execute('pid')).toBe(child.pid);
    const failed = await errorOf(test.pit.execute('boom'));
    expect(failed).toMatchObject({ code: 'python_exception', message: 'a foreign failure' });
    expect(failed.context.grpc).toEqual({ status: 'UNKNOWN', details: 'a foreign failure' });
    expect((await errorOf(test.pit.execute('nothing'))).code).toBe('unknown_command');
    const slow = await errorOf(test.pit.execute('slow', { ms: 60_000 }, { timeoutMs: 300 }));
    expect(slow.code).toBe('timeout');
    const { requestId, correlationId } = await test.pit.call('add', { a: 1, b: 2 });
    const log = await test.events.first('python.log', ({ metadata }) => metadata.request_id === requestId);
    expect(log.metadata.message).toBe(`ran add for ${correlationId}`);
    const [worker] = test.pit.snapshot().pools.default?.workers ?? [];
    expect(log.metadata.worker_id).toBe(worker?.id);
    expect(test.pit.snapshot().pools.default?.codec).toBe('json');
  });

  it('is found by a name that is looked up', async () => {
    const { address } = await standForeign();
    const addresses = address.replace('127.0.0.1', 'dns:///localhost');
    const test = await startPit({
      pool: { remote: { addresses, insecure: true, resolveIntervalMs: 20 } } as PoolOptions,
    });
    for (let i = 0; i < 50; i++) expect(await test.pit.execute('echo', { value: i })).toBe(i);
    expect(test.pit.snapshot().pools.default?.workers.map((worker) => worker.address)).toContain(address);
  });

  it('gets no more at a time than it says it runs', async () => {
    const { address } = await standForeign();
    const test = await startPit({ pool: remote([address], { concurrency: 8 }) });
    const calls = Array.from({ length: 6 }, () => test.pit.execute('slow', { ms: 100 }));
    expect(test.pit.snapshot().pools.default).toMatchObject({ requests_in_flight: 4, queue_depth: 2 });
    expect(await Promise.all(calls)).toEqual(Array(6).fill('slow'));
  });
});

describe('what is no worker', () => {
  const refused = (address: string, more: object = {}) =>
    errorOf(startPit({ pool: { remote: { addresses: [address], ...more } } as PoolOptions }));

  it('an address where nobody listens', async () => {
    const error = await refused('127.0.0.1:1');
    expect(error.code).toBe('worker_start_failed');
    expect(error.message).toMatch(/127\.0\.0\.1:1: nothing listens there.*ECONNREFUSED/s);
    expect(error.context.grpc?.status).toBe('UNAVAILABLE');
  });

  it('a name that does not exist', async () => {
    const error = await refused('no-such-host.invalid:7000', { insecure: true });
    expect(error.message).toMatch(/no-such-host\.invalid:7000: that name cannot be resolved/);
  });

  it('a dns:/// name that does not exist', async () => {
    const error = await errorOf(startPit({ pool: remote('dns:///no-such-host.invalid:7000') }));
    expect(error.code).toBe('invalid_configuration');
    const meant = await errorOf(
      startPit({
        pool: { remote: { addresses: 'dns:///no-such-host.invalid:7000', insecure: true } } as PoolOptions,
      }),
    );
    expect(meant.code).toBe('worker_start_failed');
    expect(meant.message).toContain('its name cannot be resolved');
  });

  it('a server of another protocol', async () => {
    const http = createServer((_, response) => response.end('hello')).listen(0, '127.0.0.1');
    onTestFinished(() => void http.close());
    await once(http, 'listening');
    const address = `127.0.0.1:${(http.address() as AddressInfo).port}`;
    const error = await refused(address);
    expect(error.code).toBe('worker_start_failed');
    expect(error.message).toContain(address);
    expect(error.message).toMatch(/no gRPC server|no Snakepit worker/);
  });

  it('a gRPC server without the service', async () => {
    const server = new Server();
    onTestFinished(() => server.forceShutdown());
    const port = await new Promise<number>((resolve, reject) =>
      server.bindAsync('127.0.0.1:0', ServerCredentials.createInsecure(), (error, bound) =>
        error ? reject(error) : resolve(bound),
      ),
    );
    const error = await refused(`127.0.0.1:${port}`);
    expect(error.message).toContain('something else answers there, no Snakepit worker');
    expect(error.context.grpc?.status).toBe('UNIMPLEMENTED');
  });

  it('one that never answers', async () => {
    const silent = createTcpServer(() => {}).listen(0, '127.0.0.1');
    onTestFinished(() => void silent.close());
    await once(silent, 'listening');
    const error = await refused(`127.0.0.1:${(silent.address() as AddressInfo).port}`, {
      connectTimeoutMs: 500,
    });
    expect(error.message).toMatch(/did not answer within 500 ms|no gRPC server/);
  });

  it('a worker of another version', async () => {
    const { address } = await standForeign(0, 'other-protocol');
    const error = await refused(address);
    expect(error.message).toContain('wants to speak protocol 99, this host protocol 1');
  });
});

describe('the option', () => {
  const faultOf = (pool: object) => {
    try {
      resolveOptions({ pools: { default: pool } });
    } catch (error) {
      return (error as Error).message;
    }
    return 'nothing';
  };

  it.each([
    [
      'plain text to another machine',
      { addresses: ['10.0.0.7:7000'] },
      /remote\.tls.*'10\.0\.0\.7:7000' is not this machine/,
    ],
    [
      'plain text to a name',
      { addresses: 'dns:///workers:7000' },
      /'dns:\/\/\/workers:7000' is not this machine/,
    ],
    [
      'a token in plain text, though insecure',
      { addresses: ['10.0.0.7:7000'], insecure: true, token: 'x'.repeat(16) },
      /a token goes over TLS alone/,
    ],
    [
      'a certificate without its key',
      { addresses: ['h:1'], tls: { cert: 'a.pem' } },
      /cert and key belong together/,
    ],
    ['no address', { addresses: ['nonsense'] }, /host:port/],
    ['a port that is none', { addresses: ['h:99999'] }, /host:port/],
    ['a short token', { addresses: ['127.0.0.1:1'], token: 'short' }, /at least 16 characters/],
  ])('refuses %s', (_, option, message) => {
    expect(faultOf({ remote: option })).toMatch(message);
  });

  it('needs an app or remote workers, and never shows a token', () => {
    expect(faultOf({})).toContain('pools.default.app is missing');
    expect(faultOf({ remote: { addresses: ['127.0.0.1:1'], token: 'hunter2hunter' } })).not.toContain(
      'hunter2',
    );
    expect(faultOf({ remote: { addresses: ['127.0.0.1:1'] }, recycle: { order: 'start_first' } })).toContain(
      'stop_first',
    );
    expect(faultOf({ remote: { addresses: ['127.0.0.1:1', 'unix:/tmp/x', '[::1]:7'] } })).toBe('nothing');
  });
});
