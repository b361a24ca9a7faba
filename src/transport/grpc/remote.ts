import { readFile } from 'node:fs/promises';
import { type ResolvedRemote, readAddress, staysHere } from '../../config/index.ts';
import type { ProcessExit } from '../../process/index.ts';
import type { CodecName } from '../codec/index.ts';
import type { LinkHandler, WorkerIdentity } from '../contract.ts';
import { Addresses, type Resolve } from './addresses.ts';
import { type GrpcJs, loadGrpc } from './grpc.ts';
import { unheld } from './hold.ts';
import { GrpcLink } from './link.ts';
import type { Place, Target } from './place.ts';
import type { GrpcLinkSettings, RemoteLink } from './settings.ts';

/** A cut connection is noticed within the sum of the two. */
const KEEPALIVE_MS = 3000;
const KEEPALIVE_ANSWER_MS = 4000;

/** Settings of the way to remote workers. */
export interface RemoteTransportSettings extends Omit<GrpcLinkSettings, 'codecs'> {
  readonly codec: 'auto' | CodecName;
  readonly remote: ResolvedRemote;
  /** How names are looked up. Default: as the system does. */
  readonly resolve?: Resolve;
}

/** What is told of a remote worker beside what its link tells. */
export interface RemoteEnd {
  /** The process that ran the handlers has ended. */
  onExit(exit: ProcessExit, stderrTail: readonly string[]): void;
  /** The link is closed: to this host it is gone. */
  onClosed(): void;
}

/** A way to workers that somebody else has started. */
export interface RemoteTransport {
  readonly kind: 'grpc';
  readonly addresses: Addresses;
  /** Makes a link; it connects when told to. */
  open(identity: WorkerIdentity, handler: LinkHandler, end: RemoteEnd): RemoteLink;
}

/** @throws SnakepitError `invalid_configuration`, as a rejection, when the packages are missing */
export const createRemoteTransport = async (settings: RemoteTransportSettings): Promise<RemoteTransport> => {
  const peer = await loadGrpc('remote');
  const { remote } = settings;
  const codecs: readonly CodecName[] = settings.codec === 'auto' ? ['msgpack', 'json'] : [settings.codec];
  const addresses = new Addresses(remote.addresses, settings.resolve);
  return {
    kind: 'grpc',
    addresses,
    open(identity, handler, end) {
      let at = addresses.peek(identity.slot) ?? String(remote.addresses);
      const place: Place = {
        get address() {
          return at;
        },
        remote: true,
        helloTimeoutMs: remote.connectTimeoutMs,
        async locate(grpc) {
          at = await addresses.of(identity.slot).catch((error: Error) => {
            throw new Error(`No worker can be had at ${at}: its name cannot be resolved (${error.message}).`);
          });
          return targetOf(grpc, at, remote, addresses.host);
        },
        onExit: (exit, tail) => end.onExit(exit, tail),
        onClosed: () => end.onClosed(),
      };
      return new GrpcLink(peer, identity, { ...settings, codecs }, handler, place);
    },
  };
};

const targetOf = async (
  grpc: GrpcJs,
  text: string,
  remote: ResolvedRemote,
  name: string | undefined,
): Promise<Target> => {
  const address = readAddress(text);
  if (address === undefined) throw new Error(`No worker can be had at '${text}': it is no address.`);
  const { tls } = remote;
  const token = await tokenOf(remote);
  const mayAuthorize = tls !== undefined || staysHere(address);
  const serverName = tls?.serverName ?? (tls === undefined ? undefined : name);
  return {
    target: address.kind === 'unix' ? `unix:${address.path}` : tcpTarget(address.host, address.port),
    credentials: unheld(
      tls === undefined ? grpc.credentials.createInsecure() : await tlsCredentials(grpc, text, tls),
    ),
    options: {
      'grpc.keepalive_time_ms': KEEPALIVE_MS,
      'grpc.keepalive_timeout_ms': KEEPALIVE_ANSWER_MS,
      'grpc.keepalive_permit_without_calls': 1,
      // There is one address, so there is no choice that a proxy or a service configuration could make.
      'grpc.enable_http_proxy': 0,
      'grpc.service_config_disable_resolution': 1,
      ...(address.kind === 'unix' && { 'grpc.default_authority': 'localhost' }),
      ...(serverName !== undefined && {
        'grpc.ssl_target_name_override': serverName,
        'grpc.default_authority': serverName,
      }),
    },
    authorize: (metadata) => {
      if (token !== undefined && mayAuthorize) metadata.set('authorization', `Bearer ${token}`);
    },
  };
};

const tcpTarget = (host: string, port: number): string => {
  if (host.includes(':')) return `ipv6:[${host}]:${port}`;
  return /^\d+(\.\d+){3}$/.test(host) ? `ipv4:${host}:${port}` : `dns:${host}:${port}`;
};

/** Read at each connect: whoever renews a certificate or a token writes a new file. */
const tlsCredentials = async (grpc: GrpcJs, address: string, tls: NonNullable<ResolvedRemote['tls']>) => {
  const [ca = null, key = null, cert = null] = await Promise.all([
    fileOf('tls.ca', tls.ca),
    fileOf('tls.key', tls.key),
    fileOf('tls.cert', tls.cert),
  ]);
  try {
    return grpc.credentials.createSsl(ca, key, cert);
  } catch (error) {
    throw new Error(
      `No worker can be had at ${address}: the files of remote.tls cannot be used (${(error as Error).message}). Each must be in PEM format, and the key must belong to the certificate.`,
    );
  }
};

const tokenOf = async ({ token, tokenFile }: ResolvedRemote): Promise<string | undefined> =>
  token ?? (await fileOf('tokenFile', tokenFile))?.toString().trim();

const fileOf = async (option: string, path: string | undefined): Promise<Buffer | undefined> => {
  if (path === undefined) return undefined;
  return readFile(path).catch((error: Error) => {
    throw new Error(`remote.${option}: '${path}' cannot be read (${error.message}).`);
  });
};
