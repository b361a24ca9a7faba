import { fileURLToPath } from 'node:url';
import {
  type Client,
  credentials,
  type GrpcObject,
  loadPackageDefinition,
  type ServiceError,
} from '@grpc/grpc-js';
import { loadSync } from '@grpc/proto-loader';
import { onTestFinished } from 'vitest';

const proto = fileURLToPath(new URL('health.proto', import.meta.url));
const loaded = loadPackageDefinition(loadSync(proto, { enums: String, defaults: true })) as GrpcObject & {
  grpc: { health: { v1: { Health: new (...args: ConstructorParameters<typeof Client>) => Client } } };
};

/** What was watched so far, and how it ended. */
export interface Watched {
  readonly seen: string[];
  ended: ServiceError | 'end' | undefined;
  cancel(): void;
}

/** A client of the published protocol, closed when the test ends. */
export const connectHealth = (address: string) => {
  const client = new loaded.grpc.health.v1.Health(address, credentials.createInsecure());
  onTestFinished(() => client.close());
  // biome-ignore lint/suspicious/noExplicitAny: methods made from a .proto file at run time have no types
  const methods = client as any;
  const call = (method: string, request: object): Promise<Record<string, unknown>> =>
    new Promise((resolve, reject) => {
      methods[method](request, { deadline: Date.now() + 20_000 }, (error: unknown, answer: never) =>
        error ? reject(error) : resolve(answer),
      );
    });
  return {
    check: async (service = '', more: object = {}) => (await call('Check', { service, ...more })).status,
    list: async () => {
      const { statuses } = (await call('List', {})) as { statuses: Record<string, { status: string }> };
      return Object.fromEntries(Object.entries(statuses).map(([name, { status }]) => [name, status]));
    },
    watch: (service = ''): Watched => {
      const stream = methods.Watch({ service });
      const watched: Watched = { seen: [], ended: undefined, cancel: () => stream.cancel() };
      onTestFinished(() => stream.cancel());
      stream.on('data', ({ status }: { status: string }) => watched.seen.push(status));
      stream.on('error', (error: ServiceError) => {
        watched.ended ??= error;
      });
      stream.on('end', () => {
        watched.ended ??= 'end';
      });
      return watched;
    },
  };
};
