import { readFileSync } from 'node:fs';
import fc from 'fast-check';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import {
  EventBus,
  keeps,
  type SnakepitEvent,
  sampleValue,
  useClock as useManual,
} from '../../src/events/index.ts';
import { type ManualClock, manualClock } from '../../src/testing/manual-clock.ts';
import { countsOf, idAt } from './support.ts';

let time: ManualClock;
let restore: () => void;
beforeEach(() => {
  time = manualClock();
  restore = time.install();
});
afterEach(() => restore());

interface Vectors {
  readonly values: readonly { readonly id: string; readonly value: string }[];
  readonly decisions: readonly { readonly id: string; readonly rate: number; readonly keeps: boolean }[];
}
const vectors = JSON.parse(
  readFileSync(new URL('../../proto/golden/sampling.json', import.meta.url), 'utf8'),
) as Vectors;

describe('the decision', () => {
  it.each(vectors.values)('of $id falls by $value', ({ id, value }) => {
    expect(sampleValue(id)).toBe(value);
  });

  it.each(vectors.decisions)('keeps $id at $rate: $keeps', ({ id, rate, keeps: expected }) => {
    expect(keeps(id, rate)).toBe(expected);
  });

  it('keeps about as many as the rate says, and of two rates the smaller keeps only what the larger does', () => {
    const id = fc.oneof(fc.stringMatching(/^[0-9a-f]{32}$/), fc.string());
    fc.assert(
      fc.property(
        id,
        fc.double({ min: 0, max: 1, noNaN: true }),
        fc.double({ min: 0, max: 1, noNaN: true }),
        (of, a, b) => {
          if (keeps(of, Math.min(a, b))) expect(keeps(of, Math.max(a, b))).toBe(true);
        },
      ),
    );
    for (const rate of [0.01, 0.25, 0.5, 0.9]) {
      const kept = Array.from({ length: 4000 }, (_, i) => keeps(`request-${i}`, rate)).filter(Boolean).length;
      expect(Math.abs(kept / 4000 - rate)).toBeLessThan(0.03);
    }
  });

  it.each([-0.1, 1.1, Number.NaN, '0.5', undefined])('refuses the rate %s', (rate) => {
    expect(() => new EventBus().setSamplingRate('a', rate as number)).toThrow(
      'from 0 (nothing) to 1 (everything)',
    );
  });
});

interface Seen {
  readonly event: SnakepitEvent;
  readonly weight: number;
}

/** A bus with a sampled consumer `x` and an exact one `all`, on everything. */
const rig = () => {
  const bus = new EventBus();
  const seen: Seen[] = [];
  const all: SnakepitEvent[] = [];
  const handle = (event: SnakepitEvent, { weight }: { weight: number }) => void seen.push({ event, weight });
  bus.registerConsumer('**', { name: 'x', handle }, { delivery: 'inline' });
  bus.registerConsumer(
    '**',
    { name: 'all', handle: (event) => all.push(event) },
    { delivery: 'inline', sampled: false },
  );
  const names = () => seen.map(({ event }) => event.event_name.split('.').at(-1));
  return { bus, seen, all, names, counts: () => countsOf(bus, 'x') };
};

/** What the core says of one request. */
const request = (bus: EventBus, id: number, fraction: number, ...steps: string[]) => {
  const about = { request_id: `r${id}`, correlation_id: idAt(fraction) };
  const emit = (name: string, more: Record<string, unknown> = {}) =>
    bus.emit(`snakepit.request.${name}`, {}, { ...about, ...more });
  for (const step of steps) {
    const [name, status] = step.split(':') as [string, string?];
    emit(name, status === undefined ? {} : { status, success: status === 'success' });
  }
};

const WHOLE = ['queued', 'started', 'completed:success'];
const FAILED = ['queued', 'started', 'failed', 'completed:failure'];

