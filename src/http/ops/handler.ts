import { mountedAccess } from '../access.ts';
import { type NodeHandler, toNodeHandler } from '../node-handler.ts';
import { ReaderSessions, randomCookieName } from '../reader-sessions.ts';
import { createOpsApp, type OpsParts } from './app.ts';

/** What {@link opsHandler} is made from. */
export interface OpsHandlerParts extends Omit<OpsParts, 'access' | 'options'> {
  /** `open`: the application it is mounted in decides who comes here. Default: only probes answer without the token. */
  readonly access?: 'open' | undefined;
  readonly token?: string | undefined;
  /** Accepted `Host` values. Default: any, since the server it is mounted in has names of its own. */
  readonly allowedHosts?: readonly string[] | undefined;
  /** Read-only paths that need no token. */
  readonly open?: readonly string[] | undefined;
  /** Path before every endpoint, as the request's URL shows it. Express and its kin strip their mount path, so leave it out there. */
  readonly prefix?: string | undefined;
}

/** The ops endpoints, to mount in another server. */
export interface OpsHandler {
  /** For Web-standard servers: Hono, Next route handlers, Deno, Bun. */
  readonly fetch: (request: Request) => Promise<Response>;
  /** For `node:http`, Express, Fastify (`reply.hijack()`, then `req.raw`, `reply.raw`) and Koa (`ctx.req`, `ctx.res`). */
  readonly node: NodeHandler;
}

/** The ops endpoints as handlers for a server that is not ours. */
export const opsHandler = (parts: OpsHandlerParts): OpsHandler => {
  const { access, token, allowedHosts = [], open = [], prefix = '', ...readers } = parts;
  const app = createOpsApp({
    ...readers,
    options: { open: [...open], prefix },
    access: mountedAccess({
      token,
      allowedHosts,
      access,
      // Where a server strips the path it is mounted at, that path is not known here.
      sessions: new ReaderSessions({ name: randomCookieName(), path: prefix || '/' }),
    }),
  });
  const fetch = async (request: Request) => app.fetch(request);
  return { fetch, node: toNodeHandler(fetch, parts.reportBug) };
};
