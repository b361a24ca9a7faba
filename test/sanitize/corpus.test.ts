import { describe, expect, it } from 'vitest';
import { sanitize } from '../../src/sanitize/index.ts';
import { leaks, measure } from './corpus.mjs';

const { recall, precision } = measure(sanitize, { seed: 1 });

/** What went wrong first, short enough to read. */
const wrongOf = (kind: string, wrong: readonly { kind: string; value: unknown }[]): unknown[] =>
  wrong.filter((one) => one.kind === kind).slice(0, 3);

describe('the corpus', () => {
  it.each(Object.keys(recall.kinds))('has nearly every %s masked', (kind) => {
    const { right, total } = recall.kinds[kind] as { right: number; total: number };
    expect(total).toBeGreaterThan(50);
    expect(right / total, JSON.stringify(wrongOf(kind, recall.wrong)).slice(0, 1000)).toBeGreaterThanOrEqual(
      0.98,
    );
  });

  it('has hardly anything harmless changed', () => {
    expect(precision.total).toBeGreaterThan(1000);
    const share = precision.wrong.length / precision.total;
    expect(share, JSON.stringify(precision.wrong.slice(0, 5)).slice(0, 1000)).toBeLessThanOrEqual(0.005);
  });

  it('would notice a sanitizer that does nothing, and one that masks everything', () => {
    const idle = measure((value) => (value instanceof Error ? String(value.message) : value), {
      secretRounds: 1,
      innocentRounds: 1,
    });
    expect(idle.recall.right / idle.recall.total).toBeLessThan(0.2);
    const blind = measure(() => '[SANITIZED]', { secretRounds: 1, innocentRounds: 1 });
    expect(blind.recall.right).toBe(blind.recall.total);
    expect(blind.precision.right).toBe(0);
  });

  it('takes half a secret for a leak', () => {
    expect(leaks('x hunter2hun y', 'hunter2hunter2')).toBe(true);
    expect(leaks('x hunt y', 'hunter2hunter2')).toBe(false);
  });
});
