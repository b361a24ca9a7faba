import { SnakepitError } from '../../errors/index.ts';

interface Wanted {
  readonly section: string;
  /** The option that holds the port. Default: `port`. */
  readonly portKey?: string | undefined;
  readonly host: string;
  readonly port: number;
}

const explain = (
  code: string | undefined,
  { section, portKey = 'port', host, port }: Wanted,
): string | undefined => {
  switch (code) {
    case 'EADDRINUSE':
      return (
        `${section}.${portKey}: got ${port}, but another program already listens there on ${host}. ` +
        `Choose another port (0 picks a free one), or stop that program.`
      );
    case 'EACCES':
    case 'EPERM':
      return (
        `${section}.${portKey}: got ${port}, which this user may not bind on ${host}. ` +
        `Choose a port from 1024 up (0 picks a free one), or grant the right to bind it.`
      );
    case 'ENOTFOUND':
    case 'EAI_AGAIN':
    case 'EAI_FAIL':
      return (
        `${section}.host: got '${host}', which does not resolve to an address. ` +
        `Use 127.0.0.1 for this machine alone, 0.0.0.0 for all its addresses, or a name it knows.`
      );
    case 'EADDRNOTAVAIL':
    case 'EAFNOSUPPORT':
      return (
        `${section}.host: got '${host}', which is not an address of this machine. ` +
        `Use 127.0.0.1 for this machine alone, 0.0.0.0 for all its addresses, or one that it has.`
      );
    default:
      return undefined;
  }
};

/** Why a server could not listen, in terms of the options that would mend it. Other errors come back as they are. */
export const bindFault = (cause: NodeJS.ErrnoException, wanted: Wanted): Error => {
  const message = explain(cause.code, wanted);
  return message === undefined ? cause : new SnakepitError('invalid_configuration', message, { cause });
};
