import type { Method } from './messages.ts';

const SERVICE = 'snakepit.v1.Worker';
/** Field 1 of HealthCheckRequest, a string. */
const REQUEST = Buffer.concat([Buffer.from([0x0a, SERVICE.length]), Buffer.from(SERVICE)]);
const SERVING = 1;

/** `grpc.health.v1.Health/Check` for the workers' service; answers whether it serves. So small that it needs no library. */
export const healthCheck: Method<undefined, boolean> = {
  path: '/grpc.health.v1.Health/Check',
  serialize: () => REQUEST,
  // Field 1 of HealthCheckResponse, an enum.
  deserialize: (bytes) => bytes[0] === 0x08 && bytes[1] === SERVING,
};
