import { type ChildProcess, spawn } from 'node:child_process';
import { existsSync, readdirSync, writeFileSync } from 'node:fs';
import type { AddressInfo } from 'node:net';
import { createServer } from 'node:net';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { fileURLToPath } from 'node:url';
import { beforeAll, describe, expect, it, onTestFinished } from 'vitest';
import { isAlive, newFolder, optionsFor, python, until } from '../../support/pit.ts';
import { promtoolFaults } from './oracles.ts';
import { type Parsed, parse } from './parse.ts';

const entry = fileURLToPath(new URL('../../../dist/index.js', import.meta.url));

beforeAll(() => {
  // These tests are about whole programs, which use the package as it is published.
  if (!existsSync(entry)) throw new Error('dist/index.js is missing. Build it first: npm run build');
});

const app = () => python`
  @command
  def hello():
      return "hello"
`;

const freePort = async (): Promise<number> => {
  const server = createServer();
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const { port } = server.address() as AddressInfo;
  await new Promise((resolve) => server.close(resolve));
  return port;
};

/** A pit that makes requests when it is told how many, says when they are done, and ends in the way it is told to. */
const MEMBER = `
  const member = async (port, say) => {
    const { createSnakepit } = await import(entry);
    const pit = await createSnakepit({ ...options, ops: { port } });
    const does = {
      async load(count) {
        for (let i = 0; i < count; i++) await pit.execute('hello');
        say('done');
      },
      async close() {
        await pit.close();
        say('closed');
      },
      exit: () => process.exit(0),
    };
    say('ready');
    return ({ what, count }) => does[what](count);
  };
`;

const CLUSTER = `
  import cluster from 'node:cluster';
  import { createInterface } from 'node:readline';
  if (cluster.isPrimary) {
    const say = (worker, line) => process.stdout.write(worker.id + ' ' + line + '\\n');
    cluster.on('message', (worker, line) => say(worker, line));
    cluster.on('exit', (worker) => say(worker, 'gone'));
    createInterface({ input: process.stdin }).on('line', (line) => {
      const { to, ...order } = JSON.parse(line);
      if (order.what === 'fork') say(cluster.fork(), 'forked');
      else if (order.what === 'kill') process.kill(cluster.workers[to].process.pid, 'SIGKILL');
      else cluster.workers[to].send(order);
    }).on('close', () => process.exit());
  } else {
    const obey = member(port, (line) => process.send(line));
    process.on('message', async (order) => (await obey)(order));
  }
`;

const THREADS = `
  import { createInterface } from 'node:readline';
  import { isMainThread, parentPort, Worker, workerData } from 'node:worker_threads';
  if (isMainThread) {
    const threads = [];
    createInterface({ input: process.stdin }).on('line', (line) => {
      const { to, ...order } = JSON.parse(line);
      if (order.what === 'fork') {
        const id = threads.length + 1;
        const thread = new Worker(new URL(import.meta.url), { workerData: { port: id === 1 ? port : 0 } });
        const say = (line) => process.stdout.write(id + ' ' + line + '\\n');
        thread.on('message', say).on('exit', () => say('gone'));
        threads.push(thread);
      } else if (order.what === 'kill') threads[to - 1].terminate();
      else threads[to - 1].postMessage(order);
    }).on('close', () => process.exit());
  } else {
    const obey = member(workerData.port, (line) => parentPort.postMessage(line));
    parentPort.on('message', async (order) => (await obey)(order));
  }
`;

type Order = { readonly what: 'load'; readonly count: number } | { readonly what: 'close' | 'exit' | 'kill' };

/** A program with members that share one port, or whose first has it. */
class Program {
  readonly #child: ChildProcess;
  readonly #lines: string[] = [];
  readonly #port: number;
  readonly #folder: string;
  #said = '';

