import { chmodSync, existsSync, readdirSync, statSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { describe, expect, it, onTestFinished } from 'vitest';
import { createSnakepit, getSnakepit, type Snakepit } from '../../src/index.ts';
import {
  errorOf,
  newFolder,
  optionsFor,
  type PitOptions,
  python,
  pythonsLeft,
  startPit,
  TestPit,
} from '../support/pit.ts';

/** Tries to make an instance that cannot start; sees to it that nothing of it remains. */
const failedStart = async (options: PitOptions) => {
  const folder = newFolder();
  const error = await errorOf(createSnakepit(optionsFor(options, folder)));
  expect(pythonsLeft(), 'processes').toEqual([]);
  expect(readdirSync(join(folder, 'run')), 'socket folders').toEqual([]);
  return { error, notes: new TestPit(folder).notes() };
};

const closing = (pit: Snakepit): Snakepit => {
  onTestFinished(() => pit.close());
  return pit;
};

const hello = () => python`
  @command
  def hello():
      return "hello"
`;

const startFailed = {
  code: 'worker_start_failed',
  category: 'worker',
  status: 'rejected',
  httpStatus: 503,
  retryable: true,
};

describe('createSnakepit rejects at once, with what Python said, and leaves nothing behind', () => {
  it('when the app raises in its import', async () => {
    const app = python`
      note("importing")
      import no_such_module_here

      @command
      def hello():
          pass
    `;
    const { error, notes } = await failedStart({ pool: { app } });
    expect(error).toMatchObject(startFailed);
    expect(error.message).toContain("No module named 'no_such_module_here'");
    expect(error.context.python_traceback).toMatch(
      /app\.py", line \d+, in <module>\n {4}import no_such_module_here\n/,
    );
    expect(error.context.exception).toMatchObject({ type: 'ModuleNotFoundError' });
    expect(error.context.exception?.frames.at(-1)).toMatchObject({ code: 'import no_such_module_here' });
    // Nobody waited for a second attempt.
    expect(notes).toEqual(['importing']);
  });

  it('when the app is no Python', async () => {
    const { error } = await failedStart({ pool: { app: python`def hello(:` } });
    expect(error).toMatchObject(startFailed);
    expect(error.context.exception?.type).toBe('SyntaxError');
    expect(error.context.python_traceback).toContain('def hello(:');
  });

  it('when on_start raises', async () => {
    const app = python`
      @on_start
      def load():
          note("loading")
          raise RuntimeError("no weights")

      @command
      def hello():
          pass
    `;
    const { error, notes } = await failedStart({ pool: { app } });
    expect(error).toMatchObject(startFailed);
    expect(error.message).toContain('RuntimeError: no weights');
    expect(error.context.python_traceback).toContain('in load');
    expect(notes).toEqual(['loading']);
  });

  it('when an async on_start raises', async () => {
    const app = python`
      @on_start
      async def load():
          await asyncio.sleep(0)
          raise RuntimeError("no weights")

      @command
      def hello():
          pass
    `;
    expect((await failedStart({ pool: { app } })).error.message).toContain('RuntimeError: no weights');
  });

  it('when the app leaves with sys.exit', async () => {
    const { error } = await failedStart({ pool: { app: python`sys.exit("no GPU")` } });
    expect(error).toMatchObject(startFailed);
    expect(error.message).toContain('SystemExit: no GPU');
  });

  it('when the app ends the process', async () => {
    const app = python`
      sys.__stderr__.write("driver missing\n")
      sys.__stderr__.flush()
      os._exit(7)
    `;
    const { error } = await failedStart({ pool: { app } });
    expect(error).toMatchObject(startFailed);
    expect(error.message).toContain('exit code 7');
    expect(error.message).toContain('driver missing');
    expect(error.context.exit).toMatchObject({
      code: 7,
      signal: null,
      stderr_tail: ['driver missing'],
      in_flight: [],
    });
  });

  it('when the app defines no command', async () => {
    const { error } = await failedStart({ pool: { app: python`answer = 42` } });
    expect(error).toMatchObject(startFailed);
    expect(error.message).toContain('@command');
  });

  it('when two commands have one name', async () => {
    const app = python`
      @command
      def hello():
          pass

      @command(name="hello")
      def other():
          pass
    `;
    expect((await failedStart({ pool: { app } })).error.message).toContain("two commands are named 'hello'");
  });

  it.each(['import', 'on_start'])('when %s does not end within startTimeoutMs', async (phase) => {
    const app = python`
      note("waiting")
      ${phase === 'import' ? 'time.sleep(600)' : ''}

      @on_start
      def load():
          time.sleep(600)

      @command
      def hello():
          pass
    `;
    const { error, notes } = await failedStart({ pool: { app, startTimeoutMs: 1500 } });
    expect(error).toMatchObject(startFailed);
    expect(error.message).toContain('startTimeoutMs');
    expect(error.context.exit).toMatchObject({ signal: 'SIGKILL' });
    expect(notes).toEqual(['waiting']);
  });

  it('when all of several workers fail, each tried once', async () => {
    const app = python`
      note("importing")
      raise OSError("disk full")
    `;
    const { error, notes } = await failedStart({ pool: { app, workers: 3 } });
    expect(error.message).toContain('disk full');
    expect(notes).toEqual(['importing', 'importing', 'importing']);
  });

  it('when one of several pools cannot start', async () => {
    const { error } = await failedStart({
      pool: { app: hello() },
      morePools: { broken: { app: python`raise OSError("disk full")` } },
    });
    expect(error.message).toContain('disk full');
    expect(error.context.system_context?.pool_name).toBe('broken');
  });
});

describe('createSnakepit refuses, naming the option', () => {
  const refused = async (options: PitOptions) => {
    const { error } = await failedStart(options);
    expect(error).toMatchObject({
      code: 'invalid_configuration',
      category: 'configuration',
      httpStatus: 500,
    });
    return error.message;
  };

  it('an app that is not there', async () => {
    const folder = newFolder();
    const { error } = await failedStart({ pool: { app: join(folder, 'missing.py') } });
    expect(error.message).toContain(join(folder, 'missing.py'));
  });

  it('an interpreter that is not there', async () => {
    expect(await refused({ pool: { app: hello(), python: '/no/such/python' } })).toContain('/no/such/python');
  });

  it('an interpreter that is none', async () => {
    const path = join(newFolder(), 'python');
    writeFileSync(path, '#!/bin/sh\nexit 3\n');
    chmodSync(path, 0o755);
    expect(await refused({ pool: { app: hello(), python: path } })).toContain(path);
  });

  it('an option that does not exist', async () => {
    const options = { pool: { app: hello(), wrokers: 2 } } as unknown as PitOptions;
    expect(await refused(options)).toContain('wrokers');
  });

  it('a value out of bounds', async () => {
    expect(await refused({ pool: { app: hello(), workers: 0 } })).toContain('pools.default.workers');
  });

  it('a folder for sockets that cannot be used', async () => {
    const file = join(newFolder(), 'file');
    writeFileSync(file, '');
    const options = { ...optionsFor({ pool: { app: hello() } }), runtimeDir: file };
    expect(await errorOf(createSnakepit(options))).toMatchObject({ code: 'invalid_configuration' });
    expect(pythonsLeft()).toEqual([]);
  });
});

describe('a start that takes its time', () => {
  const slow = () => python`
    note("importing")
    wait_for("import")

    @on_start
    def load():
        note("loading")
        wait_for("load")

    @command
    def hello():
        return "hello"
  `;

  it("resolves at once with waitFor 'none'; requests wait, phases show", async () => {
    const test = await startPit({ pool: { app: slow() }, waitFor: 'none' });
    const early = test.pit.call('hello');
    const phases = () =>
      test.pit.snapshot().pools.default?.workers.map(({ state, phase }) => `${state} ${phase}`);
    await test.noted('importing');
    expect(phases()).toEqual(['starting import']);
    test.open('import');
    await test.noted('loading');
    expect(phases()).toEqual(['starting on_start']);
    expect(test.pit.snapshot().pools.default).toMatchObject({
      state: 'starting',
      ready: false,
      queue_depth: 1,
    });
    test.open('load');
    await test.pit.ready();
    expect((await early).result).toBe('hello');
    expect(test.pit.snapshot().pools.default).toMatchObject({ state: 'running', ready: true });
  });

  it('resolves with the first ready worker of each pool, while the others still load', async () => {
    const app = python`
      if os.environ["SNAKEPIT_WORKER_SLOT"] == "1":
          wait_for("second")

      @command
      def hello():
          return "hello"
    `;
    const test = await startPit({ pool: { app, workers: 2 } });
    expect(await test.pit.execute('hello')).toBe('hello');
    expect(test.pit.snapshot().pools.default?.workers_by_state).toMatchObject({ ready: 1, starting: 1 });
    test.open('second');
    await test.serving(2);
  });

  it('startConcurrency bounds how many load side by side', async () => {
    const app = python`
      note("importing")
      wait_for(f"slot {os.environ['SNAKEPIT_WORKER_SLOT']}")

      @command
      def hello():
          return "hello"
    `;
    const test = await startPit({ pool: { app, workers: 3, startConcurrency: 1 }, waitFor: 'none' });
    for (const slot of [0, 1, 2]) {
      await test.noted('importing', slot + 1);
      expect(test.events.named('snakepit.worker.starting')).toHaveLength(slot + 1);
      expect(test.events.named('snakepit.worker.started')).toHaveLength(slot);
      test.open(`slot ${slot}`);
    }
    await test.serving(3);
  });
});

describe('a start that fails at first', () => {
  const mended = () => python`
    if not is_open("mended"):
        raise OSError("not yet")

    @command
    def hello():
        return "hello"
  `;

  it('refuses requests with the reason, tries again by itself, and serves once it succeeds', async () => {
    const test = await startPit({
      pool: { app: mended(), restartDelayMs: 10, maxRestartDelayMs: 50 },
      waitFor: 'none',
    });
    const waiting = errorOf(test.pit.execute('hello'));
    expect(await errorOf(test.pit.ready())).toMatchObject(startFailed);
    const refused = await waiting;
    expect(refused).toMatchObject(startFailed);
    expect(refused.message).toContain('not yet');
    expect(refused.context.python_traceback).toContain('OSError: not yet');
    expect(await errorOf(test.pit.execute('hello'))).toMatchObject(startFailed);
    expect(test.pit.snapshot().pools.default?.start_error).toMatchObject({ error_type: 'WorkerStartFailed' });
    test.open('mended');
    await test.serving(1);
    expect(await test.pit.execute('hello')).toBe('hello');
    expect(test.pit.snapshot().pools.default?.start_error).toBeNull();
    await test.pit.ready();
    const attempts = test.events
      .named('snakepit.worker.starting')
      .map(({ measurements }) => measurements.attempt);
    expect(attempts).toEqual(attempts.map((_, i) => i));
    expect(test.events.named('snakepit.worker.start_failed')).toHaveLength(attempts.length - 1);
  });

  it('of one worker among two leaves the other serving', async () => {
    const app = python`
      if os.environ["SNAKEPIT_WORKER_SLOT"] == "0" and not is_open("mended"):
          raise OSError("not yet")

      @command
      def hello():
          return "hello"
    `;
    const test = await startPit({ pool: { app, workers: 2, restartDelayMs: 10, maxRestartDelayMs: 50 } });
    await test.events.first('snakepit.worker.start_failed');
    expect(await test.pit.execute('hello')).toBe('hello');
    test.open('mended');
    await test.serving(2);
  });

  it('of a replacement does not lose what waits, once a later one succeeds', async () => {
    const app = python`
      if is_open("broken") and not is_open("mended"):
          note("failing")
          raise OSError("broken")

      @command
      def hello():
          return "hello"

      @command
      def leave():
          wait_for("broken")
          os._exit(1)
    `;
    const test = await startPit({ pool: { app, workers: 2, restartDelayMs: 10, maxRestartDelayMs: 50 } });
    await test.serving(2);
    const lost = errorOf(test.pit.execute('leave'));
    test.open('broken');
    expect((await lost).code).toBe('worker_crashed');
    await test.noted('failing', 2);
    expect(await test.pit.execute('hello')).toBe('hello');
    test.open('mended');
    await test.serving(2);
  });
});

describe('what a worker finds', () => {
  it('its own environment, folder and slot, and none of our tokens', async () => {
    const app = python`
      @command
      def look():
          return {
              "extra": os.environ.get("EXTRA"),
              "slot": os.environ["SNAKEPIT_WORKER_SLOT"],
              "tokens": [name for name in os.environ if "TOKEN" in name],
              "threads": os.environ["OMP_NUM_THREADS"],
              "path": sys.path[0],
              "cwd": os.getcwd(),
              "stdin": sys.stdin.read(),
              "leader": os.getpgid(0) == os.getpid(),
          }
    `;
    const cwd = newFolder();
    const { pit } = await startPit({
      pool: { app, cwd, env: { EXTRA: 'yes', SNAKEPIT_GATEWAY_TOKEN: 'secret' } },
    });
    expect(await pit.execute('look')).toEqual({
      extra: 'yes',
      slot: '0',
      tokens: [],
      threads: expect.stringMatching(/^\d+$/),
      path: dirname(app),
      cwd,
      stdin: '',
      leader: true,
    });
  });

  it('with inheritEnv false: only what it cannot do without', async () => {
    const app = python`
      @command
      def names():
          return sorted(os.environ)
    `;
    process.env.SNAKEPIT_TEST_INHERITED = '1';
    onTestFinished(() => {
      delete process.env.SNAKEPIT_TEST_INHERITED;
    });
    const { pit } = await startPit({ pool: { app }, morePools: { bare: { app, inheritEnv: false } } });
    expect(await pit.execute('names')).toContain('SNAKEPIT_TEST_INHERITED');
    const bare = await pit.execute<string[]>('names', {}, { pool: 'bare' });
    expect(bare).not.toContain('SNAKEPIT_TEST_INHERITED');
    expect(bare).toContain('PATH');
  });
});

describe('getSnakepit', () => {
  it('gives one instance per key, and a new one once that is closed', async () => {
    const options = optionsFor({ pool: { app: hello() } });
    const first = closing(await getSnakepit('key', options));
    expect(await getSnakepit('key', options)).toBe(first);
    const [a, b] = await Promise.all([getSnakepit('other', options), getSnakepit('other', options)]);
    closing(a);
    expect(a).toBe(b);
    expect(a).not.toBe(first);
    await first.close();
    const second = closing(await getSnakepit('key', options));
    expect(second).not.toBe(first);
    expect(await second.execute('hello')).toBe('hello');
  });

  it('forgets a failed start', async () => {
    const app = python`
      if not is_open("mended"):
          raise OSError("not yet")

      @command
      def hello():
          return "hello"
    `;
    const folder = newFolder();
    const options = optionsFor({ pool: { app } }, folder);
    expect(await errorOf(getSnakepit('failing', options))).toMatchObject(startFailed);
    new TestPit(folder).open('mended');
    expect(await closing(await getSnakepit('failing', options)).execute('hello')).toBe('hello');
  });
});

describe('sockets', () => {
  it('live in a folder only this user may enter, and are gone with their worker', async () => {
    const test = await startPit({ pool: { app: hello() } });
    const [name] = readdirSync(join(test.folder, 'run'));
    const folder = join(test.folder, 'run', name as string);
    expect(statSync(folder).mode & 0o777).toBe(0o700);
    await test.pit.close();
    expect(existsSync(folder)).toBe(false);
  });
});
