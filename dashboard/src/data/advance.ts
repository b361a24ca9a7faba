import type { History, Marker, Slice, SliceFrame } from './types.ts';

/** Slices that are kept: fifteen minutes of five seconds. */
export const KEPT_SLICES = 180;

const sameMarker = (a: Marker, b: Marker): boolean =>
  a.at === b.at && a.kind === b.kind && a.pool === b.pool && a.worker_id === b.worker_id;

const added = (known: readonly Marker[], fresh: readonly Marker[], from: number): Marker[] => [
  ...known.filter(({ at }) => at >= from),
  ...fresh.filter((each) => !known.some((other) => sameMarker(other, each))),
];

/** The array as long as `length` says, with one place filled; what was never told stays null. */
const placed = <T>(
  items: readonly (T | null)[],
  index: number,
  item: T | null,
  length: number,
): (T | null)[] => Array.from({ length }, (_, at) => (at === index ? item : (items[at] ?? null)));

/** Whether a slice joins on to a history without slices missing in between. */
export const joins = (history: History, frame: SliceFrame): boolean => {
  const index = (frame.at - history.from) / history.step_ms;
  return (
    frame.step_ms === history.step_ms &&
    Number.isInteger(index) &&
    index >= 0 &&
    index <= history.slices.length
  );
};

/**
 * The history with one more finished slice. The last place is that of the running one, of which nothing is told until it is
 * over; the oldest ones leave, so that always the same span is shown.
 */
export const advance = (history: History, frame: SliceFrame, slice: Slice | null, pool?: string): History => {
  if (!joins(history, frame)) return history;
  const index = (frame.at - history.from) / history.step_ms;
  const length = Math.max(history.slices.length, index + 2);
  const surplus = Math.max(0, length - KEPT_SLICES);
  const from = history.from + surplus * history.step_ms;
  const mine =
    pool === undefined ? frame.markers : frame.markers.filter((each) => !each.pool || each.pool === pool);
  return {
    ...history,
    from,
    slices: placed(history.slices, index, slice, length).slice(surplus),
    heat: {
      ...history.heat,
      counts: placed(history.heat.counts, index, slice?.heat ?? null, length).slice(surplus),
    },
    markers: added(history.markers, mine, from),
  };
};

/** Start of each slice. */
export const times = (history: History): number[] =>
  history.slices.map((_, index) => history.from + index * history.step_ms);