describe('sampling', () => {
  it('keeps or lets go the events of a request together, for sampled consumers only', () => {
    const { bus, seen, all, names, counts } = rig();
    bus.setSamplingRate('snakepit.request.**', 0.25);
    request(bus, 1, 0.8, ...WHOLE);
    request(bus, 2, 0.7, ...WHOLE);
    expect(names()).toEqual(['queued', 'started', 'completed']);
    expect(seen.every(({ event, weight }) => event.metadata.request_id === 'r1' && weight === 4)).toBe(true);
    expect(all).toHaveLength(6);
    expect(counts()).toMatchObject({ offered: 6, delivered: 3, pending: 0, dropped: { sampled: 3 } });
  });

  it('the most specific rule counts, and one can be changed at run time', () => {
    const { bus, names } = rig();
    bus.setSamplingRate('**', 0);
    bus.setSamplingRate(['my', 'own'], 1);
    bus.setSamplingRate('my.*', 0);
    for (const name of ['a', 'my.own', 'my.other']) bus.emit(name);
    expect(names()).toEqual(['own']);
    bus.setSamplingRate('my.own', 0);
    bus.setSamplingRate('**', 1);
    for (const name of ['a', 'my.own', 'my.other']) bus.emit(name);
    expect(names()).toEqual(['own', 'a']);
  });

  it('takes every so-manieth of what has no id', () => {
    const { bus, seen } = rig();
    bus.setSamplingRate('tick', 0.25);
    for (let i = 0; i < 100; i++) bus.emit('tick');
    expect(seen).toHaveLength(25);
    expect(seen[0]?.weight).toBe(4);
  });

  it('configure puts its rules in place of those it gave before', () => {
    const { bus, names } = rig();
    bus.setSamplingRate('mine', 0);
    bus.configure({ sampling: { a: 0, b: 0 } });
    bus.configure({ sampling: { b: 0 } });
    for (const name of ['a', 'b', 'mine']) bus.emit(name);
    expect(names()).toEqual(['a']);
    expect(bus.settings().sampling).toEqual({ b: 0, mine: 0 });
  });
});

describe('what bypasses sampling', () => {
  it('lifecycle events, within their budget', () => {
    const { bus, names, counts } = rig();
    bus.configure({ sampling: { '**': 0 }, keep: { perSecond: 1, burst: 3 } });
    for (let i = 0; i < 5; i++) bus.emit('snakepit.pool.recovered', {} as never, {} as never);
    bus.emit('snakepit.worker.busy', {} as never, {} as never);
    expect(names()).toEqual(['recovered', 'recovered', 'recovered']);
    expect(counts()).toMatchObject({ dropped: { sampled: 3 } });
  });

  it('a request that fails: what was held of it is delivered too, with no weight, and what follows', () => {
    const { bus, seen, names, counts } = rig();
    bus.setSamplingRate('snakepit.request.**', 0.5);
    request(bus, 1, 0.1, 'queued', 'started');
    expect(counts()).toMatchObject({ offered: 2, pending: 2, delivered: 0 });
    request(bus, 1, 0.1, 'failed', 'completed:failure');
    expect(names()).toEqual(['queued', 'started', 'failed', 'completed']);
    expect(seen.map(({ weight }) => weight)).toEqual([0, 0, 1, 1]);
    expect(counts()).toMatchObject({ offered: 4, pending: 0, delivered: 4 });
  });

  it('a slow request, whose end is then kept as well', () => {
    const { bus, names } = rig();
    bus.setSamplingRate('snakepit.request.**', 0);
    request(bus, 1, 0.1, 'queued', 'started', 'slow', 'completed:success');
    request(bus, 2, 0.1, ...WHOLE);
    expect(names()).toEqual(['queued', 'started', 'slow', 'completed']);
  });

  it('also for a consumer that asks for neither failures nor ends', () => {
    const bus = new EventBus();
    const seen: unknown[] = [];
    bus.registerConsumer(
      'snakepit.request.started',
      { name: 'x', handle: (event) => seen.push(event) },
      { delivery: 'inline' },
    );
    bus.setSamplingRate('snakepit.request.started', 0);
    request(bus, 1, 0.1, ...WHOLE);
    expect(countsOf(bus, 'x')).toMatchObject({ pending: 0, dropped: { sampled: 1 } });
    request(bus, 2, 0.1, ...FAILED);
    expect(seen).toMatchObject([{ metadata: { request_id: 'r2' } }]);
  });

  it('a caller that gives up is no failure', () => {
    const { bus, names } = rig();
    bus.setSamplingRate('snakepit.request.**', 0);
    request(bus, 1, 0.1, 'queued', 'cancelled', 'completed:cancelled');
    expect(names()).toEqual([]);
  });

  it('a failure takes one token for its whole request; beyond the budget it is sampled like any other', () => {
    const { bus, seen, counts } = rig();
    bus.configure({ sampling: { 'snakepit.request.**': 0.5 }, keep: { perSecond: 1, burst: 2 } });
    for (let i = 0; i < 6; i++) request(bus, i, 0.1, ...FAILED);
    request(bus, 6, 0.9, ...FAILED);
    const ids = [...new Set(seen.map(({ event }) => event.metadata.request_id))];
    expect(ids).toEqual(['r0', 'r1', 'r6']);
    expect(
      seen.filter(({ event }) => event.metadata.request_id === 'r6').every(({ weight }) => weight === 2),
    ).toBe(true);
    expect(counts()).toMatchObject({ delivered: 12, pending: 0, dropped: { sampled: 16 } });
  });

  it('weights add up to what happened', () => {
    const { bus, seen } = rig();
    bus.configure({ sampling: { '**': 0.1 }, keep: { perSecond: 1e6, burst: 1e6 } });
    const total = 3000;
    for (let i = 0; i < total; i++) {
      const at = ((i * 7919) % total) / total;
      request(bus, i, at, ...(i % 10 === 0 ? FAILED : WHOLE));
    }
    const sum = (name: string) =>
      seen
        .filter(({ event }) => event.event_name.endsWith(name))
        .reduce((all, { weight }) => all + weight, 0);
    expect(sum('failed')).toBe(total / 10);
    expect(sum('started') / total).toBeCloseTo(1, 2);
    expect(sum('completed') / total).toBeCloseTo(1, 2);
  });
});

