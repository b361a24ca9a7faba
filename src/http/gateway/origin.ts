import { isOwnOrigin } from '../own-origin.ts';
import { Refusal } from '../problem.ts';

/**
 * Keeps pages of other sites from running commands with a visitor's reach (the check is on `Origin` and, where a browser sends none,
 * on `Sec-Fetch-Site`).
 *
 * @returns the origin, where it is one of `allowed` and so needs CORS headers
 * @throws Refusal `forbidden`
 */
export const checkOrigin = (request: Request, allowed: readonly string[]): string | undefined => {
  const { headers } = request;
  const origin = headers.get('origin');
  if (origin === null) {
    if (headers.get('sec-fetch-site')?.toLowerCase() !== 'cross-site') return undefined;
    throw new Refusal(
      'forbidden',
      'A page of another site sent this request (Sec-Fetch-Site: cross-site). Call from a server, or from a page whose origin is in gateway.allowedOrigins.',
    );
  }
  if (allowed.includes(origin)) return origin;
  if (isOwnOrigin(origin, headers.get('host') ?? new URL(request.url).host)) return undefined;
  throw new Refusal(
    'forbidden',
    `A page of the origin '${origin.slice(0, 200)}' sent this request. Add the origin to gateway.allowedOrigins to let it.`,
  );
};

/** Headers an allowed page may read. */
export const exposedHeaders = 'x-request-id, x-correlation-id, server-timing, retry-after';

/** Answer to a preflight (Fetch standard, section 3.2.2) of an allowed page. */
export const preflightHeaders = {
  'access-control-allow-methods': 'GET, HEAD, POST',
  'access-control-allow-headers':
    'authorization, content-type, traceparent, x-correlation-id, x-request-id, x-timeout-ms',
  'access-control-max-age': '600',
};
