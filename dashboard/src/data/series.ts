import type { History, Slice, SliceKey } from './types.ts';

type Values = (number | null)[];

export const valuesOf = (history: History, read: (slice: Slice) => number | null): Values =>
  history.slices.map((slice) => (slice ? read(slice) : null));

export const keyOf = (history: History, key: SliceKey): Values => valuesOf(history, (slice) => slice[key]);

/** The running slice is not over: its counts would look like a drop. */
const withoutRunning = (values: Values): Values =>
  values.map((value, at) => (at === values.length - 1 ? null : value));

export const perSecondOf = (history: History, key: SliceKey): Values =>
  withoutRunning(keyOf(history, key)).map((value) =>
    value === null ? null : value / (history.step_ms / 1000),
  );

/** Failures among the requests that were taken on and not given up by their caller. */
export const errorRateOf = (history: History): Values =>
  valuesOf(history, ({ requests, failed, rejected, cancelled }) => {
    const taken = (requests ?? 0) - (rejected ?? 0) - (cancelled ?? 0);
    return taken > 0 ? (failed ?? 0) / taken : null;
  });

export const countsOf = (history: History, key: SliceKey): Values => withoutRunning(keyOf(history, key));

/** Share of the workers that ought to be there and are, as health judges it. */
export const availabilityOf = (history: History): Values =>
  valuesOf(history, ({ workers_missing: missing, workers_desired: desired }) =>
    missing === null || desired === null ? null : 1 - Math.min(1, missing / Math.max(1, desired)),
  );

const MINUTE_MS = 60_000;

/** How many there were in the last minute, by the slices that are complete; null where none says. */
export const inLastMinute = (history: History, key: SliceKey): number | null => {
  const known = countsOf(history, key)
    .slice(-1 - MINUTE_MS / history.step_ms)
    .filter((n) => n !== null);
  return known.length === 0 ? null : known.reduce((sum, n) => sum + n, 0);
};
