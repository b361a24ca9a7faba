import { spawnSync } from 'node:child_process';
import { describe, expect, it, onTestFinished } from 'vitest';
import type { PoolOptions } from '../../../src/index.ts';
import { errorOf, python, startPit, until } from '../../support/pit.ts';
import { requirePythonModule } from '../../support/tools.ts';
import { Authority, hasOpenssl, standPython } from './support.ts';

const ip = (...args: readonly string[]): boolean => spawnSync('ip', args, { stdio: 'pipe' }).status === 0;

/** Whether networks of our own can be made: Linux, root, and the right to make namespaces. */
const canNetwork = (): boolean => {
  if (process.platform !== 'linux' || process.getuid?.() !== 0) return false;
  const name = `snk-probe-${process.pid}`;
  const made = ip('netns', 'add', name);
  if (made) ip('netns', 'del', name);
  return made;
};

const can = requirePythonModule('grpc') && requirePythonModule('grpc_health') && hasOpenssl();
const networks = can && canNetwork();
if (!networks)
  console.warn('Skipped: cutting the link to a remote worker needs root, `ip netns`, openssl and grpcio.');

const app = python`
  @command
  def echo(value):
      return value

  @command
  def hold(gate: str):
      note("holds")
      wait_for(gate)
      return "held"
`;

/** Another "machine": a namespace that is reached over a link of its own. */
class Machine {
  readonly name: string;
  readonly #link: string;
  readonly address: string;

  constructor(number: number) {
    this.name = `snk${process.pid}-${number}`;
    this.#link = `snk${process.pid % 10_000}h${number}`;
    const peer = `snk${process.pid % 10_000}w${number}`;
    const net = `10.213.${(process.pid + number) % 250}`;
    this.address = `${net}.2`;
    onTestFinished(() => {
      ip('netns', 'del', this.name);
      ip('link', 'del', this.#link);
    });
    const steps = [
      ['netns', 'add', this.name],
      ['link', 'add', this.#link, 'type', 'veth', 'peer', 'name', peer, 'netns', this.name],
      ['addr', 'add', `${net}.1/24`, 'dev', this.#link],
      ['link', 'set', this.#link, 'up'],
      ['-n', this.name, 'addr', 'add', `${this.address}/24`, 'dev', peer],
      ['-n', this.name, 'link', 'set', peer, 'up'],
      ['-n', this.name, 'link', 'set', 'lo', 'up'],
    ];
    for (const step of steps) if (!ip(...step)) throw new Error(`ip ${step.join(' ')} failed`);
  }

  cut(): void {
    ip('link', 'set', this.#link, 'down');
  }

  mend(): void {
    ip('link', 'set', this.#link, 'up');
  }
}

describe.skipIf(!networks)('a network that breaks (by leave of the kernel)', () => {
  it('costs the calls on their way; others take over within 10 s, and the worker is taken back', async () => {
    const machines = [new Machine(1), new Machine(2)];
    const authority = new Authority();
    const standing = await Promise.all(
      machines.map(({ name, address }) => {
        const { cert, key } = authority.issue(`IP:${address}`);
        const flags = ['--tls-cert', cert, '--tls-key', key, '--tls-client-ca', authority.ca];
        return standPython(app, flags, {
          listen: `${address}:7000`,
          prefix: ['ip', 'netns', 'exec', name],
        });
      }),
    );
    const own = authority.issue('DNS:host');
    const test = await startPit({
      pool: {
        remote: {
          addresses: machines.map(({ address }) => `${address}:7000`),
          tls: { ca: authority.ca, ...own },
          connectTimeoutMs: 2000,
        },
        restartDelayMs: 50,
        maxRestartDelayMs: 1000,
        idempotent: ['echo'],
      } as PoolOptions,
    });
    await test.serving(2);
    const held = errorOf(test.pit.execute('hold', { gate: 'never' }));
    const busy = await until(
      () => test.pit.snapshot().pools.default?.workers.find(({ in_flight }) => in_flight === 1),
      'it is held',
    );
    const lost = machines.find(({ address }) => busy?.address?.startsWith(`${address}:`)) as Machine;
    const cutAt = performance.now();
    lost.cut();
    // Asked without a pause, whoever takes them.
    let answered = 0;
    const asking = (async () => {
      while (test.pit.snapshot().pools.default?.workers[busy?.slot ?? 0]?.state !== 'backoff') {
        expect(await test.pit.execute('echo', { value: answered })).toBe(answered);
        answered++;
      }
    })();
    const error = await held;
    expect(error.code).toBe('transport_error');
    expect(performance.now() - cutAt).toBeLessThan(10_000);
    await asking;
    expect(answered).toBeGreaterThan(0);
    for (let i = 0; i < 5; i++) expect(await test.pit.execute('echo', { value: i })).toBe(i);
    lost.mend();
    await test.serving(2);
    expect(standing).toHaveLength(2);
  });
});
