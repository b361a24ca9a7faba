import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { file, realPython, scratch } from '../process/python-fixtures.ts';
import { type Running, runCli, startCli, until } from './run-cli.ts';

const root = scratch();
const FREE = ['--port', '0', '--ops-port', '0', '--python', realPython, '--workers', '1'];
const started = join(root, 'started');
const app = file(
  join(root, 'app.py'),
  `import time
from snakepit import command

@command
def add(a: int, b: int):
    return a + b

@command
def rest(mark: str, seconds: float = 3600):
    open(mark, "w").close()
    time.sleep(seconds)
    return "rested"
`,
);

interface ReadyLine {
  readonly event: string;
  readonly url: string;
  readonly ops_url: string;
  readonly pid: number;
}
const readyLine = (running: Running): Promise<ReadyLine> =>
  Promise.race([
    until(() => running.output.stdout.includes('\n') && (JSON.parse(running.output.stdout) as ReadyLine)),
    running.ended.then(({ stderr }) => Promise.reject(new Error(stderr))),
  ]);
const call = (url: string, command: string, args: object): Promise<Response> =>
  fetch(`${url}/v1/commands/${command}`, {
    method: 'POST',
    headers: { 'content-type': 'application/json' },
    body: JSON.stringify(args),
  });
const readiness = async (url: string): Promise<number> => (await fetch(`${url}/health/ready`)).status;
/** Times that would outlast the test: only a signal can end them. */
const patient = (name: string, shutdown: object) =>
  file(
    join(root, `${name}.json`),
    JSON.stringify({
      pools: { default: { app: './app.py', drainTimeoutMs: 3_600_000, cancelGraceMs: 50 } },
      shutdown,
    }),
  );

