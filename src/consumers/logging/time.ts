import { now } from '../../events/index.ts';

/** The last instant RFC 3339 can write: it has four digits for the year. */
const LATEST = Date.UTC(9999, 11, 31, 23, 59, 59, 999);

let second = Number.NaN;
let prefix = '';

/**
 * RFC 3339 in UTC with milliseconds. The part down to the second is kept from line to line, since `toISOString` would cost about as
 * much as all the rest of a line. What is no time of day becomes the time of writing.
 */
export const rfc3339 = (epochMs: number): string => {
  if (!(epochMs >= 0 && epochMs <= LATEST)) return rfc3339(now());
  const whole = Math.floor(epochMs);
  const atSecond = Math.floor(whole / 1000);
  if (atSecond !== second) {
    prefix = new Date(atSecond * 1000).toISOString().slice(0, -4);
    second = atSecond;
  }
  return `${prefix}${String(whole - atSecond * 1000).padStart(3, '0')}Z`;
};

/** Nanoseconds since 1970 as a text, since a number would lose digits. What is no time of day becomes the time of writing. */
export const nanoseconds = (epochMs: number): string =>
  epochMs >= 0 && epochMs <= LATEST ? `${Math.floor(epochMs)}000000` : nanoseconds(now());
