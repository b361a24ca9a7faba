import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { BINS, binOf, quantile } from '../../../src/consumers/health/latency.ts';
import { RollingWindow } from '../../../src/consumers/health/window.ts';

const T = Date.UTC(2025, 0, 15, 10, 30);

describe('the scale of latencies', () => {
  it('places a quantile within an eighth of the true value', () => {
    fc.assert(
      fc.property(
        fc.array(fc.double({ min: 0.1, max: 10_000_000, noNaN: true }), { minLength: 1, maxLength: 200 }),
        fc.constantFrom(0.5, 0.95, 0.99),
        (values, share) => {
          const bins = new Uint32Array(BINS);
          for (const value of values) bins[binOf(value)] = (bins[binOf(value)] as number) + 1;
          const sorted = values.sort((a, b) => a - b);
          const truth = sorted[Math.ceil(share * values.length) - 1] as number;
          expect(Math.abs(quantile(bins, values.length, share) - truth)).toBeLessThanOrEqual(
            truth / 8 + 0.01,
          );
        },
      ),
    );
  });

  it('has a bin for every number', () => {
    for (const ms of [0, -1, Number.NaN, 1e-9, 1e300, Number.POSITIVE_INFINITY, 2 ** 31, 2 ** 53]) {
      expect(binOf(ms)).toBeLessThan(BINS);
    }
    expect(binOf(Number.POSITIVE_INFINITY)).toBe(BINS - 1);
    expect(quantile(new Uint32Array(BINS), 0, 0.5)).toBe(0);
  });
});

describe('RollingWindow', () => {
  it('counts by status and takes the error rate of what was judged', () => {
    const window = new RollingWindow(60_000);
    const counts = { success: 90, failure: 5, timeout: 3, crashed: 2, cancelled: 7, rejected: 11 } as const;
    for (const [status, count] of Object.entries(counts)) {
      for (let i = 0; i < count; i++) window.record(T, status as keyof typeof counts, 10);
    }
    expect(window.read(T, 60_000)).toMatchObject({
      requests: 118,
      byStatus: counts,
      judged: 100,
      failed: 10,
      errorRate: 0.1,
      averageMs: 10,
    });
  });

  it('times all but the rejected', () => {
    const window = new RollingWindow(60_000);
    window.record(T, 'success', 100);
    window.record(T, 'rejected', 0);
    window.record(T, 'cancelled', 300);
    expect(window.read(T, 60_000).averageMs).toBe(200);
  });

  it('forgets what is older than the window, without any event to remind it', () => {
    const window = new RollingWindow(60_000);
    window.record(T, 'failure', 10);
    expect(window.read(T + 59_000, 60_000).requests).toBe(1);
    expect(window.read(T + 60_000, 60_000).requests).toBe(0);
    expect(window.read(T + 86_400_000, 60_000).requests).toBe(0);
  });

  it('reuses its slots without mixing old with new', () => {
    const window = new RollingWindow(3000);
    for (let second = 0; second < 10; second++) window.record(T + second * 1000, 'success', second);
    const { requests, averageMs } = window.read(T + 9000, 3000);
    expect([requests, averageMs]).toEqual([3, 8]);
  });

  it('looks back on less than it holds', () => {
    const window = new RollingWindow(60_000);
    window.record(T, 'failure', 10);
    window.record(T + 30_000, 'success', 10);
    expect(window.read(T + 30_000, 10_000).errorRate).toBe(0);
    expect(window.read(T + 30_000, 60_000).errorRate).toBe(0.5);
  });

  it('takes events that come late or out of order', () => {
    const window = new RollingWindow(60_000);
    for (const offset of [5000, 3000, 5000, 4999, 3001]) window.record(T + offset, 'success', 1);
    expect(window.read(T + 5000, 60_000).requests).toBe(5);
  });

  it('heals when the clock is set back', () => {
    const window = new RollingWindow(60_000);
    window.record(T, 'failure', 10);
    const back = T - 3_600_000;
    expect(window.read(back, 60_000).requests).toBe(0);
    window.record(back, 'success', 10);
    expect(window.read(back, 60_000)).toMatchObject({ requests: 1, errorRate: 0 });
  });

  it('is not spoiled by figures that are none', () => {
    const window = new RollingWindow(60_000);
    window.record(Number.NaN, 'success', 10);
    window.record(-5, 'success', 10);
    window.record(undefined as never, 'success', 10);
    window.record(T, 'invented' as never, 10);
    window.record(T, 'success', Number.NaN);
    window.record(T, 'success', -1);
    window.record(T, 'success', Number.POSITIVE_INFINITY);
    window.record(T, 'success', 10);
    expect(window.read(T, 60_000)).toMatchObject({ requests: 4, averageMs: 10 });
  });

  it('keeps a long window in bounded memory', () => {
    const day = 86_400_000;
    const window = new RollingWindow(day);
    window.record(T, 'success', 10);
    expect(window.read(T + day - 200_000, day).requests).toBe(1);
    expect(window.read(T + day, day).requests).toBe(0);
  });
});
