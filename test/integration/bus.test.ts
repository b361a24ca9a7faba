import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, expect, it, onTestFinished } from 'vitest';
import type { Snakepit, SnakepitEvent } from '../../src/index.ts';
import { errorOf, python, startPit, until } from '../support/pit.ts';

const app = () => python`
  import logging

  @command
  def hello():
      return "hello"

  @command
  def fail():
      logging.getLogger("app").warning("about to fail")
      raise ValueError("wrong")

  @command
  def nap(seconds: float):
      time.sleep(seconds)
`;

/** Every consumer's row on /metrics. */
const consumers = async (pit: Snakepit) => {
  const { body } = await pit.metrics.render();
  const rows = new Map<string, Record<string, number>>();
  const line =
    /^snakepit_events_(offered|delivered|dropped|pending)(?:_total)?\{consumer="([^"]+)".*?\} (\S+)$/gm;
  for (const [, kind, consumer, value] of String(body).matchAll(line)) {
    const row = rows.get(consumer as string) ?? {};
    row[kind as string] = (row[kind as string] ?? 0) + Number(value);
    rows.set(consumer as string, row);
  }
  return rows;
};

describe('/metrics', () => {
  it('shows offered = delivered + dropped + pending for every consumer, in every scrape under load', async () => {
    const { pit } = await startPit({ pool: { app: app(), workers: 2 } });
    pit.bus.configure({ sampling: { 'snakepit.request.**': 0.5 } });
    pit.bus.registerConsumer(
      '**',
      { name: 'hung', handle: () => new Promise(() => {}) },
      { queue: { maxEvents: 5 } },
    );
    pit.bus.registerConsumer('**', {
      name: 'slow',
      handle: () => new Promise((done) => setTimeout(done, 2)),
    });
    pit.bus.registerConsumer('**', { name: 'batches', handleBatch: async () => {} });
    pit.bus.registerConsumer('**', {
      name: 'moody',
      handle: ({ event_name }) => {
        if (event_name.endsWith('started')) throw new Error('not that one');
      },
    });
    const load = Array.from({ length: 300 }, (_, i) =>
      errorOf(pit.execute(i % 7 === 0 ? 'fail' : 'hello')).catch(() => {}),
    );
    for (let scrapes = 0; scrapes < 10; scrapes++) {
      for (const [name, { offered, delivered, dropped, pending }] of await consumers(pit)) {
        expect(offered, name).toBe((delivered ?? 0) + (dropped ?? 0) + (pending ?? 0));
      }
      await load[scrapes * 30];
    }
    await Promise.all(load);
    expect([...(await consumers(pit)).keys()]).toEqual(
      expect.arrayContaining(['metrics', 'health', 'errors', 'hung', 'slow', 'batches', 'moody']),
    );
    await pit.close();
    for (const [name, { offered, delivered, dropped, pending }] of await consumers(pit)) {
      expect(pending, name).toBe(0);
      expect(offered, name).toBe((delivered ?? 0) + (dropped ?? 0));
    }
  });
});

describe('with sampling', () => {
  it('a request that fails or is slow is told whole, one that goes well not at all; metrics count all of them', async () => {
    const { pit } = await startPit({
      // Long enough that nothing is slow only because the machine is busy.
      pool: { app: app(), slowAfterMs: 1000 },
      observability: { sampling: { '**': 0 } },
    });
    const seen: SnakepitEvent[] = [];
    pit.bus.registerConsumer(
      { patterns: ['snakepit.request.**', 'python.**'] },
      (event) => void seen.push(event),
    );
    const names = (requestId: string) =>
      seen.filter(({ metadata }) => metadata.request_id === requestId).map(({ event_name }) => event_name);
    for (let i = 0; i < 20; i++) await pit.execute('hello');
    const slow = await pit.call('nap', { seconds: 1.2 });
    const failed = await errorOf(pit.execute('fail'));
    await until(
      () => names(failed.requestId as string).includes('snakepit.request.completed'),
      'it has come',
    );
    expect(names(slow.requestId)).toEqual([
      'snakepit.request.queued',
      'snakepit.request.started',
      'snakepit.request.slow',
      'snakepit.request.completed',
    ]);
    expect(names(failed.requestId as string)).toEqual([
      'snakepit.request.queued',
      'snakepit.request.started',
      'python.log',
      'snakepit.request.failed',
      'snakepit.request.completed',
    ]);
    expect(new Set(seen.map(({ metadata }) => metadata.request_id)).size).toBe(2);
    expect(String((await pit.metrics.render()).body)).toMatch(
      /snakepit_requests_total\{pool_name="default",command="hello",status="success"\} 20\n/,
    );
  });
});

describe('at the end', () => {
  it('what waits is delivered, and what a consumer does not take in time is said in the log', async () => {
    const folder = mkdtempSync(join(tmpdir(), 'snakepit-test-'));
    onTestFinished(() => rmSync(folder, { recursive: true }));
    const dest = join(folder, 'log');
    const { pit } = await startPit({
      pool: { app: app() },
      observability: { flushMs: 200 },
      logs: { level: 'warn', dest },
    });
    const seen: string[] = [];
    pit.bus.registerConsumer('snakepit.**', {
      name: 'steady',
      handle: async ({ event_name }) => {
        await Promise.resolve();
        seen.push(event_name);
      },
    });
    pit.bus.registerConsumer('snakepit.**', { name: 'hung', handle: () => new Promise(() => {}) });
    await pit.execute('hello');
    await pit.close();
    expect(seen).toContain('snakepit.pool.stopped');
    const lines = readFileSync(dest, 'utf8')
      .trim()
      .split('\n')
      .map((line) => JSON.parse(line));
    expect(lines).toMatchObject([
      {
        level: 'warn',
        event: 'snakepit.observability.unflushed',
        consumer: 'hung',
        message: expect.stringMatching(/^Consumer hung did not take its last \d+ events in time$/),
      },
    ]);
  });
});

describe('switched off', () => {
  it('nothing is observed, and requests go as ever', async () => {
    const { pit } = await startPit({ pool: { app: app() }, observability: false });
    const seen: unknown[] = [];
    pit.bus.registerConsumer('**', (event) => seen.push(event));
    expect(await pit.execute('hello')).toBe('hello');
    expect((await errorOf(pit.execute('fail'))).code).toBe('python_exception');
    expect(pit.bus.enabled).toBe(false);
    await pit.close();
    expect(seen).toEqual([]);
  });
});
