import { type ChildProcess, spawn } from 'node:child_process';
import { existsSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { fileURLToPath } from 'node:url';
import { beforeAll, describe, expect, it, onTestFinished } from 'vitest';
import { isAlive, newFolder, optionsFor, python, TestPit, until } from '../support/pit.ts';

const entry = fileURLToPath(new URL('../../dist/index.js', import.meta.url));

beforeAll(() => {
  // These tests are about whole programs, which use the package as it is published.
  if (!existsSync(entry)) throw new Error('dist/index.js is missing. Build it first: npm run build');
});

const app = () => python`
  note(f"pid {os.getpid()}")

  @on_stop
  def stop():
      note("on_stop")

  @command
  def hello():
      return "hello"

  @command
  def leave():
      os._exit(1)

  @command
  def hold(gate: str):
      note(f"holding {gate}")
      try:
          wait_for(gate)
      finally:
          note(f"released {gate}")
      return "held"

  @command
  def spin():
      note("spinning")
      while True:
          pass

  @command
  def spin_in_c():
      note("spinning")
      sum(range(10**13))

  @command
  def ignore_everything():
      for number in range(1, signal.NSIG):
          try:
              signal.signal(number, signal.SIG_IGN)
          except (OSError, ValueError):
              pass
      note("ignoring")
      while True:
          try:
              time.sleep(0.01)
          except BaseException:
              pass
`;

/** A Node program that uses the package, with what it says. */
class Program {
  readonly lines: string[] = [];
  stderr = '';
  readonly #child: ChildProcess;
  readonly #ended: Promise<{ code: number | null; signal: NodeJS.Signals | null }>;

  constructor(
    readonly test: TestPit,
    path: string,
  ) {
    this.#child = spawn(process.execPath, [path], { stdio: ['ignore', 'pipe', 'pipe'] });
    onTestFinished(() => {
      this.#child.kill('SIGKILL');
      for (const pid of this.workers) if (isAlive(pid)) process.kill(pid, 'SIGKILL');
    });
    createInterface({ input: this.#child.stdout as NodeJS.ReadableStream }).on('line', (line) =>
      this.lines.push(line),
    );
    this.#child.stderr?.setEncoding('utf8').on('data', (text: string) => {
      this.stderr += text;
    });
    this.#ended = new Promise((resolve) =>
      this.#child.once('close', (code, signal) => resolve({ code, signal })),
    );
  }

  get running(): boolean {
    return this.#child.exitCode === null && this.#child.signalCode === null;
  }

  kill(signal: NodeJS.Signals): void {
    this.#child.kill(signal);
  }

  async said(line: string): Promise<void> {
    await until(() => this.lines.includes(line) || !this.running, `the program says '${line}'`);
    expect(this.lines, this.stderr).toContain(line);
  }

  /** Waits for its end. */
  async end(): Promise<{ code: number | null; signal: NodeJS.Signals | null }> {
    await until(() => !this.running, `the program ends; it said: ${this.lines.join(' | ')} ${this.stderr}`);
    return this.#ended;
  }

  /** Process ids of the workers it has started. */
  get workers(): number[] {
    return this.test.notes().flatMap((line) => (line.startsWith('pid ') ? Number(line.slice(4)) : []));
  }

  async workersGone(): Promise<void> {
    expect(this.workers.length).toBeGreaterThan(0);
    await until(() => !this.workers.some(isAlive), 'its workers are gone');
  }
}

/** Runs a program; `pit` and `say` are there for it. */
const run = (body: string, options: { pool?: object; more?: object } = {}): Program => {
  const folder = newFolder();
  const complete = optionsFor({ pool: { app: app(), ...options.pool }, ...options.more }, folder);
  const path = join(folder, 'program.mjs');
  writeFileSync(
    path,
    `import { createSnakepit, getSnakepit } from ${JSON.stringify(entry)};
    const say = (line) => process.stdout.write(line + '\\n');
    const options = ${JSON.stringify(complete)};
    const before = Object.fromEntries(process.eventNames().map((name) => [String(name), process.listenerCount(name)]));
    const pit = await createSnakepit(options);
    ${body}`,
  );
  return new Program(new TestPit(folder), path);
};

