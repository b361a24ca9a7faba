import { existsSync, rmSync } from 'node:fs';
import type { CodecName } from '../codec/index.ts';
import type { LinkHandler, SlotProgress, Transport, WorkerIdentity, WorkerLink } from '../contract.ts';
import { makeSocketDirectory, removeSocketDirectory } from '../directory.ts';
import { makeProgressFile, readLastStarted, readProgress } from '../progress.ts';
import { type WelcomeSettings, welcomeContent } from '../welcome.ts';
import { loadGrpc, type Peer } from './grpc.ts';
import { unheld } from './hold.ts';
import { GrpcLink } from './link.ts';
import type { Place, Target } from './place.ts';
import type { GrpcLinkSettings } from './settings.ts';

/** How often it is looked whether a process that was started listens. */
const LOOK_MS = 20;
/** What a worker gets to answer Hello; the start as a whole has a deadline of its own. */
const HELLO_TIMEOUT_MS = 120_000;
const GRPC_WORKER = ['-m', 'snakepit._grpc_worker'];

/** Settings of the gRPC transport for workers on this machine. */
export interface GrpcTransportSettings extends Omit<GrpcLinkSettings & WelcomeSettings, 'codecs'> {
  readonly codec: 'auto' | CodecName;
  /** Where the private directory is made. Default: the temporary directory. */
  readonly runtimeDir: string | undefined;
}

/** The link to a worker that this host starts. It shares a progress file with it, as over a socket. */
class LocalLink extends GrpcLink {
  readonly args = GRPC_WORKER;
  override readonly env: Readonly<Record<string, string>>;
  readonly #progressPath: string;
  readonly #concurrency: number;

  constructor(
    peer: Peer,
    identity: WorkerIdentity,
    settings: GrpcLinkSettings & WelcomeSettings,
    handler: LinkHandler,
    base: string,
  ) {
    const path = `${base}.sock`;
    super(peer, identity, settings, handler, localPlace(path));
    this.#progressPath = `${base}.progress`;
    this.#concurrency = settings.concurrency;
    makeProgressFile(this.#progressPath, settings.concurrency);
    const { codecs } = settings;
    this.env = {
      SNAKEPIT_SOCKET: path,
      SNAKEPIT_WORKER_ID: identity.workerId,
      SNAKEPIT_WORKER_SLOT: String(identity.slot),
      SNAKEPIT_WELCOME: JSON.stringify({ ...welcomeContent(settings, identity, this.#progressPath), codecs }),
    };
  }

  override progress(): readonly SlotProgress[] {
    return readProgress(this.#progressPath, this.#concurrency);
  }

  override takeLastStarted(): readonly number[] {
    const last = readLastStarted(this.#progressPath, this.#concurrency);
    rmSync(this.#progressPath, { force: true });
    return last;
  }
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
      const base = `${directory}/w${++opened}`;
      const link = new LocalLink(peer, identity, { ...settings, codecs }, handler, base);
      link.connect();
      return link;
    },
    close: () => removeSocketDirectory(directory),
  };
};

const localPlace = (path: string): Place => ({
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
  // The process that was started is the one that runs the handlers, and its end is seen.
  onExit: () => {},
  onClosed: () => rmSync(path, { force: true }),
});
