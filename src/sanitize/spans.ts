/** A stretch of a text that must not be shown. */
export type Span = readonly [start: number, end: number];

/** Takes down a stretch; detectors call it as often as they like, in any order. */
export type Add = (start: number, end: number) => void;

/** In order, and without overlaps: two detectors often see the same secret. */
export const merge = (spans: readonly Span[]): Span[] => {
  const merged: [number, number][] = [];
  for (const [start, end] of [...spans].sort((a, b) => a[0] - b[0])) {
    const last = merged.at(-1);
    if (last !== undefined && start < last[1]) last[1] = Math.max(last[1], end);
    else merged.push([start, end]);
  }
  return merged;
};

/**
 * The text between two places with merged spans masked. A span that reaches over an edge is masked whole: half a secret is
 * worth something too.
 */
export const render = (
  text: string,
  spans: readonly Span[],
  mask: (secret: string) => string,
  from = 0,
  to = text.length,
): string => {
  let shown = '';
  let at = from;
  for (const [start, end] of spans) {
    if (end <= at || start >= to) continue;
    shown += text.slice(at, Math.max(at, start)) + mask(text.slice(start, end));
    at = end;
  }
  return at < to ? shown + text.slice(at, to) : shown;
};
