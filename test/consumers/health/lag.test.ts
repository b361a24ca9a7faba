import { describe, expect, it } from 'vitest';
import { EventLoopLag } from '../../../src/consumers/health/lag.ts';
import { until } from '../../support/pit.ts';

const block = (ms: number): void => {
  const end = performance.now() + ms;
  while (performance.now() < end);
};

describe('EventLoopLag', () => {
  it('sees a loop that was blocked, and forgets it after the window', async () => {
    const lag = new EventLoopLag(0);
    try {
      await until(() => lag.read(0, 1000).samples > 0, 'a first sample');
      block(300);
      await until(() => lag.read(0, 1000).p99Ms > 200, 'it is seen');
      // It is still there half a window later, and gone after a whole one.
      expect(lag.read(500, 1000).p99Ms).toBeGreaterThan(200);
      await until(() => lag.read(500, 1000).samples > 0, 'samples');
      lag.read(1000, 1000);
      await until(() => lag.read(1000, 1000).samples >= 0, 'samples');
      lag.read(1500, 1000);
      await until(() => lag.read(1500, 1000).samples > 0, 'samples');
      expect(lag.read(2000, 1000).p99Ms).toBeLessThan(200);
    } finally {
      lag.close();
    }
  });
});
