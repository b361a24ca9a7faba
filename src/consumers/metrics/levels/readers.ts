import type { ConsumerCounts, PoolSnapshot, WorkerSnapshot } from '../../../events/index.ts';
import type { Row } from '../family.ts';
import { type LevelSource, level, type SlotTotals } from '../source.ts';

/** Shorthands in which the catalogue says how a metric is read from the levels. */

/** Several series for each pool; the pool's name is put before the labels. */
export const perPool = (rows: (pool: PoolSnapshot) => readonly Row[]): LevelSource =>
  level('snapshot', ({ pools }) =>
    Object.values(pools).flatMap((pool) =>
      rows(pool).map(([labels, value]): Row => [[pool.name, ...labels], value]),
    ),
  );

/** One series for each pool. */
export const pool = (read: (pool: PoolSnapshot) => number): LevelSource => perPool((of) => [[[], read(of)]]);

/** One series for each living worker that has the value. */
export const worker = (read: (worker: WorkerSnapshot) => number | null): LevelSource =>
  perPool(({ workers }) =>
    workers.flatMap((of): Row[] => {
      const value = of.id === null ? null : read(of);
      return value === null ? [] : [[[String(of.slot)], value]];
    }),
  );

/** One series for each slot, and one for those that are gone. */
export const slot = (read: (totals: SlotTotals) => number): LevelSource =>
  level('slots', (slots) => slots.map((of): Row => [[of.pool_name, of.worker_slot], read(of)]));

/** One series for each consumer of the bus. */
export const consumer = (row: (counts: ConsumerCounts) => Row): LevelSource =>
  level('bus', ({ consumers }) => consumers.map(row));
