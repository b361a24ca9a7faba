import { type AddressInfo, createServer, isIPv6, type Server, type Socket } from 'node:net';
import { loadPeer } from '../../errors/index.ts';
import { bindFault } from '../server/bind-fault.ts';
import type { HealthDesk } from './desk.ts';
import { createService, definition } from './service.ts';
import { MAX_REQUEST_BYTES } from './wire.ts';

/** The option that has it served. */
export const OPTION = 'ops.grpcPort';

/** Options of {@link listenGrpcHealth}. */
export interface GrpcHealthOptions {
  readonly desk: HealthDesk;
  /** Resolves when the desk knows of everything that has happened by now. */
  readonly current: () => Promise<void>;
  readonly host: string;
  /** 0 picks a free one. */
  readonly port: number;
  /** Whether the server keeps Node alive. */
  readonly ref: boolean;
}

/** A health server that listens. */
export interface GrpcHealthServer {
  /** `host:port`, as gRPC clients take it. */
  readonly url: string;
  readonly host: string;
  readonly port: number;
  /** Ends what is watched and stops listening; what is still open after the grace is cut off. */
  close(options: { readonly graceMs: number }): Promise<void>;
}

const limits = {
  'grpc.max_receive_message_length': MAX_REQUEST_BYTES,
  'grpc.max_concurrent_streams': 100,
  /** A client that has vanished without a word is noticed, and its stream ended. */
  'grpc.keepalive_time_ms': 30_000,
  'grpc.keepalive_timeout_ms': 10_000,
  /** What introspection keeps of connections is nothing that anybody reads here. */
  'grpc.enable_channelz': 0,
};

const bind = (server: Server, host: string, port: number): Promise<AddressInfo> =>
  new Promise((resolve, reject) => {
    const fail = (error: Error) =>
      reject(bindFault(error, { section: 'ops', portKey: 'grpcPort', host, port }));
    server.once('error', fail);
    server.listen({ host, port }, () => {
      server.off('error', fail);
      resolve(server.address() as AddressInfo);
    });
  });

const REACHABLE: Readonly<Record<string, string>> = { '0.0.0.0': '127.0.0.1', '::': '::1' };

const addressOf = (host: string, port: number): string => {
  const name = REACHABLE[host] ?? host;
  return `${isIPv6(name) ? `[${name}]` : name}:${port}`;
};

/**
 * Serves `grpc.health.v1` without TLS.
 *
 * The sockets are our own and only handed to gRPC: its listener would keep a program running, and does not say why it cannot bind.
 *
 * @throws SnakepitError `invalid_configuration` when the address cannot be bound, or the package is not installed
 */
export const listenGrpcHealth = async (options: GrpcHealthOptions): Promise<GrpcHealthServer> => {
  const { desk, current, host, port, ref } = options;
  const grpc = await loadPeer('@grpc/grpc-js', OPTION, () => import('@grpc/grpc-js'));
  const service = createService({ grpc, desk, current });
  const rpc = new grpc.Server(limits);
  rpc.addService(definition, service.methods);
  const injector = rpc.createConnectionInjector(grpc.ServerCredentials.createInsecure());
  const sockets = new Set<Socket>();
  const server = createServer({ noDelay: true }, (socket) => {
    if (!ref) socket.unref();
    sockets.add(socket);
    socket.on('error', () => {});
    socket.once('close', () => sockets.delete(socket));
    injector.injectConnection(socket);
  });
  const { port: bound, address } = await bind(server, host, port);
  if (!ref) server.unref();

  const close = async (graceMs: number): Promise<void> => {
    const closed = new Promise<void>((resolve) => server.close(() => resolve()));
    service.end();
    injector.destroy();
    const timer = setTimeout(() => {
      for (const socket of sockets) socket.destroy();
    }, graceMs);
    await closed;
    clearTimeout(timer);
    rpc.forceShutdown();
  };
  let closing: Promise<void> | undefined;
  return {
    url: addressOf(host, bound),
    host: address,
    port: bound,
    close: ({ graceMs }) => {
      closing ??= close(graceMs);
      return closing;
    },
  };
};
