import { afterAll, beforeAll, describe, expect, it, onTestFinished } from 'vitest';
import { MemoryStore } from '../../../src/core/session/memory-store.ts';
import { connectRedis } from '../../../src/core/session/redis-client.ts';
import { RedisStore } from '../../../src/core/session/redis-store.ts';
import type { Opened, SessionEnd, SessionStore } from '../../../src/core/session/store.ts';
import { until } from '../../support/pit.ts';
import { RedisServer } from '../../support/redis.ts';
import { requireTool } from '../../support/tools.ts';

interface Settings {
  ttlMs: number;
  maxSessions: number;
  evict: 'oldest' | 'none';
}

interface Ended {
  readonly id: string;
  readonly why: SessionEnd;
}

const data = (value: unknown) => ({ value, tagged: false });
let names = 0;

/** What every store must do, whatever it keeps its sessions in. */
const conformance = (make: (settings: Settings) => SessionStore) => {
  const start = (over: Partial<Settings> = {}) => {
    const store = make({ ttlMs: 60_000, maxSessions: 100, evict: 'oldest', ...over });
    const ended: Ended[] = [];
    let swept = 0;
    store.start({
      ended: (id, why) => void ended.push({ id, why }),
      swept: (count) => {
        swept += count;
      },
    });
    onTestFinished(() => store.close());
    return { store, ended, swept: () => swept };
  };
  const opened = async (store: SessionStore, id: string, opener = 'r1') => {
    const outcome = (await store.open(id, true, opener)) as Opened;
    if (outcome.kind !== 'opened') throw new Error(`it is ${outcome.kind}`);
    return outcome;
  };

  it('makes a session that does not exist, with nothing in it, and finds it again', async () => {
    const { store } = start();
    expect(await opened(store, 'a')).toMatchObject({
      created: true,
      session: { value: null, version: 0 },
    });
    expect(await opened(store, 'a', 'r2')).toMatchObject({ created: false, session: { version: 0 } });
  });

  it('does not make one where it is told not to', async () => {
    const { store } = start();
    expect(await store.open('a', false, 'r1')).toEqual({ kind: 'missing' });
    expect(await store.read('a')).toBeUndefined();
  });

  it('keeps what is written, whatever it is', async () => {
    const { store } = start();
    const bytes = new Uint8Array([0, 255, 10, 13]);
    const value = { n: 2 ** 40, big: 2n ** 60n, at: new Date(5000), bytes, text: 'ä\u0000\n', list: [null] };
    await opened(store, 'a');
    expect(await store.write('a', 0, { value, tagged: true }, 'r1')).toBe('written');
    const read = await store.read('a');
    expect(read?.version).toBe(1);
    const back = read?.value as typeof value;
    expect({ ...back, n: Number(back.n), bytes: [...back.bytes] }).toEqual({ ...value, bytes: [...bytes] });
  });

  it('lets one of two win that were made from the same version', async () => {
    const { store } = start();
    await opened(store, 'a');
    const [first, second] = await Promise.all([
      store.write('a', 0, data('x'), 'r1'),
      store.write('a', 0, data('y'), 'r2'),
    ]);
    expect([first, second].sort()).toEqual(['conflict', 'written']);
    expect(await store.read('a')).toMatchObject({ version: 1, value: first === 'written' ? 'x' : 'y' });
  });

  it('loses and doubles nothing when a hundred add one at the same time, each until it wins', async () => {
    const { store } = start();
    const add = async (writer: number): Promise<void> => {
      const { session } = await opened(store, 'sum', `o${writer}`);
      const next = Number(session.value ?? 0) + 1;
      const outcome = await store.write('sum', session.version, data(next), `w${writer}.${session.version}`);
      if (outcome === 'conflict') await add(writer);
    };
    await Promise.all(Array.from({ length: 100 }, (_, writer) => add(writer)));
    expect(await store.read('sum')).toMatchObject({ value: 100, version: 100 });
  });

  it('does not write to a session that is gone', async () => {
    const { store, ended } = start();
    await opened(store, 'a');
    expect(await store.remove('a')).toBe(true);
    expect(await store.remove('a')).toBe(false);
    expect(await store.write('a', 0, data(1), 'r1')).toBe('gone');
    expect(ended).toEqual([{ id: 'a', why: 'deleted' }]);
  });

  it('lets a session expire that is not used, tells of it once, and not one that is', async () => {
    const ttlMs = 300;
    const { store, ended, swept } = start({ ttlMs });
    await opened(store, 'idle');
    await opened(store, 'used');
    let lastUse = performance.now();
    let neglected = false;
    await until(async () => {
      const now = performance.now();
      // A machine that stands still for so long lets this one expire too, and rightly.
      neglected ||= now - lastUse > ttlMs / 2;
      await store.open('used', true, 'r2');
      lastUse = now;
      return ended.some(({ id }) => id === 'idle');
    }, 'a session has expired');
    expect(ended.filter(({ id }) => id === 'idle')).toEqual([{ id: 'idle', why: 'expired' }]);
    expect(swept()).toBeGreaterThan(0);
    expect(await store.read('idle')).toBeUndefined();
    if (!neglected) expect(ended).toHaveLength(1);
  });

  it('gives an expired session to nobody, not even before a sweep has found it', async () => {
    const { store } = start({ ttlMs: 30 });
    await opened(store, 'a');
    await store.write('a', 0, data('secret'), 'r1');
    await until(async () => (await store.read('a')) === undefined, 'it has expired');
    expect(await opened(store, 'a', 'r9')).toMatchObject({ created: true, session: { value: null } });
  });

  it('has the one used longest ago give way to a new one', async () => {
    const { store, ended } = start({ maxSessions: 3 });
    for (const id of ['a', 'b', 'c']) {
      await opened(store, id);
      await new Promise((resolve) => setTimeout(resolve, 3));
    }
    await opened(store, 'a', 'r2');
    await opened(store, 'd');
    expect(ended).toEqual([{ id: 'b', why: 'evicted' }]);
    expect(await store.read('b')).toBeUndefined();
    for (const id of ['a', 'c', 'd']) expect(await store.read(id), id).toBeDefined();
  });

  it('refuses a new one where none may give way', async () => {
    const { store } = start({ maxSessions: 2, evict: 'none' });
    await opened(store, 'a');
    await opened(store, 'b');
    expect(await store.open('c', true, 'r1')).toEqual({ kind: 'full' });
    expect(await opened(store, 'a', 'r2')).toMatchObject({ created: false });
    await store.remove('a');
    expect(await opened(store, 'c')).toMatchObject({ created: true });
  });

  it('tells how many there are', async () => {
    const { store } = start();
    for (let i = 0; i < 7; i++) await opened(store, `s${i}`);
    await store.remove('s3');
    await until(() => store.state().active === 6, 'six are counted');
    expect(store.state()).toMatchObject({ available: true, capacity: 100, error: null });
  });
};

