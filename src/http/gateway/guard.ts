import type { MiddlewareHandler } from 'hono';
import { type Access, refuseCaller, requireHost } from '../access.ts';
import { correlationIdOf } from './call-options.ts';
import { checkOrigin, exposedHeaders, preflightHeaders } from './origin.ts';
import type { GatewayEnv, GatewayParts } from './parts.ts';

/**
 * Lets a request in or refuses it, before anything else looks at it. Unlike on the ops server, a configured token is asked for on
 * loopback too: whoever sets one does not want every user of the machine to run commands.
 */
export const guard = (
  { allowedOrigins }: GatewayParts['options'],
  access: Access,
): MiddlewareHandler<GatewayEnv> => {
  return async (c, next) => {
    const request = c.req.raw;
    const correlationId = correlationIdOf(request.headers);
    c.set('correlationId', correlationId);
    c.header('x-correlation-id', correlationId);
    requireHost(access, request);
    const origin = checkOrigin(request, allowedOrigins);
    if (origin !== undefined) {
      c.header('access-control-allow-origin', origin);
      c.header('access-control-expose-headers', exposedHeaders);
      c.header('vary', 'origin');
      // A preflight carries no token (Fetch standard, section 3.2.2), so it is answered before one is asked for.
      if (request.method === 'OPTIONS') return c.body(null, 204, preflightHeaders);
    }
    const { local, authenticated } = access.identify(request.headers);
    c.set('detailed', local || authenticated);
    if (!(authenticated || access.open || (local && !access.hasToken)))
      throw refuseCaller(access, request.headers);
    return next();
  };
};