describe('what is held', () => {
  it('is bounded: the oldest requests give way', () => {
    const { bus, names, counts } = rig();
    bus.configure({ sampling: { '**': 0 }, hold: { maxEvents: 4, maxAgeMs: 1000 } });
    for (let i = 0; i < 3; i++) request(bus, i, 0.1, 'queued', 'started');
    expect(counts()).toMatchObject({ pending: 4, dropped: { sampled: 2 } });
    request(bus, 0, 0.1, 'failed');
    request(bus, 2, 0.1, 'failed');
    expect(names()).toEqual(['failed', 'queued', 'started', 'failed']);
  });

  it('is let go after its time', async () => {
    const { bus, counts } = rig();
    bus.configure({ sampling: { '**': 0 }, hold: { maxEvents: 100, maxAgeMs: 1000 } });
    request(bus, 1, 0.1, 'queued');
    await time.advance(600);
    request(bus, 2, 0.1, 'queued');
    await time.advance(400);
    expect(counts()).toMatchObject({ pending: 1, dropped: { sampled: 1 } });
    await time.advance(600);
    expect(counts()).toMatchObject({ pending: 0, dropped: { sampled: 2 } });
    expect(time.pending).toBe(0);
  });

  it('can be nothing', () => {
    const { bus, counts } = rig();
    bus.configure({ sampling: { '**': 0 }, hold: { maxEvents: 0, maxAgeMs: 1000 } });
    request(bus, 1, 0.1, ...FAILED);
    expect(counts()).toMatchObject({ pending: 0, delivered: 2, dropped: { sampled: 2 } });
  });

  it('is dropped with a consumer that goes, and kept for the others', () => {
    const { bus, names } = rig();
    const remove = bus.registerConsumer('**', { name: 'y', handle: () => {} }, { delivery: 'inline' });
    bus.setSamplingRate('**', 0);
    request(bus, 1, 0.1, 'queued');
    remove();
    expect(countsOf(bus, 'y')).toMatchObject({ offered: 1, pending: 0, dropped: { removed: 1 } });
    request(bus, 1, 0.1, 'failed');
    expect(names()).toEqual(['queued', 'failed']);
  });

  it('is let go when the bus closes', async () => {
    const { bus, counts } = rig();
    bus.setSamplingRate('**', 0);
    request(bus, 1, 0.1, 'queued');
    await bus.close();
    expect(counts()).toMatchObject({ pending: 0, dropped: { sampled: 1 } });
  });
});

