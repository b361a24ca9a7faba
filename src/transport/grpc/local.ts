import { existsSync, rmSync } from 'node:fs';
import type { ProcessExit } from '../../process/index.ts';
import type { CodecName } from '../codec/index.ts';
import type { LinkHandler, Transport, WorkerIdentity, WorkerLink } from '../contract.ts';
import { makeSocketDirectory, removeSocketDirectory } from '../socket/directory.ts';
import { loadGrpc } from './grpc.ts';
import { unheld } from './hold.ts';
import { GrpcLink } from './link.ts';
import type { Place, Target } from './place.ts';
import type { GrpcLinkSettings } from './settings.ts';

/** How often it is looked whether a process that was started listens. */
const LOOK_MS = 20;
/** What a worker gets to import gRPC and start the process that runs the handlers; the start as a whole has a deadline of its own. */
const HELLO_TIMEOUT_MS = 120_000;

/** Settings of the gRPC transport for workers on this machine. */
export interface GrpcTransportSettings extends Omit<GrpcLinkSettings, 'codecs'> {
  readonly codec: 'auto' | CodecName;
  readonly app: string;
  readonly cwd: string;
  readonly concurrency: number;
  /** How often the process that runs the handlers is asked whether it lives. */
  readonly heartbeatIntervalMs: number;
  /** Where the private directory is made. Default: the temporary directory. */
  readonly runtimeDir: string | undefined;
}

/** The link to a worker that this host starts. */
class LocalLink extends GrpcLink {
  /** How its process is started. */
  args: readonly string[] = [];
  /** How the process that ran the handlers has ended, below the one that serves gRPC. */
  innerExit: ProcessExit | undefined;
}

/**
 * Workers on this machine that serve gRPC, each on a Unix socket in a private directory.
 *
 * @throws SnakepitError `invalid_configuration` when the packages are missing, or no directory for the sockets can be made
 */
export const createGrpcTransport = async (
  settings: GrpcTransportSettings,
): Promise<Transport & { readonly directory: string }> => {
  const peer = await loadGrpc("transport 'grpc'");
  const directory = await makeSocketDirectory(settings.runtimeDir);
  const codecs: readonly CodecName[] = settings.codec === 'auto' ? ['msgpack', 'json'] : [settings.codec];
  let opened = 0;
  return {
    kind: 'grpc',
    directory,
    async open(identity: WorkerIdentity, handler: LinkHandler): Promise<WorkerLink> {
      const path = `${directory}/w${++opened}.sock`;
      const place = localPlace(path, (exit) => {
        link.innerExit = exit;
      });
      const link: LocalLink = new LocalLink(peer, identity, { ...settings, codecs }, handler, place);
      link.args = workerArgs(path, settings);
      link.connect();
      return link;
    },
    close: () => removeSocketDirectory(directory),
  };
};

const localPlace = (path: string, onExit: (exit: ProcessExit) => void): Place => ({
  address: path,
  remote: false,
  helloTimeoutMs: HELLO_TIMEOUT_MS,
  async locate(grpc, closed): Promise<Target> {
    while (!existsSync(path) && !closed.aborted) {
      await new Promise<void>((resolve) => {
        setTimeout(resolve, LOOK_MS).unref();
      });
    }
    return {
      target: `unix:${path}`,
      credentials: unheld(grpc.credentials.createInsecure()),
      // The name of a socket is no name of a host.
      options: { 'grpc.default_authority': 'localhost', 'grpc.enable_http_proxy': 0 },
      authorize: () => {},
    };
  },
  onExit: (exit) => onExit(exit),
  onClosed: () => rmSync(path, { force: true }),
});

const workerArgs = (path: string, settings: GrpcTransportSettings): readonly string[] => [
  ...['-m', 'snakepit', 'worker', settings.app, '--listen', `unix:${path}`],
  ...['--concurrency', String(settings.concurrency), '--cwd', settings.cwd],
  ...['--max-message-bytes', String(settings.maxFrameBytes)],
  ...['--max-session-bytes', String(settings.maxSessionBytes)],
  ...(settings.codec === 'auto' ? [] : ['--codec', settings.codec]),
  ...['--heartbeat-interval-ms', String(Math.max(10, settings.heartbeatIntervalMs))],
  // Whether it hangs is for the host to say.
  ...['--stuck-after-ms', '0', '--wait-for-host', '--with-stdin', '--once'],
];
