import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterEach, describe, expect, it } from 'vitest';
import type {
  Failure,
  LinkFault,
  LinkHandler,
  Transport,
  WorkerLink,
  WorkerStats,
} from '../../src/transport/index.ts';
import { createSocketTransport } from '../../src/transport/index.ts';
import { readProgress } from '../../src/transport/progress.ts';
import { testPython } from '../support/tools.ts';

const APP = `
import os, time
from snakepit import command

def until_go():
    open("there", "w").close()
    while not os.path.exists("go"): time.sleep(0.001)

@command
def wait(): until_go()

@command
def memory(mb: int):
    block = bytearray(mb << 20)
    for at in range(0, len(block), 4096): block[at] = 1

@command
def fails(mb: int):
    memory(mb)
    raise ValueError("no")

@command
def flood(n: int):
    for i in range(n): print(i)
`;

interface Answer {
  readonly id: number;
  readonly failure?: Failure;
  readonly bytes: number;
  readonly peak: number;
}

interface Log {
  readonly logger: string;
  readonly message: string;
  readonly fields: Record<string, unknown>;
}

const folders: string[] = [];
const children: ChildProcess[] = [];
const transports: Transport[] = [];

afterEach(async () => {
  for (const child of children.splice(0)) {
    if (child.exitCode === null && child.signalCode === null) {
      child.kill('SIGKILL');
      await once(child, 'exit');
    }
  }
  for (const transport of transports.splice(0)) await transport.close();
  for (const folder of folders.splice(0)) rmSync(folder, { recursive: true, force: true });
});

/** A real worker at the other end of a link, and what the link has reported. */
const start = async (
  settings: { concurrency?: number; logRate?: { perSecond: number; burst: number } } = {},
) => {
  const cwd = mkdtempSync(join(tmpdir(), 'snakepit-link-'));
  folders.push(cwd);
  writeFileSync(join(cwd, 'app.py'), APP);
  const { concurrency = 1, ...more } = settings;
  const transport = await createSocketTransport({
    codec: 'auto',
    runtimeDir: undefined,
    poolName: 'default',
    app: join(cwd, 'app.py'),
    cwd,
    concurrency,
    maxFrameBytes: 2 ** 20,
    statsIntervalMs: 20,
    ...more,
  });
  transports.push(transport);
  const answers: Answer[] = [];
  const logs: Log[] = [];
  const stacks = new Map<number, readonly { id: number | null; text: string }[]>();
  const seen = { ready: false, stats: undefined as WorkerStats | undefined, closed: false };
  let fault: LinkFault | undefined;
  const handler: LinkHandler = {
    introduced() {},
    phase() {},
    ready: () => {
      seen.ready = true;
    },
    startFailed: (failure) => expect.unreachable(failure.message),
    response: (id, _result, _pythonMs, _cpuMs, bytes, peak) => answers.push({ id, bytes, peak }) > 0,
    error: (id, failure, _pythonMs, _cpuMs, bytes, peak) => answers.push({ id, failure, bytes, peak }) > 0,
    chunk: () => true,
    recalled() {},
    pong() {},
    stack: (seq, requests) => void stacks.set(seq, requests),
    stats: (stats) => {
      seen.stats = stats;
    },
    event() {},
    log: (_id, _level, logger, message, _time, fields) => void logs.push({ logger, message, fields }),
    closed: (why) => {
      seen.closed = true;
      fault = why;
    },
  };
  const link: WorkerLink = await transport.open({ workerId: 'w-1', slot: 0 }, handler);
  const child = spawn(testPython(), ['-m', 'snakepit._worker'], {
    cwd,
    env: {
      ...process.env,
      ...link.env,
      PYTHONPATH: fileURLToPath(new URL('../../python/src', import.meta.url)),
    },
    stdio: ['pipe', 'ignore', 'inherit'],
  });
  children.push(child);
  await expect.poll(() => seen.ready, { timeout: 20_000 }).toBe(true);

  const request = (id: number, command: string, args: unknown = {}) =>
    link.request(
      id,
      {
        command,
        args,
        tagged: false,
        session: undefined,
        requestId: `r${id}`,
        correlationId: `c${id}`,
        traceparent: undefined,
        streaming: false,
      },
      60_000,
    );
  const poll = <T>(what: () => T) => expect.poll(what, { timeout: 20_000 });
  const answer = async (id: number): Promise<Answer> => {
    await poll(() => answers.some((one) => one.id === id)).toBe(true);
    return answers.find((one) => one.id === id) as Answer;
  };
  const exists = (name: string): boolean =>
    statSync(join(cwd, name), { throwIfNoEntry: false }) !== undefined;
  const go = () => writeFileSync(join(cwd, 'go'), '');
  return { link, child, seen, logs, stacks, request, answer, poll, exists, go, fault: () => fault };
};

