import type { LinkFault } from '../contract.ts';
import type { Place } from './place.ts';

interface Status {
  readonly status: string;
  readonly details: string;
}

/** What words in the details of a failed connection mean, and what helps. First match counts. */
const connectionFaults: readonly (readonly [pattern: RegExp, what: string])[] = [
  [
    /ECONNREFUSED/,
    'nothing listens there: start the worker (python -m snakepit worker APP --listen …), or mend remote.addresses',
  ],
  [/ENOTFOUND|EAI_AGAIN|Name resolution failed/i, 'that name cannot be resolved: mend remote.addresses'],
  [/EHOSTUNREACH|ENETUNREACH|ETIMEDOUT/, 'no way leads there: look at the network, or mend remote.addresses'],
  [
    /certificate has expired|not yet valid|CERT_HAS_EXPIRED|CERT_NOT_YET_VALID/i,
    'its certificate is out of date: renew it on the worker',
  ],
  [
    /altnames|ERR_TLS_CERT_ALTNAME/i,
    'its certificate is for another name: name one that is in it as remote.tls.serverName, or have one made for this address',
  ],
  [
    /self.signed|unable to (verify|get)|UNABLE_TO|unknown ca|issuer/i,
    'its certificate is not signed by an authority known here: name the right one as remote.tls.ca',
  ],
  [
    /wrong version number|packet length too long|unexpected message|http request/i,
    'it answers without TLS: have the worker use TLS (--tls-cert, --tls-key), or leave remote.tls out',
  ],
  [
    /alert|handshake|certificate required|bad certificate/i,
    'it refused the TLS handshake: it may want a certificate of this host (remote.tls.cert, remote.tls.key) that its --tls-client-ca has signed',
  ],
  [
    /ECONNRESET|socket hang up|closed|Protocol error|Connection dropped|Failed to connect/i,
    'it took the connection and ended it: it may want TLS (remote.tls), or a certificate of this host (remote.tls.cert), or be no gRPC server at all',
  ],
];

const notSnakepit =
  'something else answers there, no Snakepit worker (it has no service snakepit.v1.Worker): mend remote.addresses';

/** Why a worker could not be had, from the failure of the first call to it. */
export const explainRefusal = (
  { address, helloTimeoutMs }: Pick<Place, 'address' | 'helloTimeoutMs'>,
  { status, details }: Status,
): Pick<LinkFault, 'code' | 'message'> => {
  const got = `(${status}: ${details})`;
  const because = (why: string) => `No worker can be had at ${address}: ${why} ${got}.`;
  switch (status) {
    case 'UNIMPLEMENTED':
      return { code: 'protocol_error', message: because(notSnakepit) };
    case 'FAILED_PRECONDITION':
      return { code: 'protocol_error', message: because('it and this host do not suit each other') };
    case 'UNAUTHENTICATED':
    case 'PERMISSION_DENIED':
      return {
        code: 'transport_error',
        message: because('it does not let this host in: set remote.token to the token of the worker'),
      };
    case 'DEADLINE_EXCEEDED':
      return {
        code: 'transport_error',
        message: because(
          `it did not answer within ${helloTimeoutMs} ms (remote.connectTimeoutMs): look whether a Snakepit worker runs there and can be reached`,
        ),
      };
    default: {
      // A server of another protocol answers with something that has no status of gRPC.
      if (/HTTP status|content-type/i.test(details) && status !== 'UNAVAILABLE')
        return { code: 'protocol_error', message: because(notSnakepit) };
      const known = connectionFaults.find(([pattern]) => pattern.test(details));
      return { code: 'transport_error', message: because(known?.[1] ?? 'it cannot be reached') };
    }
  }
};
