import { expect, it } from 'vitest';
import type { Request } from '../../src/core/request.ts';
import { fakeRequest } from './fakes.ts';

/** A request with these stamps, accepted at 0. */
const stamped = (stamps: Partial<Pick<Request, 'startedAt' | 'settledAt' | 'pythonMs' | 'serialiseMs'>>) =>
  Object.assign(fakeRequest({ acceptedAt: 0 }), stamps);

it.each([
  ['that began at once', { startedAt: 1, settledAt: 40, pythonMs: 30, serialiseMs: 2 }, [1, 2, 7, 30]],
  ['that never began', { settledAt: 40 }, [40, 0, 0, 0]],
  // Its answer came with that of the one before it, whose end was its start here.
  [
    'whose start was seen late',
    { startedAt: 38, settledAt: 40, pythonMs: 30, serialiseMs: 2 },
    [8, 2, 0, 30],
  ],
  ['whose clocks disagree', { startedAt: 1, settledAt: 40, pythonMs: 41, serialiseMs: 0 }, [0, 0, 0, 41]],
])('the receipt of a request %s', (_, stamps, [queueMs, serialiseMs, transportMs, pythonMs]) => {
  expect(stamped(stamps).timings).toMatchObject({
    queueMs,
    serialiseMs,
    transportMs,
    pythonMs,
    totalMs: 40,
  });
});

it('before it is settled, its wait is that until its start', () => {
  expect(stamped({ startedAt: 5, serialiseMs: 1 }).queueMs).toBe(5);
});
