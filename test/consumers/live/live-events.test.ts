import { describe, expect, it } from 'vitest';
import type { LiveFilter } from '../../../src/consumers/live/index.ts';
import type { EventBus } from '../../../src/events/index.ts';
import { createInstanceSanitizer } from '../../../src/sanitize/index.ts';
import { Client, rig, seqOf } from './fixtures.ts';

const CRASHED = 'snakepit.worker.crashed';
const COMPLETED = 'snakepit.request.completed';
const about = (more: Record<string, unknown> = {}) => ({ pool_name: 'default', command: 'predict', ...more });

describe('an event', () => {
  it('is sent as JSON with the time in words, its weight, and its name as the type', async () => {
    const { bus, live, clock } = rig();
    const client = new Client(live);
    bus.emit(COMPLETED, { duration_ms: 1.5 } as never, about({ timestamp: Date.UTC(2025, 0, 15) }) as never);
    await clock.advance(1);
    await client.drain();
    const [hello, event] = client.frames;
    expect(hello).toMatchObject({ event: 'hello', data: { instance: hello?.id.split('-')[0] } });
    expect(event).toEqual({
      id: `${hello?.data.instance}-${seqOf(hello?.id as string) + 1}`,
      event: COMPLETED,
      data: {
        event_name: COMPLETED,
        measurements: { duration_ms: 1.5 },
        metadata: { pool_name: 'default', command: 'predict', timestamp: '2025-01-15T00:00:00.000Z' },
        sample_weight: 1,
      },
    });
  });

  it('that was sampled says for how many it stands', async () => {
    const { bus, live, clock } = rig();
    const client = new Client(live);
    bus.setSamplingRate('my.**', 0.5);
    for (let i = 0; i < 50; i++) bus.emit('my.event', {}, { correlation_id: String(i) });
    await clock.advance(1);
    await client.drain();
    expect(client.events.length).toBeGreaterThan(5);
    expect(client.events.length).toBeLessThan(45);
    for (const { data } of client.events) expect(data.sample_weight).toBe(2);
  });

  it('is sanitized, and what is sent is searched for fake secrets', async () => {
    const sanitizer = createInstanceSanitizer({ canary: true });
    const { bus, live, clock } = rig({ sanitizer });
    const client = new Client(live);
    bus.emit('my.event', { n: 1 }, { password: 'hunter2hunter2', note: 'token=abcdef1234567890' });
    await clock.advance(1);
    await client.drain();
    expect(client.names).toEqual(['my.event']);
    expect(client.text).not.toMatch(/hunter2|abcdef1234567890/);
    expect(client.events[0]?.data.canary).toMatchObject({ password: expect.stringContaining('SANITIZED') });
    expect(sanitizer.canary?.leaks).toBe(0);
    // The search is no decoration: what is not masked is found.
    const second = rig({ sanitizer: { ...sanitizer, value: (value) => value as never } });
    const reader = new Client(second.live);
    second.bus.emit('my.event');
    await second.clock.advance(1);
    await reader.drain();
    expect(sanitizer.canary?.leaks).toBe(1);
  });

  it('too large to keep is told by its ids', async () => {
    const { bus, live, clock } = rig();
    const client = new Client(live, { pool: 'default' });
    bus.emit('my.event', { big: 'x'.repeat(300_000) }, about({ blob: 1 }));
    await clock.advance(1);
    await client.drain();
    expect(client.events[0]?.data).toMatchObject({
      measurements: {},
      metadata: { pool_name: 'default', left_out: expect.stringContaining('too large') },
    });
    expect(live.kept.bytes).toBeLessThan(10_000);
  });

  it('is written once for all, and never for nobody', async () => {
    let written = 0;
    const safe = createInstanceSanitizer();
    const sanitizer = {
      ...safe,
      value: (value: unknown) => {
        written++;
        return safe.value(value);
      },
    };
    const { bus, live, clock } = rig({ sanitizer });
    bus.emit('my.event', {}, { failed: true });
    expect(written).toBe(0);
    const clients = Array.from(
      { length: 10 },
      (_, i) => new Client(live, i % 2 ? { patterns: ['my.*'] } : {}),
    );
    for (let i = 0; i < 20; i++) bus.emit('my.event', { i });
    bus.emit(COMPLETED, {} as never, {} as never);
    expect(written).toBe(0);
    await clock.advance(300);
    for (const client of clients) await client.drain();
    // Measurements and metadata of 21 events.
    expect(written).toBe(42);
    for (const [i, { events }] of clients.entries()) expect(events.length).toBe(i % 2 ? 20 : 21);
  });
});

