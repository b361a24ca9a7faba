import { describe, expect, it } from 'vitest';
import { restartDelay, wasOfUse } from '../../src/core/restart-policy.ts';
import { fakeRequest, loneWorker, manualClock } from './fakes.ts';

const policy = { restartDelayMs: 100, maxRestartDelayMs: 1000, stableAfterMs: 10_000 };

describe('the wait before the next start', () => {
  it('doubles with each failure in a row, up to its limit', () => {
    const most = [0, 1, 2, 3, 4, 5, 6, 1000].map((failures) => restartDelay(failures, policy, 1));
    expect(most).toEqual([100, 100, 200, 400, 800, 1000, 1000, 1000]);
  });

  it('is drawn from the upper half of that', () => {
    expect(restartDelay(3, policy, 0)).toBe(200);
    expect(restartDelay(3, policy, 0.5)).toBe(300);
    const drawn = Array.from({ length: 200 }, () => restartDelay(3, policy));
    expect(Math.min(...drawn)).toBeGreaterThanOrEqual(200);
    expect(Math.max(...drawn)).toBeLessThanOrEqual(400);
    expect(new Set(drawn).size).toBeGreaterThan(100);
  });
});

describe('a worker was of use', () => {
  it('when it answered something', () => {
    manualClock();
    const worker = loneWorker();
    worker.ready([]);
    const request = fakeRequest();
    worker.load.add(request, 0);
    expect(wasOfUse(worker, policy, worker.readyAt + 1)).toBe(false);
    worker.load.finish(request, 1, 1);
    expect(wasOfUse(worker, policy, worker.readyAt + 1)).toBe(true);
  });

  it('when it was ready for long enough, however long its start took', () => {
    const clock = manualClock();
    const worker = loneWorker();
    clock.forward(60_000);
    expect(wasOfUse(worker, policy, clock.now())).toBe(false);
    worker.ready([]);
    clock.forward(9999);
    expect(wasOfUse(worker, policy, clock.now())).toBe(false);
    clock.forward(1);
    expect(wasOfUse(worker, policy, clock.now())).toBe(true);
  });
});
