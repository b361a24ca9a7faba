const SECOND = 1000;
const MINUTE = 60 * SECOND;
const HOUR = 60 * MINUTE;
const DAY = 24 * HOUR;
const MEBIBYTE = 2 ** 20;
const GIBIBYTE = 2 ** 30;

/** What stands where a figure is not known. */
export const UNKNOWN = '-';

type Figure = number | null | undefined;
const isKnown = (value: Figure): value is number => typeof value === 'number' && Number.isFinite(value);

const two = (ms: number, [big, bigUnit]: [number, string], [small, smallUnit]: [number, string]): string => {
  const rest = Math.floor((ms % big) / small);
  return `${Math.floor(ms / big)} ${bigUnit}${rest === 0 ? '' : ` ${rest} ${smallUnit}`}`;
};

/** A duration in milliseconds, for people: `120 ms`, `3.2 s`, `5 min 3 s`, `2 h 5 min`, `3 d 4 h`. */
export const duration = (ms: Figure): string => {
  if (!isKnown(ms)) return UNKNOWN;
  if (ms < SECOND) return `${ms < 10 ? Math.round(ms * 10) / 10 : Math.round(ms)} ms`;
  if (ms < MINUTE) return `${Math.floor(ms / 100) / 10} s`;
  if (ms < HOUR) return two(ms, [MINUTE, 'min'], [SECOND, 's']);
  if (ms < DAY) return two(ms, [HOUR, 'h'], [MINUTE, 'min']);
  return two(ms, [DAY, 'd'], [HOUR, 'h']);
};

/** Bytes as MiB, from 10 GiB up as GiB. */
export const size = (bytes: Figure): string => {
  if (!isKnown(bytes)) return UNKNOWN;
  return bytes < 10 * GIBIBYTE
    ? `${Math.round(bytes / MEBIBYTE)} MiB`
    : `${(bytes / GIBIBYTE).toFixed(1)} GiB`;
};

/** A share of 1 as percent. */
export const percent = (ratio: Figure, digits = 0): string =>
  isKnown(ratio) ? `${(ratio * 100).toFixed(digits)} %` : UNKNOWN;

/** A figure, with one decimal below 100. */
export const figure = (value: Figure): string => {
  if (!isKnown(value)) return UNKNOWN;
  return Number.isInteger(value) || value >= 100 ? String(Math.round(value)) : value.toFixed(1);
};

/** A moment (epoch milliseconds or RFC 3339) as epoch milliseconds; undefined where it is none. */
export const momentOf = (moment: unknown): number | undefined => {
  const at = typeof moment === 'number' ? moment : Date.parse(String(moment));
  return Number.isFinite(at) ? at : undefined;
};

/** How long ago that was, seen from `now` (epoch milliseconds). */
export const since = (moment: unknown, now: number): string => {
  const at = momentOf(moment);
  return at === undefined ? UNKNOWN : duration(Math.max(0, now - at));
};

/** A moment as RFC 3339 in UTC, to the second. */
export const clock = (moment: unknown): string => {
  const at = momentOf(moment);
  return at === undefined ? UNKNOWN : `${new Date(at).toISOString().slice(0, 19)}Z`;
};

/** `1 worker`, `2 workers`. */
export const counted = (count: number, noun: string): string => `${count} ${noun}${count === 1 ? '' : 's'}`;
