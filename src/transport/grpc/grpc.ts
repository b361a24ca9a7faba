import { fileURLToPath } from 'node:url';
import type * as Grpc from '@grpc/grpc-js';
import { loadPeer } from '../../errors/index.ts';
import type { Method, Methods } from './messages.ts';

/** What is used of `@grpc/grpc-js`. */
export type GrpcJs = typeof Grpc;

/** The library and the service, loaded once something needs them. */
export interface Peer {
  readonly grpc: GrpcJs;
  readonly methods: Methods;
}

/** `src` and `dist` lie side by side in the package. */
const PROTO = fileURLToPath(new URL('../../../proto/snakepit/v1/worker.proto', import.meta.url));

let loaded: Promise<Peer> | undefined;

/**
 * Loads gRPC and the service.
 *
 * @param option - the option that needs it, for the message
 * @throws SnakepitError `invalid_configuration`, as a rejection, when one of the two packages is not installed
 */
export const loadGrpc = (option: string): Promise<Peer> => {
  loaded ??= load(option);
  loaded.catch(() => {
    loaded = undefined;
  });
  return loaded;
};

const load = async (option: string): Promise<Peer> => {
  const [module, loader] = await Promise.all([
    loadPeer('@grpc/grpc-js', option, () => import('@grpc/grpc-js')),
    loadPeer('@grpc/proto-loader', option, () => import('@grpc/proto-loader')),
  ]);
  const definition = await loader.load(PROTO, {
    keepCase: true,
    longs: Number,
    bytes: Buffer,
    defaults: true,
    oneofs: false,
  });
  const service = definition['snakepit.v1.Worker'] as Grpc.ServiceDefinition;
  const method = <Request, Reply>(name: string): Method<Request, Reply> => {
    const found = service[name] as Grpc.MethodDefinition<Request, Reply>;
    return {
      path: found.path,
      serialize: found.requestSerialize,
      deserialize: found.responseDeserialize,
    };
  };
  return {
    grpc: module,
    methods: {
      hello: method('Hello'),
      watch: method('Watch'),
      execute: method('Execute'),
      stream: method('ExecuteStream'),
      exchange: method('Exchange'),
      recall: method('Recall'),
      stacks: method('Stacks'),
      stop: method('Stop'),
    },
  };
};
