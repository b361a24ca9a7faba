import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import {
  initial,
  type Limits,
  type Measured,
  type Standing,
  step,
} from '../../../src/consumers/health/damper.ts';
import { rank } from '../../../src/consumers/health/verdict.ts';
import type { HealthStatus } from '../../../src/events/index.ts';

const limits: Limits = { warning: 0.5, error: 0.9, hysteresis: 0.1, dwellMs: 10_000 };

/** The statuses shown for values at times. */
const play = (
  looks: readonly (readonly [at: number, value: number | null])[],
  of: Limits = limits,
): HealthStatus[] => {
  let standing = initial;
  return looks.map(([at, value]) => {
    standing = step(standing, { value }, of, at);
    return standing.status;
  });
};

describe('a standing', () => {
  it('gets worse at once, from the thresholds on', () => {
    expect(
      play([
        [0, 0.49],
        [1, 0.5],
        [2, 0.89],
        [3, 0.9],
      ]),
    ).toEqual(['ok', 'warning', 'warning', 'error']);
  });

  it('gets better only when nothing has been that bad for the dwell time', () => {
    const looks = [
      [0, 1],
      [9999, 0.1],
      [10_000, 0.1],
    ] as const;
    expect(play(looks)).toEqual(['error', 'error', 'ok']);
    // A warning in between is what is left.
    expect(
      play([
        [0, 1],
        [5000, 0.6],
        [10_000, 0.1],
        [14_999, 0.1],
        [15_000, 0.1],
      ]),
    ).toEqual(['error', 'error', 'warning', 'warning', 'ok']);
  });

  it('leaves a threshold only well below it', () => {
    const quick = { ...limits, dwellMs: 0 };
    expect(
      play(
        [
          [0, 0.5],
          [1, 0.46],
          [2, 0.44],
          [3, 0.46],
        ],
        quick,
      ),
    ).toEqual(['warning', 'warning', 'ok', 'ok']);
    expect(
      play(
        [
          [0, 0.9],
          [1, 0.82],
          [2, 0.8],
        ],
        quick,
      ),
    ).toEqual(['error', 'error', 'warning']);
  });

  it('is ok without a value, and at 0 under a threshold of 0', () => {
    const strict = { ...limits, warning: 0, error: 0 };
    expect(
      play(
        [
          [0, 0],
          [1, null],
          [2, 0.001],
        ],
        strict,
      ),
    ).toEqual(['ok', 'ok', 'error']);
  });

  it('is at least what it is told', () => {
    expect(step(initial, { value: 0, atLeast: 'warning' }, limits, 0).status).toBe('warning');
    expect(step(initial, { value: 1, atLeast: 'warning' }, limits, 0).status).toBe('error');
  });

  it('does not bring back what is over when the dwell time becomes longer', () => {
    let standing = step(initial, { value: 1 }, limits, 0);
    standing = step(standing, { value: 0 }, limits, 10_000);
    expect(standing.status).toBe('ok');
    expect(step(standing, { value: 0 }, { ...limits, dwellMs: 60_000 }, 10_001).status).toBe('ok');
  });
});

describe('whatever is measured', () => {
  const measured: fc.Arbitrary<Measured> = fc.record({
    value: fc.option(fc.double({ min: 0, max: 1.2, noNaN: true })),
    atLeast: fc.constantFrom(undefined, 'ok' as const, 'warning' as const, 'error' as const),
  });
  const steps = fc.array(fc.tuple(fc.integer({ min: 1, max: 7000 }), measured), { maxLength: 200 });
  const settings = fc
    .record({
      low: fc.double({ min: 0, max: 1, noNaN: true }),
      high: fc.double({ min: 0, max: 1, noNaN: true }),
      hysteresis: fc.double({ min: 0, max: 0.9, noNaN: true }),
      dwellMs: fc.integer({ min: 0, max: 20_000 }),
    })
    .map(({ low, high, ...rest }) => ({ warning: Math.min(low, high), error: Math.max(low, high), ...rest }));

  /** Every standing, with its time. */
  const run = (of: Limits, looks: readonly (readonly [number, Measured])[]) => {
    const all: { at: number; before: Standing; after: Standing; measured: Measured }[] = [];
    let at = 0;
    let standing = initial;
    for (const [pause, each] of looks) {
      at += pause;
      const after = step(standing, each, of, at);
      all.push({ at, before: standing, after, measured: each });
      standing = after;
    }
    return all;
  };

  it('no status is left before it has lasted the dwell time, so flapping is bounded', () => {
    fc.assert(
      fc.property(settings, steps, (of, looks) => {
        const all = run(of, looks);
        let entered = 0;
        let improvements = 0;
        for (const { at, before, after } of all) {
          if (before.status === after.status) continue;
          if (rank[after.status] < rank[before.status]) {
            expect(at - entered).toBeGreaterThanOrEqual(of.dwellMs);
            improvements++;
            // From error to warning: that warning may have lasted already.
            if (after.status === 'warning') continue;
          }
          entered = at;
        }
        const span = all.at(-1)?.at ?? 0;
        if (of.dwellMs > 0) expect(improvements).toBeLessThanOrEqual(2 * (span / of.dwellMs) + 1);
      }),
    );
  });

  it('the status is never better than the value says', () => {
    fc.assert(
      fc.property(settings, steps, (of, looks) => {
        for (const {
          after,
          measured: { value, atLeast = 'ok' },
        } of run(of, looks)) {
          expect(rank[after.status]).toBeGreaterThanOrEqual(rank[atLeast]);
          if (value !== null && value > 0 && value >= of.error) expect(after.status).toBe('error');
          if (value !== null && value > 0 && value >= of.warning) expect(after.status).not.toBe('ok');
        }
      }),
    );
  });

  it('it is a function of the inputs alone', () => {
    fc.assert(
      fc.property(settings, steps, (of, looks) => {
        expect(run(of, looks).map(({ after }) => after)).toEqual(run(of, looks).map(({ after }) => after));
        // Told later, all the same.
        const shift = (standing: Standing, by: number) => ({
          ...standing,
          warningAt: standing.warningAt + by,
          errorAt: standing.errorAt + by,
        });
        let [one, other] = [initial, initial];
        let at = 0;
        for (const [pause, each] of looks) {
          at += pause;
          one = step(one, each, of, at);
          other = step(other, each, of, at + 1e6);
          expect(other).toEqual(shift(one, 1e6));
        }
      }),
    );
  });
});
