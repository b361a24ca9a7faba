import { createHmac, timingSafeEqual } from 'node:crypto';
import { isCorrelationId, now } from '../../events/index.ts';

/** The header that asks for a request to be logged fully. */
export const LOG_HEADER = 'x-snakepit-log';
/** The longest a header may be good for. */
const MAX_MS = 24 * 60 * 60 * 1000;

/** The purpose stands in it, so that nothing signed with the same token for something else can pass for it. */
const signature = (token: string, correlationId: string, expiresAt: number): Buffer =>
  createHmac('sha256', token).update(`snakepit-log\n${expiresAt}\n${correlationId}`).digest();

/**
 * Makes the value of the header `x-snakepit-log`, which has the gateway log everything about the requests of one correlation id, whatever level and sampling say. It goes
 * with the header `x-correlation-id` of the same id, and is of no use with another. What is logged is sanitized all the same.
 *
 * @param token - the gateway's (`gateway.token`)
 * @param correlationId - at most 128 characters, see `x-correlation-id`
 * @param expiresAt - until when the header is good; at most 24 hours from now when it is used. Default: in ten minutes
 * @throws TypeError when the token is empty, the id cannot be one, or the time is none
 * @example
 * const headers = { 'x-correlation-id': id, 'x-snakepit-log': signLogHeader(token, id) };
 */
export const signLogHeader = (
  token: string,
  correlationId: string,
  expiresAt: Date | number = now() + 600_000,
): string => {
  const at = Math.floor(Number(expiresAt));
  if (typeof token !== 'string' || token === '')
    throw new TypeError('signLogHeader: give the token of the gateway.');
  if (!isCorrelationId(correlationId)) throw new TypeError('signLogHeader: that is no correlation id.');
  if (!Number.isSafeInteger(at) || at <= 0)
    throw new TypeError('signLogHeader: expiresAt is a Date or epoch milliseconds.');
  return `${at}.${signature(token, correlationId, at).toString('base64url')}`;
};

/** What a header comes to. */
export type LogRequestHeader = { readonly forMs: number } | { readonly refused: string };

/**
 * Checks the header. The signature is compared in constant time, and before the expiry, so that nothing is learnt from the answer about either.
 *
 * @param token - undefined: nothing can be signed
 */
export const readLogHeader = (
  value: string,
  token: string | undefined,
  correlationId: string,
): LogRequestHeader => {
  if (token === undefined) return { refused: 'gateway.token is not set' };
  const found = /^(\d{1,15})\.([\w-]{43})$/.exec(value);
  if (found === null) return { refused: 'it is not <expiry>.<signature>' };
  const expiresAt = Number(found[1]);
  const given = Buffer.from(found[2] as string, 'base64url');
  if (!timingSafeEqual(given, signature(token, correlationId, expiresAt)))
    return { refused: 'its signature is not for this correlation id' };
  const forMs = expiresAt - now();
  if (forMs <= 0) return { refused: 'it has expired' };
  if (forMs > MAX_MS) return { refused: 'it is good for more than 24 hours' };
  return { forMs };
};
