import type { ConsumerCounts, EventBus } from '../../src/events/index.ts';

/** The counts of one consumer. */
export const countsOf = (bus: EventBus, name: string): ConsumerCounts => {
  const found = bus.consumers().find((counts) => counts.name === name);
  if (found === undefined) throw new Error(`There is no consumer '${name}'.`);
  return found;
};

export const droppedOf = ({ dropped }: ConsumerCounts): number =>
  Object.values(dropped).reduce((sum, count) => sum + count, 0);

/** Whether offered = delivered + dropped + pending. */
export const conserves = (counts: ConsumerCounts): boolean =>
  counts.offered === counts.delivered + droppedOf(counts) + counts.pending && counts.pending >= 0;

/** An id that sampling keeps at `rate`, or lets go. */
export const idAt = (fraction: number): string =>
  `${'0'.repeat(18)}${BigInt(Math.floor(fraction * 2 ** 56))
    .toString(16)
    .padStart(14, '0')}`;
