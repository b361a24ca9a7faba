import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import { type AddressInfo, isIPv6 } from 'node:net';
import { type FetchLike, toNodeHandler } from '../node-handler.ts';
import type { ReportBug } from '../ports.ts';
import { bindFault } from './bind-fault.ts';
import { Connections } from './connections.ts';

/** Options of {@link listen}. */
export interface ListenOptions {
  /** Whose options are named when the address cannot be bound. */
  readonly section: 'ops' | 'gateway';
  /** The option that holds the port. Default: `port`. */
  readonly portKey?: string | undefined;
  readonly host: string;
  /** 0 picks a free one. */
  readonly port: number;
  /** Whether the server keeps Node alive. Default: true. */
  readonly ref?: boolean | undefined;
  readonly reportBug?: ReportBug | undefined;
  /** Sees every request first; true: it has taken it. */
  readonly before?: ((req: IncomingMessage, res: ServerResponse) => boolean) | undefined;
}

/** A server that listens. */
export interface HttpServer {
  /** Where this machine reaches it, without a final slash. */
  readonly url: string;
  /** The address bound. */
  readonly host: string;
  readonly port: number;
  /**
   * Stops taking connections, ends idle ones at once, waits for running requests, then cuts them off. Calling it again with a shorter
   * grace hurries it.
   *
   * @param options - `graceMs`: how long running requests get. Default: 5000
   */
  close(options?: { readonly graceMs?: number }): Promise<void>;
}

const limits = {
  /** Node's default, made explicit: more is answered with 431. */
  maxHeaderSize: 16 * 1024,
  /** Enough for the slowest honest client, too short to collect half-sent requests. */
  headersTimeout: 20_000,
  /** For the whole request, body included, not for the answer: event streams may last. */
  requestTimeout: 300_000,
  /** Longer than the 60 s of common load balancers, which would otherwise send into a connection that is just being closed. */
  keepAliveTimeout: 65_000,
  /** How often the two limits on requests are looked at. */
  connectionsCheckingInterval: 5_000,
};

/** What running requests get to end when a server closes. Milliseconds. */
export const DEFAULT_GRACE_MS = 5000;

/** A wildcard address is for binding only; this machine reaches it by loopback. */
const reachable = (host: string): string => (host === '0.0.0.0' ? '127.0.0.1' : host === '::' ? '::1' : host);

const urlOf = (host: string, port: number): string => {
  const name = reachable(host);
  // RFC 6874 section 2: a zone's percent sign is itself escaped.
  return `http://${isIPv6(name) ? `[${name.replace('%', '%25')}]` : name}:${port}`;
};

const bind = (server: Server, { section, portKey, host, port }: ListenOptions): Promise<AddressInfo> =>
  new Promise((resolve, reject) => {
    const fail = (error: Error) => reject(bindFault(error, { section, portKey, host, port }));
    server.once('error', fail);
    server.listen({ host, port }, () => {
      server.off('error', fail);
      resolve(server.address() as AddressInfo);
    });
  });

/**
 * Serves a Web-standard handler over HTTP/1.1.
 *
 * @throws SnakepitError `invalid_configuration` when the address cannot be bound
 */
export const listen = async (target: FetchLike, options: ListenOptions): Promise<HttpServer> => {
  const { host, ref = true, reportBug, before } = options;
  const server = createServer(limits);
  const connections = new Connections(server, ref);
  const handler = toNodeHandler(target, reportBug);
  // After the connections', which may still want to add a header to what is answered at once.
  server.on('request', (req, res) => {
    if (!before?.(req, res)) void handler(req, res);
  });
  const { port, address } = await bind(server, options);
  if (!ref) server.unref();

  let closed: Promise<void> | undefined;
  const close = async ({ graceMs = DEFAULT_GRACE_MS }: { readonly graceMs?: number } = {}) => {
    closed ??= new Promise((resolve) => {
      server.close(() => resolve());
      connections.finish();
    });
    // Keeps Node alive: whoever waits for the close must see its end.
    const timer = setTimeout(() => connections.destroy(), graceMs);
    try {
      await closed;
    } finally {
      clearTimeout(timer);
    }
  };
  return { url: urlOf(host, port), host: address, port, close };
};
