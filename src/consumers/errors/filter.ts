import type { ErrorFilter } from './types.ts';

interface Filtered {
  readonly at: number;
  readonly pool: string | null;
  readonly command: string | null;
  readonly code: string | null;
}

/** Whether something is of the pool, command and code asked for, and not too old. */
export const passesBut = (row: Filtered, { since, pool, command, code }: ErrorFilter): boolean =>
  (since === undefined || row.at >= since) &&
  (pool === undefined || row.pool === pool) &&
  (command === undefined || row.command === command) &&
  (code === undefined || row.code === code);

/** The same, and of the worker slot asked for. */
export const passes = (
  row: Filtered & { readonly workerSlot: number | null },
  filter: ErrorFilter,
): boolean =>
  passesBut(row, filter) && (filter.workerSlot === undefined || row.workerSlot === filter.workerSlot);
