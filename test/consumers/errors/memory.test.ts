import { setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';
import { expect, it } from 'vitest';
import { fail, rig, slow } from './fixtures.ts';

setFlagsFromString('--expose-gc');
const collect = runInNewContext('gc') as () => void;
const heapMb = () => {
  collect();
  return process.memoryUsage().heapUsed / 2 ** 20;
};

it('a hundred thousand errors, of ever new kinds and requests, leave memory flat', () => {
  const test = rig();
  const errors = (from: number, count: number) => {
    for (let i = from; i < from + count; i++) {
      fail(test, {
        message: `Error${'abcdefghijklmnopqrstuvwxyz'[i % 26]}${'yz'[i % 2]}: row ${i} of '${i}'`,
        command: `c${i % 40}`,
        requestId: `r${i}`,
        correlationId: `c${i}`,
        context: {
          python_traceback: `Traceback ${i}`,
          request_context: { request_id: `r${i}`, command: 'c' },
        },
      });
      if (i % 10 === 0) slow(test, `s${i}`);
    }
  };
  errors(0, 20_000);
  const before = heapMb();
  // Twenty bytes left behind by each would show.
  errors(20_000, 100_000);
  expect(heapMb() - before).toBeLessThan(2);
  const { totals } = test.errors.list();
  expect(totals).toMatchObject({ errors: 120_000, kept: 500, groups: 200 });
  expect(totals.evicted).toBeGreaterThan(1000);
  expect(test.errors.slow().totals).toEqual({ seen: 12_000, kept: 200, running: 200 });
});

it('a shortened text does not hold on to the whole of it', () => {
  const test = rig({ maxBytes: 1_000_000 });
  const before = heapMb();
  for (let i = 0; i < 5; i++) {
    fail(test, {
      message: `${i}${'m'.repeat(10_000_000)}`,
      command: `${i}${'c'.repeat(10_000_000)}`,
      context: { error_message: '', python_traceback: `${i}${'t'.repeat(10_000_000)}` },
    });
  }
  expect(test.errors.list().totals.kept).toBe(5);
  expect(heapMb() - before).toBeLessThan(5);
});