describe('a rate limit', () => {
  it('lets its burst through at once, exactly, then its rate', async () => {
    const { bus, seen, all, counts } = rig();
    bus.setRateLimit('a', { perSecond: 10, burst: 5 });
    const flood = (n: number) => {
      for (let i = 0; i < n; i++) bus.emit('a');
    };
    flood(20);
    expect(seen).toHaveLength(5);
    await time.advance(99);
    flood(3);
    expect(seen).toHaveLength(5);
    await time.advance(1);
    flood(3);
    expect(seen).toHaveLength(6);
    await time.advance(3600_000);
    const told = seen.length - 6;
    flood(20);
    expect(seen.length - told).toBe(11);
    expect(counts()).toMatchObject({ dropped: { rate_limited: 46 - 11 } });
    expect(all.filter(({ event_name }) => event_name === 'a')).toHaveLength(46);
  });

  it('has a bucket for each value of its key', () => {
    const { bus, seen } = rig();
    bus.setRateLimit('a', { perSecond: 1, key: 'command' });
    for (const command of ['x', 'x', 'y', 'y', undefined, undefined]) bus.emit('a', {}, { command });
    expect(seen.map(({ event }) => event.metadata.command)).toEqual(['x', 'y', undefined]);
  });

  it('has a bucket for each event name its pattern matches', () => {
    const { bus, names } = rig();
    bus.setRateLimit('a.*', { perSecond: 1 });
    for (const name of ['a.b', 'a.b', 'a.c']) bus.emit(name);
    expect(names()).toEqual(['b', 'c']);
  });

  it('says what it let go in one event', async () => {
    const { bus, seen } = rig();
    bus.setRateLimit('a', { perSecond: 1, key: 'command' });
    for (let i = 0; i < 10; i++) bus.emit('a', {}, { command: i < 7 ? 'x' : 'y' });
    await time.advance(5000);
    expect(seen.slice(2).map(({ event }) => event)).toMatchObject([
      {
        event_name: 'snakepit.observability.dropped',
        measurements: { count: 6 },
        metadata: { reason: 'rate_limited', event: 'a', key: 'x' },
      },
      { measurements: { count: 2 }, metadata: { key: 'y' } },
    ]);
  });

  it('keeps no more buckets than it can afford, and one for those beyond', () => {
    const { bus, seen } = rig();
    bus.setRateLimit('a', { perSecond: 1, key: 'command' });
    for (let i = 0; i < 1010; i++) bus.emit('a', {}, { command: `c${i}` });
    expect(seen).toHaveLength(1001);
  });

  it('passes at most burst + rate × time, and never less than it could, whenever events come', () => {
    fc.assert(
      fc.property(
        fc.integer({ min: 1, max: 50 }),
        fc.integer({ min: 1, max: 20 }),
        fc.array(fc.nat({ max: 400 }), { maxLength: 60 }),
        (perSecond, burst, gaps) => {
          let at = 1000;
          const clock = { ...time.clock, monotonic: () => at };
          const undo = useManual(clock);
          try {
            const { bus, seen } = rig();
            bus.setRateLimit('a', { perSecond, burst });
            let tokens = burst;
            let expected = 0;
            bus.emit('a');
            tokens -= 1;
            expected++;
            for (const gap of gaps) {
              at += gap;
              tokens = Math.min(burst, tokens + (gap * perSecond) / 1000);
              bus.emit('a');
              if (tokens >= 1 - 1e-9) {
                tokens -= 1;
                expected++;
              }
            }
            expect(seen).toHaveLength(expected);
          } finally {
            undo();
          }
        },
      ),
      { numRuns: 200 },
    );
  });

  it.each([
    [{ perSecond: 0 }, "'perSecond', a number above 0, got 0"],
    [{ perSecond: 1, burst: 0 }, "'burst' of a rate limit is a whole number from 1, got 0"],
    [{ perSecond: 1, key: 5 }, "'key' of a rate limit names a field"],
  ])('refuses %j', (limit, message) => {
    expect(() => new EventBus().setRateLimit('a', limit as never)).toThrow(message);
  });

  it('is not forgotten when consumers come and go, or when it is set again', () => {
    const { bus, seen } = rig();
    const limit = { perSecond: 1, burst: 2 };
    bus.configure({ rateLimits: { a: limit } });
    for (let i = 0; i < 5; i++) {
      bus.emit('a');
      bus.registerConsumer('a', { name: 'passer-by', handle: () => {} })();
      bus.configure({ rateLimits: { a: { ...limit } } });
    }
    expect(seen).toHaveLength(2);
  });

  it('can be taken away', () => {
    const { bus, seen } = rig();
    bus.setRateLimit('a', { perSecond: 1 });
    bus.setRateLimit('a', null);
    for (let i = 0; i < 5; i++) bus.emit('a');
    expect(seen).toHaveLength(5);
  });
});