describe('a filter', () => {
  const seen = async (filter: object) => {
    const { bus, live, clock } = rig();
    const client = new Client(live, filter);
    bus.emit('a.one', {}, about({ request_id: 'r1', correlation_id: 'c1' }));
    bus.emit('a.two', {}, about({ command: 'embed', request_id: 'r2', correlation_id: 'c1' }));
    bus.emit('b.one', {}, about({ pool_name: 'gpu', request_id: 'r3' }));
    bus.emit('python.log', {} as never, { level: 'warning', logger: 'l', message: 'm' } as never);
    bus.emit(COMPLETED, {} as never, about() as never);
    bus.emit('snakepit.request.failed', {} as never, about() as never);
    await clock.advance(1);
    await client.drain();
    return client.names;
  };
  const failed = 'snakepit.request.failed';
  it.each([
    [{}, ['a.one', 'a.two', 'b.one', 'python.log', COMPLETED, failed]],
    [{ patterns: ['a.*'] }, ['a.one', 'a.two']],
    [{ patterns: ['a.two', 'b.**'] }, ['a.two', 'b.one']],
    [{ pool: 'gpu' }, ['b.one']],
    [{ command: 'embed' }, ['a.two']],
    [{ correlationId: 'c1' }, ['a.one', 'a.two']],
    [{ requestId: 'r3' }, ['b.one']],
    [{ requestId: 'r3', pool: 'default' }, []],
    [{ level: 'info' }, ['a.one', 'a.two', 'b.one', 'python.log', failed]],
    [{ level: 'warning' }, ['python.log', failed]],
    [{ level: 'error' }, [failed]],
  ])('%j lets through %j', async (filter, names) => {
    expect(await seen(filter)).toEqual(names);
  });

  it('that is malformed is refused', () => {
    const { live } = rig();
    expect(() => live.watch({ patterns: ['a.**.b'] })).toThrow(TypeError);
    expect(live.viewers).toBe(0);
  });
});

describe('flushes', () => {
  it('are four a second however much happens, the first at once', async () => {
    const { bus, live, clock } = rig();
    const client = new Client(live);
    await client.drain();
    const parts: number[] = [];
    for (let ms = 0; ms < 1000; ms += 10) {
      bus.emit('my.event', { ms });
      await clock.advance(10);
      if (await client.read()) parts.push(ms);
    }
    expect(parts[0]).toBe(0);
    expect(parts.length).toBeLessThanOrEqual(4);
    await clock.advance(250);
    await client.drain();
    expect(client.events.map(({ data }) => data.measurements.ms)).toEqual(
      Array.from({ length: 100 }, (_, i) => i * 10),
    );
  });

  it('are up to twenty for one who reads along', async () => {
    const { bus, live, clock } = rig();
    const client = new Client(live, {}, { immediate: true });
    await client.drain();
    let parts = 0;
    for (let ms = 0; ms < 1000; ms += 10) {
      bus.emit('my.event', { ms });
      await clock.advance(10);
      if (await client.read()) parts++;
    }
    expect(parts).toBeGreaterThan(10);
    expect(parts).toBeLessThanOrEqual(21);
  });

  it('carry a bounded number of events, failures first, and tell of the others where they were', async () => {
    const { bus, live, clock } = rig();
    const client = new Client(live);
    bus.emit(CRASHED, {} as never, { n: 0 } as never);
    for (let i = 0; i < 3000; i++) bus.emit('my.event', { i });
    await clock.advance(1);
    await client.drain();
    expect(client.events).toHaveLength(50);
    expect(client.names[0]).toBe(CRASHED);
    expect(client.events.at(-1)?.data.measurements).toEqual({ i: 2999 });
    const dropped = client.frames.filter(({ event }) => event === 'dropped');
    expect(dropped.map(({ data }) => data)).toEqual([{ count: 2951 }]);
    expect(client.viewer.counts()).toEqual({ matched: 3001, sent: 50, dropped: 2951, pending: 0 });
    const order = client.frames.map(({ id }) => seqOf(id));
    expect(order).toEqual([...order].sort((a, b) => a - b));
  });
});

