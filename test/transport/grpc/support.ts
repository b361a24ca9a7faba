import { type ChildProcess, execFileSync, spawn, spawnSync } from 'node:child_process';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { fileURLToPath } from 'node:url';
import { onTestFinished } from 'vitest';
import { newFolder } from '../../support/pit.ts';
import { testPython } from '../../support/tools.ts';

const runtime = fileURLToPath(new URL('../../../python/src', import.meta.url));

/** A worker that runs on its own, as on another machine. */
export interface Standing {
  readonly address: string;
  readonly child: ChildProcess;
  /** Its folder of notes. */
  readonly folder: string;
}

const endLater = (child: ChildProcess): void => {
  onTestFinished(async () => {
    if (child.exitCode !== null || child.signalCode !== null) return;
    const gone = new Promise((resolve) => child.once('exit', resolve));
    // One that was stopped takes no other signal.
    child.kill('SIGCONT');
    child.kill('SIGTERM');
    const killer = setTimeout(() => child.kill('SIGKILL'), 5000);
    await gone;
    clearTimeout(killer);
  });
};

const firstLine = (child: ChildProcess): Promise<string> =>
  new Promise((resolve, reject) => {
    let said = '';
    child.stderr?.on('data', (chunk: Buffer) => {
      said += chunk.toString();
    });
    createInterface({ input: child.stdout as NodeJS.ReadableStream }).once('line', resolve);
    child.once('exit', (code) => reject(new Error(`it ended with ${code}: ${said}`)));
  });

/** Starts `python -m snakepit worker` and waits until it listens. */
export const standPython = async (
  app: string,
  flags: readonly string[] = [],
  options: { readonly listen?: string; readonly prefix?: readonly string[]; readonly folder?: string } = {},
): Promise<Standing> => {
  const { listen = '127.0.0.1:0', prefix = [], folder = newFolder() } = options;
  const [command = '', ...args] = [
    ...prefix,
    testPython(),
    ...['-X', 'utf8', '-m', 'snakepit', 'worker', app, '--listen', listen, ...flags],
  ];
  const child = spawn(command, args, {
    env: { ...process.env, PYTHONPATH: runtime, SNAKEPIT_TEST_SIDE: folder },
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  endLater(child);
  const { address } = JSON.parse(await firstLine(child)) as { address: string };
  return { address, child, folder };
};

/** Starts the worker in Node. */
export const standForeign = async (port = 0, kind = '', tls: readonly string[] = []): Promise<Standing> => {
  const path = fileURLToPath(new URL('./foreign-worker.mjs', import.meta.url));
  const child = spawn(process.execPath, [path, String(port), kind, ...tls], {
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  endLater(child);
  return { address: `127.0.0.1:${await firstLine(child)}`, child, folder: '' };
};

/** Whether certificates can be made here. */
export const hasOpenssl = (): boolean => spawnSync('openssl', ['version']).status === 0;

/** An authority and what it has signed, as files. */
export class Authority {
  readonly folder = newFolder();
  readonly ca = join(this.folder, 'ca.pem');
  #serial = 0;

  constructor(name = 'test authority') {
    this.#openssl(
      ...['req', '-x509', '-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:prime256v1', '-nodes'],
      ...['-keyout', join(this.folder, 'ca.key'), '-out', this.ca, '-days', '2', '-subj', `/CN=${name}`],
    );
  }

  /**
   * Has a certificate made.
   *
   * @param names - subject alternative names, e.g. `IP:127.0.0.1`
   * @param days - how long it is good; below 0: it has expired
   */
  issue(names: string, days = 2): { readonly cert: string; readonly key: string } {
    const base = join(this.folder, `leaf${++this.#serial}`);
    const [key, request, cert] = [`${base}.key`, `${base}.csr`, `${base}.pem`];
    this.#openssl(
      ...['req', '-new', '-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:prime256v1', '-nodes'],
      ...['-keyout', key, '-out', request, '-subj', '/CN=leaf', '-addext', `subjectAltName=${names}`],
    );
    this.#openssl(
      ...['x509', '-req', '-in', request, '-CA', this.ca, '-CAkey', join(this.folder, 'ca.key')],
      ...['-CAcreateserial', '-out', cert, '-copy_extensions', 'copy'],
      ...['-days', String(days)],
    );
    return { cert, key };
  }

  #openssl(...args: readonly string[]): void {
    execFileSync('openssl', args, { stdio: 'pipe' });
  }
}