describe('a store in memory', () => {
  conformance((settings) => new MemoryStore(settings));
});

describe.skipIf(!requireTool('redis-server'))('a store in Redis', () => {
  let server: RedisServer;
  beforeAll(async () => {
    server = await RedisServer.start();
  });
  afterAll(() => server?.close());

  const make = (settings: Settings, keyPrefix = `t${++names}`, timeoutMs = 5000) =>
    new RedisStore({ ...settings, timeoutMs, keyPrefix }, (onFault) =>
      connectRedis({ url: server.url, timeoutMs, onFault }),
    );
  const usual: Settings = { ttlMs: 60_000, maxSessions: 100, evict: 'oldest' };

  conformance((settings) => make(settings));

  it('is one store for two processes that use the same prefix, and none for others', async () => {
    const [one, two, other] = [make(usual, 'same'), make(usual, 'same'), make(usual, 'other')];
    onTestFinished(async () => void (await Promise.all([one.close(), two.close(), other.close()])));
    await one.open('a', true, 'r1');
    await one.write('a', 0, data({ from: 'one' }), 'r1');
    expect(await two.read('a')).toMatchObject({ value: { from: 'one' }, version: 1 });
    expect(await other.read('a')).toBeUndefined();
  });

  it('takes a write that is repeated, since its answer was lost, for the same one', async () => {
    const store = make(usual);
    onTestFinished(() => store.close());
    await store.open('a', true, 'r1');
    expect(await store.write('a', 0, data(1), 'r1')).toBe('written');
    expect(await store.write('a', 0, data(1), 'r1')).toBe('written');
    expect(await store.read('a')).toMatchObject({ version: 1 });
  });

  it('says so while Redis is away, and works again when it is back', async () => {
    const mine = await RedisServer.start();
    onTestFinished(() => mine.close());
    const settings = { ...usual, timeoutMs: 300, keyPrefix: 'away' };
    const store = new RedisStore(settings, (onFault) =>
      connectRedis({ url: mine.url, timeoutMs: 300, onFault }),
    );
    onTestFinished(() => store.close());
    store.start({ ended: () => {}, swept: () => {} });
    await store.open('a', true, 'r1');
    await mine.kill();
    await expect(store.open('a', true, 'r2')).rejects.toThrow('Redis does not answer');
    await until(() => !store.state().available, 'the store is known to be away');
    expect(store.state().error).not.toBeNull();
    await mine.begin();
    await until(() => store.state().available, 'it is back');
    expect(await store.open('b', true, 'r3')).toMatchObject({ kind: 'opened', created: true });
  });
});
