import { describe, expect, it, onTestFinished } from 'vitest';
import { type LineFate, parseStacks, type SpawnSettings, WorkerProcess } from '../../src/process/index.ts';
import { until } from '../support/pit.ts';
import { realPython } from './python-fixtures.ts';

interface Line {
  readonly stream: string;
  readonly line: string;
  readonly fate: LineFate;
}

/** Starts Python with this code. */
const start = (code: string, settings: Partial<SpawnSettings> = {}) => {
  const lines: Line[] = [];
  let exited = false;
  const child = new WorkerProcess({
    command: realPython,
    args: ['-S', '-u', '-c', code],
    cwd: '/',
    env: { PATH: process.env.PATH ?? '' },
    onLine: (stream, line, fate) => lines.push({ stream, line, fate }),
    onExit: () => {
      exited = true;
    },
    ...settings,
  });
  onTestFinished(() => child.signal('SIGKILL'));
  const says = (text: string) => until(() => lines.some(({ line }) => line === text), `it says '${text}'`);
  return { child, lines, says, exit: () => until(() => exited, 'it ends') };
};

const ARM = `import faulthandler, os, signal, sys, threading, time
faulthandler.register(signal.SIGURG, file=int(os.environ["SNAKEPIT_STACK_FD"]), all_threads=True, chain=False)
`;

describe('dumpStacks', () => {
  it('gives the stacks of all threads, again and again', async () => {
    const { child, says } = start(`${ARM}
def deep(): time.sleep(600)
def outer(): deep()
threading.Thread(target=outer, daemon=True).start()
print("ready")
def spin():
    while True: pass
spin()`);
    await says('ready');
    for (let i = 0; i < 3; i++) {
      // A busy machine may hold the process up for so long that the dump seems to be over.
      await until(async () => {
        const sections = parseStacks(await child.dumpStacks(30_000));
        const calls = sections.map(({ lines }) => lines.map((line) => line.split(' in ')[1]));
        const [other = [], main = []] = calls;
        return (
          calls.length === 2 &&
          main.join() === '<module>,spin' &&
          other.slice(other.indexOf('outer')).join() === 'outer,deep'
        );
      }, 'both stacks come');
    }
  });

  it('is answered while C code holds the GIL', async () => {
    // The one regular expression: it does not return for ages, and the GIL is its all the time.
    const { child, says } = start(`${ARM}
import re
def hang(): re.match("(a+)+$", "a" * 60 + "b")
print("ready")
hang()`);
    await says('ready');
    await until(async () => (await child.dumpStacks()).includes('in hang'), 'the stack shows it');
  });

  it('is one dump for callers at the same time', async () => {
    const { child, says } = start(`${ARM}
print("ready")
time.sleep(600)`);
    await says('ready');
    const [one, two] = await Promise.all([child.dumpStacks(30_000), child.dumpStacks(30_000)]);
    expect(one).toContain('Current thread');
    expect(two).toBe(one);
    expect(one.split('Current thread')).toHaveLength(2);
    expect(parseStacks(await child.dumpStacks(30_000))).toHaveLength(1);
  });

  it('is empty, and does no harm, where the process does not answer or is gone', async () => {
    const { child, says, exit, lines } = start('import time; print("ready"); time.sleep(0.5); print("well")');
    await says('ready');
    expect(await child.dumpStacks(30)).toBe('');
    await exit();
    expect(lines.map(({ line }) => line)).toContain('well');
    expect(await child.dumpStacks(30_000)).toBe('');
  });

  it('ends with the process, with what came so far', async () => {
    const { child, says, exit } = start(`import signal, os, time
def die(*_):
    os.write(3, b"half a dump"); os._exit(3)
signal.signal(signal.SIGURG, die)
print("ready")
while True: time.sleep(0.01)`);
    await says('ready');
    const [text] = await Promise.all([child.dumpStacks(30_000), exit()]);
    expect(text).toBe('half a dump');
  });

  it('gets what is there even when this very thread was held up', async () => {
    const { child, says } = start(`import signal, os, time
def dump(*_):
    os.write(3, b"first "); time.sleep(0.01); os.write(3, b"second")
signal.signal(signal.SIGURG, dump)
print("ready")
while True: time.sleep(0.01)`);
    await says('ready');
    const dump = child.dumpStacks(100);
    const end = performance.now() + 1000;
    while (performance.now() < end);
    expect(await dump).toBe('first second');
  });

  it('keeps at most 256 KiB, and nobody waits for the rest to be read', async () => {
    const { child, says } = start(`import signal, os, time
def dump(*_):
    for _ in range(40): os.write(3, b"x" * 65536)
    print("written")
signal.signal(signal.SIGURG, dump)
print("ready")
while True: time.sleep(0.01)`);
    await says('ready');
    await until(
      async () => (await child.dumpStacks(30_000)).length === 256 * 1024,
      'exactly that much comes',
    );
    await says('written');
  });

  it('can be left out', async () => {
    const { child, says } = start(
      `import os, time
try: os.fstat(3)
except OSError: print("none", os.environ.get("SNAKEPIT_STACK_FD"))
time.sleep(600)`,
      { stackSignal: false },
    );
    await says('none None');
    expect(await child.dumpStacks(30_000)).toBe('');
  });
});

