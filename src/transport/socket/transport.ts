import type { CodecName } from '../codec/index.ts';
import type { LinkHandler, Transport, WorkerIdentity, WorkerLink } from '../contract.ts';
import { makeSocketDirectory, removeSocketDirectory } from '../directory.ts';
import { type LinkSettings, SocketLink } from './link.ts';

/** Settings of the socket transport of a pool. */
export interface SocketTransportSettings extends Omit<LinkSettings, 'codecs'> {
  readonly codec: 'auto' | CodecName;
  /** Where the private directory is made. Default: the temporary directory. */
  readonly runtimeDir: string | undefined;
}

/**
 * Workers on this machine, over one Unix domain socket each.
 *
 * @throws SnakepitError `invalid_configuration` when no directory for the sockets can be made
 */
export const createSocketTransport = async (
  settings: SocketTransportSettings,
): Promise<Transport & { readonly directory: string }> => {
  const directory = await makeSocketDirectory(settings.runtimeDir);
  const codecs: readonly CodecName[] = settings.codec === 'auto' ? ['msgpack', 'json'] : [settings.codec];
  let opened = 0;
  return {
    kind: 'socket',
    directory,
    async open(identity: WorkerIdentity, handler: LinkHandler): Promise<WorkerLink> {
      const link = new SocketLink(directory, `w${++opened}`, identity, { ...settings, codecs }, handler);
      await link.listen();
      return link;
    },
    close: () => removeSocketDirectory(directory),
  };
};
