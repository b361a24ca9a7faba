import type { Timings } from '../../core/port.ts';

/** Microseconds are as fine as the clocks behind them mean anything. */
const rounded = (ms: number) => Math.round(ms * 1000) / 1000;

/** The timings of a body, in the names and the values of the event `snakepit.request.completed`. */
export const timingsJson = ({ queueMs, pythonMs, totalMs }: Timings) => ({
  queue_ms: rounded(queueMs),
  python_ms: rounded(pythonMs),
  total_ms: rounded(totalMs),
});

/** The same for browsers' developer tools (W3C Server Timing). */
export const serverTiming = ({ queueMs, pythonMs, totalMs }: Timings): string =>
  `queue;dur=${rounded(queueMs)}, python;dur=${rounded(pythonMs)}, total;dur=${rounded(totalMs)}`;
