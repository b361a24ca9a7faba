import { randomBytes } from 'node:crypto';
import { setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';
import { gunzipSync } from 'node:zlib';
import { Counter, Registry } from 'prom-client';
import { describe, expect, it } from 'vitest';
import type { MetricsReader } from '../../../src/http/index.ts';
import { ask, dial, serveOps, until } from '../../http/support.ts';
import { rig, snapshotOf } from './fixtures.ts';

setFlagsFromString('--expose-gc');
const collectGarbage = runInNewContext('gc') as () => void;

const crowded = (series: number, more: Parameters<typeof rig>[0] = {}) => {
  const of = rig({ maxSeries: series, ...more });
  of.metrics.registerMetric({ type: 'histogram', name: 'app_h', help: 'h', labels: ['a'] });
  of.metrics.registerMetric({ type: 'counter', name: 'app_c_total', help: 'c', labels: ['a'] });
  for (let i = 0; i < series; i++) {
    of.metrics.observeHistogram('app_h', { a: `series ${i} 日本` }, i);
    of.metrics.updateCounter('app_c_total', { a: `series ${i}` }, i);
  }
  return of;
};

/** A registry that does not answer before it is told to. */
const held = () => {
  let go = () => {};
  const told = new Promise<void>((resolve) => {
    go = resolve;
  });
  const registry = new Registry();
  new Counter({
    name: 'held_total',
    help: 'Held.',
    registers: [registry],
    collect: () => told,
  });
  return { registry, go };
};

describe('/metrics over HTTP', () => {
  it.each(['text/plain', 'application/openmetrics-text', 'application/vnd.google.protobuf'])(
    'sends %s whole, plain and compressed, and its length to HEAD',
    async (accept) => {
      const { metrics } = crowded(2000);
      const exposition = await metrics.render(accept);
      // Nothing that changes with time: both bodies are of the same moment.
      const { url } = await serveOps({}, { metrics: { render: async () => exposition } });
      const body = Buffer.from(exposition.body as string);
      const plain = await ask(`${url}/metrics`, { headers: { accept } });
      expect(plain.body.equals(body)).toBe(true);
      expect(plain.headers['content-length']).toBe(String(body.length));
      expect(plain.headers['content-type']).toBe(exposition.contentType);
      const zipped = await ask(`${url}/metrics`, { headers: { accept, 'accept-encoding': 'gzip' } });
      expect(zipped.headers['content-encoding']).toBe('gzip');
      expect(gunzipSync(zipped.body).equals(body)).toBe(true);
      const head = await ask(`${url}/metrics`, { method: 'HEAD', headers: { accept } });
      expect([head.text, head.headers['content-length']]).toEqual(['', String(body.length)]);
      const zippedHead = await ask(`${url}/metrics`, {
        method: 'HEAD',
        headers: { accept, 'accept-encoding': 'gzip' },
      });
      expect([zippedHead.status, zippedHead.text, zippedHead.headers['content-encoding']]).toEqual([
        200,
        '',
        'gzip',
      ]);
    },
  );

  it('is shared by scrapes that come together', async () => {
    const { registry, go } = held();
    const { levels, metrics } = crowded(10, { registry });
    let readings = 0;
    levels.snapshot = () => {
      readings++;
      return snapshotOf();
    };
    let asked = 0;
    const reader: MetricsReader = {
      render: (accept, signal) => {
        asked++;
        return metrics.render(accept, signal);
      },
    };
    const { url } = await serveOps({}, { metrics: reader });
    const answers = Promise.all(Array.from({ length: 5 }, () => ask(`${url}/metrics`)));
    await until(() => asked === 5, 'all have asked');
    go();
    const texts = (await answers).map(({ text }) => text);
    expect(new Set(texts).size).toBe(1);
    expect(readings).toBe(1);
  });

  it('lets a scrape go that goes away while it is rendered', async () => {
    const { registry, go } = held();
    const { levels, metrics } = crowded(10, { registry });
    let readings = 0;
    levels.snapshot = () => {
      readings++;
      return snapshotOf();
    };
    const signals: (AbortSignal | undefined)[] = [];
    const bugs: unknown[] = [];
    const ended: unknown[] = [];
    const reader: MetricsReader = {
      render: (accept, signal) => {
        signals.push(signal);
        const answer = metrics.render(accept, signal);
        answer.catch((error) => ended.push(error));
        return answer;
      },
    };
    const server = await serveOps({}, { metrics: reader, reportBug: (error) => bugs.push(error) });
    const socket = await dial(server);
    socket.write('GET /metrics HTTP/1.1\r\nhost: localhost\r\n\r\n');
    await until(() => signals.length === 1, 'it is being rendered');
    socket.destroy();
    await until(() => ended.length === 1, 'the server has noticed');
    go();
    const after = await ask(`${server.url}/metrics`);
    expect(after.status).toBe(200);
    // The abandoned one was not rendered any further.
    expect(readings).toBeLessThanOrEqual(2);
    expect(bugs).toEqual([]);
  });

  it.each([undefined, 'gzip'])(
    'lets a scrape go that goes away in the middle of the body (%s)',
    async (encoding) => {
      const parts = () => Array.from({ length: 200 }, () => Buffer.from(randomBytes(100_000)));
      let held: WeakRef<readonly Uint8Array[]> | undefined;
      const metrics: MetricsReader = {
        render: async () => {
          const slices = parts();
          held = new WeakRef(slices);
          return { contentType: 'text/plain', body: '', slices };
        },
      };
      const server = await serveOps({}, { metrics });
      const socket = await dial(server);
      const accept = encoding === undefined ? '' : `accept-encoding: ${encoding}\r\n`;
      socket.write(`GET /metrics HTTP/1.1\r\nhost: localhost\r\n${accept}\r\n`);
      await until(() => socket.received().length > 0, 'the body has begun');
      // It reads no further: what is left waits at the server.
      socket.pause();
      await until(() => {
        collectGarbage();
        return held?.deref() !== undefined;
      }, 'there is something left to send');
      socket.destroy();
      await until(() => {
        collectGarbage();
        return held?.deref() === undefined;
      }, 'nothing is held any more');
      expect((await ask(`${server.url}/metrics`)).body.length).toBe(200 * 100_000);
    },
  );
});

describe('a rendering that several wait for', () => {
  it('goes on for those who stay', async () => {
    const { registry, go } = held();
    const { metrics } = crowded(10, { registry });
    const leaving = new AbortController();
    const first = metrics.render(undefined, leaving.signal);
    const second = metrics.render(undefined, new AbortController().signal);
    leaving.abort(new Error('gone'));
    await expect(first).rejects.toThrow('gone');
    go();
    expect((await second).text).toContain('app_h_count');
  });

  it('ends when all have gone, and the next scrape begins anew', async () => {
    const { registry, go } = held();
    const { levels, metrics } = crowded(5000, { registry });
    let readings = 0;
    levels.snapshot = () => {
      readings++;
      return snapshotOf();
    };
    const [one, two] = [new AbortController(), new AbortController()];
    const both = [metrics.render(undefined, one.signal), metrics.render(undefined, two.signal)];
    one.abort();
    two.abort();
    for (const left of await Promise.allSettled(both)) expect(left.status).toBe('rejected');
    await expect(metrics.render(undefined, AbortSignal.abort())).rejects.toThrow('abort');
    go();
    // Many more turns than a rendering takes.
    for (let turn = 0; turn < 20; turn++) await new Promise((resolve) => setImmediate(resolve));
    expect(readings).toBe(0);
    expect((await metrics.render()).text).toContain('app_h_count');
    expect(readings).toBe(1);
  });
});
