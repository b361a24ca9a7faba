import { randomUUID } from 'node:crypto';
import {
  copyFileSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterAll, beforeAll, expect, onTestFinished } from 'vitest';
import {
  type CataloguedEvent,
  createSnakepit,
  type EventName,
  isSnakepitError,
  type PoolOptions,
  type Snakepit,
  type SnakepitError,
  type SnakepitEvent,
  type SnakepitOptions,
} from '../../src/index.ts';
import { testPython } from './tools.ts';

/** Far beyond what anything here takes, also on a machine that does other work. */
const DEADLINE_MS = 30_000;

/** Waits until a condition holds, however long that takes, and returns what it gave. */
export const until = async <T>(condition: () => T | Promise<T>, what: string): Promise<T> => {
  const end = performance.now() + DEADLINE_MS;
  for (;;) {
    const value = await condition();
    if (value) return value;
    if (performance.now() > end) throw new Error(`never came true: ${what}`);
    await new Promise((resolve) => setTimeout(resolve, 5));
  }
};

/** The error a promise rejects with, which must be one of ours. */
export const errorOf = async (promise: Promise<unknown>): Promise<SnakepitError> => {
  const outcome = await promise.then(
    (value) => ({ value }),
    (error: unknown) => ({ error }),
  );
  if (!('error' in outcome)) throw new Error(`It did not fail but gave ${JSON.stringify(outcome.value)}.`);
  if (!isSnakepitError(outcome.error)) throw outcome.error;
  return outcome.error;
};

// Processes

/** Whether a process runs. A zombie, which only waits for its parent to ask after it, does not. */
export const isAlive = (pid: number): boolean => {
  if (!existsSync('/proc/self/stat')) {
    try {
      return process.kill(pid, 0);
    } catch {
      return false;
    }
  }
  try {
    const stat = readFileSync(`/proc/${pid}/stat`, 'utf8');
    // The name before it is in parentheses and may hold anything.
    return !'ZX'.includes(stat.slice(stat.lastIndexOf(')') + 2)[0] as string);
  } catch {
    return false;
  }
};

/** Every process that is started for this test file, and its children, carry this in their environment. */
const mark = { name: 'SNAKEPIT_TEST_MARK', value: randomUUID() };
const seenPids = new Set<number>();

/** Processes with our mark that run now, also those no event told of. */
const markedPids = (): number[] => {
  if (!existsSync('/proc/self/stat')) return [];
  return readdirSync('/proc')
    .filter((name) => /^\d+$/.test(name))
    .filter((pid) => {
      try {
        return readFileSync(`/proc/${pid}/environ`, 'latin1').includes(`${mark.name}=${mark.value}`);
      } catch {
        return false;
      }
    })
    .map(Number);
};

/** The Python processes of this test file that still run. */
export const pythonsLeft = (): number[] => [
  ...new Set([...seenPids].filter(isAlive).concat(markedPids().filter(isAlive))),
];

const killLeft = (): number[] => {
  const left = pythonsLeft();
  for (const pid of left) {
    try {
      process.kill(pid, 'SIGKILL');
    } catch {
      // It ended by itself meanwhile.
    }
  }
  return left;
};
process.once('exit', killLeft);

// Apps

const appsFolder = fileURLToPath(new URL('./apps/', import.meta.url));
const temporary = new Set<string>();

/** A new folder that is removed at the end of the test file. */
export const newFolder = (): string => {
  const folder = mkdtempSync(join(tmpdir(), 'snakepit-test-'));
  temporary.add(folder);
  return folder;
};

const PRELUDE = `import asyncio, ctypes, os, signal, socket, subprocess, sys, threading, time
from snakepit import Cancelled, command, context, emit, on_start, on_stop, span
from side import is_open, note, notes, wait_for
`;

/** Writes an app and returns its path. The usual imports and the helpers of `apps/side.py` come before it. */
export const python = (parts: TemplateStringsArray, ...values: unknown[]): string => {
  const text = String.raw({ raw: parts.raw }, ...values);
  const lines = text.split('\n');
  const indents = lines.filter((line) => line.trim() !== '').map((line) => line.search(/\S/));
  const indent = Math.min(...indents);
  const folder = newFolder();
  copyFileSync(join(appsFolder, 'side.py'), join(folder, 'side.py'));
  const path = join(folder, 'app.py');
  writeFileSync(path, `${PRELUDE}\n${lines.map((line) => line.slice(indent)).join('\n')}`);
  return path;
};

/** The path of an app in `test/support/apps`. */
export const appFile = (name: string): string => join(appsFolder, name);

// Events

/** Everything that passed over a bus, in order. */
export class Recorder {
  readonly all: SnakepitEvent[] = [];

  readonly handle = (event: SnakepitEvent): void => {
    this.all.push(event);
    const { pid } = event.metadata;
    if (event.event_name === 'snakepit.worker.starting' && typeof pid === 'number') seenPids.add(pid);
  };

  /** The events of a name. */
  named<N extends EventName>(name: N): CataloguedEvent<N>[];
  named(name: string): SnakepitEvent[];
  named(name: string): SnakepitEvent[] {
    return this.all.filter((event) => event.event_name === name);
  }

  /** The events of a request. */
  of(requestId: string | undefined): SnakepitEvent[] {
    return this.all.filter((event) => event.metadata.request_id === requestId);
  }

  /** The names of the events of a request, without `snakepit.` and without what Python said. */
  storyOf(requestId: string | undefined): string[] {
    return this.of(requestId)
      .map((event) => event.event_name)
      .filter((name) => name.startsWith('snakepit.'))
      .map((name) => name.slice('snakepit.'.length));
  }

