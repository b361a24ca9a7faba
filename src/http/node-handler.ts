import type { IncomingMessage, ServerResponse } from 'node:http';
import { getRequestListener, RequestError } from '@hono/node-server';
import type { ReportBug } from './ports.ts';
import { PROBLEM_TYPE, problemOf, Refusal } from './problem.ts';

/** A Web-standard handler, or an app that has one. */
export type FetchLike =
  | ((request: Request) => Response | Promise<Response>)
  | { fetch(request: Request): Response | Promise<Response> };

/** A handler of `node:http`, and so of Express, Fastify, Koa and Next. */
export type NodeHandler = (req: IncomingMessage, res: ServerResponse) => Promise<void>;

/** An error as an answer; one that is a bug shows none of its insides. */
export const problemResponse = (error: unknown): Response => {
  const { problem } = problemOf(error);
  return new Response(JSON.stringify(problem), {
    status: problem.status,
    headers: { 'content-type': PROBLEM_TYPE },
  });
};

/** A handler that answers also when it throws. */
export const guarded = (target: FetchLike, reportBug?: ReportBug) => {
  const fetch = typeof target === 'function' ? target : (request: Request) => target.fetch(request);
  return async (request: Request): Promise<Response> => {
    try {
      return await fetch(request);
    } catch (error) {
      reportBug?.(error, { method: request.method, path: new URL(request.url).pathname });
      return problemResponse(error);
    }
  };
};

/**
 * Turns a Web-standard handler into one of `node:http`.
 *
 * The adapter's offer to replace the global `Request` and `Response` is declined: this library is a guest in the process.
 */
export const toNodeHandler = (target: FetchLike, reportBug?: ReportBug): NodeHandler =>
  getRequestListener(guarded(target, reportBug), {
    overrideGlobalObjects: false,
    // Load balancers probe with HTTP/1.0 and no Host header; without a name the adapter would refuse them.
    hostname: 'localhost',
    errorHandler: (error) =>
      problemResponse(
        error instanceof RequestError
          ? new Refusal('bad_request', `${error.message}. Send a valid path and Host header.`)
          : error,
      ),
  });
