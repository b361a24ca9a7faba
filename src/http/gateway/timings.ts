import type { Timings } from '../../core/port.ts';

/** The timings of a body, in the names and the values of the event `snakepit.request.completed`. */
export const timingsJson = ({ queueMs, pythonMs, totalMs }: Timings) => ({
  queue_ms: queueMs,
  python_ms: pythonMs,
  total_ms: totalMs,
});

const rounded = (ms: number) => Math.round(ms * 1000) / 1000;

/** The same for browsers' developer tools (W3C Server Timing). */
export const serverTiming = ({ queueMs, pythonMs, totalMs }: Timings): string =>
  `queue;dur=${rounded(queueMs)}, python;dur=${rounded(pythonMs)}, total;dur=${rounded(totalMs)}`;
