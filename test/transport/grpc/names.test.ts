import { type ChildProcess, spawn, spawnSync } from 'node:child_process';
import { once } from 'node:events';
import { closeSync, openSync, readFileSync, writeFileSync, writeSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { describe, expect, it, onTestFinished } from 'vitest';
import type { PoolOptions, Snapshot } from '../../../src/index.ts';
import { runCli } from '../../cli/run-cli.ts';
import { newFolder, optionsFor, python, until } from '../../support/pit.ts';
import { requirePythonModule } from '../../support/tools.ts';
import { standPython } from './support.ts';

const script = fileURLToPath(new URL('./named-host.mjs', import.meta.url));
const NAME = 'workers.snakepit.test';

/** Runs a program whose names are those of two files of ours; no other program sees them. */
const WITH_NAMES =
  'mount --bind "$0" /etc/hosts && mount --bind "$1" /etc/nsswitch.conf && shift && exec "$@"';

/** Names that one program sees, and that can change while it runs. */
class Names {
  readonly #hosts = join(newFolder(), 'hosts');
  readonly #order = join(newFolder(), 'nsswitch.conf');

  constructor() {
    writeFileSync(this.#hosts, '');
    // No server is asked, whatever becomes of the file.
    writeFileSync(this.#order, 'hosts: files\n');
  }

  /** Gives the name other addresses: in one write, in place, so that nobody reads half of it. */
  point(...addresses: readonly string[]): void {
    const lines = ['127.0.0.1 localhost', ...addresses.map((address) => `${address} ${NAME}`)];
    const file = openSync(this.#hosts, 'r+');
    writeSync(file, lines.join('\n').padEnd(200, '\n'), 0);
    closeSync(file);
  }

  /** The beginning of a command line that is run with these names. */
  get prefix(): readonly string[] {
    return ['unshare', '-m', 'sh', '-c', WITH_NAMES, this.#hosts, this.#order];
  }
}

/** Whether a program can be given names of its own: Linux, root, and the right to make namespaces. */
const canName = (): boolean => {
  if (process.platform !== 'linux' || process.getuid?.() !== 0) return false;
  const names = new Names();
  names.point('127.0.0.9');
  const [command = '', ...args] = [...names.prefix, 'cat', '/etc/hosts'];
  return spawnSync(command, args, { encoding: 'utf8' }).stdout?.includes('127.0.0.9') === true;
};

const can = requirePythonModule('grpc') && requirePythonModule('grpc_health') && canName();
if (!can) console.warn('Skipped: a name that moves needs root, leave to make mount namespaces, and grpcio.');

const app = python`
  @command
  def where():
      return [os.environ["SNAKEPIT_TEST_SIDE"], os.getpid()]

  @command
  def hold(gate: str):
      note("holds")
      wait_for(gate)
      return os.environ["SNAKEPIT_TEST_SIDE"]
`;

const slow = python`
  @on_start
  def load():
      note("loads")
      wait_for("on")

  @command
  def where():
      return os.environ["SNAKEPIT_TEST_SIDE"]
`;

interface Answer {
  readonly id: number;
  readonly result?: unknown;
  readonly error?: string;
}

/** A program with a pool, which runs with names of its own. */
class Host {
  opsUrl = '';
  readonly #child: ChildProcess;
  readonly #waiting = new Map<number, (answer: Answer) => void>();
  #last = 0;

  constructor(names: Names, options: object) {
    const [command = '', ...args] = [...names.prefix, process.execPath, script, JSON.stringify(options)];
    this.#child = spawn(command, args, { stdio: ['ignore', 'inherit', 'inherit', 'ipc'] });
    const exited = once(this.#child, 'exit');
    onTestFinished(async () => {
      if (this.#child.connected) this.#child.disconnect();
      // After a test that failed it may wait for what still runs.
      const killer = setTimeout(() => this.#child.kill('SIGKILL'), 10_000);
      await exited;
      clearTimeout(killer);
    });
  }

  async started(): Promise<this> {
    const ended = once(this.#child, 'exit').then(([code]) =>
      Promise.reject(new Error(`it ended with ${code}`)),
    );
    ended.catch(() => {});
    const [{ opsUrl }] = (await Promise.race([once(this.#child, 'message'), ended])) as [{ opsUrl: string }];
    this.opsUrl = opsUrl;
    this.#child.on('message', (answer: Answer) => this.#waiting.get(answer.id)?.(answer));
    return this;
  }

  async execute(command: string, args: object = {}): Promise<unknown> {
    const id = ++this.#last;
    const { result, error } = await new Promise<Answer>((resolve) => {
      this.#waiting.set(id, resolve);
      this.#child.send({ id, command, args });
    });
    if (error !== undefined) throw new Error(error);
    return result;
  }

  async pool() {
    const { pools } = (await (await fetch(`${this.opsUrl}/api/state`)).json()) as Snapshot;
    return pools.default as Snapshot['pools'][string];
  }

  /** The rows of workers that health tells. */
  async health(): Promise<readonly unknown[]> {
    const answer = await fetch(`${this.opsUrl}/health/workers`);
    return ((await answer.json()) as { workers: readonly unknown[] }).workers;
  }

  /** Waits until exactly these addresses serve, and none besides. */
  async servedBy(...addresses: readonly string[]): Promise<void> {
    await until(
      async () => {
        const { workers } = await this.pool();
        const serving = workers.filter(({ state }) => state === 'ready' || state === 'busy');
        return (
          serving
            .map(({ address }) => address)
            .sort()
            .join() === [...addresses].sort().join()
        );
      },
      `${addresses.join(' and ')} serve`,
    );
  }
}

const portOf = (address: string): string => address.split(':')[1] as string;

/** A pool of the workers whom the name leads to. */
const startHost = (names: Names, port: string, more: object = {}): Promise<Host> => {
  const remote = { addresses: `dns:///${NAME}:${port}`, insecure: true, resolveIntervalMs: 20 };
  const pool = { remote, concurrency: 2, restartDelayMs: 50 } as PoolOptions;
  return new Host(names, optionsFor({ pool, ops: { port: 0 }, ...more })).started();
};

/** Waits until a worker has noted something. */
const noted = (folder: string, text: string): Promise<boolean> =>
  until(
    () => readFileSync(join(folder, 'notes'), { encoding: 'utf8', flag: 'a+' }).includes(text),
    `the note '${text}'`,
  );

describe.skipIf(!can)('a name whose addresses change (by leave of the kernel)', () => {
  it('is followed without a lost request, and what runs where it was finishes there', async () => {
    const flags = ['--concurrency', '2'];
    const one = await standPython(app, flags);
    const port = portOf(one.address);
    const two = await standPython(app, flags, { listen: `127.0.0.2:${port}` });
    const names = new Names();
    names.point('127.0.0.1');
    const host = await startHost(names, port);
    await host.servedBy(one.address);
    const [, firstPid] = (await host.execute('where')) as [string, number];

    const held = host.execute('hold', { gate: 'on' });
    await noted(one.folder, 'holds');
    // Asked without a pause, whoever answers.
    const answered = new Map<string, number>();
    const over = new AbortController();
    const asking = (async () => {
      while (!over.signal.aborted) {
        const [folder] = (await host.execute('where')) as [string];
        answered.set(folder, (answered.get(folder) ?? 0) + 1);
      }
    })();
    asking.catch(() => {});
    await until(() => answered.has(one.folder), 'the old one answers');

    names.point('127.0.0.2');
    await host.servedBy(two.address);
    await until(() => answered.has(two.folder), 'the new one answers');
    const { extra_workers } = await host.pool();
    expect(extra_workers.map(({ address, role, in_flight }) => [address, role, in_flight])).toEqual([
      [one.address, 'leaving', 1],
    ]);
    expect(await host.health()).toContainEqual(expect.objectContaining({ address: two.address }));
    writeFileSync(join(one.folder, 'on.gate'), '');
    expect(await held).toBe(one.folder);
    await until(async () => (await host.pool()).extra_workers.length === 0, 'the old one is left');
    const status = await runCli(['status', '--ops-url', host.opsUrl], one.folder);
    expect(status.stdout).toContain(two.address);

    names.point('127.0.0.1', '127.0.0.2');
    await host.servedBy(one.address, two.address);
    const places = await until(async () => {
      const each = await Promise.all([host.execute('where'), host.execute('where')]);
      const pids = new Map(each as [string, number][]);
      return pids.size === 2 && pids;
    }, 'both answer');
    over.abort();
    await asking;
    // It was left alone: what somebody else has started goes on.
    expect(places instanceof Map && places.get(one.folder)).toBe(firstPid);
  });

  it('is followed also by a worker that was still starting when its address left the name', async () => {
    const one = await standPython(slow);
    const port = portOf(one.address);
    const two = await standPython(app, [], { listen: `127.0.0.2:${port}` });
    const names = new Names();
    names.point('127.0.0.1');
    const host = await startHost(names, port, { waitFor: 'none' });
    await noted(one.folder, 'loads');
    await until(async () => (await host.pool()).workers[0]?.phase === 'on_start', 'it is starting');
    // Nobody listens at the third; it is there to show when the name has been looked up.
    names.point('127.0.0.2', '127.0.0.3');
    await until(async () => (await host.pool()).workers_desired === 2, 'the name has been looked up');
    writeFileSync(join(one.folder, 'on.gate'), '');
    await host.servedBy(two.address);
    expect(await host.execute('where')).toContain(two.folder);
  });
});
