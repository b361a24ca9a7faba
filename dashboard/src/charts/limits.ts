import type { Bounds } from '../data/types.ts';
import type { Span } from './zoom.ts';

/** A threshold of health in a chart. */
export interface Limit {
  readonly value: number;
  readonly tone: 'warning' | 'error';
  /** What it means to pass it: "p95 warning from 10 s". */
  readonly label: string;
}

/** How the bound of a criterion reads in a chart. */
export interface Reading {
  readonly value: number;
  readonly said: (tone: Limit['tone']) => string;
}

/** The thresholds of a criterion, as lines of a chart. */
export const limitsOf = (
  bounds: Bounds | undefined,
  read: (bound: number) => Reading | null,
): readonly Limit[] =>
  (['warning', 'error'] as const).flatMap((tone) => {
    const bound = bounds?.[tone];
    const made = bound === null || bound === undefined ? null : read(bound);
    return made === null ? [] : [{ value: made.value, tone, label: made.said(tone) }];
  });

/** Above the highest value there is so much room. */
const ROOM = 1.15;
/** A line that would press the values into less than this share of the chart is left out of it. */
const LEAST_SHARE = 1 / 3;

/** Where a chart ends that has values up to `most`: the lines that are not far above them are in it. */
export const topOf = (most: number, limits: readonly Limit[]): number => {
  const values = limits.map(({ value }) => value).filter((value) => value > 0);
  if (!(most > 0) || !Number.isFinite(most)) return values.length > 0 ? Math.max(...values) * ROOM : 1;
  const near = values.filter((value) => value * LEAST_SHARE <= most);
  return Math.max(most, ...near) * ROOM;
};

/** The highest value in the part that is shown; 0 where there is none. */
export const mostIn = (
  x: readonly number[],
  lines: readonly (readonly (number | null)[])[],
  span: Span | null,
): number => {
  let most = 0;
  for (const [index, at] of x.entries()) {
    if (span !== null && (at < span.from || at > span.to)) continue;
    for (const line of lines) most = Math.max(most, line[index] ?? 0);
  }
  return most;
};
