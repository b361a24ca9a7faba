/** Service level objectives and when burning their error budget is worth a call: all figures in one place. */
import { errorCodes } from '../../../dist/errors/index.js';

/** Requests that Snakepit or its workers could not serve. */
const UNAVAILABLE = ['crashed', 'timeout', 'rejected'];
/** Refusals that are the caller's doing (no such command, too large …): they count for nothing. */
const CALLERS = Object.entries(errorCodes)
  .filter(([, { category, status }]) => category === 'request' && status === 'rejected')
  .map(([code]) => code);

export const availability = {
  name: 'availability',
  objective: 0.999,
  statuses: UNAVAILABLE.join('|'),
  callersCodes: CALLERS.join('|'),
};

/** `seconds` has to be a bucket boundary of `snakepit_request_duration_seconds`. */
export const latency = { name: 'latency', objective: 0.99, seconds: 1 };

/**
 * Both windows of a pair must burn faster than `factor`: the long one so that it matters, the short one so that it still
 * goes on. 14.4 for an hour costs 2 % of the budget of 30 days, 6 for six hours 5 %, 3 for a day and 1 for three days 10 %.
 */
export const burns = [
  { long: '1h', short: '5m', factor: 14.4, severity: 'page', for: '2m' },
  { long: '6h', short: '30m', factor: 6, severity: 'page', for: '5m' },
  { long: '1d', short: '2h', factor: 3, severity: 'ticket', for: '15m' },
  { long: '3d', short: '6h', factor: 1, severity: 'ticket', for: '1h' },
];

/** With fewer bad requests in the long window nobody is told: one failure at night is a large share of little. */
export const MIN_BAD = 10;

export const windows = ['5m', '30m', '1h', '2h', '6h', '1d', '3d'];

const UNITS = { m: 60, h: 3600, d: 86_400 };
export const secondsOf = (duration) => Number.parseInt(duration, 10) * UNITS[duration.at(-1)];

/** 0.001 × 14.4 is 0.014400000000000001 in binary; nobody should have to read that. */
export const thresholdOf = ({ objective }, { factor }) => Number(((1 - objective) * factor).toPrecision(6));
