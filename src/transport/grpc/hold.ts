import { isIP, type Socket } from 'node:net';
import type { ChannelCredentials } from '@grpc/grpc-js';

/** The members of what makes a connection in grpc-js, as far as they are used here; they are not in its public types. */
interface Connector {
  connect(socket: Socket): Promise<{ readonly socket: Socket; readonly secure: boolean }>;
  readonly connectionOptions?: { servername?: string };
}
interface Making {
  _createSecureConnector?: (...args: unknown[]) => Connector;
}

const letGo = (socket: Socket): void => {
  socket.unref();
  // An HTTP/2 session calls this for as long as a call is open, and the one that watches the worker always is.
  socket.ref = () => socket;
};

/** Keeps connections from keeping Node alive: requests in flight do that. Where the library has changed, they do. */
export const unheld = (credentials: ChannelCredentials): ChannelCredentials => {
  const making = credentials as unknown as Making;
  const make = making._createSecureConnector?.bind(credentials);
  if (make === undefined) return credentials;
  making._createSecureConnector = (...args) => {
    const connector = make(...args);
    // An IP address is no name of a server (RFC 6066), and Node.js warns of it; it is the host, against which the certificate is checked all the same.
    const { connectionOptions: of } = connector;
    if (of?.servername !== undefined && isIP(of.servername) !== 0) of.servername = '';
    const connect = connector.connect.bind(connector);
    connector.connect = async (socket) => {
      letGo(socket);
      const made = await connect(socket);
      letGo(made.socket);
      return made;
    };
    return connector;
  };
  return credentials;
};
