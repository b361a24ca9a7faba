import type { CallOptions } from '../../core/port.ts';
import { SnakepitError } from '../../errors/index.ts';
import { isCorrelationId, newCorrelationId, traceIdOf } from '../../events/index.ts';

/** The limits of the pools, by name. Read at every request, since they change live. */
export type PoolLimits = Readonly<Record<string, { readonly maxTimeoutMs: number }>>;

const DEFAULT_POOL = 'default';

const traceparentOf = (headers: Headers): string | undefined => {
  const header = headers.get('traceparent') ?? undefined;
  return header !== undefined && traceIdOf(header) !== undefined ? header : undefined;
};

/** The caller's correlation id or request id where usable, else the trace id, else a new one. */
export const correlationIdOf = (headers: Headers): string => {
  const given = [headers.get('x-correlation-id'), headers.get('x-request-id')].find(isCorrelationId);
  if (given) return given;
  const traceparent = traceparentOf(headers);
  return (traceparent === undefined ? undefined : traceIdOf(traceparent)) ?? newCorrelationId();
};

const timeoutOf = (headers: Headers, maxTimeoutMs: number): number | undefined => {
  const header = headers.get('x-timeout-ms');
  if (header === null) return undefined;
  if (!/^\d*[1-9]\d*$/.test(header)) {
    throw new SnakepitError(
      'invalid_arguments',
      `x-timeout-ms: got '${header.slice(0, 100)}'; send whole milliseconds above 0, e.g. 5000, or leave the header out.`,
    );
  }
  return Math.min(Number(header), maxTimeoutMs);
};

/** Finds the session of a request. */
export type SessionKey = (request: Request) => string | undefined;

const headerSession: SessionKey = ({ headers }) => headers.get('x-session-id') ?? undefined;

/**
 * What a request's headers ask of the call.
 *
 * @throws SnakepitError `invalid_arguments` for an unusable `x-timeout-ms`
 */
export const callOptionsOf = (
  request: Request,
  pool: string | undefined,
  correlationId: string,
  pools: PoolLimits,
  sessionKey: SessionKey = headerSession,
): CallOptions => {
  const name = pool ?? DEFAULT_POOL;
  // An unknown pool has no limit; the core refuses the call anyway. Own members only: a caller may ask for `constructor`.
  const limit = Object.hasOwn(pools, name) ? pools[name]?.maxTimeoutMs : undefined;
  return {
    pool,
    correlationId,
    timeoutMs: timeoutOf(request.headers, limit ?? Number.MAX_SAFE_INTEGER),
    traceparent: traceparentOf(request.headers),
    sessionId: sessionKey(request),
  };
};