describe('a slow viewer', () => {
  it('loses the oldest, is told how many, and holds nobody up', async () => {
    const { bus, live, clock } = rig();
    const [slow, quick] = [new Client(live), new Client(live)];
    // More than a flush takes, so that what the slow one loses has gaps already.
    const [rounds, each] = [200, 60];
    const all = rounds * each;
    for (let i = 0; i < all; i++) {
      bus.emit('my.event', { n: i });
      if (i % each < each - 1) continue;
      await clock.advance(250);
      await quick.drain();
    }
    expect(quick.events).toHaveLength(rounds * 50);
    expect(quick.viewer.counts()).toEqual({
      matched: all,
      sent: rounds * 50,
      dropped: rounds * 10,
      pending: 0,
    });
    expect(slow.viewer.counts()).toEqual({ matched: all, sent: 0, dropped: 0, pending: all });
    await slow.drain();
    const { sent, dropped, pending } = slow.viewer.counts();
    expect({ sent: slow.events.length, all: sent + dropped, pending }).toEqual({ sent, all, pending: 0 });
    expect(sent).toBeLessThanOrEqual(1000);
    const told = slow.frames
      .filter(({ event }) => event === 'dropped')
      .map(({ data }) => data.count as number);
    expect(told.reduce((sum, count) => sum + count, 0)).toBe(dropped);
    expect(slow.frames[1]?.event).toBe('dropped');
    expect(told[0]).toBeGreaterThan(all / 2);
    expect(slow.events.at(-1)?.data.measurements.n).toBe(all - 1);
  });
});

describe('coming back', () => {
  const lastOf = (client: Client) => client.frames.at(-1)?.id as string;

  it('with the last id brings what has come since', async () => {
    const { bus, live, clock } = rig();
    const first = new Client(live, { patterns: ['a.*'] });
    bus.emit('a.one');
    await clock.advance(1);
    await first.drain();
    first.viewer.close();
    for (const name of ['a.two', 'b.two', 'a.three']) bus.emit(name);
    const second = new Client(live, { patterns: ['a.*'] }, { lastEventId: lastOf(first) });
    bus.emit('a.four');
    await clock.advance(300);
    await second.drain();
    expect(second.frames.map(({ event }) => event)).toEqual(['hello', 'a.two', 'a.three', 'a.four']);
  });

  it('after others have begun to look loses nothing to them', async () => {
    const { bus, live, clock } = rig();
    const stays = new Client(live);
    const leaves = new Client(live);
    await stays.drain();
    await leaves.drain();
    bus.emit('a.one');
    leaves.viewer.close();
    bus.emit('a.two');
    const back = new Client(live, {}, { lastEventId: lastOf(leaves) });
    bus.emit('a.three');
    await clock.advance(300);
    for (const client of [stays, back]) {
      await client.drain();
      expect(client.names).toEqual(['a.one', 'a.two', 'a.three']);
    }
  });

  it('too late, or to another instance, is told; what is left follows', async () => {
    const { bus, live, clock } = rig({ keep: 10 });
    const first = new Client(live);
    await first.drain();
    first.viewer.close();
    bus.emit(CRASHED);
    for (let i = 0; i < 15; i++) bus.emit('a.one', { i });
    const late = new Client(live, {}, { lastEventId: lastOf(first) });
    await late.drain();
    expect(late.frames[0]).toMatchObject({ event: 'reset', data: { reason: 'too_old' } });
    expect(late.names).toEqual([CRASHED, ...Array(10).fill('a.one')]);
    // For one who wants nothing but what is kept at all times, nothing is missing.
    const narrow = new Client(live, { patterns: [CRASHED] }, { lastEventId: lastOf(first) });
    await narrow.drain();
    expect(narrow.frames.map(({ event }) => event)).toEqual(['hello', CRASHED]);
    for (const lastEventId of ['00000000-3', 'nonsense', '', `${lastOf(first)}999`]) {
      const foreign = new Client(live, {}, { lastEventId });
      await foreign.drain();
      expect(foreign.frames[0]).toMatchObject({ event: 'reset', data: { reason: 'other_instance' } });
    }
    await clock.advance(1);
  });

  it('after a time in which nobody looked is told, for not everything was taken down', async () => {
    const { bus, live, clock } = rig();
    const first = new Client(live);
    await first.drain();
    first.viewer.close();
    await clock.advance(59_000);
    const soon = new Client(live, {}, { lastEventId: lastOf(first) });
    await soon.drain();
    expect(soon.frames[0]?.event).toBe('hello');
    soon.viewer.close();
    await clock.advance(60_000);
    bus.emit('a.one');
    const late = new Client(live, {}, { lastEventId: lastOf(soon) });
    await late.drain();
    expect(late.frames.map(({ event }) => event)).toEqual(['reset']);
  });

  it('to a moment brings what is kept from then on', async () => {
    const { bus, live, clock } = rig();
    bus.emit(CRASHED);
    await clock.advance(60_000);
    bus.emit(CRASHED, {} as never, { n: 2 } as never);
    const client = new Client(live, {}, { since: clock.now() - 30_000 });
    await client.drain();
    expect(client.events.map(({ data }) => data.metadata.n)).toEqual([2]);
  });

  it('from a silent stream goes on from where the heartbeat was', async () => {
    const { bus, live, clock } = rig({ keep: 10 });
    const client = new Client(live, { patterns: ['quiet.*'] });
    await client.drain();
    for (let i = 0; i < 50; i++) bus.emit('a.one');
    await clock.advance(300);
    await client.drain();
    expect(client.names).toEqual([]);
    const beat = new TextDecoder().decode(client.viewer.heartbeat());
    const lastEventId = /^id: (.*)$/m.exec(beat)?.[1] as string;
    expect(beat).toBe(`: at ${lastEventId}\nid: ${lastEventId}\n\n`);
    client.viewer.close();
    const back = new Client(live, { patterns: ['quiet.*'] }, { lastEventId });
    await back.drain();
    expect(back.frames[0]?.event).toBe('hello');
  });
});