describe('a link', () => {
  it('asks for the stacks of requests and of threads', async () => {
    const { link, stacks, request, answer, poll, exists, go } = await start();
    request(1, 'wait');
    await poll(() => exists('there')).toBe(true);
    link.stack(7, [1, 2]);
    link.stack(8, null);
    await poll(() => stacks.size).toBe(2);
    const [first, second] = stacks.get(7) as { id: number; text: string }[];
    expect(first?.id).toBe(1);
    expect(first?.text).toMatch(
      /^Traceback \(most recent call last\):\n {2}File ".*app\.py", line \d+, in wait\n.*\n {2}File ".*app\.py", line \d+, in until_go\n/,
    );
    expect(second).toEqual({ id: 2, text: '' });
    expect(stacks.get(8)).toEqual([
      { id: null, text: expect.stringMatching(/^Thread 0x[0-9a-f]{16} "MainThread"/) },
    ]);
    go();
    await answer(1);
  });

  it('reads what each slot does while the worker lives, and once more after its death', async () => {
    const { link, stacks, child, request, poll, seen } = await start({ concurrency: 2 });
    await poll(() => link.progress().every((slot) => slot.thread !== null)).toBe(true);
    expect(link.progress().map((slot) => slot.lastStarted)).toEqual([0, 0]);
    request(1, 'wait');
    request(2, 'wait');
    await poll(() =>
      link
        .progress()
        .map((slot) => slot.lastStarted)
        .sort(),
    ).toEqual([1, 2]);
    link.stack(1, null);
    await poll(() => stacks.size).toBe(1);
    const texts = (stacks.get(1) ?? []).map(({ text }) => text);
    for (const { thread } of link.progress()) {
      expect(texts.filter((text) => text.startsWith(`Thread ${thread} "snakepit-`))).toHaveLength(1);
    }
    child.kill('SIGKILL');
    await poll(() => seen.closed).toBe(true);
    expect([...link.takeLastStarted()].sort()).toEqual([0, 1, 2]);
    expect(link.takeLastStarted()).toEqual([]);
    expect(link.progress()).toEqual([]);
  });

  it('hands on what memory a request took', async () => {
    const { request, answer } = await start();
    request(1, 'memory', { mb: 100 });
    request(2, 'memory', { mb: 50 });
    request(3, 'fails', { mb: 200 });
    const peak = (await answer(1)).peak;
    expect(peak).toBeGreaterThan(100 * 2 ** 20);
    expect(peak).toBeLessThan(180 * 2 ** 20);
    expect((await answer(2)).peak).toBe(0);
    const last = await answer(3);
    expect(last.failure?.code).toBe('python_exception');
    expect(last.peak).toBeGreaterThan(200 * 2 ** 20);
  });

  it('hands on the readings of the process', async () => {
    const { seen, poll } = await start();
    await poll(() => seen.stats).toBeDefined();
    const { rssBytes, peakRssBytes, openFds, gcCollections, threads, cpuSeconds } = seen.stats as WorkerStats;
    expect(peakRssBytes).toBeGreaterThan(rssBytes * 0.9);
    expect(peakRssBytes).toBeLessThan(60 * 2 ** 20);
    expect(threads).toBeGreaterThanOrEqual(2);
    expect(cpuSeconds).toBeGreaterThan(0);
    expect(gcCollections).toBeGreaterThanOrEqual(0);
    if (process.platform === 'linux') expect(openFds).toBeGreaterThan(5);
  });

  it.each([
    ['by default', undefined, 2000, 500],
    ['as it was told', { perSecond: 10, burst: 100 }, 100, 10],
  ])('limits what a worker prints %s', async (_, logRate, burst, perSecond) => {
    const { logs, request, answer } = await start(logRate && { logRate });
    request(1, 'flood', { n: 20_000 });
    await answer(1);
    const summary = logs.at(-1) as Log;
    expect(summary.logger).toBe('snakepit.output');
    expect(summary.message).toContain(`more than ${perSecond} a second`);
    expect(logs.length - 1).toBeGreaterThanOrEqual(burst);
    const dropped = logs.reduce((sum, log) => sum + ((log.fields.dropped as number | undefined) ?? 0), 0);
    expect(logs.filter((log) => log.logger === 'python.stdout').length + dropped).toBe(20_000);
  });
});

describe('a progress file', () => {
  it('that is too short says nothing', () => {
    const folder = mkdtempSync(join(tmpdir(), 'snakepit-progress-'));
    folders.push(folder);
    writeFileSync(join(folder, 'p'), Buffer.alloc(8));
    expect(readProgress(join(folder, 'p'), 1)).toEqual([]);
    expect(readProgress(join(folder, 'none'), 1)).toEqual([]);
  });
});
