import { useRef, useState } from 'preact/hooks';
import { heldKeys, type Sort, type SortValue, sortedKeys } from './order.ts';

/** Rows may change places that often, ms. */
const SETTLE_MS = 3000;

interface Ordered<Row> {
  readonly rows: readonly Row[];
  /** For the element round the table: while somebody is in there nothing moves. */
  readonly hold: {
    onPointerEnter: () => void;
    onPointerLeave: () => void;
    onFocusIn: () => void;
    onFocusOut: () => void;
  };
}

export const useOrder = <Row>(
  rows: readonly Row[],
  keyOf: (row: Row) => string,
  sortValue: (row: Row) => SortValue,
  sort: Sort,
): Ordered<Row> => {
  const [held, hold] = useState({ pointer: false, focus: false });
  const memory = useRef({ keys: [] as readonly string[], sort, at: 0 });
  const present = rows.map(keyOf);
  const sameSort = memory.current.sort.by === sort.by && memory.current.sort.dir === sort.dir;
  const settled = Date.now() - memory.current.at < SETTLE_MS || held.pointer || held.focus;
  const keepsPlaces = sameSort && settled && memory.current.keys.length > 0;
  const keys = keepsPlaces
    ? heldKeys(memory.current.keys, present)
    : sortedKeys(rows, keyOf, sortValue, sort.dir);
  memory.current = { keys, sort, at: keepsPlaces ? memory.current.at : Date.now() };
  const byKey = new Map(rows.map((row) => [keyOf(row), row]));
  return {
    rows: keys.map((key) => byKey.get(key)).filter((row): row is Row => row !== undefined),
    hold: {
      onPointerEnter: () => hold((now) => ({ ...now, pointer: true })),
      onPointerLeave: () => hold((now) => ({ ...now, pointer: false })),
      onFocusIn: () => hold((now) => ({ ...now, focus: true })),
      onFocusOut: () => hold((now) => ({ ...now, focus: false })),
    },
  };
};