describe('output past sys.stdout', () => {
  it('is dropped beyond its rate, counted, and never waited for; every line still comes', async () => {
    const count = 20_000;
    const { lines, exit } = start(
      `import os
for i in range(${count}): os.write(2, b"line %d\\n" % i)
os.write(1, b"other stream\\n")`,
      { outputRate: { perSecond: 1, burst: 10 } },
    );
    await exit();
    const own = lines.filter(({ stream, fate }) => stream === 'stderr' && fate !== 'summary');
    expect(own.map(({ line }) => line)).toEqual(Array.from({ length: count }, (_, i) => `line ${i}`));
    const shown = own.filter(({ fate }) => fate === 'shown');
    expect(shown.slice(0, 10)).toEqual(own.slice(0, 10));
    const summaries = lines.filter(({ fate }) => fate === 'summary');
    const counted = summaries.map(({ line }) =>
      Number(/^… (\d+) more lines? w(?:as|ere) dropped$/.exec(line)?.[1]),
    );
    expect(counted.reduce((sum, one) => sum + one, 0)).toBe(count - shown.length);
    // The quiet stream does not suffer for the loud one.
    expect(lines).toContainEqual({ stream: 'stdout', line: 'other stream', fate: 'shown' });
  });

  it('says how many were dropped while it goes on, about once a second, and shows lines again later', async () => {
    const { lines } = start(
      `import os, time
while True:
    os.write(2, b"x\\n"); time.sleep(0.001)`,
      { outputRate: { perSecond: 5, burst: 1 } },
    );
    const begun = performance.now();
    await until(() => lines.filter(({ fate }) => fate === 'summary').length >= 2, 'two summaries');
    const seconds = (performance.now() - begun) / 1000;
    expect(seconds).toBeGreaterThan(1.9);
    const shown = lines.filter(({ fate }) => fate === 'shown').length;
    expect(shown).toBeGreaterThan(1);
    expect(shown).toBeLessThanOrEqual(2 + 5 * (seconds + 1));
  });

  it('comes whole by default', async () => {
    const { lines, exit } = start('for i in range(1000): print(i)');
    await exit();
    expect(lines.map(({ fate }) => fate)).toEqual(Array(1000).fill('shown'));
  });

  it('a last line without an end comes even when a grandchild keeps the pipe', async () => {
    const { lines, exit } = start(`import os, subprocess, sys
subprocess.Popen([sys.executable, "-S", "-c", "import time; time.sleep(600)"])
os.write(2, b"last words")`);
    await exit();
    expect(lines).toEqual([{ stream: 'stderr', line: 'last words', fate: 'shown' }]);
  });
});

describe('a program that is not there', () => {
  it('ends with its error', async () => {
    const error = await new Promise<Error | undefined>((resolve) => {
      const child = new WorkerProcess({
        command: '/nowhere/python',
        args: [],
        cwd: '/',
        env: {},
        onLine: () => {},
        onExit: (exit) => resolve(exit.error),
      });
      expect(child.pid).toBeUndefined();
    });
    expect(error?.message).toContain('ENOENT');
  });
});