describe('a program with a pit', () => {
  it('ends by itself while the pit is idle, and so do the workers', async () => {
    const program = run(`
      say(await pit.execute('hello'));
      say('done');
    `);
    expect(await program.end(), program.stderr).toEqual({ code: 0, signal: null });
    expect(program.lines).toEqual(['hello', 'done']);
    await program.workersGone();
    expect(program.stderr).toBe('');
  });

  it('ends by itself with ops server and gateway too', async () => {
    const program = run(
      `say((await fetch(pit.opsUrl + '/health')).status); say(await pit.execute('hello'));`,
      {
        more: { ops: { port: 0 }, gateway: { port: 0 } },
      },
    );
    expect(await program.end(), program.stderr).toEqual({ code: 0, signal: null });
    expect(program.lines).toEqual(['200', 'hello']);
    await program.workersGone();
  });

  it('runs on while a request is in flight, and ends after it', async () => {
    const program = run(`pit.execute('hold', { gate: 'go' }).then(say);`);
    await program.test.noted('holding go');
    expect(program.running).toBe(true);
    program.test.open('go');
    expect(await program.end(), program.stderr).toEqual({ code: 0, signal: null });
    expect(program.lines).toEqual(['held']);
    await program.workersGone();
  });

  it('runs on while a request waits, and for the workers it waits for', async () => {
    const program = run(`
      const held = pit.execute('hold', { gate: 'go' });
      pit.execute('hello').then(say);
    `);
    await program.test.noted('holding go');
    program.test.open('go');
    expect(await program.end(), program.stderr).toEqual({ code: 0, signal: null });
    expect(program.lines).toEqual(['hello']);
  });

  it('runs on while a stream is read, and ends when it is left', async () => {
    const slow = python`
      @command
      def tick():
          i = 0
          while True:
              yield i
              i += 1
              time.sleep(0.01)
    `;
    const program = run(
      `
      for await (const i of pit.stream('tick')) if (i === 5) break;
      say('left');
    `,
      { pool: { app: slow } },
    );
    expect(await program.end(), program.stderr).toEqual({ code: 0, signal: null });
    expect(program.lines).toEqual(['left']);
  });

  it('runs on while a request waits for a worker that starts anew', async () => {
    const program = run(`
      const crash = pit.execute('leave');
      const waiting = pit.execute('hello');
      await crash.catch((error) => say(error.code));
      say(await waiting);
    `);
    expect(await program.end(), program.stderr).toEqual({ code: 0, signal: null });
    expect(program.lines).toEqual(['worker_crashed', 'hello']);
    await program.workersGone();
  });

  it('that closes it runs on_stop and ends', async () => {
    const program = run(`
      await pit.execute('hello');
      await pit.close();
      say('closed');
    `);
    expect(await program.end(), program.stderr).toEqual({ code: 0, signal: null });
    expect(program.test.notes().at(-1)).toBe('on_stop');
    expect(program.workers.filter(isAlive)).toEqual([]);
  });

  it('that leaves with process.exit leaves no worker and no file', async () => {
    const program = run(`pit.execute('hold', { gate: 'never' }); setTimeout(() => process.exit(3), 50);`);
    expect((await program.end()).code).toBe(3);
    await program.workersGone();
  });

  it('keeps its own say over signals: none is handled', async () => {
    const program = run(`
      await pit.execute('hello');
      const added = process.eventNames()
        .filter((name) => process.listenerCount(name) > (before[String(name)] ?? 0))
        .map(String);
      say('added ' + JSON.stringify(added));
      say('signals ' + added.filter((name) => name.startsWith('SIG')).length);
      say('fatal ' + ['uncaughtException', 'unhandledRejection', 'beforeExit'].filter((name) => process.listenerCount(name) > 0));
      pit.execute('hold', { gate: 'never' });
    `);
    await program.said('signals 0');
    await program.said('fatal ');
    await program.test.noted('holding never');
    program.kill('SIGTERM');
    expect(await program.end()).toEqual({ code: null, signal: 'SIGTERM' });
    await program.workersGone();
  });

  it('opens no TCP port unless it is asked to', async () => {
    const program = run(`
      await pit.execute('hello');
      const open = process.getActiveResourcesInfo().filter((name) => name === 'TCPServerWrap');
      say('ports ' + open.length + ' ' + pit.opsUrl + ' ' + pit.gatewayUrl);
      const other = await createSnakepit({ ...options, ops: { port: 0 } });
      say('asked ' + new URL(other.opsUrl).hostname);
      await Promise.all([pit.close(), other.close()]);
    `);
    expect((await program.end()).code, program.stderr).toBe(0);
    expect(program.lines).toEqual(['ports 0 undefined undefined', 'asked 127.0.0.1']);
  });

  it('gets the same instance by its key from anywhere, and a new one after close', async () => {
    const program = run(`
      await pit.close();
      const again = await import(${JSON.stringify(`${entry}?copy`)});
      const one = await getSnakepit('key', options);
      const two = await again.getSnakepit('key', options);
      say('same ' + (one === two));
      await one.close();
      const three = await again.getSnakepit('key', options);
      say('new ' + (three !== one) + ' ' + await three.execute('hello'));
      await three.close();
    `);
    expect((await program.end()).code, program.stderr).toBe(0);
    expect(program.lines).toEqual(['same true', 'new true hello']);
  });

  it('that does not catch an error of ours ends as any program does, with the error on stderr', async () => {
    const program = run(`await pit.execute('nobody');`);
    expect((await program.end()).code).toBe(1);
    expect(program.stderr).toContain('unknown_command');
    await program.workersGone();
  });
});

describe('a program that is killed with SIGKILL', () => {
  it.each([
    ['idle workers', ''],
    ['a worker in a handler', "pit.execute('hold', { gate: 'never' });"],
    ['a worker that spins', "pit.execute('spin');"],
    ['a worker that spins in C, holding the GIL', "pit.execute('spin_in_c');"],
    ['a worker that ignores every signal it can', "pit.execute('ignore_everything');"],
  ])('leaves none of its workers behind: %s', async (_, work) => {
    const program = run(`${work} say('ready'); setInterval(() => {}, 1000);`, { pool: { workers: 2 } });
    await program.said('ready');
    await until(() => program.workers.length === 2, 'both workers');
    if (work !== '') {
      await until(
        () => program.test.notes().some((line) => /^(holding|spinning|ignoring)/.test(line)),
        'the handler runs',
      );
    }
    expect(program.workers.filter(isAlive)).toHaveLength(2);
    program.kill('SIGKILL');
    expect(await program.end()).toEqual({ code: null, signal: 'SIGKILL' });
    await program.workersGone();
  });

  it('while its workers still import leaves none of them behind', async () => {
    const slow = python`
      note(f"pid {os.getpid()}")
      time.sleep(600)

      @command
      def hello():
          pass
    `;
    const program = run('', { pool: { app: slow, workers: 2 } });
    await until(() => program.workers.length === 2, 'both import');
    program.kill('SIGKILL');
    await program.end();
    await program.workersGone();
  });
});