  private constructor(body: string, port: number) {
    this.#port = port;
    this.#folder = newFolder();
    const options = optionsFor({ pool: { app: app() }, metrics: { group: 'shop' } }, this.#folder);
    const path = join(this.#folder, 'program.mjs');
    writeFileSync(
      path,
      `const entry = ${JSON.stringify(entry)};
      const options = ${JSON.stringify(options)};
      const port = ${port};
      ${MEMBER}
      ${body}`,
    );
    const child = spawn(process.execPath, [path], { stdio: ['pipe', 'pipe', 'pipe'] });
    this.#child = child;
    createInterface({ input: child.stdout }).on('line', (line) => this.#lines.push(line));
    child.stderr.setEncoding('utf8').on('data', (text: string) => {
      this.#said += text;
    });
    onTestFinished(async () => {
      child.stdin.end();
      await until(() => this.#ended(), 'the program has ended');
    });
  }

  static async start(body: string, members: number): Promise<Program> {
    const program = new Program(body, await freePort());
    for (let id = 1; id <= members; id++) program.fork();
    for (let id = 1; id <= members; id++) await program.said(id, 'ready');
    return program;
  }

  fork(): void {
    this.#send({ what: 'fork' });
  }

  /** Tells a member to do something and waits until it has. */
  async tell(to: number, order: Order): Promise<void> {
    this.#lines.length = 0;
    this.#send({ to, ...order });
    await this.said(to, order.what === 'load' ? 'done' : order.what === 'close' ? 'closed' : 'gone');
  }

  async said(id: number, line: string): Promise<void> {
    const given = () => this.#lines.includes(`${id} ${line}`) || this.#lines.includes(`${id} gone`);
    await until(() => given() || this.#ended(), `${id} says '${line}'`);
    expect(this.#lines, this.#said).toContain(`${id} ${line}`);
  }

  async scrape(accept = 'text/plain'): Promise<{ text: string; parsed: Parsed }> {
    // Each on a connection of its own, so that the members take turns.
    const headers = { accept, connection: 'close' };
    const answer = await fetch(`http://127.0.0.1:${this.#port}/metrics`, { headers });
    const text = await answer.text();
    return { text, parsed: parse(text) };
  }

  /** Names of the files of the group. */
  get files(): string[] {
    const run = join(this.#folder, 'run');
    const folder = readdirSync(run).find((name) => name.startsWith('snakepit-metrics-'));
    return folder === undefined ? [] : readdirSync(join(run, folder)).sort();
  }

  #send(order: object): void {
    this.#child.stdin?.write(`${JSON.stringify(order)}\n`);
  }

  #ended(): boolean {
    const { pid } = this.#child;
    return pid === undefined || !isAlive(pid);
  }
}

/** What must never fall, and how often each scrape has to be right. */
const SCRAPES = 9;
const requests = (parsed: Parsed) => parsed.sum('snakepit_requests_total', { status: 'success' });

/** What only rises, by series. */
const sums = (parsed: Parsed): Map<string, number> => {
  const found = new Map<string, number>();
  for (const { name, labels, value } of parsed.samples) {
    const family = name.replace(/_(bucket|sum|count)$/, '');
    const type = parsed.types.get(name) ?? parsed.types.get(family);
    if (type === 'counter' || type === 'histogram') found.set(`${name}${JSON.stringify(labels)}`, value);
  }
  return found;
};

/** Scrapes until every member has surely been asked, and holds each answer against the truth and the one before. */
class Watch {
  #before = new Map<string, number>();

  async expect(program: Program, truth: number): Promise<Parsed> {
    let last: Parsed | undefined;
    for (let i = 0; i < SCRAPES; i++) {
      const { text, parsed } = await program.scrape();
      expect(requests(parsed)).toBe(truth);
      expect(parsed.sum('snakepit_request_duration_seconds_count')).toBe(truth);
      const now = sums(parsed);
      for (const [name, value] of this.#before) {
        // Added up in another order.
        expect(now.get(name), name).toBeGreaterThanOrEqual(value - 1e-9 * Math.abs(value));
      }
      this.#before = now;
      last = parsed;
      if (i === 0) expect(promtoolFaults(text)).toBe('');
    }
    return last as Parsed;
  }
}

describe('processes of node:cluster on one port', () => {
  it('are shown as one, and no sum falls, however one ends', async () => {
    const program = await Program.start(CLUSTER, 3);
    const watch = new Watch();
    await program.tell(1, { what: 'load', count: 2 });
    await program.tell(2, { what: 'load', count: 3 });
    await program.tell(3, { what: 'load', count: 5 });
    const parsed = await watch.expect(program, 10);
    expect(parsed.value('snakepit_pool_workers_desired')).toBe(3);
    expect(parsed.value('snakepit_ready')).toBe(1);
    await program.tell(2, { what: 'kill' });
    await watch.expect(program, 10);
    await program.tell(3, { what: 'load', count: 1 });
    await program.tell(3, { what: 'close' });
    const left = await watch.expect(program, 11);
    expect(left.value('snakepit_pool_workers_desired')).toBe(1);
    program.fork();
    await program.said(4, 'ready');
    await program.tell(4, { what: 'load', count: 4 });
    await watch.expect(program, 15);
    // What it did after the last scrape, too.
    await program.tell(4, { what: 'load', count: 2 });
    await program.tell(4, { what: 'exit' });
    await watch.expect(program, 17);
    expect(program.files.filter((name) => name.endsWith('.member'))).toHaveLength(1);
    await program.tell(1, { what: 'close' });
    expect(program.files).toEqual([]);
  });
});

describe('worker threads', () => {
  it('are shown as one, and no sum falls, however one ends', async () => {
    const program = await Program.start(THREADS, 3);
    const watch = new Watch();
    await program.tell(1, { what: 'load', count: 2 });
    await program.tell(2, { what: 'load', count: 3 });
    await program.tell(3, { what: 'load', count: 1 });
    const parsed = await watch.expect(program, 6);
    expect(parsed.value('snakepit_pool_workers_desired')).toBe(3);
    expect(parsed.all('process_resident_memory_bytes')).toHaveLength(1);
    await program.tell(2, { what: 'kill' });
    await watch.expect(program, 6);
    await program.tell(3, { what: 'load', count: 4 });
    await program.tell(3, { what: 'close' });
    await watch.expect(program, 10);
    await program.tell(1, { what: 'close' });
    expect(program.files).toEqual([]);
  });
});
