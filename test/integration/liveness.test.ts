import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath, pathToFileURL } from 'node:url';
import { describe, expect, it, onTestFinished } from 'vitest';
import { startHost } from '../support/host.ts';
import { newFolder, optionsFor, python, startPit, until } from '../support/pit.ts';

const app = () => python`
  if is_open("broken"):
      wait_for("mended")

  @command
  def hello():
      return "hello"

  @command
  def hold(gate: str):
      note(f"holding {gate}")
      wait_for(gate)
`;

const TOKEN = 'a-token-for-tests-only';

const get = async (url: string, headers: Record<string, string> = {}) => {
  const response = await fetch(url, { headers });
  return { status: response.status, text: await response.text() };
};
const statusOf = async (url: string) => (await get(url)).status;

describe('while the main thread is stuck', () => {
  it('liveness says so, readiness and all others too, to everybody what they may know; then all is well again', async () => {
    const folder = newFolder();
    const ops = { port: 0, livenessPort: 0, token: TOKEN, stuckAfterMs: 1000 };
    const { opsUrl, livenessUrl, block } = await startHost(optionsFor({ pool: { app: app() }, ops }, folder));
    expect(await get(`${opsUrl}/livez`)).toEqual({ status: 200, text: 'ok' });
    expect(await get(`${opsUrl}/readyz`)).toEqual({ status: 200, text: 'ok' });

    const end = join(folder, 'end');
    onTestFinished(() => writeFileSync(end, ''));
    block(end);
    await until(async () => (await statusOf(`${opsUrl}/livez`)) === 503, 'not alive');
    const { text } = await get(`${opsUrl}/livez`);
    expect(text).toMatch(
      /^\[-\]main_thread failed: The main thread has not run for \d+\.\d s\nlivez check failed\n$/,
    );
    expect(await statusOf(`${opsUrl}/readyz`)).toBe(503);
    expect(await statusOf(`${opsUrl}/health/startup`)).toBe(503);
    const health = JSON.parse((await get(`${opsUrl}/health`)).text);
    expect(health.checks[0]).toMatchObject({
      name: 'main_thread',
      status: 'error',
      why: expect.any(String),
      remedy: expect.any(String),
    });
    const terse = await get(`${opsUrl}/health/live`, { accept: 'application/health+json' });
    expect(JSON.parse(terse.text).status).toBe('fail');
    // From afar the status alone, unless with the token.
    const afar = { 'x-forwarded-for': '192.0.2.7' };
    expect((await get(`${opsUrl}/livez`, afar)).text).toBe('livez check failed\n');
    expect((await get(`${opsUrl}/health/ready`, afar)).text).toBe('{"status":"error"}');
    const known = { ...afar, authorization: `Bearer ${TOKEN}` };
    expect((await get(`${opsUrl}/livez`, known)).text).toContain('main_thread');
    expect(await get(`${livenessUrl}/livez`)).toEqual({ status: 503, text: 'livez check failed\n' });

    const metrics = await get(`${opsUrl}/metrics`);
    expect(metrics.status).toBe(503);
    expect(JSON.parse(metrics.text)).toMatchObject({
      code: 'unresponsive',
      retryable: true,
      detail: expect.stringContaining('The main thread has not run for'),
    });

    writeFileSync(end, '');
    await until(async () => (await statusOf(`${opsUrl}/livez`)) === 200, 'alive again');
    await until(async () => (await statusOf(`${opsUrl}/readyz`)) === 200, 'ready again');
    expect(await statusOf(`${opsUrl}/metrics`)).toBe(200);
    expect(await statusOf(`${livenessUrl}/readyz`)).toBe(200);
  });
});

describe('readiness', () => {
  it('is not ready from the moment the last worker is known to be gone', async () => {
    const test = await startPit({
      pool: { app: app(), workers: 2, restartDelayMs: 1 },
      ops: { port: 0 },
    });
    await test.serving(2);
    const url = `${test.pit.opsUrl}/readyz`;
    test.open('broken');
    // Asked all the time, so that there is an answer from before to be given by mistake.
    expect(await statusOf(url)).toBe(200);
    const dead = new Promise<void>((resolve) => {
      let left = 2;
      test.pit.bus.registerConsumer(
        'snakepit.worker.crashed',
        { name: 'last', handle: () => void (--left === 0 && resolve()) },
        { delivery: 'inline' },
      );
    });
    let asking = true;
    const asked = (async () => {
      while (asking) await statusOf(url);
    })();
    for (const pid of test.pids()) process.kill(pid, 'SIGKILL');
    await dead;
    expect(await statusOf(url)).toBe(503);
    asking = false;
    await asked;
    test.open('mended');
    await until(async () => (await statusOf(url)) === 200, 'ready again');
  });

  it('is off during a drain, while the request that is waited for goes on and nothing is refused there', async () => {
    const test = await startPit({ pool: { app: app() }, ops: { port: 0 } });
    const { opsUrl } = test.pit;
    expect(await statusOf(`${opsUrl}/readyz`)).toBe(200);
    const held = test.pit.execute('hold', { gate: 'go' });
    await test.noted('holding go');
    const closing = test.pit.close();
    expect(await statusOf(`${opsUrl}/readyz`)).toBe(503);
    expect(await statusOf(`${opsUrl}/livez`)).toBe(200);
    test.open('go');
    await held;
    await closing;
    await expect(fetch(`${opsUrl}/readyz`)).rejects.toThrow();
  });
});

/** Runs a script with the compiled package, and returns what it printed. */
const run = async (source: string, flags: string[] = []): Promise<{ code: number; out: string }> => {
  const dist = pathToFileURL(fileURLToPath(new URL('../../dist/http/index.js', import.meta.url))).href;
  const child = spawn(
    process.execPath,
    [...flags, '--input-type=module', '-e', source.replace('DIST', dist)],
    { stdio: ['ignore', 'pipe', 'inherit'] },
  );
  onTestFinished(() => void child.kill('SIGKILL'));
  let out = '';
  child.stdout.on('data', (text) => {
    out += text;
  });
  const [code] = await once(child, 'close');
  return { code, out };
};

const LISTEN = `
  import { listenOps } from 'DIST';
  const ok = { status: 'ok', checks: [] };
  const server = await listenOps({
    parts: { metrics: null, health: { checkHealth: () => ok, checkReadiness: () => ok, startup: () => ok } },
    options: { host: '127.0.0.1', port: 0, insecure: false, allowedHosts: [], open: [], prefix: '', stuckAfterMs: 10000 },
    ref: false,
    warn: (message) => console.log(message),
  });
  console.log(server.where, (await fetch(server.urls.ops + '/livez')).status);
`;

describe('in a program', () => {
  it('the thread of a guest does not keep it running', async () => {
    expect(await run(LISTEN)).toEqual({ code: 0, out: 'thread 200\n' });
  });

  it('that may have no threads, the main thread listens, and that is said', async () => {
    const permission = process.allowedNodeEnvironmentFlags.has('--permission')
      ? '--permission'
      : '--experimental-permission';
    const { code, out } = await run(LISTEN, [permission, '--allow-fs-read=*', '--no-warnings']);
    expect(code).toBe(0);
    expect(out).toMatch(/^The thread of the ops server could not be started: .*\nprocess 200\n$/);
  });
});
