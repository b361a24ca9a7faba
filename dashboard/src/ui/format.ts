/** Numbers and times in words. Nothing known is a dash, never a zero. */

export type Maybe = number | null | undefined;
export const NONE = '–';

const known = (n: Maybe): n is number => typeof n === 'number' && Number.isFinite(n);
const grouped = new Intl.NumberFormat('en', { maximumFractionDigits: 0 });

/** Three figures that count: 0.123, 1.23, 12.3, 123. */
export const significant = (n: number): string => {
  const size = Math.abs(n);
  if (size === 0) return '0';
  if (size >= 99.95) return grouped.format(n);
  if (size >= 9.995) return n.toFixed(1);
  return n.toFixed(size >= 0.9995 ? 2 : 3);
};

export const count = (n: Maybe): string => (known(n) ? grouped.format(n) : NONE);

export const compact = (n: Maybe): string => {
  if (!known(n)) return NONE;
  if (Math.abs(n) < 10_000) return grouped.format(n);
  return Math.abs(n) < 1_000_000 ? `${significant(n / 1000)}k` : `${significant(n / 1_000_000)}M`;
};

export const perSecond = (n: Maybe): string => {
  if (!known(n)) return NONE;
  return n >= 10_000 ? compact(n) : n >= 100 ? grouped.format(n) : n === 0 ? '0' : n.toFixed(n >= 10 ? 1 : 2);
};

export const percent = (ratio: Maybe): string => {
  if (!known(ratio)) return NONE;
  const n = ratio * 100;
  if (n > 0 && n < 0.01) return '<0.01%';
  return `${n === 0 || n >= 99.95 ? n.toFixed(0) : n.toFixed(n < 1 ? 2 : 1)}%`;
};

const MINUTE = 60_000;
const HOUR = 60 * MINUTE;
const DAY = 24 * HOUR;

const two = (n: number, size: number, unit: string, small: number, smallUnit: string): string => {
  const whole = Math.floor(n / size);
  const rest = Math.floor((n - whole * size) / small);
  return rest > 0 ? `${whole} ${unit} ${rest} ${smallUnit}` : `${whole} ${unit}`;
};

/** A length of time in whole units: "11 s", "2 m 5 s", "1 d 4 h". */
export const duration = (ms: Maybe): string => {
  if (!known(ms)) return NONE;
  const n = Math.max(0, ms);
  if (n < MINUTE) return `${Math.floor(n / 1000)} s`;
  if (n < HOUR) return two(n, MINUTE, 'm', 1000, 's');
  return n < DAY ? two(n, HOUR, 'h', MINUTE, 'm') : two(n, DAY, 'd', HOUR, 'h');
};

/** A measured time: "0.85 ms", "12.3 ms", "1.24 s". */
export const ms = (n: Maybe): string => {
  if (!known(n)) return NONE;
  if (n >= MINUTE) return duration(n);
  if (n === 0) return '0 ms';
  if (n >= 999.5) return `${significant(n / 1000)} s`;
  return n >= 99.95 ? `${n.toFixed(0)} ms` : `${n.toFixed(n >= 9.995 ? 1 : 2)} ms`;
};

const units = ['B', 'KiB', 'MiB', 'GiB', 'TiB'] as const;

export const bytes = (n: Maybe): string => {
  if (!known(n)) return NONE;
  const power = Math.min(units.length - 1, n < 1 ? 0 : Math.floor(Math.log2(n) / 10));
  const scaled = n / 1024 ** power;
  return `${power === 0 ? scaled.toFixed(0) : scaled.toFixed(scaled >= 99.95 ? 0 : 1)} ${units[power]}`;
};

/** "now" within a second; what the clocks say of the future is now too. */
export const ago = (elapsedMs: Maybe): string => {
  if (!known(elapsedMs)) return NONE;
  if (elapsedMs < 1000) return 'now';
  if (elapsedMs < MINUTE) return `${Math.floor(elapsedMs / 1000)} s ago`;
  if (elapsedMs < HOUR) return `${Math.floor(elapsedMs / MINUTE)} m ago`;
  return elapsedMs < DAY
    ? `${two(elapsedMs, HOUR, 'h', MINUTE, 'm')} ago`
    : `${Math.floor(elapsedMs / DAY)} d ago`;
};

const clock = new Intl.DateTimeFormat('en-GB', { hour: '2-digit', minute: '2-digit', second: '2-digit' });
const dated = new Intl.DateTimeFormat('en-GB', { dateStyle: 'medium', timeStyle: 'long' });

/** Time of day where the reader is: "14:03:12". */
export const clockTime = (at: Maybe): string => (known(at) ? clock.format(at) : NONE);
export const dateTime = (at: Maybe): string => (known(at) ? dated.format(at) : NONE);

/** Value and unit apart: "1.36 ms" is "1.36" and "ms". */
export const split = (text: string): [string, string] => {
  const match = /^([<\d.,]+)(?: ([^\d\s]+)|(%))$/.exec(text);
  return match ? [match[1] ?? '', match[2] ?? match[3] ?? ''] : [text, ''];
};

/** "1 error", "2 errors". */
export const plural = (n: number, one: string, many = `${one}s`): string =>
  `${count(n)} ${n === 1 ? one : many}`;
