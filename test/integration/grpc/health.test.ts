import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { cpSync, mkdirSync, readdirSync, symlinkSync, writeFileSync } from 'node:fs';
import { createServer, type Server } from 'node:net';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { status } from '@grpc/grpc-js';
import { describe, expect, it, onTestFinished } from 'vitest';
import { createSnakepit } from '../../../src/index.ts';
import { startHost } from '../../support/host.ts';
import { errorOf, newFolder, optionsFor, python, startPit, until } from '../../support/pit.ts';
import { testPython } from '../../support/tools.ts';
import { connectHealth } from './client.ts';

const app = () => python`
  if is_open("broken"):
      wait_for("mended")

  @command
  def hold(gate: str):
      note(f"holding {gate}")
      wait_for(gate)
      return gate
`;

const start = async (more: Partial<Parameters<typeof startPit>[0]> = {}) => {
  const test = await startPit({ pool: { app: app(), restartDelayMs: 1 }, ops: { grpcPort: 0 }, ...more });
  return { ...test, test, pit: test.pit, health: connectHealth(test.pit.grpcHealthAddress as string) };
};

const here = (path: string) => fileURLToPath(new URL(`../../../${path}`, import.meta.url));

describe('Check', () => {
  it('answers for the process and for each pool, and knows nothing of others', async () => {
    const { health } = await start();
    for (const name of ['', 'snakepit.readiness', 'snakepit.startup', 'snakepit.liveness', 'pool.default']) {
      expect(await health.check(name), name).toBe('SERVING');
    }
    for (const name of ['pool.other', 'default', '__proto__', 'toString', 'é'.repeat(300)]) {
      await expect(health.check(name), name).rejects.toMatchObject({ code: status.NOT_FOUND });
    }
    expect(await health.list()).toEqual({
      '': 'SERVING',
      'snakepit.readiness': 'SERVING',
      'snakepit.startup': 'SERVING',
      'snakepit.liveness': 'SERVING',
      'pool.default': 'SERVING',
    });
  });

  it('reads over what a later version may send, and refuses what is too long', async () => {
    const { health } = await start();
    expect(await health.check('pool.default', { later: { one: 'two' } })).toBe('SERVING');
    await expect(health.check('x'.repeat(5000))).rejects.toMatchObject({ code: status.RESOURCE_EXHAUSTED });
    expect(await health.check()).toBe('SERVING');
  });

  it('says of a pool that readiness does not need whether it serves itself', async () => {
    const broken = python`raise RuntimeError("never starts")`;
    const { health } = await start({
      morePools: { spare: { app: broken, critical: false } },
      health: { readiness: { policy: 'critical' } },
      waitFor: 'none',
    });
    await until(async () => (await health.check()) === 'SERVING', 'the critical pool serves');
    expect(await health.check('pool.spare')).toBe('NOT_SERVING');
    expect(await health.check('snakepit.startup')).toBe('NOT_SERVING');
  });
});

