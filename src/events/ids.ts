import { randomFillSync } from 'node:crypto';

const ID_BYTES = 16;
const BATCH = 128;
const pool = Buffer.allocUnsafe(ID_BYTES * BATCH);
let hex = Buffer.alloc(0);
let used = BATCH;

/**
 * A new correlation id: 32 hex digits, random, usable as a W3C trace id. Random bytes are drawn for 128 ids at a time, since a system call a
 * request would cost more than the rest of the bookkeeping together.
 */
export const newCorrelationId = (): string => {
  if (used === BATCH) {
    randomFillSync(pool);
    hex = Buffer.from(pool.toString('hex'), 'latin1');
    used = 0;
  }
  const at = used++ * 2 * ID_BYTES;
  // A copy of its own: a substring would keep the whole batch alive for as long as one id of it is remembered.
  return hex.toString('latin1', at, at + 2 * ID_BYTES);
};

const boot = newCorrelationId().slice(0, 8);
let requests = 0;

/** A new request id, unique across processes: 8 random hex digits of this process, then a counter. */
export const newRequestId = (): string => `req_${boot}_${(++requests).toString(36)}`;

const acceptable = /^[A-Za-z0-9._:-]{1,128}$/;

/** Whether an id from outside can be used as a correlation id: 1 to 128 of `A–Z a–z 0–9 . _ : -`. */
export const isCorrelationId = (value: unknown): value is string =>
  typeof value === 'string' && acceptable.test(value);

const w3c = /^[0-9a-f]{2}-([0-9a-f]{32})-[0-9a-f]{16}-[0-9a-f]{2}(-.*)?$/;

/**
 * The trace id of a `traceparent` header (W3C Trace Context, level 1), or undefined if the header is not valid.
 */
export const traceIdOf = (traceparent: string): string | undefined => {
  const id = w3c.exec(traceparent)?.[1];
  return id === undefined || id === '0'.repeat(32) || traceparent.startsWith('ff') ? undefined : id;
};
