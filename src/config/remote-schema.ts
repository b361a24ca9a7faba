import { z } from 'zod';
import { readAddress, readDnsName, staysHere } from './address.ts';
import { duration, flag } from './fields.ts';

const address = z
  .string()
  .refine((text) => readAddress(text) !== undefined, 'host:port, [::1]:port or unix:/path')
  .describe('Where a worker listens.');
const dnsName = z
  .string()
  .refine((text) => readDnsName(text) !== undefined, 'dns:///name:port, or a list of addresses');

const tls = z
  .strictObject({
    ca: z
      .string()
      .min(1)
      .optional()
      .describe('File with the certificates of the authorities to trust (PEM). Default: those of Node.js.'),
    cert: z
      .string()
      .min(1)
      .optional()
      .describe('File with the certificate of this host (PEM), for workers that ask for one. Needs `key`.'),
    key: z.string().min(1).optional().describe('File with its private key (PEM).'),
    serverName: z
      .string()
      .min(1)
      .optional()
      .describe('Name that the certificate of a worker must be for. Default: the host in its address.'),
  })
  .refine(({ cert, key }) => (cert === undefined) === (key === undefined), 'cert and key belong together')
  .optional()
  .describe('TLS. The files are read at each connect, so that renewed ones need no restart.');

interface Remote {
  readonly addresses: string | readonly string[];
  readonly token?: string | undefined;
  readonly tokenFile?: string | undefined;
  readonly tls?: object | undefined;
  readonly insecure: boolean;
}

/** The first address whose calls would leave this machine. */
const firstAway = (addresses: Remote['addresses']): string | undefined =>
  typeof addresses === 'string'
    ? addresses
    : addresses.find((text) => {
        const found = readAddress(text);
        return found !== undefined && !staysHere(found);
      });

/** What leaves this machine in plain text must be meant to. */
const plaintextIsMeant = (remote: Remote, context: z.RefinementCtx): void => {
  if (remote.token !== undefined && remote.tokenFile !== undefined)
    context.addIssue({
      code: 'custom',
      path: ['tokenFile'],
      message: 'token and tokenFile exclude each other',
    });
  const away = firstAway(remote.addresses);
  if (remote.tls !== undefined || away === undefined) return;
  if (!remote.insecure)
    context.addIssue({
      code: 'custom',
      path: ['tls'],
      message: `'${away}' is not this machine, so calls need TLS: set tls (tls: {} trusts the authorities of Node.js), or insecure: true where the network itself is private`,
    });
  else if (remote.token !== undefined || remote.tokenFile !== undefined)
    context.addIssue({
      code: 'custom',
      path: ['token'],
      message: `a token goes over TLS alone, and '${away}' is not this machine: set tls, or leave the token out`,
    });
};

/** The option `remote` of a pool; see schema.ts. */
export const remoteSchema = z
  .strictObject({
    addresses: z
      .union([z.array(address).min(1).max(1024), dnsName])
      .describe(
        'Where the workers listen, one slot for each: a list of `host:port`, `[::1]:port` or `unix:/path`; or `dns:///name:port`: every address that name has, looked up anew from time to time.',
      ),
    token: z
      .string()
      .min(16)
      .optional()
      .describe(
        'Bearer token of the workers, at least 16 characters. Goes over TLS or stays on this machine.',
      )
      .meta({ secret: true }),
    tokenFile: z.string().min(1).optional().describe('File that holds it, read at each connect.'),
    tls,
    insecure: flag(
      false,
      'Talk in plain text beyond this machine. Only where the network itself is private.',
    ),
    connectTimeoutMs: duration(10_000, 'What a worker gets to answer the first call.'),
    resolveIntervalMs: duration(30_000, 'How often a `dns:///` name is looked up anew.'),
  })
  .superRefine(plaintextIsMeant)
  .optional()
  .describe(
    'Workers that somebody else has started, here or on other machines, over gRPC (`python -m snakepit worker`). Takes the place of `app`, `workers` and `transport`. Needs the npm packages `@grpc/grpc-js` and `@grpc/proto-loader`.',
  );

/** Where remote workers are, once validated. */
export type ResolvedRemote = NonNullable<z.output<typeof remoteSchema>>;
