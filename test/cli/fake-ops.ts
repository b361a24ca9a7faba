import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { onTestFinished } from 'vitest';

/** A request as it came. */
export interface Seen {
  readonly method: string;
  readonly url: string;
  readonly authorization: string | undefined;
  readonly body: string;
}

/** What is answered: a JSON value, or whatever a function does with the response. */
export type Route = object | ((res: ServerResponse, req: IncomingMessage) => void);

/** A real HTTP server that answers as an ops server does; what is not routed is a 404 problem. */
export const fakeOps = async (routes: Readonly<Record<string, Route>>) => {
  const seen: Seen[] = [];
  const server = createServer(async (req, res) => {
    const chunks: Buffer[] = [];
    for await (const chunk of req) chunks.push(chunk as Buffer);
    const { method = '', url = '' } = req;
    seen.push({
      method,
      url,
      authorization: req.headers.authorization,
      body: Buffer.concat(chunks).toString(),
    });
    const route = routes[`${method} ${url}`];
    if (typeof route === 'function') route(res, req);
    else if (route === undefined)
      problem(404, { title: 'Nothing is served at this path.', detail: `No ${url}.` })(res);
    else json(route)(res);
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const close = () =>
    new Promise<void>((resolve) => {
      server.close(() => resolve());
      server.closeAllConnections();
    });
  onTestFinished(close);
  return { url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`, seen, close };
};

/** Answers with JSON. */
export const json =
  (value: unknown, status = 200) =>
  (res: ServerResponse): void => {
    res.writeHead(status, { 'content-type': 'application/json' }).end(JSON.stringify(value));
  };

/** Answers with a problem (RFC 9457). */
export const problem =
  (status: number, members: object) =>
  (res: ServerResponse): void => {
    res
      .writeHead(status, { 'content-type': 'application/problem+json' })
      .end(JSON.stringify({ status, ...members }));
  };