describe('the consumer', () => {
  const offered = (bus: EventBus) => bus.consumers().find(({ name }) => name === 'live');

  it('takes only what is rare while nobody looks, and for a minute after somebody did all', async () => {
    const { bus, live, clock } = rig();
    const wanted = () => bus.event(COMPLETED).wanted;
    bus.emit('a.one');
    bus.emit(CRASHED);
    expect({ wanted: wanted(), kept: live.kept.events }).toEqual({ wanted: false, kept: 1 });
    const client = new Client(live);
    expect(wanted()).toBe(true);
    client.viewer.close();
    // Who comes in between and wants less does not put it off, nor does it end it before its time.
    await clock.advance(30_000);
    const modest = new Client(live, { level: 'info' });
    await clock.advance(29_999);
    expect(wanted()).toBe(true);
    await clock.advance(1);
    expect({ wanted: wanted(), own: bus.event('a.one').wanted }).toEqual({ wanted: false, own: true });
    modest.viewer.close();
    await clock.advance(60_000);
    expect({ own: bus.event('a.one').wanted, timers: clock.pending }).toEqual({ own: false, timers: 0 });
    const { offered: all, delivered } = offered(bus) as { offered: number; delivered: number };
    expect(delivered).toBe(all);
  });

  it.each<[LiveFilter, boolean, boolean]>([
    [{}, true, true],
    [{ level: 'debug' }, true, true],
    [{ level: 'info' }, false, true],
    [{ patterns: ['snakepit.request.*'] }, true, true],
    [{ patterns: ['snakepit.request.failed', 'python.**'] }, false, true],
    [{ patterns: ['snakepit.request.failed'] }, false, false],
    [{ pool: 'gpu', level: 'error' }, false, true],
  ])('takes for %j no more than it lets through', (filter, frequent, own) => {
    const { bus, live } = rig();
    new Client(live, filter);
    expect(bus.event(COMPLETED).wanted).toBe(frequent);
    expect(bus.event('a.one').wanted).toBe(own);
    expect(bus.event(CRASHED).wanted).toBe(true);
  });

  it('keeps within its bounds', () => {
    const { bus, live } = rig({ keep: 100, maxBytes: 50_000 });
    new Client(live);
    for (let i = 0; i < 1000; i++) {
      bus.emit('a.one', { text: 'x'.repeat(i) });
      bus.emit(CRASHED, {} as never, { text: 'x'.repeat(i) } as never);
      expect(live.kept.events).toBeLessThanOrEqual(200);
      expect(live.kept.bytes).toBeLessThanOrEqual(100_000);
    }
  });

  it('refuses more viewers than may be, and lets the next in when one has left', () => {
    const { live } = rig({ maxViewers: 2 });
    const [first] = [new Client(live), new Client(live)];
    expect(live.watch()).toBe('full');
    first?.viewer.close();
    first?.viewer.close();
    expect(live.viewers).toBe(1);
    expect(typeof live.watch()).toBe('object');
    expect(live.watch()).toBe('full');
  });

  it('says farewell after what is still there, and then lets nobody in', async () => {
    const { bus, live, clock } = rig();
    const client = new Client(live);
    bus.emit('a.one');
    live.end();
    await client.drain();
    expect(client.names).toEqual(['a.one']);
    expect(client.text).toMatch(/\n\n: the instance is shutting down\n\n$/);
    expect(client.ended).toBe(true);
    expect(live.watch()).toBe('ended');
    expect({ viewers: live.viewers, timers: clock.pending }).toEqual({ viewers: 0, timers: 0 });
  });

  it('is switched off by its name', async () => {
    const { bus, live, clock } = rig();
    bus.configure({ consumers: { live: false } });
    const client = new Client(live);
    bus.emit('a.one');
    await clock.advance(300);
    await client.drain();
    expect(client.names).toEqual([]);
  });
});
