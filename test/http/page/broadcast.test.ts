import { describe, expect, it, onTestFinished } from 'vitest';
import { Broadcast, type Draft, ticketOf } from '../../../src/http/page/broadcast.ts';
import type { Topic } from '../../../src/http/page/frames.ts';
import { manualClock } from '../../../src/testing/manual-clock.ts';

/** Frames that say a number, which changes when the test says so. */
const rig = ({ maxViewers = 3 } = {}) => {
  const clock = manualClock();
  onTestFinished(clock.install());
  const made = { now: 0, workers: 0, slice: 0 };
  const state = { news: 0, hasSlice: false, broken: false };
  const draft = (topic: Topic) => (): Draft | undefined => {
    made[topic]++;
    if (state.broken) throw new Error('broken');
    if (topic === 'slice' && !state.hasSlice) return undefined;
    return { short: `${state.news}`, json: () => JSON.stringify({ topic, news: state.news }) };
  };
  const broadcast = new Broadcast({
    mark: 'abc',
    maxViewers,
    producers: { now: draft('now'), workers: draft('workers'), slice: draft('slice') },
  });
  const watch = (topics: readonly Topic[]) => {
    const viewer = broadcast.watch(topics);
    if (typeof viewer === 'string') throw new Error(viewer);
    return viewer;
  };
  return { clock, broadcast, made, state, watch };
};

/** Reads whatever comes. */
const reading = (stream: ReadableStream<Uint8Array>) => {
  const got: string[] = [];
  const state = { ended: false };
  const reader = stream.getReader();
  const read = async () => {
    for (;;) {
      const { done, value } = await reader.read();
      if (done) break;
      got.push(Buffer.from(value).toString());
    }
    state.ended = true;
  };
  void read();
  return {
    text: () => got.join(''),
    chunks: got,
    events: () => [...got.join('').matchAll(/^event: (\w+)$/gm)].map(([, name]) => name),
    state,
    leave: () => reader.cancel(),
  };
};

describe('frames', () => {
  it('come at once, then when something changes, at the pace of their topic, and once a second at least', async () => {
    const { clock, state, watch } = rig();
    const viewer = reading(watch(['now', 'workers']).stream);
    await clock.advance(0);
    expect(viewer.events()).toEqual(['now', 'workers']);
    await clock.advance(900);
    expect(viewer.events()).toHaveLength(2);
    await clock.advance(100);
    expect(viewer.events()).toEqual(['now', 'workers', 'now', 'workers']);
    for (let i = 0; i < 8; i++) {
      state.news++;
      await clock.advance(250);
    }
    const names = viewer.events().slice(4);
    expect(names.filter((name) => name === 'now')).toHaveLength(8);
    expect(names.filter((name) => name === 'workers')).toHaveLength(4);
    expect(viewer.text()).toMatch(
      /^retry: 1000\n\nid: abc-1\nevent: now\ndata: {"topic":"now","news":0}\n\n/,
    );
  });

  it('are made once for all, and are the same to the byte', async () => {
    const { clock, made, state, watch } = rig();
    const first = reading(watch(['now']).stream);
    const second = reading(watch(['now']).stream);
    for (let i = 0; i < 5; i++) {
      state.news++;
      await clock.advance(250);
    }
    expect(first.events()).toHaveLength(6);
    expect(second.text()).toBe(first.text());
    expect(made).toEqual({ now: 6, workers: 0, slice: 0 });
  });

  it('are not made while nobody looks, nor of what nobody wants', async () => {
    const { clock, broadcast, made, watch } = rig();
    await clock.advance(10_000);
    expect(made).toEqual({ now: 0, workers: 0, slice: 0 });
    const viewer = reading(watch(['workers']).stream);
    await clock.advance(2000);
    expect(made.workers).toBeGreaterThan(2);
    await viewer.leave();
    const { workers } = made;
    await clock.advance(10_000);
    expect(made).toEqual({ now: 0, workers, slice: 0 });
    expect(broadcast.viewers).toBe(0);
    expect(clock.pending).toBe(0);
  });

  it('of a slice come once for each', async () => {
    const { clock, state, watch } = rig();
    const viewer = reading(watch(['slice']).stream);
    await clock.advance(1000);
    expect(viewer.events()).toEqual([]);
    state.hasSlice = true;
    await clock.advance(5000);
    expect(viewer.events()).toEqual(['slice']);
    state.news++;
    await clock.advance(250);
    expect(viewer.events()).toEqual(['slice', 'slice']);
  });

  it('come again after one could not be made', async () => {
    const { clock, state, watch } = rig();
    state.broken = true;
    const viewer = reading(watch(['now']).stream);
    await clock.advance(1000);
    expect(viewer.events()).toEqual([]);
    state.broken = false;
    await clock.advance(250);
    expect(viewer.events()).toEqual(['now']);
  });
});