describe('Watch', () => {
  it('tells of the death of the only worker and of its return, and Check never says otherwise in between', async () => {
    const { test, pit, health } = await start();
    const whole = health.watch();
    const pool = health.watch('pool.default');
    const alive = health.watch('snakepit.liveness');
    await until(() => [whole, pool, alive].every(({ seen }) => seen.length > 0), 'the first statuses');
    test.open('broken');
    const dead = new Promise<void>((resolve) => {
      pit.bus.registerConsumer(
        'snakepit.worker.crashed',
        { name: 'dead', handle: () => resolve() },
        { delivery: 'inline' },
      );
    });
    process.kill(test.pids()[0] as number, 'SIGKILL');
    await dead;
    expect(await health.check()).toBe('NOT_SERVING');
    expect(await health.check('pool.default')).toBe('NOT_SERVING');
    await until(() => whole.seen.length === 2 && pool.seen.length === 2, 'the death is told');
    test.open('mended');
    await until(() => whole.seen.length === 3 && pool.seen.length === 3, 'the return is told');
    for (const { seen } of [whole, pool]) expect(seen).toEqual(['SERVING', 'NOT_SERVING', 'SERVING']);
    expect(alive.seen).toEqual(['SERVING']);
  });

  it('keeps a stream open for a service that is not known', async () => {
    const { health } = await start();
    const unknown = health.watch('pool.other');
    await until(() => unknown.seen.length > 0, 'an answer');
    expect(await health.check()).toBe('SERVING');
    expect(unknown).toMatchObject({ seen: ['SERVICE_UNKNOWN'], ended: undefined });
  });

  it('says NOT_SERVING while a drain lasts, and sends watchers away at its end', async () => {
    const { test, pit, health } = await start();
    const whole = health.watch();
    await until(() => whole.seen.length > 0, 'the first status');
    const held = pit.execute('hold', { gate: 'go' });
    await test.noted('holding go');
    const closing = pit.close();
    expect(await health.check()).toBe('NOT_SERVING');
    expect(await health.check('pool.default')).toBe('NOT_SERVING');
    expect(await health.check('snakepit.liveness')).toBe('SERVING');
    await until(() => whole.seen.length === 2, 'the drain is told');
    expect(whole.ended).toBeUndefined();
    test.open('go');
    expect(await held).toBe('go');
    await closing;
    await until(() => whole.ended !== undefined, 'the end of the stream');
    expect(whole).toMatchObject({ seen: ['SERVING', 'NOT_SERVING'], ended: { code: status.UNAVAILABLE } });
    await expect(health.check()).rejects.toMatchObject({ code: status.UNAVAILABLE });
  });

  it('in the main thread, where the listener has none, tells the same', async () => {
    const { test, pit, health } = await start();
    const lost = new Promise<void>((resolve) => {
      const settle = (worker: { terminate(): unknown; once(event: 'exit', then: () => void): unknown }) => {
        worker.once('exit', () => resolve());
      };
      for (const worker of listeners) settle(worker);
    });
    await listeners.at(-1)?.terminate();
    await lost;
    const again = async () => {
      try {
        return (await health.check()) === 'SERVING';
      } catch {
        return false;
      }
    };
    await until(again, 'an answer from the main thread');
    const whole = health.watch();
    await until(() => whole.seen.length > 0, 'the first status');
    test.open('broken');
    process.kill(test.pids()[0] as number, 'SIGKILL');
    await until(() => whole.seen.length === 2, 'the death is told');
    test.open('mended');
    await until(() => whole.seen.length === 3, 'the return is told');
    expect(whole.seen).toEqual(['SERVING', 'NOT_SERVING', 'SERVING']);
    await pit.close();
    await until(() => whole.ended !== undefined, 'the end of the stream');
  });
});

/** The listeners' threads of this file's instances. */
const listeners: import('node:worker_threads').Worker[] = [];
process.on('worker', (worker) => listeners.push(worker));

it('while the main thread is stuck nothing is served, and after a while it is not alive; then all is well again', async () => {
  const folder = newFolder();
  const ops = { grpcPort: 0, stuckAfterMs: 1000 };
  const { grpcHealthAddress, block } = await startHost(optionsFor({ pool: { app: app() }, ops }, folder));
  const health = connectHealth(grpcHealthAddress as string);
  const whole = health.watch();
  const alive = health.watch('snakepit.liveness');
  await until(() => whole.seen.length > 0 && alive.seen.length > 0, 'the first statuses');
  const end = join(folder, 'end');
  onTestFinished(() => writeFileSync(end, ''));
  block(end);
  await until(() => alive.seen.length === 2, 'not alive');
  expect(await health.check()).toBe('NOT_SERVING');
  expect(await health.check('snakepit.liveness')).toBe('NOT_SERVING');
  writeFileSync(end, '');
  await until(() => whole.seen.length === 3 && alive.seen.length === 3, 'well again');
  for (const { seen } of [whole, alive]) expect(seen).toEqual(['SERVING', 'NOT_SERVING', 'SERVING']);
});