describe('snakepit serve', () => {
  it('says on standard output, in one line, when it is ready; serves; ends with 0 on a signal', async () => {
    for (const signal of ['SIGTERM', 'SIGINT'] as const) {
      const running = startCli(['serve', 'app.py', ...FREE], root);
      const { event, url, ops_url, pid } = await readyLine(running);
      expect({ event, pid }).toEqual({ event: 'snakepit.ready', pid: running.child.pid });
      expect(await (await call(url, 'add', { a: 1, b: 2 })).json()).toMatchObject({ result: 3 });
      expect(await readiness(ops_url)).toBe(200);
      running.child.kill(signal);
      const { code, stdout, stderr } = await running.ended;
      expect(code).toBe(0);
      expect(stdout.trimEnd().split('\n')).toHaveLength(1);
      for (const line of stderr.trimEnd().split('\n')) expect(JSON.parse(line)).toHaveProperty('level');
    }
  });

  it('finishes what runs when asked to end', async () => {
    const mark = join(root, 'running');
    const running = startCli(['serve', '--config', patient('finish', {}), ...FREE], root);
    const { url } = await readyLine(running);
    const answer = call(url, 'rest', { mark, seconds: 0.3 });
    await until(() => existsSync(mark));
    running.child.kill('SIGTERM');
    expect(await (await answer).json()).toMatchObject({ result: 'rested' });
    expect((await running.ended).code).toBe(0);
  });

  it('is not ready at once on a signal, serves through the delay, and a second signal hurries', async () => {
    const running = startCli(['serve', '--config', patient('delay', { delayMs: 3_600_000 }), ...FREE], root);
    const { url, ops_url } = await readyLine(running);
    running.child.kill('SIGTERM');
    await until(async () => (await readiness(ops_url)) === 503);
    expect(await (await call(url, 'add', { a: 2, b: 2 })).json()).toMatchObject({ result: 4 });
    running.child.kill('SIGTERM');
    expect((await running.ended).code).toBe(0);
  });

  it('goes on serving for a while by itself in Kubernetes', async () => {
    const running = startCli(['serve', 'app.py', ...FREE], root, { KUBERNETES_SERVICE_HOST: '10.0.0.1' });
    const { url, ops_url } = await readyLine(running);
    running.child.kill('SIGTERM');
    await until(async () => (await readiness(ops_url)) === 503);
    expect((await call(url, 'add', { a: 2, b: 2 })).status).toBe(200);
    running.child.kill('SIGTERM');
    expect((await running.ended).code).toBe(0);
  });

  it('gives up what runs on a second signal', async () => {
    const mark = join(root, 'endless');
    const running = startCli(['serve', '--config', patient('hurry', { drainMs: 3_600_000 }), ...FREE], root);
    const { url, ops_url } = await readyLine(running);
    const answer = call(url, 'rest', { mark }).then(
      ({ status }) => status,
      () => 'cut',
    );
    await until(() => existsSync(mark));
    running.child.kill('SIGTERM');
    await until(async () => (await readiness(ops_url)) === 503);
    running.child.kill('SIGINT');
    expect((await running.ended).code).toBe(0);
    expect(await answer).not.toBe(200);
  });

  it('ends within a second of a second signal of the same kind, with what is set by default', async () => {
    const mark = join(root, 'stubborn');
    const running = startCli(['serve', 'app.py', ...FREE], root);
    const { url, ops_url } = await readyLine(running);
    void call(url, 'rest', { mark }).catch(() => {});
    await until(() => existsSync(mark));
    running.child.kill('SIGTERM');
    await until(async () => (await readiness(ops_url)) === 503);
    const hurried = performance.now();
    running.child.kill('SIGTERM');
    expect((await running.ended).code).toBe(0);
    // By default running requests would get 20 seconds.
    expect(performance.now() - hurried).toBeLessThan(1000);
  });

  it('ends with 0, and never says ready, when the signal comes while models load', async () => {
    file(
      join(root, 'loading.py'),
      `import time
from snakepit import command, on_start

@on_start
def load():
    open(${JSON.stringify(started)}, "w").close()
    time.sleep(3600)

@command
def add(): pass
`,
    );
    const running = startCli(['serve', 'loading.py', ...FREE], root);
    await until(() => existsSync(started));
    running.child.kill('SIGTERM');
    running.child.kill('SIGTERM');
    expect(await running.ended).toMatchObject({ code: 0, stdout: '' });
  });

  it('ends with 1 and the traceback when the app does not import', async () => {
    const broken = file(join(root, 'broken.py'), 'import no_such_model\n');
    const { code, stdout, stderr } = await runCli(['serve', 'broken.py', ...FREE], root);
    expect({ code, stdout }).toEqual({ code: 1, stdout: '' });
    expect(stderr).toContain(`  File "${broken}", line 1, in <module>`);
    expect(stderr).toContain("ModuleNotFoundError: No module named 'no_such_model'");
  });

  it('ends with 2, starting nothing, when an interpreter or an address cannot be used', async () => {
    for (const [argv, message] of [
      [['--python', 'uv run'], '--python: got'],
      [['--host', '0.0.0.0', '--port', '0'], 'gateway.token'],
    ] as const) {
      const { code, stdout, stderr } = await runCli(['serve', app, ...argv], root);
      expect({ code, stdout }).toEqual({ code: 2, stdout: '' });
      expect(stderr).toContain(message);
    }
  });

  it('ends with 1 on an error that nobody handles, and logs it', async () => {
    const config = file(
      join(root, 'boom.mjs'),
      `process.once('SIGUSR2', () => { throw new Error('nobody handles this'); });
export default { pools: { default: { app: './app.py' } } };
`,
    );
    const running = startCli(['serve', '--config', config, ...FREE], root);
    await readyLine(running);
    running.child.kill('SIGUSR2');
    const { code, stderr } = await running.ended;
    expect(code).toBe(1);
    const line = stderr.split('\n').find((text) => text.includes('nobody handles this'));
    expect(JSON.parse(line as string)).toMatchObject({
      level: 'error',
      event: 'snakepit.serve.uncaughtException',
    });
  });
});