describe('viewers', () => {
  it('who are slow skip frames, and never have more waiting than one of each', async () => {
    const { clock, state, watch } = rig();
    const slow = watch(['now', 'workers']);
    for (let i = 1; i <= 400; i++) {
      state.news = i;
      await clock.advance(250);
    }
    expect(slow.skipped).toBeGreaterThan(500);
    const reader = reading(slow.stream);
    await clock.advance(0);
    // What it was to get first, and the newest of each.
    expect(reader.chunks).toHaveLength(3);
    expect(reader.text()).toContain('{"topic":"now","news":400}');
    expect(reader.text()).toContain('{"topic":"workers","news":400}');
    state.news++;
    await clock.advance(250);
    expect(reader.text()).toContain('{"topic":"now","news":401}');
  });

  it('are limited, and a place is free again when one leaves', async () => {
    const { broadcast, watch } = rig({ maxViewers: 1 });
    const viewer = watch(['now']);
    expect(broadcast.watch(['now'])).toBe('full');
    viewer.close();
    viewer.close();
    expect(broadcast.viewers).toBe(0);
    watch(['now']).close();
    expect(broadcast.viewers).toBe(0);
  });

  it('get their last words after what waits, and then nobody may look', async () => {
    const { clock, broadcast, watch } = rig();
    const slow = watch(['now']);
    const fast = reading(watch(['now']).stream);
    await clock.advance(0);
    broadcast.end();
    await clock.advance(0);
    expect(fast.text()).toMatch(/event: bye\ndata: {"reason":"shutdown"}\n\n$/);
    expect(fast.state.ended).toBe(true);
    const late = reading(slow.stream);
    await clock.advance(0);
    expect(late.events()).toEqual(['now', 'bye']);
    expect(late.state.ended).toBe(true);
    expect(broadcast.watch(['now'])).toBe('ended');
    expect(broadcast.viewers).toBe(0);
    expect(clock.pending).toBe(0);
  });
});

describe('a relay', () => {
  it('gets each frame once, however many it serves', async () => {
    const { clock, broadcast, state, watch } = rig();
    const frames: string[] = [];
    const relay = {
      frame: (topic: Topic, bytes: Uint8Array) => frames.push(`${topic} ${Buffer.from(bytes)}`),
      end: (bytes: Uint8Array) => frames.push(`end ${Buffer.from(bytes)}`),
    };
    const tickets = [watch(['now']), watch(['now'])].map(({ stream }) => ticketOf(stream));
    const firsts = tickets.map((ticket) => Buffer.from(ticket?.handOver(relay) ?? []).toString());
    expect(firsts[0]).toContain('event: now');
    expect(firsts[1]).toBe(firsts[0]);
    state.news++;
    await clock.advance(250);
    expect(frames).toHaveLength(1);
    // Nothing gathers here for whom the relay serves.
    expect(tickets[0]?.handOver(relay)).toHaveLength(0);
    tickets[0]?.leave();
    expect(broadcast.viewers).toBe(1);
    await tickets[0]?.left;
    broadcast.end();
    expect(frames[1]).toContain('end id: abc-');
    await tickets[1]?.left;
    expect(broadcast.viewers).toBe(0);
    expect(ticketOf(new ReadableStream())).toBeUndefined();
  });
});
