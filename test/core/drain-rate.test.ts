import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { DrainRate } from '../../src/core/drain-rate.ts';

/** Workers that begin one of a queue that is never empty, each time one has finished. Returns the time at the end. */
const workOff = (
  rate: DrainRate,
  from: number,
  forMs: number,
  workers: number,
  serviceMs: () => number,
): number => {
  const free = Array.from({ length: workers }, () => from);
  for (;;) {
    const next = Math.min(...free);
    if (next > from + forMs) return from + forMs;
    rate.began({ acceptedAt: from - 1, startedAt: next });
    free[free.indexOf(next)] = next + serviceMs();
  }
};

describe('the drain rate', () => {
  it('says a second while nothing is known', () => {
    expect(new DrainRate().retryAfterMs(1000, undefined, 5)).toBe(1000);
    expect(new DrainRate().retryAfterMs(1000, 0, 5)).toBe(1000);
  });

  it('tells how long the queue takes, to a quarter, whatever the workers and their work', () => {
    fc.assert(
      fc.property(
        fc.integer({ min: 1, max: 32 }),
        fc.integer({ min: 1, max: 200 }),
        fc.integer({ min: 1, max: 0x7ffffffe }),
        (workers, meanMs, seed) => {
          let state = seed;
          const random = (): number => {
            state = (state * 48271) % 0x7fffffff;
            return state / 0x7fffffff;
          };
          const rate = new DrainRate();
          const now = workOff(rate, 100, 30_000, workers, () => meanMs * (0.5 + random()));
          const ahead = Math.ceil((20_000 * workers) / meanMs);
          const truth = (ahead * meanMs) / workers;
          expect(rate.retryAfterMs(ahead, now, now) / truth).toBeGreaterThan(0.75);
          expect(rate.retryAfterMs(ahead, now, now) / truth).toBeLessThan(1.25);
        },
      ),
      { numRuns: 50 },
    );
  });

  it('learns nothing from time in which nothing waited', () => {
    const rate = new DrainRate();
    const now = workOff(rate, 0, 5000, 1, () => 10);
    // An hour with a request a minute, begun as it comes.
    for (let at = now; at < now + 3_600_000; at += 60_000) rate.began({ acceptedAt: at, startedAt: at });
    expect(rate.retryAfterMs(500, undefined, now + 3_600_000) / 5000).toBeCloseTo(1, 1);
  });

  it('follows a pool that becomes slower, and faster, within half a minute', () => {
    const rate = new DrainRate();
    let now = workOff(rate, 0, 20_000, 1, () => 10);
    now = workOff(rate, now, 30_000, 1, () => 100);
    expect(rate.retryAfterMs(100, now, now)).toBeGreaterThan(6000);
    now = workOff(rate, now, 30_000, 1, () => 10);
    expect(rate.retryAfterMs(1000, now, now)).toBeLessThan(14_000);
  });

  it('grows while nothing begins although something waits', () => {
    const rate = new DrainRate();
    const now = workOff(rate, 0, 10_000, 1, () => 100);
    const silentFor = (ms: number): number => rate.retryAfterMs(50, now - 50, now + ms);
    expect(silentFor(0) / 5000).toBeCloseTo(1, 1);
    expect(silentFor(10_000)).toBeGreaterThan(10_000);
    expect(silentFor(30_000)).toBe(60_000);
    // What waits came only now: the silence before it means nothing.
    expect(rate.retryAfterMs(50, now + 30_000, now + 30_001) / 5000).toBeCloseTo(1, 1);
  });

  it('takes a silence that is all there is for as long again', () => {
    const rate = new DrainRate();
    rate.began({ acceptedAt: 0, startedAt: 0 });
    expect(rate.retryAfterMs(10, 100, 20_100)).toBe(20_000);
  });

  it('stays between a second and a minute', () => {
    fc.assert(
      fc.property(
        fc.array(
          fc.tuple(
            fc.double({ min: 0, max: 1e5, noNaN: true }),
            fc.double({ min: 0, max: 1e5, noNaN: true }),
          ),
          { maxLength: 50 },
        ),
        fc.nat(),
        fc.double({ min: 0, max: 1e9, noNaN: true }),
        (begun, ahead, silentMs) => {
          const rate = new DrainRate();
          let now = 0;
          for (const [passed, waited] of begun) {
            now += passed;
            rate.began({ acceptedAt: now - waited, startedAt: now });
          }
          const ms = rate.retryAfterMs(ahead, now, now + silentMs);
          expect(ms).toBeGreaterThanOrEqual(1000);
          expect(ms).toBeLessThanOrEqual(60_000);
        },
      ),
    );
  });
});