  /** Waits for the first event of a name that passes the test. */
  first<N extends EventName>(
    name: N,
    test?: (event: CataloguedEvent<N>) => boolean,
  ): Promise<CataloguedEvent<N>>;
  first(name: string, test?: (event: SnakepitEvent) => boolean): Promise<SnakepitEvent>;
  first(name: string, test: (event: SnakepitEvent) => boolean = () => true): Promise<SnakepitEvent> {
    return until(() => this.named(name).find(test) as SnakepitEvent, `the event ${name}`);
  }
}

// Pits

/** Options of the default pool, and any others of the instance. */
export interface PitOptions extends Omit<SnakepitOptions, 'pools'> {
  readonly pool: PoolOptions;
  /** Pools beside `default`. */
  readonly morePools?: Record<string, PoolOptions>;
}

/** A running pit with what a test asks of it. Its functions may be taken out of it. */
export class TestPit {
  readonly events = new Recorder();
  pit!: Snakepit;

  constructor(readonly folder: string) {}

  /** What the app has noted, in order. */
  readonly notes = (): string[] => {
    const path = join(this.folder, 'notes');
    return existsSync(path) ? readFileSync(path, 'utf8').split('\n').slice(0, -1) : [];
  };

  /** How often the app has noted something. */
  readonly count = (text: string): number => this.notes().filter((line) => line === text).length;

  /** Waits until the app has noted something, so many times. */
  readonly noted = async (text: string, times = 1): Promise<void> => {
    await until(() => this.count(text) >= times, `the note '${text}' (${times})`);
  };

  /** Lets the app on that waits at a gate. */
  readonly open = (gate: string): void => writeFileSync(join(this.folder, `${gate}.gate`), '');

  /** Closes a gate again. */
  readonly shut = (gate: string): void => rmSync(join(this.folder, `${gate}.gate`), { force: true });

  /** Process ids of the workers that live now, by slot. */
  readonly pids = (pool = 'default'): number[] =>
    (this.pit.snapshot().pools[pool]?.workers ?? []).flatMap(({ pid }) => pid ?? []);

  /** Waits until so many workers can take requests. */
  readonly serving = async (count: number, pool = 'default'): Promise<void> => {
    const ready = () => {
      const states = this.pit.snapshot().pools[pool]?.workers_by_state;
      return states !== undefined && states.ready + states.busy === count;
    };
    await until(ready, `${count} workers of '${pool}' serve`);
  };
}

/** Complete options, for tests that call `createSnakepit` themselves. `folder` is where the app's notes go. */
export const optionsFor = (
  { pool, morePools = {}, ...rest }: PitOptions,
  folder = newFolder(),
): SnakepitOptions => {
  const complete = (options: PoolOptions): PoolOptions => ({
    workers: 1,
    python: testPython(),
    ...options,
    env: { SNAKEPIT_TEST_SIDE: folder, [mark.name]: mark.value, ...options.env },
  });
  const pools = Object.fromEntries(
    Object.entries({ default: pool, ...morePools }).map(([name, options]) => [name, complete(options)]),
  );
  // Sockets in the same folder, so that it can be seen that none is left.
  const runtimeDir = join(folder, 'run');
  mkdirSync(runtimeDir, { recursive: true });
  return { logs: false, runtimeDir, ...rest, pools };
};

const open = async (options: PitOptions): Promise<TestPit> => {
  const test = new TestPit(newFolder());
  const { waitFor = 'ready', ...complete } = optionsFor(options, test.folder);
  // Its first events come only after this; ready() does what `waitFor: 'ready'` does.
  test.pit = await createSnakepit({ ...complete, waitFor: 'none' });
  test.pit.bus.registerConsumer(
    '**',
    { name: 'recorder', handle: test.events.handle },
    { delivery: 'inline', sampled: false },
  );
  if (waitFor === 'ready') {
    try {
      await test.pit.ready();
    } catch (error) {
      await test.pit.close();
      throw error;
    }
  }
  return test;
};

/** Ends a pit whatever its handlers do. */
const end = async ({ pit, folder }: TestPit): Promise<void> => {
  const running = Object.values(pit.snapshot().pools).flatMap(({ workers }) => workers);
  // What a failed test has left running would be waited for.
  for (const { pid, in_flight } of running) if (pid !== null && in_flight > 0) killGroup(pid);
  await pit.close();
  expect(readdirSync(join(folder, 'run')), 'socket folders left behind').toEqual([]);
};

const killGroup = (pid: number): void => {
  try {
    process.kill(-pid, 'SIGKILL');
  } catch {
    // It ended by itself meanwhile.
  }
};

/** Starts a pit for one test; it is closed when the test is over. */
export const startPit = async (options: PitOptions): Promise<TestPit> => {
  const test = await open(options);
  onTestFinished(() => end(test));
  return test;
};

/** A pit that all tests of a `describe` share: read its members inside tests only. */
export const sharedPit = (options: PitOptions): TestPit => {
  let test: TestPit | undefined;
  beforeAll(async () => {
    test = await open(options);
  });
  afterAll(async () => {
    if (test !== undefined) await end(test);
  });
  return new Proxy({} as TestPit, {
    get: (_, key) => {
      if (test === undefined) throw new Error('The shared pit exists inside tests only.');
      return Reflect.get(test, key);
    },
  });
};

afterAll(async () => {
  try {
    // A killed process group may take a moment to be gone; a process that was forgotten stays.
    await until(() => pythonsLeft().length === 0, 'every Python process is gone');
  } catch {
    expect(killLeft(), 'Python processes left behind').toEqual([]);
  } finally {
    for (const folder of temporary) rmSync(folder, { recursive: true, force: true });
  }
});