describe('serve', () => {
  const serve = (bin: string, options: object, folder = newFolder()) => {
    writeFileSync(join(folder, 'snakepit.config.json'), JSON.stringify(options));
    const env = { PATH: process.env.PATH, HOME: folder, TMPDIR: folder, XDG_RUNTIME_DIR: folder };
    const args = [bin, 'serve', '--port', '0', '--ops-port', '0', '--python', testPython()];
    const child = spawn(process.execPath, args, { cwd: folder, env, stdio: ['ignore', 'pipe', 'pipe'] });
    onTestFinished(() => void child.kill('SIGKILL'));
    const output = { out: '', err: '' };
    child.stdout.on('data', (text) => {
      output.out += text;
    });
    child.stderr.on('data', (text) => {
      output.err += text;
    });
    return { child, output, ended: once(child, 'close').then(([code]) => code as number) };
  };
  const poolOf = (path: string, folder: string) => ({
    default: { app: path, workers: 1, env: { SNAKEPIT_TEST_SIDE: folder } },
  });

  it('says NOT_SERVING from SIGTERM on, while nothing is refused yet', async () => {
    const folder = newFolder();
    const { child, output, ended } = serve(here('bin/snakepit.js'), {
      pools: poolOf(app(), folder),
      ops: { grpcPort: 0 },
      shutdown: { delayMs: 600_000 },
    });
    await until(() => output.out.includes('\n') || child.exitCode !== null, 'the ready line');
    const { url, grpc_health_address } = JSON.parse(output.out);
    const health = connectHealth(grpc_health_address);
    const whole = health.watch();
    await until(() => whole.seen.includes('SERVING'), 'the first status');
    child.kill('SIGTERM');
    await until(() => whole.seen.includes('NOT_SERVING'), 'the shutdown is told');
    writeFileSync(join(folder, 'go.gate'), '');
    const answer = await fetch(`${url}/v1/commands/hold`, {
      method: 'POST',
      headers: { 'content-type': 'application/json' },
      body: '{"gate":"go"}',
    });
    expect(answer.status).toBe(200);
    child.kill('SIGTERM');
    expect(await ended).toBe(0);
    await until(() => whole.ended !== undefined, 'the end of the stream');
  });

  it('without the package ends with 2, and says which and how to install it', async () => {
    const folder = newFolder();
    const copy = join(folder, 'node_modules', 'snakepit');
    mkdirSync(copy, { recursive: true });
    for (const part of ['bin', 'dist', 'package.json'])
      cpSync(here(part), join(copy, part), { recursive: true });
    symlinkSync(here('python'), join(copy, 'python'));
    for (const name of readdirSync(here('node_modules'))) {
      if (name !== '@grpc' && !name.startsWith('.'))
        symlinkSync(here(`node_modules/${name}`), join(folder, 'node_modules', name));
    }
    const options = { pools: poolOf(app(), folder), ops: { grpcPort: 0 } };
    const { output, ended } = serve(join(copy, 'bin/snakepit.js'), options, folder);
    expect(await ended).toBe(2);
    expect(output.err).toContain('ops.grpcPort: needs the npm package @grpc/grpc-js, which is not installed');
    expect(output.err).toContain('npm install @grpc/grpc-js');
    expect(output.out).toBe('');
  });
});

it('a port that is taken is named', async () => {
  const server: Server = createServer().listen(0, '127.0.0.1');
  await once(server, 'listening');
  onTestFinished(() => void server.close());
  const { port } = server.address() as { port: number };
  const error = await errorOf(createSnakepit(optionsFor({ pool: { app: app() }, ops: { grpcPort: port } })));
  expect(error).toMatchObject({
    code: 'invalid_configuration',
    message: expect.stringContaining(
      `ops.grpcPort: got ${port}, but another program already listens there on 127.0.0.1`,
    ),
  });
});
